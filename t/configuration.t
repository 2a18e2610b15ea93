#!/usr/bin/perl

# Mistakes in the configuration: nginx does not start and says, in one
# message, which directive is meant.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    %%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; %%LOCATION%% }
        location /gs { %%ENDPOINT%% }
        location /status { gmchat status; }
    }
}
EOF

my $store = 'gmchat_redis redis://127.0.0.1:6379;';

sub check {
    my (%vars) = @_;

    my $nginx = make_nginx(conf => $conf,
        vars => { HTTP => $store, LOCATION => '', ENDPOINT => 'gmchat gs;',
            %vars },
        allow => [ qr/\[emerg\]/ ]);

    return $nginx->check_conf;
}

sub refused {
    my ($label, $names, %vars) = @_;

    my ($status, $said) = check(%vars);
    my @messages = $said =~ /^.*\[emerg\].*$/mg;

    isnt($status, 0, "$label: refused");
    is(scalar @messages, 1, "$label: by one message");
    like("@messages", qr/$names/, "$label: which names it");
    like("@messages", qr{nginx\.conf:\d+|/no/such/file},
        "$label: and where it is");
}

sub accepted {
    my ($label, %vars) = @_;

    my ($status, $said) = check(%vars);
    is($status, 0, "$label: accepted") || diag($said);
}

accepted('nothing but the store');

# gmchat_redis

for my $case (
    [ 'a scheme that is none', 'http://127.0.0.1' ],
    [ 'no scheme', '127.0.0.1:6379' ],
    [ 'no host', 'redis://' ],
    [ 'port 0', 'redis://127.0.0.1:0' ],
    [ 'port 65536', 'redis://127.0.0.1:65536' ],
    [ 'a port that is no number', 'redis://127.0.0.1:x' ],
    [ 'a database that is no number', 'redis://127.0.0.1/x' ],
    [ 'a negative database', 'redis://127.0.0.1/-1' ],
    [ 'no path', 'unix:' ],
    [ 'a path that is too long', 'unix:/' . 'x' x 200 ],
    [ 'a wrong connect_timeout', 'redis://127.0.0.1 connect_timeout=x' ],
    [ 'a wrong timeout', 'redis://127.0.0.1 timeout=x' ],
    [ 'a negative timeout', 'redis://127.0.0.1 timeout=-1s' ],
    [ 'a wrong queue', 'redis://127.0.0.1 queue=x' ],
    [ 'an empty queue', 'redis://127.0.0.1 queue=0' ],
    [ 'wrong bytes of a queue', 'redis://127.0.0.1 queue=10,x' ],
    [ 'a wrong probe', 'redis://127.0.0.1 probe=x' ],
    [ 'no wake_timeout', 'redis://127.0.0.1 wake_timeout=0' ],
    [ 'a wake_timeout that is too short',
      'redis://127.0.0.1 wake_timeout=299ms' ],
    [ 'a wake_timeout that is too long',
      'redis://127.0.0.1 wake_timeout=61s' ],
    [ 'a wrong wake_timeout', 'redis://127.0.0.1 wake_timeout=x' ],
    [ 'a password file that is not there',
      'redis://127.0.0.1 password_file=/no/such/file' ],
    [ 'a CA file that is not there',
      'rediss://127.0.0.1 ca=/no/such/file' ],
    [ 'a wrong verify', 'rediss://127.0.0.1 verify=perhaps' ],
    [ 'a user without a password', 'redis://user@127.0.0.1' ],
    [ 'TLS without an authority', 'rediss://127.0.0.1' ],
    [ 'an unknown parameter', 'redis://127.0.0.1 nonsense=1' ],
    [ 'a parameter without a value', 'redis://127.0.0.1 timeout' ],
) {
    my ($label, $value) = @$case;
    my ($last) = $value =~ /(\S+)$/;
    refused("gmchat_redis: $label", 'gmchat_redis|/no/such/file|"' . quotemeta($last),
        HTTP => "gmchat_redis $value;");
}

refused('gmchat_redis twice', 'gmchat_redis', HTTP => "$store $store");

for my $url ('redis://127.0.0.1', 'redis://127.0.0.1:6380/15',
    'redis://localhost', 'unix:/tmp/redis.sock', 'unix:/tmp/redis.sock:3',
    'redis://[::1]:6379', 'rediss://127.0.0.1 verify=off',
    'redis://127.0.0.1 connect_timeout=1s timeout=2s queue=100,1m probe=5s',
    'redis://127.0.0.1 wake_timeout=300ms',
    'redis://127.0.0.1 wake_timeout=1m')
{
    accepted("gmchat_redis $url", HTTP => "gmchat_redis $url;");
}

# the others

my $long = 'x' x 65;

