#!/usr/bin/perl

# add asks the role service whether the player exists.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::More;

# A service that takes connections; the test answers by hand, or never.
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
    Listen => 50) or die $!;
my $by_hand = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
    Listen => 50) or die $!;

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, vars => {
    SILENT  => '127.0.0.1:' . $silent->sockport,
    BY_HAND => '127.0.0.1:' . $by_hand->sockport,
}, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;

    server {
        listen 127.0.0.1:%%PORT%%;

        location /gm   { gmchat gm; gmchat_role_check /role; }
        location /from { gmchat gm; gmchat_role_check /role from=1000; }
        location /slow { gmchat gm; gmchat_role_check /silent; }
        location /away { gmchat gm; gmchat_role_check /nobody; }
        location /hand { gmchat gm; gmchat_role_check /by-hand from=1000; }
        location /kept { gmchat gm; gmchat_role_check /by-hand-kept; }
        location /lost { gmchat gm; gmchat_role_check /no-such-location; }
        location /gs   { gmchat gs; }

        location = /role {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_role%%/exists;
        }
        location = /silent {
            internal;
            proxy_read_timeout 300ms;
            proxy_pass http://%%SILENT%%;
        }
        location = /nobody {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_nobody%%;
        }
        location = /by-hand {
            internal;
            proxy_pass http://%%BY_HAND%%;
        }
        location = /by-hand-kept {
            internal;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass http://by_hand;
        }
    }

    upstream by_hand {
        server %%BY_HAND%%;
        keepalive 4;
    }

    # the role service: what it says depends on the player
    map $arg_uid $answer {
        10  '{"code":0}';
        11  '{"code":"1"}';
        12  '{"code":true}';
        13  '{"code":null}';
        14  '{"code":11}';
        15  '{"code":-1}';
        16  '{}';
        17  '{"Code":1}';
        18  '{"data":{"code":1}}';
        19  '{"code":[1]}';
        20  '[1]';
        21  '[{"code":1}]';
        22  '1';
        23  '"code"';
        24  '<html>code 1</html>';
        25  '{"code":1';
        26  '{"code":1} trailing';
        27  'null';
        default '{"code":1,"data":{"name":"x"}}';
    }

    log_format role '$request_method $request_uri "$content_length"';

    server {
        listen 127.0.0.1:%%PORT_role%%;
        access_log %%DIR%%/role.log role;

        if ($arg_uid = 30) { return 500; }
        if ($arg_uid = 31) { return 503 '{"code":1}'; }
        if ($arg_uid = 32) { return 502; }
        if ($arg_uid = 33) { return 200 ''; }
        if ($arg_uid = 34) { return 404; }
        if ($arg_uid = 35) { return 444; }

        location = /exists { return 200 $answer; }
    }
}
EOF

sub add {
    my ($endpoint, $host, $uid) = @_;

    return $nginx->call($endpoint, 'add', gm_account => 1, host => $host,
        uid => $uid);
}

sub begun {
    my ($host) = @_;

    return data($nginx->gs('relation', host => $host), 'apply_data');
}

sub asked {
    open(my $log, '<', "$nginx->{dir}/role.log") or return ();

    my @lines = <$log>;

    return @lines;
}

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');

# yes

is_bare(add('/gm', 1001, 5), 'a player who exists');
is_deeply(begun(1001), { 5 => [ '1', 'Ann' ] }, 'gets the GM');
ok(wait_until(sub { asked() == 1 }), 'the service was asked once');
my ($request) = asked();
like($request, qr{^GET /exists\?}, 'with GET');
like($request, qr{[?&]uid=5\b}, 'with the uid');
like($request, qr{[?&]hostnum=1001\b}, 'and the host as hostnum');

is_bare($nginx->post_form('/gm', { action => 'add', gm_account => 1,
    host => 1001, uid => 6 }), 'add by a form');
is_bare($nginx->post_json('/gm', { action => 'add', gm_account => 1,
    host => 1001, uid => 7 }), 'add by JSON');
ok(wait_until(sub { asked() == 3 }), 'asked for each');
is_deeply([ grep { !/^GET .*"-?"$/ } asked() ], [],
    'always with GET and no body');
begun(1001);

# no

for my $uid (10 .. 19) {
    is_error(add('/gm', 1001, $uid), 4, qr/\w/,
        "player $uid: an answer other than code 1 means no");
}

# no answer

for my $uid (20 .. 27) {
    is_error(add('/gm', 1001, $uid), -5, qr/\w/,
        "player $uid: an answer that is no JSON object");
}

is_error(add('/gm', 1001, 30), -5, qr/\w/, 'status 500');
is_error(add('/gm', 1001, 31), -5, qr/\w/, 'status 503, whatever it says');
is_error(add('/gm', 1001, 32), -5, qr/\w/, 'status 502');
is_error(add('/gm', 1001, 33), -5, qr/\w/, 'an empty answer');
is_error(add('/gm', 1001, 34), -5, qr/\w/, 'status 404');
my $reply = add('/gm', 1001, 35);
is_error($reply, -5, qr/\w/, 'a connection closed without an answer');
like($reply->{headers}{'retry-after'}, qr/^\d+$/, 'and when to try again');
is_error(add('/slow', 1001, 40), -5, qr/\w/, 'a service that does not answer');
is_error(add('/away', 1001, 41), -5, qr/\w/, 'a service that is not there');
is_error(add('/lost', 1001, 42), -5, qr/\w/, 'a location that is not there');
is_deeply(begun(1001), {}, 'nothing of all this is a friendship');
is(data($nginx->gm('accounts'))->[0]{friends}, 3, 'nor counted as one');

