#!/usr/bin/perl

# nginx reloads its configuration: calls in flight end well, none is lost.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Crowd qw(crowd);
use Test::Gmchat::Http qw(format_request);
use Test::More;

use constant { CLIENTS => 10, EACH => 200, RELOADS => 4 };

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);
my $nginx = start_nginx(quiet => 1, redis => $fake, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=30s connect_timeout=30s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_)
    for 0 .. CLIENTS - 1;

# a call that waits for Redis while the worker is told to go

$nginx->gm('send', gm_account => 1, uid => 5, text => 'x');
$fake->on(name => 'EVALSHA', hold => 1);
my $connection = $nginx->connect;
$connection->write(format_request('GET', '/gs?action=receive&host=1001'));
ok($fake->wait_held, 'a call waits for Redis');
my @old = $nginx->reload_begin;
my %old = map { $_ => 1 } @old;
ok(wait_until(sub {
    my @new = grep { !$old{$_} } $nginx->workers;
    return @new == @old;
}), 'new workers are there');
$fake->clear_rules;
$fake->release;
is(data($connection->response)->[0]{msg}, 'eA==',
    'the call gets its reply from the old worker');
ok(wait_until(sub { $nginx->reload_done(@old) }), 'which then goes');

# reloads under load

my @done = (0) x CLIENTS;
my $stored = 0;
my %refused;
my $reloads = 0;
my @leaving;

crowd(
    address => $nginx->address,
    clients => CLIENTS,
    next    => sub {
        my ($client) = @_;

        my $n = $done[$client];
        return if $n >= EACH && $reloads == RELOADS;
        return '' if $n >= EACH;
        return format_request('GET', Test::Gmchat::Nginx::uri('/gs', 'send',
            uid => $client, text => "$client-$n", msgid => "n$n"));
    },
    answer => sub {
        my ($client, $response) = @_;

        # An idle connection may be closed just as a call is written on it.
        return if !$response;

        $refused{ $response->{body} }++ if !$response->{json}{res};
        $done[$client]++ if $response->{json}{res};
        $stored++;
    },
    tick => sub {
        return if $stored < $reloads * CLIENTS * EACH / RELOADS;

        if (!@leaving) {
            @leaving = $nginx->reload_begin;
            return;
        }

        if ($nginx->reload_done(@leaving)) {
            @leaving = ();
            $reloads++;
        }
    },
);

is($reloads, RELOADS, 'nginx reloaded while clients sent');
is_deeply(\%refused, {}, 'no call was refused');

my @texts;

wait_until(sub {
    push @texts, map { $_->{text} } items($nginx->gm('receive',
        limit => 1000, format => 'json'));
    return @texts >= CLIENTS * EACH;
});

my %of;
push @{ $of{ (split /-/)[0] } }, $_ for @texts;
is_deeply(\%of, { map { my $client = $_; $client =>
    [ map { "$client-$_" } 0 .. EACH - 1 ] } 0 .. CLIENTS - 1 },
    'every message is there once, in order');

# nothing is left behind

ok(wait_until(sub { $fake->connections <= 2 }),
    'workers that went left no connection to Redis open');

# a configuration that is broken changes nothing

ok(wait_until(sub { $nginx->workers == 2 }), 'the old workers are gone');
my @workers = $nginx->workers;
my $good = $nginx->{conf};
(my $broken = $good) =~ s/gmchat gs;/gmchat nonsense;/;
$nginx->{quiet} = 0;
$nginx->{allow} = [ qr/"gmchat" directive/ ];
$nginx->write_conf($broken);
kill('HUP', $nginx->{pid});
ok(wait_until(sub { $nginx->{log}->lines(qr/\[emerg\].*"gmchat"/) }),
    'a broken configuration is said');
is_success($nginx->gs('receive', host => 1001), 'and the old one serves on');
is_deeply([ $nginx->workers ], \@workers, 'with the same workers');
$nginx->write_conf($good);
ok($nginx->reload, 'a good one is taken again');
is_success($nginx->gs('receive', host => 1001), 'and serves');

finish();
