#!/usr/bin/perl

# Held calls that are parked: nginx has their requests back, and makes them
# again of their text.  A location that asks another one for leave (/ask) tells
# how often a request was made.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use Test::Gmchat;
use Test::Gmchat::Client qw(metric);
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Process qw(spawn);
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::Gmchat::Usage;
use Test::More;
use Time::HiRes qw(time);

# Seconds: what is parked was held for HELD at least; what is held is asked to
# wait LONG, and an answer within SOON did not wait for the end of it.
use constant { HELD => 0.1, LONG => 50, SOON => 20 };

# Held calls whose memory is looked at, and the bytes that each may take: with
# sanitizers there is more around each block.
use constant MANY => 1500;
use constant BYTES => $ENV{GMCHAT_TEST_PRELOAD} ? 3 * 1024 : 2 * 1024;

# Parkings of a hundred connections, and the bytes that they may add: 22 each.
use constant { ROUNDS => 100, ADDED => 220000 };

my $dir = temp_folder();
my $authority = make_authority($dir, 'authority');
my $certificate = make_certificate($dir, 'nginx', $authority,
    'IP:127.0.0.1');

my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    log_format calls '$status $request_time $request_length '
        '$connection_requests $gmchat_action $gmchat_errno $body_bytes_sent '
        '$request';
    access_log %%DIR%%/calls.log calls;
    gmchat_redis %%REDIS%%;
    limit_conn_zone $uri zone=conn:1m;
    limit_req_zone $uri zone=req:1m rate=1r/m;
    ssl_certificate %%CERT%%;
    ssl_certificate_key %%KEY%%;
    keepalive_requests 100000;
    server {
        listen 127.0.0.1:%%PORT%% backlog=1024;
        listen 127.0.0.1:%%PORT_tls%% ssl;
        location = /ask {
            internal;
            log_subrequest on;
            access_log %%DIR%%/asked.log calls;
            return 204;
        }
        location /gm { gmchat gm; }
        location /gs { gmchat gs; auth_request /ask; }
        location /bare { gmchat gs; }
        location /conn { gmchat gs; auth_request /ask; limit_conn conn 2; }
        location /req { gmchat gs; auth_request /ask; limit_req zone=req; }
        location /brief { gmchat gs; auth_request /ask; keepalive_timeout 0; }
        location /status { gmchat status; }
        location /stub { stub_status; }
    }
}
EOC

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, workers => 1, quiet => 1,
    asan => 'quarantine_size_mb=0:thread_local_quarantine_size_kb=0',
    allow => [ qr/limiting (?:connections|requests)/, qr/wake-ups of store/ ],
    vars => { KEY => $certificate->{key}, CERT => $certificate->{cert} },
    conf => $conf);
my $sender = start_nginx(redis => $redis, workers => 1, conf => <<'EOC');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOC

$sender->gm('create', gm_account => 1, gm_name => 'Ann');
my $host = 1000;

# A host of its own for each check, with a friend of GM 1.

sub new_host {
    $host++;
    $sender->gm('add', gm_account => 1, host => $host, uid => $host);
    return $host;
}

sub say {
    my ($to, $text) = @_;

    return $sender->gm('send', gm_account => 1, uid => $to, text => $text);
}

sub begin {
    my ($bytes) = @_;

    my $connection = $nginx->connect;
    my $began = time();
    $connection->write($bytes);

    return { connection => $connection, began => $began,
        length => length $bytes };
}

sub receive {
    my ($at, $of, %arg) = @_;

    my $wait = $arg{wait} // LONG;

    return format_request('GET',
        "$at?action=receive&format=json&host=$of&wait=$wait", %arg);
}

# How many wait, and how many of them are parked.

sub waiting {
    my $status = $nginx->get('/status')->{json};

    return wantarray ? ($status->{waiting}{longpoll}, $status->{parked})
        : $status->{waiting}{longpoll};
}

# So many wait, and all are parked but `stay`.