for my $case (
    [ 'gmchat', 'gmchat gm;' ],
    [ 'gmchat', 'gmchat gs;' ],
    [ 'gmchat_group', 'gmchat_group "";' ],
    [ 'gmchat_group', 'gmchat_group "a b";' ],
    [ 'gmchat_group', 'gmchat_group "a{b}";' ],
    [ 'gmchat_group', "gmchat_group $long;" ],
    [ 'gmchat_group', 'gmchat_group default nonsense;' ],
    [ 'gmchat_group', 'gmchat_group eu; gmchat_group us;' ],
    [ 'gmchat_message_max', 'gmchat_message_max x;' ],
    [ 'gmchat_message_max', 'gmchat_message_max 0;' ],
    [ 'gmchat_message_max', 'gmchat_message_max 4k; gmchat_message_max 8k;' ],
    [ 'gmchat_mailbox_max', 'gmchat_mailbox_max x 8m;' ],
    [ 'gmchat_mailbox_max', 'gmchat_mailbox_max 0 8m;' ],
    [ 'gmchat_mailbox_max', 'gmchat_mailbox_max 100 x;' ],
    [ 'gmchat_history', 'gmchat_history x 30d;' ],
    [ 'gmchat_history', 'gmchat_history 200 x;' ],
    [ 'gmchat_redeliver', 'gmchat_redeliver x;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache on;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache off max=10;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache max=0;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache max=1000001;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache max=;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache max=10 inactive=99ms;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache max=10 inactive=86401s;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache max=10 inactive=x;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache max=10 inactive=1s x;' ],
    [ 'gmchat_poll_cache', 'gmchat_poll_cache off; gmchat_poll_cache off;' ],
    [ 'gmchat_role_check', 'gmchat_role_check;' ],
    [ 'gmchat_role_check', 'gmchat_role_check role;' ],
    [ 'gmchat_role_check', 'gmchat_role_check /role from=x;' ],
    [ 'gmchat_role_check', 'gmchat_role_check /role nonsense;' ],
    [ 'gmchat_allow_file', 'gmchat_allow_file;' ],
) {
    my ($directive, $text) = @$case;
    my $label = length $text > 50 ? substr($text, 0, 40) . '...' : $text;
    refused($label, $directive, LOCATION => $text);
}

for my $text ('gmchat_group eu;', 'gmchat_group $arg_x;',
    'gmchat_group default client;', 'gmchat_message_max 1k;',
    'gmchat_mailbox_max 100 1m;', 'gmchat_history 10 1d;',
    'gmchat_redeliver 10s;', 'gmchat_role_check /role;',
    'gmchat_poll_cache off;', 'gmchat_poll_cache max=1;',
    'gmchat_poll_cache max=1000000 inactive=100ms;',
    'gmchat_poll_cache inactive=1d;',
    'gmchat_role_check /role from=1000;')
{
    accepted($text, LOCATION => $text);
}

# directives with a range: the least and the most, with what is beyond

for my $range (
    [ 'gmchat_window', [ 0, 100001, -1, 'x' ], [ 1, 100000 ] ],
    [ 'gmchat_stream_buffer', [ 1023, '16385k', 0, 'x' ], [ '1k', '16m' ] ],
    [ 'gmchat_frame_max', [ 1023, '16385k', 0, 'x' ], [ '1k', '16m' ] ],
    [ 'gmchat_heartbeat', [ '99ms', '86401s', 0, 'x' ], [ '100ms', '1d' ] ],
    [ 'gmchat_grace', [ '99ms', '86401s', 0, 'x' ], [ '100ms', '1d' ] ],
    [ 'gmchat_host_silent', [ '9999ms', '86401s', 0, 'x' ],
      [ '10s', '1d' ] ],
    [ 'gmchat_ping', [ '99ms', '86401s', 0, 'x' ], [ '100ms', '1d' ] ],
    [ 'gmchat_ping 1s',
      [ 'pong=99ms', 'pong=86401s', 'pong=0', 'pong=', 'pong=x', 'pong',
        '1s', 'pong=1s pong=1s' ],
      [ 'pong=100ms', 'pong=1d' ] ],
) {
    my ($directive, $bad, $good) = @$range;
    my ($name) = $directive =~ /^(\w+)/;

    # nginx checks a number's range itself, and names the line alone

    refused("$directive $_;", $name, LOCATION => "$directive $_;")
        for @$bad;
    accepted("$directive $_;", LOCATION => "$directive $_;") for @$good;
    accepted("$directive $_; for all servers",
        HTTP => "$store $directive $_;") for $good->[0];
    refused("$directive twice", $name,
        LOCATION => "$directive $good->[0]; $directive $good->[0];");
}

for my $text ('gmchat_origin;', 'gmchat_origin other;',
    'gmchat_origin console.example.com;', 'gmchat_origin wss://a.example;',
    'gmchat_origin https://a.example same;',
    'gmchat_origin https://a.example b.example;',
    'gmchat_origin same; gmchat_origin same;',
    'gmchat_origin *; gmchat_origin *;')
{
    refused($text, 'gmchat_origin', LOCATION => $text);
}

for my $text ('gmchat_origin same;', 'gmchat_origin *;',
    'gmchat_origin http://127.0.0.1:8080;',
    'gmchat_origin https://a.example https://b.example:8443;')
{
    accepted($text, LOCATION => $text);
    accepted("$text for all servers", HTTP => "$store $text");
}

# what an endpoint may be

for my $text ('gmchat nonsense;', 'gmchat;', 'gmchat gm gs;', 'gmchat GM;') {
    refused($text, 'gmchat', ENDPOINT => $text);
}

# where a directive may stand

refused('gmchat outside a location', 'gmchat', HTTP => "$store gmchat gm;");

for my $text ('gmchat_group eu;', 'gmchat_message_max 1k;',
    'gmchat_mailbox_max 100 1m;', 'gmchat_history 10 1d;',
    'gmchat_redeliver 10s;', 'gmchat_poll_cache off;')
{
    accepted("$text for all servers", HTTP => "$store $text");
}

done_testing();
