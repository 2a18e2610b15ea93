#!/usr/bin/perl

# Streams over WebSocket: the handshake, events, calls in frames, and how a
# connection ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Test::Gmchat;
use Test::Gmchat::WebSocket
    qw(frame close_frame call_frame accept_of PING PONG TEXT);
use Test::More;

my $dir = temp_folder();
my $list = "$dir/servers";
write_file($list, <<'LIST');
192.0.2.1 1001
192.0.2.2 1001 1002 1003
192.0.2.9
LIST

# A role service by hand.
my $by_hand = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
    Listen => 50) or die $!;

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, vars => {
    LIST    => $list,
    BY_HAND => '127.0.0.1:' . $by_hand->sockport,
}, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    gmchat_host_silent 1d;
    gmchat_redeliver 600s;

    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Client;

        location /gm { gmchat gm; }
        location /gs { gmchat gs; }

        # the same calls by HTTP and in frames, in groups of their own
        location /http/gm   { gmchat gm; gmchat_group http; }
        location /http/gs   { gmchat gs; gmchat_group http; }
        location /frames/gm { gmchat gm; gmchat_group frames; }
        location /frames/gs { gmchat gs; gmchat_group frames; }

        location /choose/gm { gmchat gm; gmchat_group default client; }
        location /choose/gs { gmchat gs; gmchat_group default client; }
        location /listed/gs {
            gmchat gs;
            gmchat_origin https://a.example.com https://b.example.com:8443;
        }
        location /any/gs    { gmchat gs; gmchat_origin *; }
        location /same/gs   { gmchat gs; gmchat_origin same; }
        location /bound/gs  { gmchat gs; gmchat_allow_file %%LIST%%; }
        location /ping/gs   { gmchat gs; gmchat_ping 300ms pong=10s; }
        location /deaf/gs   { gmchat gs; gmchat_ping 300ms pong=300ms; }
        location /clock/gs  { gmchat gs; gmchat_ping 300ms; }
        location /late/gs   { gmchat gs; send_timeout 1s; }
        location /role/gm   { gmchat gm; gmchat_role_check /role; }
        location /hand/gm   { gmchat gm; gmchat_role_check /by-hand; }

        location = /role {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_role%%;
        }
        location = /by-hand {
            internal;
            proxy_pass http://%%BY_HAND%%;
        }
    }

    map $arg_uid $answer {
        10      '{"code":0}';
        11      '<html>';
        default '{"code":1}';
    }

    server {
        listen 127.0.0.1:%%PORT_role%%;
        if ($arg_uid = 12) { return 500; }
        location / { return 200 $answer; }
    }
}
EOF

# The same store, with a fake between.
my $fake = start_fake(upstream => $redis);
my $slow = start_nginx(redis => $fake, workers => 1, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    gmchat_redeliver 654321ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gs { gmchat gs; }
    }
}
EOF

sub try_open {
    my ($uri, %arg) = @_;

    return Test::Gmchat::WebSocket->try(address => $nginx->address,
        uri => $uri, %arg);
}

sub open_stream {
    my ($uri, %arg) = @_;

    my $ws = Test::Gmchat::WebSocket->open(address => $nginx->address,
        uri => $uri, %arg);
    $ws->next_event('open');

    return $ws;
}

# A refusal in a frame.