# hosts without role data

is_bare(add('/from', 999, 10), 'a host below from= is not asked about');
is_error(add('/from', 1000, 16), 4, qr/\w/, 'the host from= names is');
is_error(add('/from', 1001, 16), 4, qr/\w/, 'and those above');

# what is refused anyway needs no service

is_error($nginx->call('/away', 'add', gm_account => 'x', host => 1001,
    uid => 5), -1, qr/gm_account/, 'no integer, service away: -1');
is_error($nginx->call('/away', 'add', gm_account => 404, host => 1001,
    uid => 50), 2, qr/\w/, 'no such GM, service away: 2');
is_error(add('/away', 1001, 5), 3, qr/\w/,
    'a player who has a GM, service away: 3');
is_bare($nginx->call('/away', 'online', gm_account => 1),
    'other actions do not ask');

# while the service thinks

sub asked_by_hand {
    my $socket = $by_hand->accept or die $!;
    my $text = '';
    sysread($socket, $text, 65536, length $text) || die 'no request'
        while $text !~ /\r\n\r\n/;

    return $socket;
}

sub begin_add {
    my ($uid) = @_;

    my $connection = $nginx->connect;
    $connection->write(format_request('GET', Test::Gmchat::Nginx::uri('/hand',
        'add', gm_account => 1, host => 1001, uid => $uid)));

    return ($connection, asked_by_hand());
}

my $body = '{"code":1}';
my $yes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n$body";

my ($connection, $service) = begin_add(60);
is_bare(add('/hand', 999, 60), 'another add of the same player is faster');
syswrite($service, $yes);
close($service);
is_error($connection->response, 3, qr/\w/, 'the slower one is told');

($connection, $service) = begin_add(61);
syswrite($service, $_) for split(//, $yes);
close($service);
is_bare($connection->response, 'an answer that comes a byte at a time');

($connection, $service) = begin_add(62);
syswrite($service, "HTTP/1.1 200 OK\r\n\r\n{\"code\":1,\"pad\":\""
    . 'x' x 3_000 . '"}');
close($service);
is_bare($connection->response, 'an answer without a length');

($connection, $service) = begin_add(63);
syswrite($service, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    . '{"code":1,"na');
close($service);
is_error($connection->response, -5, qr/\w/, 'an answer that ends too early');

($connection, $service) = begin_add(64);
$connection->reset;
syswrite($service, $yes);
close($service);
is_bare(add('/hand', 999, 65), 'a client that goes away meanwhile hurts nobody');

($connection, $service) = begin_add(66);
ok($nginx->reload_begin, 'a reload meanwhile');
syswrite($service, $yes);
close($service);
is_bare($connection->response, 'is no hindrance');

# The bridge asks, not the client: what a client sends besides the parameters
# stays here, also where connections to the service are kept.

sub asked_for {
    my ($uid, $label, %arg) = @_;

    my $connection = $nginx->connect;
    $connection->write(format_request('POST', Test::Gmchat::Nginx::uri('/kept',
        'add', gm_account => 1, host => 1001, uid => $uid), headers => [
            'Cookie: session=of-the-client',
            'Authorization: Basic b2YtdGhlLWNsaWVudA==',
            'X-Of-The-Client: 1',
        ], %arg));

    my $service = $by_hand->accept or die $!;
    my $text = '';
    sysread($service, $text, 65536, length $text) || die 'no request'
        while $text !~ /\r\n\r\n/;
    syswrite($service, $yes);

    is_bare($connection->response, "$label: a player who exists gets the GM");

    # all that came before the answer did is there now
    sysread($service, $text, 65536, length $text)
        if IO::Select->new($service)->can_read(0);
    close($service);

    my ($first, $behind) = split(/\r\n\r\n/, $text, 2);
    like($first, qr{^GET /by-hand-kept\?[^ ]* HTTP/1\.1\r\n},
        "$label: the service is asked with GET");
    unlike($first, qr/of-the-client|^(?:cookie|authorization)\b/im,
        "$label: without the client's headers");
    unlike($first, qr/^(?:content-|transfer-encoding)/im,
        "$label: without a header that announces a body");
    is($behind, '', "$label: and nothing comes after it");
}

asked_for(70, 'a body that looks like a request',
    type => 'application/x-www-form-urlencoded',
    body => "GET /delete?uid=5 HTTP/1.1\r\nHost: x\r\n\r\n");
asked_for(71, 'a body of JSON', type => 'application/json',
    body => '{"nocache":"of-the-client"}');
asked_for(72, 'a large body', type => 'application/x-www-form-urlencoded',
    body => 'pad=' . 'x' x 100_000);
asked_for(73, 'an empty body', body => '');

finish();