sub waits {
    my ($count, $stay) = @_;

    return wait_until(sub {
        return join(' ', waiting()) eq "$count " . ($count - ($stay // 0));
    });
}

# Calls stay with their requests: one that begins after them is parked.

sub stay {
    my ($count) = @_;

    my $last = begin(receive('/bare', ++$host));
    my $parked = waits($count + 1, $count);
    $last->{connection}->close;

    return $parked && wait_until(sub { waiting() == $count });
}

sub answer {
    my ($call) = @_;

    my $response = eval { $call->{connection}->response(2 * LONG) };
    $call->{took} = time() - $call->{began};

    return $response // { status => 'no response', body => '' };
}

sub texts {
    my ($response) = @_;

    return join(' ', map { $_->{text} } items($response));
}

sub lines_of {
    my ($log, $pattern) = @_;

    open(my $file, '<', "$nginx->{dir}/$log.log") or return ();

    return grep { /$pattern/ } map { s/\n//r } <$file>;
}

# How often the request of a host was made; and when all of it is in the log,
# which is one line for each call.

sub asked {
    my ($of) = @_;

    return scalar lines_of('asked', qr/\bhost=$of\b/);
}

sub made {
    my ($of, $calls) = @_;

    wait_until(sub {
        my @lines = lines_of('calls', qr/\bhost=$of\b/);
        return @lines >= ($calls // 1);
    });

    return asked($of);
}


# ---- a message, and what the log says of the call

my $at = new_host();
my $call = begin(receive('/gs', $at));
ok(waits(1), 'a call is held');
my ($writing) = $nginx->get('/stub')->{body} =~ /Writing: (\d+)/;
is($writing, 2, 'and one that nginx works at, beside who asks');
say($at, 'one');
is(texts(answer($call)), 'one', 'a message wakes it');
cmp_ok($call->{took}, '<', SOON, 'at once');
is(made($at), 2, 'its request was made twice');
my @lines = lines_of('calls', qr/host=$at/);
is(scalar @lines, 1, 'and logged once');
my ($status, $time, $length, $nth, $action, $errno, $sent) =
    split(/ /, $lines[0]);
is("$status $action $errno", '200 receive 0', 'with what became of it');
cmp_ok($time, '>=', HELD, 'and the whole of its time');
is($length, $call->{length}, 'the length that it came with');
is($nth, 1, 'and one request of its connection');
cmp_ok($sent, '>', 50, 'and what was sent');
is(metric($nginx, 'gmchat_calls_total', action => 'receive'), 1,
    'it counts once');
is(scalar waiting(), 0, 'and is waited for no longer');


# ---- the same connection, on and on

for my $n (1 .. 5) {
    $call->{connection}->write(receive('/gs', $at));
    ok(waits(1), "call $n is held on the same connection");
    say($at, $_) for "a$n", "b$n";
    my @texts = texts(answer($call));
    push @texts, texts($call->{connection}->request('GET',
        "/gs?action=receive&format=json&host=$at")) if $texts[0] !~ /b/;
    is("@texts", "a$n b$n", 'and hears all, in order');
}


# ---- the end of its time

$at = new_host();
$call = begin(receive('/gs', $at, wait => 2));
is_deeply([ items(answer($call)) ], [], 'a call ends without a message');
cmp_ok($call->{took}, '>=', 1.95, 'not before its time');
cmp_ok($call->{took}, '<', SOON, 'nor long after');
is(made($at), 2, 'of a request that was made twice');

# what it waits for is what it saw first, whoever asks again

$at = new_host();
is_bare($sender->gm('offline', gm_account => 1), 'nobody is online');
$call = begin(format_request('GET',
    "/gs?action=online&format=json&host=$at&wait=@{[LONG]}"));
ok(waits(1), 'online without a cursor is held');
$sender->gm('online', gm_account => 1);
is_deeply(answer($call)->{json}{data}, [ '1' ], 'until the list changes');
cmp_ok($call->{took}, '<', SOON, 'and no longer');
is(made($at), 2, 'and was parked meanwhile');
$sender->gm('offline', gm_account => 1);


# ---- looks that find nothing

$at = new_host();
$call = begin(receive('/gs', $at));
ok(waits(1), 'it waits');
for my $n (2 .. 5) {
    $redis->cmd('PUBLISH', "gmchat:{default}:to:h$at", 'm');
    ok(wait_until(sub { asked($at) == $n }) && waits(1),
        'a wake-up for nothing does not end a call');
}
say($at, 'at last');
is(texts(answer($call)), 'at last', 'a message does');
cmp_ok(made($at), '>=', 5, 'it looked each time');
is(scalar lines_of('calls', qr/host=$at/), 1, 'and is one line in the log');


# ---- bodies

sub form {
    my ($of, $pad) = @_;

    return "action=receive&format=json&host=$of&wait=@{[LONG]}" . $pad;
}

for my $case ([ 'a form', '' ], [ 'one longer than the header buffer',
    '&text=' . 'x' x 3000 ])
{
    my ($name, $pad) = @$case;
    $at = new_host();
    $call = begin(format_request('POST', "/gs?host=$at",
        type => 'application/x-www-form-urlencoded',
        body => form($at, $pad) =~ s/&host=\d+//r));
    ok(waits(1), "$name is held");
    say($at, 'posted');
    is(texts(answer($call)), 'posted', 'and answered');
    is(made($at), 2, 'of its text');
    my ($line) = lines_of('calls', qr/host=$at/);
    is((split(/ /, $line))[2], $call->{length}, 'as long as it was');
}

$at = new_host();
my $body = form($at, '');
$call = begin("POST /gs?host=$at HTTP/1.1\r\nHost: x\r\n"
    . "Expect: 100-continue\r\n"
    . "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
    . length($body =~ s/&host=\d+//r) . "\r\n\r\n");
ok(wait_until(sub {
    $call->{connection}->fill;
    return $call->{connection}{buffer}
        =~ s/\AHTTP\/1\.1 100 [^\r]+\r\n\r\n//;
}), 'a client is told to go on');
$call->{connection}->write($body =~ s/&host=\d+//r);
ok(waits(1), 'and held');
say($at, 'expected');
is(texts(answer($call)), 'expected', 'it is told so once');
is(made($at), 2, 'though its request was made twice');

# what cannot be said again stays with its request

my %stays = (
    'a body in chunks' => sub {
        my $body = form($_[0], '') =~ s/&host=\d+//r;
        return "POST /gs?host=$_[0] HTTP/1.1\r\nHost: x\r\n"
            . "Content-Type: application/x-www-form-urlencoded\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n"
            . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body);
    },
    'a GET with a body' => sub {
        return receive('/gs', $_[0], body => 'ignored');
    },
    'a long header' => sub {
        return receive('/gs', $_[0], headers => [ 'Cookie: ' . 'c' x 2000 ]);
    },
    'a header with blanks' => sub {
        return receive('/gs', $_[0], headers => [ 'X-Blanks:   3' ]);
    },
    'no keep-alive' => sub { receive('/brief', $_[0]) },
    'limit_conn' => sub { receive('/conn', $_[0]) },
    'one with the next behind it' => sub {
        return receive('/gs', $_[0])
            . format_request('GET', '/gm?action=offline&gm_account=1');
    },
);

for my $name (sort keys %stays) {
    $at = new_host();
    $call = begin($stays{$name}->($at));
    ok(stay(1), "$name: it is held");
    say($at, 'stays');
    is(texts(answer($call)), 'stays', 'and answered');
    is(made($at), 1, 'of the request that it came with');
    is(answer($call)->{json}{res}, 0, 'and so is the next')
        if $name =~ /next/;
    $call->{connection}->close;
}


# ---- the next request comes while the call is parked

$at = new_host();
$call = begin(receive('/gs', $at));
ok(waits(1), 'a call is parked');
$call->{connection}->write(format_request('GET', '/status'));
is($nginx->get('/stub')->{status}, 200, 'others are answered');
ok(!IO::Select->new($call->{connection}{socket})->can_read(0),
    'the next request waits');
say($at, 'first');
is(texts(answer($call)), 'first', 'the call is answered first');
is(answer($call)->{status}, 200, 'then the other');
is(made($at), 2, 'once it was made again');


# ---- clients that keep no connection

my $to = '127.0.0.1';
for my $how ([ 'HTTP/1.0', "HTTP/1.0\r\nHost: $to\r\n\r\n" ],
    [ 'Connection: close',
        "HTTP/1.1\r\nHost: $to\r\nConnection: close\r\n\r\n" ])
{
    $at = new_host();
    $call = begin("GET /gs?action=receive&format=json&host=$at&wait=@{[LONG]} "
        . $how->[1]);
    ok(waits(1), "$how->[0]: it is held");
    say($at, 'close');
    is(texts(answer($call)), 'close', 'and answered');
    ok(wait_until(sub { $call->{connection}->closed }),
        'and the connection closed');
    is(made($at), 2, 'though it was kept for the call');
}


# ---- clients that leave

$at = new_host();
$call = begin(receive('/gs', $at));
ok(waits(1), 'a call is held');
$call->{connection}->close;
ok(wait_until(sub { waiting() == 0 }), 'whose client leaves');
made($at);
@lines = lines_of('calls', qr/host=$at/);
is(scalar @lines, 1, 'that is logged once');
like($lines[0], qr/^499 \S+ $call->{length} 1 receive /, 'as 499');
say($at, 'later');
is(texts($nginx->get("/gs?action=receive&format=json&host=$at")), 'later',
    'it took nothing along');


# ---- limits

my ($other, $third) = (new_host(), new_host());
my @two = map { begin(receive('/conn', $_)) } $at, $other;
ok(stay(2), 'as many are held as limit_conn lets');
is_error($nginx->get("/conn?action=receive&host=$third&wait=5"), -9, qr/./,
    'and counted');
$_->{connection}->close for @two;
ok(wait_until(sub { waiting() == 0 }), 'until they leave');

$at = new_host();
$call = begin(receive('/req', $at));
ok(waits(1), 'a call that limit_req lets');
say($at, 'let');
is(texts(answer($call)), 'let', 'is let once and for all');
is(made($at), 2, 'though it was made again');
is_error($nginx->get("/req?action=receive&host=$at"), -9, qr/./,
    'the next is not');


# ---- the subscription is lost and comes back

$at = new_host();
$call = begin(receive('/gs', $at));
ok(waits(1), 'a call is held');
$redis->cmd(qw(CLIENT KILL TYPE pubsub));
say($at, 'meanwhile');
is(texts(answer($call)), 'meanwhile', 'it misses nothing');
cmp_ok($call->{took}, '<', SOON, 'and need not wait');


# ---- TLS

$at = new_host();
my $curl = spawn(name => 'curl', output => "$dir/curl", argv => [ 'curl',
    '-sS', '--http1.1', '--cacert', $authority->{cert}, map({
        'https://' . $nginx->address('tls')
            . "/gs?action=receive&format=json&host=$at&wait=@{[LONG]}"
    } 1, 2) ]);
for my $text (qw(first second)) {
    ok(waits(1), 'over TLS a call is held');
    say($at, $text);
    ok(wait_until(sub {
        open(my $file, '<', "$dir/curl") or return 0;
        return grep { /"text":"$text"/ } <$file>;
    }), "and hears the $text");
}
is(made($at, 2), 4, 'both were made twice');
like((lines_of('calls', qr/host=$at/))[1], qr/^200 \S+ \d+ 2 /,
    'on one connection');


# ---- memory

sub heap {
    return Test::Gmchat::Usage::usage_of(($nginx->workers)[0])->{heap};
}

# One message after another to many calls that look for nothing: what a
# connection is left with once it was parked does not grow.

$at = new_host();
my @crowd = map { begin(receive('/gs', $at)) } 1 .. 100;
ok(waits(100), 'a hundred wait for the same');

# Where that takes long, calls end by their time: their connections go on.

my $crowd = IO::Select->new(map { $_->{connection}{socket} } @crowd);
my %of = map { fileno($_->{connection}{socket}) => $_ } @crowd;

sub go_on {
    for my $socket ($crowd->can_read(0)) {
        my $call = $of{ fileno($socket) };
        is_success(answer($call), 'a call that waited for long ends');
        $call->{connection}->write(receive('/gs', $at));
    }

    return 1;
}

sub wake_up {
    my $looked = asked($at) + 100;

    $redis->cmd('PUBLISH', "gmchat:{default}:to:h$at", 'm');

    return wait_until(sub { go_on() && asked($at) >= $looked })
        && wait_until(sub { go_on() && join(' ', waiting()) eq '100 100' });
}

wake_up() for 1 .. 20;
my $before = heap();
is(scalar(grep { wake_up() } 1 .. ROUNDS), ROUNDS,
    'and are parked again and again');
my $grown = heap() - $before;
cmp_ok($grown, '<', ADDED, 'what is parked again and again takes no more');
$_->{connection}->close for @crowd;
ok(wait_until(sub { waiting() == 0 }), 'they leave');

# .. of which only a few are not parked yet at any time

$before = heap();
my @many;

while (@many < MANY) {
    push @many, map { begin(receive('/bare', 10000 + @many + $_)) } 1 .. 100;
    waits(scalar @many) or last;
}

is(scalar @many, MANY, 'many are held');
my $bytes = int((heap() - $before) / MANY);
note("$bytes bytes for each");
cmp_ok($bytes, '>', 0, 'they take memory');
cmp_ok($bytes, '<', BYTES, 'little of it');
$_->{connection}->close for @many;
ok(wait_until(sub { waiting() == 0 }), 'they leave');


# ---- the worker goes

$at = new_host();
my @calls = map { begin(receive('/gs', $_)) } $at, $other, $third;
ok(waits(3), 'calls are held');
my @old = $nginx->reload_begin;
is(answer($_)->{body}, '{"res":1,"data":[],"cursor":"0-0","more":false}',
    'one of a worker that goes is answered')
    for @calls[ 0, 2 ];
is(answer($calls[1])->{json}{res}, 1, 'and so are all');
cmp_ok($_->{took}, '<', SOON, 'at once') for @calls;
ok(wait_until(sub { $nginx->reload_done(@old) }), 'and it goes');

$call = begin(receive('/gs', $at));
ok(waits(1), 'and again');
kill('QUIT', $nginx->{pid});
is(answer($call)->{json}{res}, 1, 'when nginx ends');

finish();