sub is_refused {
    my ($reply, $errno, $pattern, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $reply //= {};
    my $error = $reply->{error} // '';
    my $seen = sprintf('res %s errno %s', $reply->{res} // 'none',
        $reply->{errno} // 'none');
    $seen .= " error '$error'" if $error !~ $pattern || $error !~ /\S \S/;

    return is($seen, "res 0 errno $errno", $label);
}

sub is_done {
    my ($reply, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is(($reply // {})->{res}, 1, $label)
        || diag(explain($reply));
}

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1, 2;
$nginx->gm('add', gm_account => 1, host => $_, uid => $_) for 1001 .. 1009;
$nginx->gm('add', gm_account => 2, host => 1001, uid => 2001);
$nginx->gs('relation', host => $_) for 1001 .. 1009;

my $uri = '/gs?action=stream&host=1001';

# the handshake

for my $case (
    [ 'the example of RFC 6455' ],
    [ 'another key',
        set => { 'Sec-WebSocket-Key' => 'AAAAAAAAAAAAAAAAAAAAAA==' } ],
    [ 'words in another case',
        set => { Upgrade => 'WebSocket', Connection => 'upgrade' } ],
    [ 'a Connection of several words',
        set => { Connection => 'keep-alive, Upgrade' } ],
    [ 'a Connection in two lines', set => { Connection => undef },
        headers => [ 'Connection: keep-alive', 'Connection: Upgrade' ] ],
    [ 'an extension that is offered',
        set => { 'Sec-WebSocket-Extensions' => 'permessage-deflate' } ],
    [ 'a long header', headers => [ 'X-Long: ' . 'x' x 3_000 ] ],
) {
    my ($label, %arg) = @$case;

    my $ws = try_open($uri, %arg);
    my $headers = $ws->{response}{headers};

    is($ws->{response}{status}, '101', "$label: accepted") or next;
    is($headers->{'sec-websocket-accept'},
        accept_of($arg{set} && $arg{set}{'Sec-WebSocket-Key'}),
        "$label: the answer to the key");
    is(lc($headers->{upgrade} // ''), 'websocket', "$label: Upgrade");
    is(lc($headers->{connection} // ''), 'upgrade', "$label: Connection");
    is($headers->{'sec-websocket-protocol'}, undef,
        "$label: no protocol that was not offered");
    is($headers->{'sec-websocket-extensions'}, undef, "$label: no extension");
    like($ws->next_event->{data}{stream}, qr/^[0-9a-f]{32}\z/,
        "$label: the first event names the stream");
    $ws->close;
}

for my $case (
    [ 'gmchat.v1.json', [ 'Sec-WebSocket-Protocol: gmchat.v1.json' ] ],
    [ 'among others',
        [ 'Sec-WebSocket-Protocol: chat, gmchat.v1.json,soap' ] ],
    [ 'in another line',
        [ 'Sec-WebSocket-Protocol: chat',
            'Sec-WebSocket-Protocol: gmchat.v1.json' ] ],
) {
    my ($label, $headers) = @$case;

    my $ws = try_open($uri, headers => $headers);

    is("$ws->{response}{status} "
        . ($ws->{response}{headers}{'sec-websocket-protocol'} // ''),
        '101 gmchat.v1.json', "the protocol, $label, is taken");
    $ws->close;
}

for my $case (
    [ 'POST', method => 'POST', set => { 'Content-Length' => 0 } ],
    [ 'HTTP/1.0', http => '1.0' ],
    (map { [ "version '$_'", set => { 'Sec-WebSocket-Version' => $_ } ] }
        7, 8, 12, 14, 130, '013', '13, 8', 'x', ''),
    [ 'no version', set => { 'Sec-WebSocket-Version' => undef } ],
    (map { [ "the key '$_'", set => { 'Sec-WebSocket-Key' => $_ } ] }
        '', 'x', 'dGhlIHNhbXBsZSBub25j', 'dGhlIHNhbXBsZSBub25jZQ',
        'dGhlIHNhbXBsZSBub25jZTE=', 'dGhlIHNhbXBsZSBub25jZTEy',
        'dGhlIHNhbXBsZSBub25!ZQ==', 'dGhlIHNhbXBsZSBub25jZQ== x'),
    [ 'no key', set => { 'Sec-WebSocket-Key' => undef } ],
    (map { [ "the protocol '$_'", set => { 'Sec-WebSocket-Protocol' => $_ } ] }
        'chat', 'gmchat.v2.json', 'gmchat.v1', 'gmchat.v1.jsonx', ''),
    (map { [ "Connection '$_'", set => { Connection => $_ } ] }
        'keep-alive', 'close', 'Upgraded', 'xUpgrade', ''),
    [ 'no Connection', set => { Connection => undef } ],
) {
    my ($label, %arg) = @$case;

    my $response = try_open($uri, %arg)->{response};

    is_error($response, -3, qr/websocket/i, "$label is refused");
    is($response->{headers}{'sec-websocket-version'}, '13',
        "$label: with the version that is spoken");
}

for my $upgrade (undef, 'h2c', 'websockets', '') {
    my $response = try_open($uri, set => { Upgrade => $upgrade })->{response};

    is_error($response, -3, qr/\w/, 'Upgrade ' . ($upgrade // 'not given')
        . ': neither a WebSocket nor server-sent events');
}

is_error(try_open('/gs?action=stream')->{response}, -2, qr/host/,
    'no host: refused before the upgrade');
is_error(try_open('/gs?action=stream&host=x')->{response}, -1, qr/host/,
    'a host that is no integer');
is_error(try_open('/gm?action=stream&gm_account=1,,2')->{response}, -1,
    qr/gm_account/, 'a list with a hole');
is_error(try_open("$uri&cursor=x")->{response}, -3, qr/cursor/,
    'a cursor that is none');
is(try_open($uri, method => 'PUT')->{response}{status}, 405,
    'another method than GET and POST');
is_success(try_open('/gs?action=receive&host=1001')->{response},
    'an upgrade of another action than stream is a call as ever');

# what comes right behind the handshake

my $ws = open_stream($uri, behind => call_frame(7, 'online', host => 1001)
    . frame(PING, 'early'));
is($ws->reply(7)->{res}, 1, 'a call right behind the handshake is answered');
is($ws->next_pong, 'early', 'so is a ping');
$ws->close;

# A body is no frame: it is read and dropped, as that of any GET.

$ws = open_stream($uri, set => { 'Content-Length' => 5 },
    behind => 'abcde' . frame(PING, 'behind a body'));
is($ws->next_pong, 'behind a body', 'a body before the frames is dropped');
$ws->close;

# the origin

for my $case (
    [ '/gs', undef, 1 ],
    [ '/gs', 'http://localhost', 1 ],
    [ '/gs', 'https://LOCALHOST', 1 ],
    [ '/gs', 'http://localhost:8080', 0 ],
    [ '/gs', 'http://localhost.example.com', 0 ],
    [ '/gs', 'http://xlocalhost', 0 ],
    [ '/gs', 'http://example.com', 0 ],
    [ '/gs', 'http://example.com/://localhost', 0 ],
    [ '/gs', 'localhost', 0 ],
    [ '/gs', 'null', 0 ],
    [ '/gs', '://', 0 ],
    [ '/gs', '', 0 ],
    [ '/same/gs', 'http://localhost', 1 ],
    [ '/same/gs', 'http://example.com', 0 ],
    [ '/listed/gs', 'https://a.example.com', 1 ],
    [ '/listed/gs', 'https://A.Example.com', 1 ],
    [ '/listed/gs', 'https://b.example.com:8443', 1 ],
    [ '/listed/gs', 'https://b.example.com', 0 ],
    [ '/listed/gs', 'http://a.example.com', 0 ],
    [ '/listed/gs', 'https://a.example.com:443', 0 ],
    [ '/listed/gs', 'https://a.example.co', 0 ],
    [ '/any/gs', 'http://example.com', 1 ],
    [ '/any/gs', 'null', 1 ],
) {
    my ($location, $origin, $allowed) = @$case;
    my $label = "$location, the origin " . ($origin // 'not given');

    my $response = try_open("$location?action=stream&host=1001",
        set => { Origin => $origin })->{response};

    $allowed ? is($response->{status}, '101', "$label: accepted")
        : is_error($response, -7, qr/origin/, "$label: refused");
}

# events

my $gs = open_stream('/gs?action=stream&host=1001,1002');
my $gm = open_stream('/gm?action=stream&gm_account=1,2');

my %online = map { $_->{data}{host} => [ sort @{ $_->{data}{gm_accounts} } ] }
    map { $gs->next_event('online') } 1, 2;
is_deeply(\%online, { 1001 => [ 1, 2 ], 1002 => [ 1 ] },
    'a stream of hosts begins with who is online');

$nginx->gm('send', gm_account => 1, uid => 1002, text => "gr\xc3\xbc\xc3\x9fe");
my $event = $gs->next_event('message');
is_deeply([ @{ $event->{data} }{qw(host uid gm_account text)} ],
    [ 1002, 1002, 1, "gr\x{fc}\x{df}e" ], 'a GM\'s message arrives');
like($event->{data}{id}, qr/^\d+-\d+\z/, 'with its id');
like($event->{data}{ts}, qr/^\d{13}\z/, 'and its time');
like($event->{id}, qr/^[\d:,*-]+/, 'the event has the cursor for its id');

$nginx->gm('send', gm_account => 2, uid => 2001, msg => '/w==');
is($gs->next_event('message')->{data}{msg}, '/w==',
    'bytes that are no text arrive as msg');

$nginx->gs('send', uid => 1001, text => 'to one');
$nginx->gs('send', uid => 2001, text => 'to two');
is_deeply([ sort map { join(' ', @{ $_->{data} }{qw(uid gm_account text)}) }
    map { $gm->next_event('message') } 1, 2 ],
    [ '1001 1 to one', '2001 2 to two' ], 'players\' messages arrive');

$nginx->gm('add', gm_account => 1, host => 1002, uid => 1022);
is_deeply([ @{ $gs->next_event('relation')->{data} }
    {qw(host uid change gm_account gm_name)} ],
    [ 1002, 1022, 'apply', 1, 'GM 1' ], 'a friendship that begins');
$nginx->gm('del', gm_account => 1, uid => 1022);
$event = $gs->next_event('relation');
is_deeply([ @{ $event->{data} }{qw(host uid change gm_account)} ],
    [ 1002, 1022, 'remove', 1 ], 'and one that ends');
$nginx->gm('offline', gm_account => 2);
is_deeply($gs->next_event('online')->{data},
    { host => '1001', gm_accounts => [ '1' ] }, 'a GM who goes offline');
$nginx->gm('online', gm_account => 2);
is_deeply([ sort @{ $gs->next_event('online')->{data}{gm_accounts} } ],
    [ 1, 2 ], 'and comes back');

# the cursor, and ack in a frame

my $cursor = $event->{id};
$gs->reset;
$nginx->gm('send', gm_account => 1, uid => 1002, text => 'meanwhile');
$gs = open_stream("/gs?action=stream&host=1001,1002&cursor=$cursor");
is($gs->next_event('message')->{data}{text}, 'meanwhile',
    'a stream goes on behind the cursor that it is opened with');
$gs->close;
$gs = open_stream('/gs?action=stream&host=1001,1002',
    headers => [ "Last-Event-ID: $cursor" ]);
is($gs->next_event('message')->{data}{text}, 'meanwhile',
    'or with the header of an event stream');
$gs->close;

$gs = open_stream('/gs?action=stream&host=1001,1002');
is_deeply([ sort map { $_->{data}{text} // $_->{data}{msg} }
    map { $gs->next_event('message') } 1 .. 3 ],
    [ sort '/w==', "gr\x{fc}\x{df}e", 'meanwhile' ],
    'what is not acknowledged comes again');
$gs->next_event('relation') for 1 .. 2;
$nginx->gm('send', gm_account => 1, uid => 1001, text => 'the last');
$cursor = $gs->next_event('message')->{id};
is_deeply($gs->call('ack', cursor => $cursor), { re => 1, res => 1 },
    'an event\'s id acknowledges all up to it');
is(scalar items($nginx->gs('receive', host => $_, ack => '',
    format => 'json')), 0, "nothing is left for host $_") for 1001, 1002;
is_refused($gs->call('ack', cursor => 'x'), -3, qr/cursor/,
    'a cursor that is none');
$gs->close;
$gm->close;

# Every action by HTTP and in a frame: the same, in two groups that begin
# empty. A value that is a sub takes what came before.

my @steps = (
    [ 'gm', create => { gm_account => 1, gm_name => 'Ann' } ],
    [ 'gm', create => { gm_account => 1, gm_name => 'Ann' } ],
    [ 'gm', create => { gm_account => 2, gm_name => "J\xc3\xb6rg" } ],
    [ 'gm', create => { gm_account => 'x', gm_name => 'Ann' } ],
    [ 'gm', create => { gm_account => 3 } ],
    [ 'gm', create => { gm_account => 3, gm_name => "\n" } ],
    [ 'gm', create => { gm_account => 3, gm_name => '' } ],
    [ 'gm', create => { gm_account => '0' x 20, gm_name => 'x' } ],
    [ 'gm', offline => { gm_account => 2 } ],
    [ 'gm', offline => { gm_account => 2 } ],
    [ 'gm', offline => { gm_account => -1 } ],
    [ 'gm', online => { gm_account => 2 } ],
    [ 'gm', online => { gm_account => 2, lease => 86400 } ],
    [ 'gm', online => { gm_account => 2, lease => 4 } ],
    [ 'gm', online => { gm_account => 404 } ],
    [ 'gm', online => {} ],
    [ 'gm', accounts => {} ],
    [ 'gm', accounts => { format => 'json' } ],
    [ 'gm', accounts => { format => 'xml' } ],
    [ 'gm', add => { gm_account => 1, host => 1001, uid => 5 } ],
    [ 'gm', add => { gm_account => 2, host => 1001, uid => 5 } ],
    [ 'gm', add => { gm_account => 404, host => 1001, uid => 6 } ],
    [ 'gm', add => { gm_account => 1, host => 1001 } ],
    [ 'gm', add => { gm_account => 2, host => 1002, uid => 6 } ],
    [ 'gs', relation => { host => 1001, ack => '', format => 'json' } ],
    [ 'gs', relation => { host => 1001, format => 'json',
        ack => sub { $_[0]{cursor} } } ],
    [ 'gs', relation => { host => 1001, ack => '1700000000000000-9' } ],
    [ 'gs', relation => { host => 1002 } ],
    [ 'gs', relation => { host => 1002, limit => 1001 } ],
    [ 'gs', relation => {} ],
    [ 'gs', online => { host => 1001 } ],
    [ 'gs', online => { host => 1001, format => 'json', wait => 0 } ],
    [ 'gs', online => { host => 1001, format => 'json', wait => 20,
        cursor => '0123456789abcdef' } ],
    [ 'gs', online => { host => 'x' } ],
    [ 'gm', send => { gm_account => 1, uid => 5,
        text => "gr\xc3\xbc\xc3\x9f" } ],
    [ 'gm', send => { gm_account => 1, uid => 5, msg => b64('two') } ],
    [ 'gm', send => { gm_account => 1, uid => 5, text => 'three',
        msgid => 'm3' } ],
    [ 'gm', send => { gm_account => 1, uid => 5, text => 'three',
        msgid => 'm3' } ],
    [ 'gm', send => { gm_account => 1, uid => 5, text => 'four',
        msgid => 'm3' } ],
    [ 'gm', send => { gm_account => 1, uid => 5, text => 'x',
        msg => 'eA==' } ],
    [ 'gm', send => { gm_account => 1, uid => 5, msg => 'eA=' } ],
    [ 'gm', send => { gm_account => 1, uid => 5, text => 'x' x 4097 } ],
    [ 'gm', send => { gm_account => 1, uid => 5, text => "\"\\\t/<>" } ],
    [ 'gm', send => { gm_account => 1, uid => 6, text => 'x' } ],
    [ 'gm', send => { gm_account => 1, uid => 5 } ],
    [ 'gm', send => { gm_account => 2, uid => 6, text => '' } ],
    [ 'gs', send => { uid => 5, text => 'of a player' } ],
    [ 'gs', send => { uid => 5, text => 'again', msgid => 'p-1' } ],
    [ 'gs', send => { uid => 5, text => 'again', msgid => 'p-1' } ],
    [ 'gs', send => { uid => 5, text => 'x', msgid => 'a b' } ],
    [ 'gs', send => { uid => 6, text => 'of another' } ],
    [ 'gs', send => { uid => 7, text => 'of nobody' } ],
    [ 'gm', friends => { gm_account => 1, format => 'json' } ],
    [ 'gm', friends => { gm_account => 404 } ],
    [ 'gm', history => { uid => 5, format => 'json', limit => 3 } ],
    [ 'gm', history => { uid => 5, format => 'json',
        before => sub { $_[0]{data}[1]{id} } } ],
    [ 'gm', history => { uid => 99 } ],
    [ 'gm', history => { uid => 5, limit => 0 } ],
    [ 'gm', read => { gm_account => 1, uid => 5,
        id => '1700000000000000-9' } ],
    [ 'gm', read => { gm_account => 2, uid => 5, id => '1-1' } ],
    [ 'gm', read => { gm_account => 1, uid => 5, id => '1-' } ],
    [ 'gm', player => { uid => 5, format => 'json' } ],
    [ 'gm', player => { uid => 99 } ],
    [ 'gm', canned_set => { name => 'a b', text => 'x' } ],
    [ 'gm', canned_set => { name => 'a', text => '{player}' } ],
    [ 'gm', canned => { format => 'json' } ],
    [ 'gm', canned_del => { name => 'a' } ],
    [ 'gm', hosts => { format => 'json' } ],
    [ 'gs', receive => { host => 1001, ack => '', format => 'json',
        limit => 2 } ],
    [ 'gs', receive => { host => 1001, format => 'json', wait => 20,
        ack => sub { $_[0]{cursor} } } ],
    [ 'gs', ack => { cursor => sub { "1001::$_[0]{cursor}" } } ],
    [ 'gs', ack => { cursor => '1001::1700000000000000-9' } ],
    [ 'gs', ack => { cursor => '1001' } ],
    [ 'gs', ack => {} ],
    [ 'gs', receive => { host => 1001, ack => '1700000000000000-9' } ],
    [ 'gs', receive => { host => 1002 } ],
    [ 'gs', receive => { host => 1002, wait => 1, format => 'json' } ],
    [ 'gs', receive => { host => 1002, wait => 56 } ],
    [ 'gm', receive => { gm_account => 1, ack => '', format => 'json',
        limit => 1 } ],
    [ 'gm', ack => { cursor => sub { "1:$_[0]{cursor}" } } ],
    [ 'gm', ack => { cursor => '1:x' } ],
    [ 'gm', receive => { ack => '' } ],
    [ 'gm', receive => { gm_account => 1 } ],
    [ 'gm', receive => { format => 'json', wait => 20 } ],
    [ 'gm', receive => {} ],
    [ 'gm', del => { gm_account => 2, uid => 5 } ],
    [ 'gm', del => { gm_account => 1, uid => 5 } ],
    [ 'gm', del => { gm_account => 404, uid => 5 } ],
    [ 'gs', relation => { host => 1001 } ],
    [ 'gm', me => { format => 'json' } ],
    [ 'gm', operator => { operator => "J\xc3\xb6rg", role => 'gm',
        gm_accounts => '1,2' } ],
    [ 'gm', operator => { operator => 'olga', role => 'gm',
        gm_accounts => '404' } ],
    [ 'gm', operator => { operator => 'olga', role => 'boss' } ],
    [ 'gm', operators => { format => 'json' } ],
    [ 'gm', dismiss => { operator => "J\xc3\xb6rg" } ],
    [ 'gm', dismiss => { operator => 'olga' } ],
    [ 'gm', audit => { format => 'json', limit => 5 } ],
    [ 'gm', accounts => { group => 'default' } ],
    [ 'gm', accounts => { group => '' } ],
    [ 'gm', accounts => { group => 'a b' } ],
    [ 'gm', accounts => { nonsense => 'x', ack => 'x' } ],
);

my $json = JSON::PP->new->canonical->ascii;
my %frames = (
    gm => open_stream('/frames/gm?action=stream&gm_account=999'),
    gs => open_stream('/frames/gs?action=stream&host=999'),
);

# What differs from one group to the other: times, the epochs of ids, and the
# host that the frames' stream is for.

sub plain {
    my ($reply) = @_;

    my $data = $reply->{data};
    $reply->{data} = [ grep { ($_->{host} // '') ne '999' } @$data ]
        if ref $data && grep { ref && exists $_->{last_poll} } @$data;

    my $text = $json->encode($reply);
    $text =~ s/\b\d{16}-(\d+)\b/E-$1/g;
    $text =~ s/"(ts|since|waiting_since|last_poll)":\d+/"$1":0/g;

    return $text;
}

# What a call is made with: bytes for HTTP, the same as characters in a frame.

sub filled {
    my ($params, $last, $characters) = @_;

    my %filled;

    for my $name (keys %$params) {
        my $value = $params->{$name};
        $value = $value->($last) if ref $value;
        utf8::decode($value) if $characters;
        $filled{$name} = $value;
    }

    return %filled;
}

# last_poll is noted a little later: it tells who is silent.

sub polls_noted {
    my @hosts = map { items($nginx->call("/$_/gm", 'hosts',
        format => 'json')) } qw(http frames);

    return !grep { !$_->{last_poll} } @hosts;
}

my ($by_http, $in_frame) = ({}, {});

for my $step (@steps) {
    my ($endpoint, $action, $params) = @$step;

    ok(wait_until(\&polls_noted), 'the polls are noted')
        if "$endpoint $action" =~ /^gm (?:hosts|send)$/;

    $by_http = $nginx->call("/http/$endpoint", $action,
        filled($params, $by_http))->{json} // {};
    $in_frame = $frames{$endpoint}->call($action,
        filled($params, $in_frame, 1)) // {};

    delete $in_frame->{re};
    my $label = join(' ', $endpoint, $action,
        map { "$_=" . (ref $params->{$_} ? '...' : $params->{$_}) }
        sort keys %$params);
    is(plain($in_frame), plain($by_http), substr($label, 0, 100) =~ s/\n/ /r);
}

my %called = map { ("$_->[0] $_->[1]" => 1) } @steps,
    map { [ 'gm', $_ ], [ 'gs', $_ ] } qw(stream watch unwatch);
open(my $table, '<', "$FindBin::Bin/../src/core/gmchat_actions.c") or die $!;
my %known = map { /\{ GMCHAT_(G[MS]), "(\w+)"/ ? (lc($1) . " $2" => 1) : () }
    <$table>;
is_deeply([ sort keys %called ], [ sort keys %known ],
    'with stream, watch and unwatch these are all actions');

# what only a stream's own frames can do

$gs = Test::Gmchat::WebSocket->open(address => $nginx->address,
    uri => '/gs?action=stream&host=1001');
my $id = $gs->next_event('open')->{data}{stream};
is($gs->next_event('online')->{data}{host}, '1001', 'a stream of one host');
is_done($gs->call('watch', stream => $id, host => '1003,1004'),
    'watch adds hosts to it');
is_deeply([ sort map { $gs->next_event('online')->{data}{host} } 1, 2 ],
    [ 1003, 1004 ], 'which begin as any');
is_done($gs->call('unwatch', stream => $id, host => 1003),
    'unwatch drops one');
$nginx->gm('send', gm_account => 1, uid => $_, text => "to $_")
    for 1003, 1004;
is($gs->next_event('message')->{data}{text}, 'to 1004',
    'which says nothing more');
is_refused($gs->call('watch', stream => $id, host => 'x'), -1, qr/host/,
    'watch of a host that is no integer');
is_refused($gs->call('watch', stream => $id), -2, qr/host/,
    'watch without a host');
is_refused($gs->call('stream', host => 1003), -3, qr/watch/,
    'a stream within a stream');
$gs->close;

$gm = Test::Gmchat::WebSocket->open(address => $nginx->address,
    uri => '/gm?action=stream&gm_account=999&online=1');
$id = $gm->next_event('open')->{data}{stream};
is_done($gm->call('watch', stream => $id, gm_account => 2),
    'a GM may be added as well');
$nginx->gs('send', uid => 2001, text => 'to the second');
is($gm->next_event('message')->{data}{text}, 'to two',
    'and gets what it has not acknowledged');
is($gm->next_event('message')->{data}{text}, 'to the second',
    'and what comes');
is_done($gm->call('unwatch', stream => $id, gm_account => 2), 'and dropped');

# frames that are no calls

for my $case (
    [ 'no JSON', '{"call":1,', -3 ],
    [ 'nothing', '', -3 ],
    [ 'an array', '[1]', -3 ],
    [ 'a text', '"x"', -3 ],
    [ 'a number', '7', -3 ],
    [ 'null', 'null', -3 ],
    [ 'two objects', '{}{}', -3 ],
    [ 'an object in an object', '{"action":{}}', -3 ],
    [ 'a name twice', '{"call":1,"action":"hosts","action":"hosts"}', -3 ],
    [ 'a zero byte', "{\"action\":\"hosts\0\"}", -3 ],
    [ 'depth', '[' x 10_000, -3 ],
    [ 'an empty object', '{}', -8 ],
) {
    my ($label, $text, $errno) = @$case;

    $gm->write(frame(TEXT, $text));
    is_refused($gm->reply('null'), $errno, qr/\w/,
        "$label: refused in a frame");
}

is_refused($gm->call('nonsense'), -8, qr/Err action/, 'an unknown action');
is_refused($gm->call('relation', host => 1), -8, qr/Err action/,
    'an action of the other endpoint');
is_refused($gm->call(''), -8, qr/\w/, 'an action without a name');

# the number of a call

for my $case (
    [ '7', '7' ],
    [ '"8"', '8' ],
    [ '9223372036854775807', '9223372036854775807' ],
    [ '0', '0' ],
    [ '9223372036854775808', 'null' ],
    [ '-1', 'null' ],
    [ '"x"', 'null' ],
    [ '""', 'null' ],
    [ '"a\"b"', 'null' ],
) {
    my ($given, $expected) = @$case;

    $gm->write(frame(TEXT, "{\"call\":$given,\"action\":\"hosts\"}"));
    ok($gm->reply($expected), "call $given is answered with re $expected");
}

$gm->write(frame(TEXT, '{"action":"hosts"}'));
is_done($gm->reply('null'), 'a call without a number is answered with null');
$gm->close;

# many calls at once

$gm = open_stream('/gm?action=stream&gm_account=999');
$gm->{order} = [];
$gm->write(join('', map { call_frame($_, 'send', gm_account => 1,
    uid => 1005, text => "text $_") } 1 .. 100));
is_done($gm->reply(100), 'of many calls at once the last is answered');
is_deeply($gm->{order}, [ 1 .. 100 ], 'as are all before it, in their order');
is_deeply([ map { $_->{text} } items($nginx->gs('receive', host => 1005,
    format => 'json')) ], [ map { "text $_" } 1 .. 100 ],
    'and they are carried out in it');
$gm->close;

# how many receivers a stream may have

$gs = open_stream('/gs?action=stream&host=1');
is_done($gs->call('watch', host => join(',', 2 .. 4096)),
    'a stream has 4096 receivers');
is_refused($gs->call('watch', host => 4097), -3, qr/4096/, 'and not one more');
is_done($gs->call('unwatch', host => 4096), 'but another one');
is_done($gs->call('watch', host => 4097), 'in the place of one of them');
$gs->close;

# how many may be unanswered

$gs = open_stream('/gs?action=stream&host=999');
my @held = map { $gs->ask('receive', host => 1006, ack => '', wait => 50,
    format => 'json') } 1 .. 127;
is_done($gs->call('online', host => 1006),
    '127 calls wait, the 128th is answered');
push @held, $gs->ask('receive', host => 1006, ack => '', wait => 50,
    format => 'json');
is_refused($gs->call('online', host => 1006), -9, qr/\w/,
    '128 wait, another is refused');
is_refused($gs->call('online', host => 1006), -9, qr/\w/, 'each time');
is_refused($gs->call('nonsense'), -9, qr/\w/, 'whatever it is');
$nginx->gm('send', gm_account => 1, uid => 1006, text => 'at last');
is(scalar(grep { $gs->reply($_)->{data}[0]{text} eq 'at last' } @held), 128,
    'all that wait are told when there is something to say');
is_done($gs->call('online', host => 1006), 'then calls are answered again');

# wait

my $waiting = $gs->ask('receive', host => 1007, wait => 50, format => 'json');
is_done($gs->call('online', host => 1007),
    'a call that waits lets others pass');
$nginx->gm('send', gm_account => 1, uid => 1007, text => 'awaited');
is($gs->reply($waiting)->{data}[0]{text}, 'awaited',
    'and is answered when a message comes');
is_deeply($gs->call('receive', host => 1007, wait => 1, format => 'json')
    ->{data}, [], 'or when its time is over');
$waiting = $gs->ask('online', host => 1007, wait => 50, format => 'json');
is_done($gs->call('online', host => 1007), 'a wait for who is online');
$nginx->gm('offline', gm_account => 1);
is_deeply($gs->reply($waiting)->{data}, [], 'is told who is now');
$nginx->gm('online', gm_account => 1);
$waiting = $gs->ask('relation', host => 1007, wait => 50, format => 'json');
is_done($gs->call('online', host => 1007), 'a wait for friendships');
$nginx->gm('add', gm_account => 1, host => 1007, uid => 1077);
is($gs->reply($waiting)->{data}[0]{uid}, '1077', 'is told of one');
$gs->ask('receive', host => 1007, wait => 50);
is($gs->leave(1000), 1000, 'a close does not wait for calls that do');

# what a plain receive in a frame took

sub flies {
    my ($host) = @_;

    return $redis->cmd('HEXISTS', "gmchat:{default}:box:h$host:m", 'flight');
}

sub left {
    my ($host) = @_;

    return join(' ', map { $_->{text} } items($nginx->gs('receive',
        host => $host, ack => '', format => 'json')));
}

sub texts {
    my ($reply) = @_;

    return join(' ', map { $_->{text} } @{ ($reply // {})->{data} // [] });
}

sub send_texts {
    my ($host, @texts) = @_;

    $nginx->gm('send', gm_account => 1, uid => $host, text => $_) for @texts;
}

send_texts(1008, qw(a b c));
$gs = open_stream('/gs?action=stream&host=999');
is(texts($gs->call('receive', host => 1008, format => 'json')), 'a b c',
    'a plain receive in a frame');
is(texts($gs->call('receive', host => 1008, format => 'json')), '',
    'takes');
ok(wait_until(sub { !flies(1008) && left(1008) eq '' }),
    'what was written is gone from the store');

send_texts(1008, qw(d e));
$gs->close;
$fake->on(name => 'EVALSHA', times => 1, hold => 1, match => '\b654321\b');
$gs = Test::Gmchat::WebSocket->open(address => $slow->address,
    uri => '/gs?action=stream&host=999');
$gs->ask('receive', host => 1008);
ok($fake->wait_held, 'Redis took, the answer is on its way');
$gs->reset;
is($slow->connect->request('GET', '/held')->{status}, 404,
    'the connection is cut meanwhile');
$fake->release;
ok(wait_until(sub { !flies(1008) }), 'what it did not get');
is(left(1008), 'd e', 'is returned');

# Replies of 400 KB each, more than the sockets hold.

send_texts(1009, map { 'x' x 4_000 . " $_" } 1 .. 100);

sub open_full {
    my ($location) = @_;

    my $ws = open_stream(($location // '/gs') . '?action=stream&host=999',
        receive_buffer => 4_096);

    $ws->next_event('ready');
    $ws->ask('receive', host => 1009, ack => '', limit => 1000) for 1 .. 3;

    return $ws;
}

$gs = open_full();
$gs->ask('receive', host => 1008);
ok(wait_until(sub { flies(1008) }),
    'a reply waits behind others that the client does not read');
$gs->reset;
ok(wait_until(sub { !flies(1008) }), 'and cannot be written any more');
is(left(1008), 'd e', 'what it held is returned');

$gs = open_full();
my $plain = $gs->ask('receive', host => 1008, format => 'json');
ok(wait_until(sub { flies(1008) }), 'another waits');
is(texts($gs->reply($plain)), 'd e', 'and is read late');
ok(wait_until(sub { !flies(1008) }), 'then it is done with');
is(left(1008), '', 'and gone');
$gs->close;

# the role check

$gm = open_stream('/role/gm?action=stream&gm_account=999');
is_done($gm->call('add', gm_account => 1, host => 1003, uid => 33),
    'a player whom the role service knows');
is_refused($gm->call('add', gm_account => 1, host => 1003, uid => 10), 4,
    qr/role/, 'one whom it does not know');
is_refused($gm->call('add', gm_account => 1, host => 1003, uid => 11), -5,
    qr/role/, 'an answer that is none');
is_refused($gm->call('add', gm_account => 1, host => 1003, uid => 12), -5,
    qr/role/, 'a status that says that it failed');
is_refused($gm->call('add', gm_account => 1, host => 1003, uid => 33), 3,
    qr/\w/, 'a player who has a GM');
is_refused($gm->call('add', gm_account => 'x', host => 1003, uid => 34), -1,
    qr/gm_account/, 'what is refused anyway');
is($gm->leave(1000), 1000, 'then it closes as any');

sub asked_by_hand {
    IO::Select->new($by_hand)->can_read(30) or die 'not asked';
    my $socket = $by_hand->accept or die $!;
    my $text = '';
    sysread($socket, $text, 65536, length $text) || die 'no request'
        while $text !~ /\r\n\r\n/;

    return ($socket, $text);
}

sub answer {
    my ($socket) = @_;

    syswrite($socket, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
        . '{"code":1}');
    close($socket);
}

$gm = open_stream('/hand/gm?action=stream&gm_account=2',
    headers => [ 'Cookie: session=of-the-client' ]);
my $add = $gm->ask('add', gm_account => 1, host => 1003, uid => 40);
my ($service, $request) = asked_by_hand();
like($request, qr/^GET \S*uid=40&hostnum=1003/, 'the service is asked');
unlike($request, qr/of-the-client|websocket|upgrade/i,
    'without the headers of the handshake');
is_done($gm->call('hosts'), 'while it thinks other calls are answered');
$nginx->gs('send', uid => 2001, text => 'in between');
ok(wait_until(sub {
    return $gm->next_event('message')->{data}{text} eq 'in between';
}), 'and events come');
answer($service);
is_done($gm->reply($add), 'then the call is');

my @adds = map { $gm->ask('add', gm_account => 1, host => 1003, uid => $_) }
    41 .. 43;
my @services = map { (asked_by_hand())[0] } 1 .. 3;
answer($_) for reverse @services;
is_done($gm->reply($_), 'several at once are each answered') for @adds;

$gm->ask('add', gm_account => 1, host => 1003, uid => 44);
($service) = asked_by_hand();
$gm->reset;
is_success($nginx->gm('hosts'), 'a client that goes away meanwhile');
answer($service);

$gm = open_stream('/hand/gm?action=stream&gm_account=999');
$gm->ask('add', gm_account => 1, host => 1003, uid => 45);
($service) = asked_by_hand();
is($gm->leave(1000), 1000, 'one that closes meanwhile');
answer($service);
is_success($nginx->gm('hosts'), 'hurts nobody');

# A role check takes memory until the connection ends, so one with many ends
# when they are answered.

$gm = open_stream('/role/gm?action=stream&gm_account=999');
$gm->write(join('', map { call_frame($_, 'add', gm_account => 1,
    host => 1004, uid => 5000 + $_) } 1 .. 100));
is($gm->close_code, 1012,
    'after many role checks a connection is to be opened again');
is(scalar(grep { $_->[0]{res} } values %{ $gm->{replies} }), 100,
    'all are answered before');

# groups

$nginx->call('/choose/gm', 'create', gm_account => 1, gm_name => 'Ann',
    group => $_) for qw(eu asia);
$gm = open_stream('/choose/gm?action=stream&gm_account=1&group=eu');
$gs = open_stream('/choose/gs?action=stream&host=1&group=eu');
$gs->next_event('online');
is_done($gm->call('add', gm_account => 1, host => 1, uid => 6,
    group => 'asia'), 'a frame may name another group');
is_done($gm->call('add', gm_account => 1, host => 1, uid => 5),
    'one that names none is about the stream\'s');
is($gs->next_event('relation')->{data}{uid}, '5', 'whose events come');
is_refused($gm->call('send', gm_account => 1, uid => 6, text => 'x'), 4,
    qr/\w/, 'groups share nothing');
is_refused($gm->call('hosts', group => 'a b'), -3, qr/group/,
    'a group that is none');
is_done($gs->call('ack', cursor => '1:1700000000000000-1:', group => 'asia'),
    'an ack for another group');
$_->close for $gm, $gs;

$gm = open_stream('/frames/gm?action=stream&gm_account=1');
is_refused($gm->call('hosts', group => 'eu'), -7, qr/no access/,
    'where clients may not choose a frame may not either');
is_done($gm->call('hosts', group => 'frames'), 'but for the group that it is');
$gm->close;

# host bindings

sub bound {
    my ($address, $hosts) = @_;

    return try_open("/bound/gs?action=stream&host=$hosts",
        headers => [ "X-Client: $address" ]);
}

is_error(bound('192.0.2.3', 1001)->{response}, -7, qr/no access/,
    'an address that is not on the list');
is(bound('192.0.2.1', 1001)->{response}{status}, '101',
    'an address may stream its host');
is_error(bound('192.0.2.1', $_)->{response}, -7, qr/host/, "but not $_")
    for 1002, '1001,1002', '1002,1001', 100, 10011;
is(bound('192.0.2.2', $_)->{response}{status}, '101',
    "of several hosts of its own, $_")
    for '1001,1002', '1002,1001', '1001,1003', '1003,1002,1001', '1002';
is_error(bound('192.0.2.2', '1001,1004')->{response}, -7, qr/host/,
    'and no other among them');
is(bound('192.0.2.9', '1,2,3')->{response}{status}, '101',
    'a line without hosts is for all');

$gs = bound('192.0.2.1', 1001);
$id = $gs->next_event('open')->{data}{stream};
is_done($gs->call($_, host => 1001), "$_ for its host")
    for qw(receive relation online);
is_refused($gs->call($_, host => 1002), -7, qr/host/, "$_ for another host")
    for qw(receive relation online);
is_refused($gs->call('receive', host => 1002, wait => 20), -7, qr/host/,
    'nor can it wait for another');
is_done($gs->call('send', uid => 1001, text => 'x'),
    'send for a player of its host');
is_refused($gs->call('send', uid => 1002, text => 'stolen'), -7, qr/host/,
    'send for one of another');
is_refused($gs->call('watch', stream => $id, host => 1002), -7, qr/host/,
    'watch of another');
is_refused($gs->call('watch', stream => $id, host => '1001,1002'), -7,
    qr/host/, 'watch of another behind its own');
is_done($gs->call('watch', stream => $id, host => 1001), 'watch of its own');
is_refused($gs->call('ack', cursor => '1002::1700000000000000-1'), -7,
    qr/host/, 'ack for another');
is_refused($gs->call('ack', cursor => '1001::,1002::'), -7, qr/host/,
    'ack for another behind its own');
is_done($gs->call('ack', cursor => '1001::'), 'ack for its own');
$gs->close;

$gs = bound('192.0.2.2', 1001);
$id = $gs->next_event('open')->{data}{stream};
is_done($gs->call('watch', stream => $id, host => $_),
    "watch of several of its own, $_") for '1003,1001', '1002';
$gs->close;

# pings

$gs = open_stream($uri);

for my $payload ('', 'x', "\0\xff" x 60, 'y' x 125) {
    $gs->write(frame(PING, $payload));
    is($gs->next_pong, $payload,
        'a ping of ' . length($payload) . ' bytes comes back');
}

$gs->write(frame(PONG, 'unasked'));
is_done($gs->call('online', host => 1001), 'a pong that nobody asked for');
$gs->close;

$gs = open_stream('/ping/gs?action=stream&host=1001');
$gs->next_ping for 1 .. 4;
is_done($gs->call('online', host => 1001),
    'who answers the server\'s pings stays');
$gs->close;

$gs = open_stream('/deaf/gs?action=stream&host=1001');
$gs->{deaf} = 1;
is($gs->close_code, 'cut', 'who does not answer is cut');
is($gs->{pings}, 1, 'after one ping');

# A client that reads nothing for send_timeout. What it gets if it reads in the
# end, before it is cut, is whole; a second later it is cut.

sub too_slow {
    return scalar $nginx->{log}->lines(qr/client of a stream is too slow/);
}

my $slow_before = too_slow();
my ($late, $never) = map { open_full('/late/gs') } 1, 2;

for my $ws ($late, $never) {
    ok(wait_until(sub { IO::Select->new($ws->{socket})->can_read(0) }),
        'more is written than the connection takes');
}

my $clock = open_stream('/clock/gs?action=stream&host=1001');
$clock->next_ping for 1 .. 5;
like($late->close_code, qr/^(?:1013|cut)\z/,
    'a client that reads nothing is to try again');
cmp_ok(scalar(keys %{ $late->{replies} }), '<', 3,
    'what it did not take is dropped');
my $cuts = $late->{code} ? 1 : 2;
ok(wait_until(sub { too_slow() >= $slow_before + $cuts }),
    'one that goes on so is too slow');
is($never->close_code, 'cut', 'and cut');
$_->close for $clock, $late, $never;

# the client closes

for my $code (1000 .. 1003, 1007 .. 1014, 3000, 3999, 4000, 4999) {
    $gs = open_stream($uri);
    is($gs->leave($code, $code == 1000 ? "gr\xc3\xbc\xc3\x9fe" : ''), $code,
        "a close of $code is answered with it");
    ok($gs->silent_end, 'and the connection ends');
}

$gs = open_stream($uri);
is($gs->leave, 1005, 'a close without a code is answered with one');
ok($gs->silent_end, 'and the connection ends');

for my $code (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000,
    65_535)
{
    $gs = open_stream($uri);
    is($gs->leave($code), 1002, "a close of $code, which no client may use");
    $gs->close;
}

$gs = open_stream($uri);
is($gs->leave(1000, 'x' x 123), 1000, 'the longest reason');
$gs = open_stream($uri);
$gs->write(call_frame(1, 'online', host => 1001) . close_frame(1000)
    . call_frame(2, 'online', host => 1001));
is($gs->close_code, 1000, 'what comes behind a close');
ok(!$gs->{replies}{2}, 'is not looked at');

# the server closes

my $takes = open_stream($uri);
my $ignores = open_stream($uri);
$takes->ask('receive', host => 1007, wait => 50);
is_done($takes->call('online', host => 1001), 'a call waits');
my @old = $nginx->reload_begin;
is($takes->close_code, 1012, 'a reload: the stream is to come back');
like($takes->{reason}, qr/^come back in \d{1,4} ms\z/, 'soon');
is($takes->leave(1012), 1012, 'the client agrees');
ok($takes->silent_end(4), 'and the connection ends, nothing is said behind');
is($ignores->close_code, 1012, 'another is told as well');
ok($ignores->silent_end, 'and ends even if it does not answer');
ok(wait_until(sub { $nginx->reload_done(@old) }),
    'and the old workers are gone');
$gs = open_stream($uri);
is_done($gs->call('online', host => 1001), 'the new ones serve');
$gs->close;

finish();
