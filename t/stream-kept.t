#!/usr/bin/perl

# Streams whose nginx request lasts as long as they do: under limit_conn, with
# gzip, with limit_rate, without chunks, in HTTP/2; and a WebSocket likewise.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Process qw(alive reaped spawn);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;
use Time::HiRes qw(time);

my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    gmchat_mailbox_max 20000 64m;
    gmchat_window 100000;
    gmchat_heartbeat 100ms;
    keepalive_requests 100000;
    limit_conn_zone $uri zone=uri:1m;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        listen 127.0.0.1:%%PORT_h2%% sndbuf=16k http2;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /conn { gmchat gs; limit_conn uri 1000; }
        location /two { gmchat gs; limit_conn uri 2; }
        location /gzip { gmchat gs; gzip on; gzip_types text/event-stream; }
        location /rate { gmchat gs; limit_rate 30k; }
        location /whole { gmchat gs; chunked_transfer_encoding off; }
        location /slow {
            gmchat gs;
            limit_conn uri 1000;
            gmchat_stream_buffer 16k;
            send_timeout 1s;
        }
        location /slower {
            gmchat gs;
            limit_conn uri 1000;
            gmchat_stream_buffer 16k;
            send_timeout 2s;
        }
        location /status { gmchat status; }
    }
}
EOC

my $redis = start_redis();
my ($one, $two) = map { start_nginx(redis => $redis, conf => $conf,
    allow => [ qr/exited on signal 9/ ]) } 1, 2;

# A reader that also takes a body that is compressed, or that has no chunks.

package Reader;

use Compress::Zlib qw(WANT_GZIP Z_OK inflateInit);

our @ISA = qw(Test::Gmchat::Sse);

sub request_bytes {
    my ($self) = @_;

    my $bytes = $self->SUPER::request_bytes;
    my $version = $self->{arg}{http} // '1.1';

    return $bytes =~ s{ HTTP/1\.1\r}{ HTTP/$version\r}r;
}

sub take_chunks {
    my ($self) = @_;

    my $buffer = \$self->{http}{buffer};
    my $headers = $self->{headers};
    my $bytes = '';

    $self->{chunked} = ($headers->{'transfer-encoding'} // '') eq 'chunked';
    $self->{gzip} = ($headers->{'content-encoding'} // '') eq 'gzip';

    return $self->SUPER::take_chunks if $self->{chunked} && !$self->{gzip};

    $bytes = substr($$buffer, 0, length $$buffer, '') if !$self->{chunked};

    while ($$buffer =~ /\A([0-9a-f]+)\r\n/
        && length($$buffer) >= $+[0] + hex($1) + 2)
    {
        my $size = hex $1;
        $bytes .= substr(substr($$buffer, 0, $+[0] + $size + 2, ''), $+[0],
            $size);
        $self->{complete} = 1 if $size == 0;
    }

    $self->{text} .= $self->{gzip} ? $self->inflate($bytes) : $bytes;
    $self->take_line($1) while $self->{text} =~ s/\A([^\n]*)\n//;
}

sub inflate {
    my ($self, $bytes) = @_;

    return '' if !length $bytes;

    $self->{inflate} //= inflateInit(-WindowBits => WANT_GZIP);
    my ($text, $status) = $self->{inflate}->inflate($bytes);
    $self->{unzipped} = $status != Z_OK;

    return $text;
}

# The end of its response was told: by the last chunk, or by nothing but that.

sub ended {
    my ($self) = @_;

    return ::wait_until(sub {
        $self->pump(0.02);
        $self->{complete} || $self->{eof};
    }) && ($self->{chunked} ? $self->{complete} : $self->{eof});
}

package main;

sub stream {
    my ($at, $host, %arg) = @_;

    return Reader->new(address => $one->address,
        uri => "$at?action=stream&host=$host", %arg);
}

# GM 1 of hosts 1001 to 1020, whose players are 11 to 30.

my $sender = $two->connect;

sub say_to {
    my ($host, @texts) = @_;

    $sender->request('GET', Test::Gmchat::Nginx::uri('/gm', 'send',
        gm_account => 1, uid => $host - 990, text => $_)) for @texts;
}

sub next_texts {
    my ($stream, $count) = @_;

    return join(' ', map { $_->{data}{text} }
        $stream->next_events($count, 'message'));
}

sub numbers {
    my ($stream, $count, $pace) = @_;

    my $began = time();
    my @numbers;

    while (@numbers < $count) {
        my $next = $stream->next_event('message') or last;
        push @numbers, $next->{data}{text} =~ /^(\d+)/;
        wait_until(sub { time() > $began + $pace * @numbers }) if $pace;
    }

    return @numbers;
}

sub texts {
    my ($from, $to) = @_;

    return map { "$_ " . 'x' x 4000 } $from .. $to;
}

sub box {
    my ($host) = @_;

    return $redis->cmd('XLEN', "gmchat:{default}:box:h$host");
}

sub status {
    return $one->get('/status')->{json};
}

sub waits {
    my $waiting = status()->{waiting};

    return "$waiting->{sse} $waiting->{websocket}";
}

sub slurp {
    my ($name) = @_;

    open(my $file, '<', $name) or return '';
    local $/;

    return scalar(<$file>) // '';
}

sub memory {
    my $sum = 0;

    /^VmRSS:\s+(\d+)/m and $sum += $1
        for map { slurp("/proc/$_/status") } $one->workers;

    return $sum;
}

sub socket_at {
    my ($at, $host) = @_;

    return Test::Gmchat::WebSocket->try(address => $one->address,
        uri => "$at?action=stream&host=$host");
}

# curl in HTTP/2: what it printed grows in a file.

sub curl {
    my ($at, $host, @headers) = @_;

    my $name = temp_folder() . '/out';
    my $pid = spawn(name => 'curl', output => $name, argv => [ 'curl', '-sSN',
        '--http2-prior-knowledge', '-w', 'HTTP/%{http_version} %{http_code}',
        map({ ('-H', $_) } 'Accept: text/event-stream', @headers),
        'http://' . $one->address('h2') . "$at?action=stream&host=$host" ]);

    return { pid => $pid, name => $name };
}

sub printed {
    my ($curl, $pattern) = @_;

    return wait_until(sub { slurp($curl->{name}) =~ $pattern });
}

$one->gm('create', gm_account => 1, gm_name => 'GM 1');
$one->gm('add', gm_account => 1, host => 990 + $_, uid => $_) for 11 .. 30;


# ---- each kind of them: events, resumed, acknowledged

my @zipped = (headers => [ 'Accept-Encoding: gzip' ]);
my @kinds = (
    [ 'limit_conn', '/conn', 1001 ],
    [ 'gzip', '/gzip', 1002, @zipped ],
    [ 'limit_rate', '/rate', 1003 ],
    [ 'no chunks', '/whole', 1004 ],
    [ 'HTTP/1.0', '/gs', 1005, http => '1.0' ],
    [ 'HTTP/1.0 with limit_conn', '/conn', 1006, http => '1.0' ],
);
my @open;

for my $kind (@kinds) {
    my ($label, $at, $host, @how) = @$kind;

    my $stream = stream($at, $host, @how);
    is($stream->next_event->{event}, 'open', "$label: a stream opens");
    say_to($host, "m$_"), is(next_texts($stream, 1), "m$_",
        "$label: event $_, as soon as it is sent") for 1 .. 3;
    is(($stream->{gzip} ? 'gzip' : '') . ($stream->{chunked} ? ' chunks' : ''),
        ($at eq '/gzip' ? 'gzip' : '')
        . ($at eq '/whole' || $label =~ /1\.0/ ? '' : ' chunks'),
        "$label: in the form that was asked for");
    ok(wait_until(sub { $stream->pump(0.02); $stream->{comments} >= 2 }),
        "$label: heartbeats");
    say_to($host, 'last');
    $stream = $stream->reconnect;
    is(next_texts($stream, 1), 'last', "$label: resumed");
    is_bare($one->call($at, 'ack', cursor => $stream->{last_id}),
        "$label: ack");
    is(box($host), 0, "$label: acknowledges it all");
    push @open, $stream;
}

# the rate is kept to

my $began = time();
my $stream = stream('/rate', 1007);
say_to(1007, texts(1, 20));
is(join(' ', numbers($stream, 20)), join(' ', 1 .. 20),
    'limit_rate: a backlog of seconds comes, in order');
cmp_ok(time() - $began, '>', 1, 'limit_rate: no faster than it says');
ok(wait_until(sub { waits() eq '7 0' }), 'all are counted') or diag(waits());
$stream->close;


# ---- limit_conn counts them

# nginx may not have noticed yet that others left.

sub admitted {
    my ($open) = @_;

    my $new;

    wait_until(sub {
        $new = $open->();
        return ($new->{status} // $new->{response}{status}) =~ /^(?:200|101)$/;
    }) or die "no room was left\n";

    return $new;
}

for my $kind (
    [ 'streams', sub { stream('/two', 1008) } ],
    [ 'WebSockets', sub { socket_at('/two', 1008) } ],
) {
    my ($label, $open) = @$kind;

    my @two = map { admitted($open) } 1 .. 2;
    is($_->next_event->{event}, 'open', "one of two $label") for @two;
    my $third = $open->();
    is_error($third->{response}, -9, qr/./, "a third of the $label: refused");
    my $http = $third->{http} // $third;
    $http->{buffer} = '';
    is($http->request('GET', '/status')->{status}, 200,
        'on a connection that goes on');
    $_->close for $third, $two[0];
    my $again = admitted($open);
    is($again->next_event->{event}, 'open',
        'until one of the two is gone');
    $_->close for $again, $two[1];
}


# ---- one that does not read, one that reads slowly

my $kb = memory();
my $deaf = stream('/slow', 1009, receive_buffer => 4096);
$deaf->next_event('open');
say_to(1009, texts(1, 800));
my $grown = memory() - $kb;
my $too_slow = qr/client of a stream is too slow/;
ok(wait_until(sub { $one->{log}->lines($too_slow) }),
    'a client that does not read is cut after send_timeout');
cmp_ok($grown, '<', 2000, 'what waits for it meanwhile is bounded')
    if !$ENV{GMCHAT_TEST_PRELOAD};
my @seen = numbers($deaf, 800);
ok($deaf->eof && !$deaf->{complete}, 'its connection ends');
cmp_ok(scalar @seen, '<', 700, 'before it got all');
# Where nobody is cut so soon.
$deaf = $deaf->reconnect(receive_buffer => undef,
    uri => '/conn?action=stream&host=1009');
push @seen, numbers($deaf, 800 - @seen);
is(join(' ', @seen), join(' ', 1 .. 800), 'and who comes back gets the rest');
is_bare($two->gs('ack', cursor => $deaf->{last_id}), 'which it acknowledges');
$deaf->close;

# All is there before: it reads from its beginning on.

for my $how ([ 'as it is', '/slower' ], [ 'zipped', '/gzip', @zipped ]) {
    my ($label, $at, @how) = @$how;

    say_to(1010, texts(1, 60));
    my $slow = stream($at, 1010, receive_buffer => 4096, @how);
    is(join(' ', numbers($slow, 60, 0.04)), join(' ', 1 .. 60),
        "$label: a slow reader gets it all, for longer than send_timeout");
    $slow->close;
    $two->gs('ack', cursor => $slow->{last_id});
}


# ---- HTTP/2

my $curl = curl('/gs', 1011);
ok(printed($curl, qr/^event: open$/m), 'HTTP/2: a stream opens');
say_to(1011, "h$_"), ok(printed($curl, qr/"text":"h$_"/),
    "HTTP/2: event $_, as it comes") for 1 .. 3;
my ($id) = slurp($curl->{name}) =~ /.*^id: (\S+)\n.*"text":"h3"/ms;
my $resumed = curl('/gs', 1011, "Last-Event-ID: $id");
say_to(1011, 'h4');
ok(printed($resumed, qr/"text":"h4"/), 'HTTP/2: resumed');
unlike(slurp($resumed->{name}), qr/"text":"h[123]"/, 'where it was');
kill('KILL', $resumed->{pid});
ok(wait_until(sub { waits() eq '7 0' }),
    'HTTP/2: a client that is killed leaves nothing') or diag(waits());

my $stopped = curl('/slow', 1012);
ok(printed($stopped, qr/^event: ready$/m), 'HTTP/2: a client');
kill('STOP', $stopped->{pid});
say_to(1012, texts(1, 400));
ok(wait_until(sub { status()->{slow} == 2 }),
    'that stops to read is cut, too') or diag(status()->{slow});
kill('CONT', $stopped->{pid});
ok(wait_until(sub { !alive($stopped->{pid}) }), 'and told so');
isnt(reaped($stopped->{pid}), 0, 'as what it is');


# ---- a WebSocket

my $socket = socket_at('/conn', 1013);
$socket->next_event('ready');
say_to(1013, 'w1');
my $event = $socket->next_event('message');
is($event->{data}{text}, 'w1', 'WebSocket: an event');
is($socket->call('send', uid => 23, text => 'from 23')->{res}, 1,
    'WebSocket: a call');
is_deeply($socket->call('ack', cursor => $event->{id}), { re => 2, res => 1 },
    'WebSocket: ack');
is(box(1013), 0, 'acknowledges');
is($socket->leave(1000), 1000, 'WebSocket: a close is answered');
ok($socket->silent_end, 'and ends the connection');
$socket = socket_at('/conn', 1013);
$socket->next_event('ready');


# ---- reload

$stream = stream('/two', 1014, receive_buffer => 4096);
$deaf = stream('/two', 1015, receive_buffer => 4096);
my $rated = stream('/rate', 1016);
$_->next_event('ready') for $stream, $deaf, $rated;
say_to($_, texts(1, 100)) for 1014 .. 1016;
my @old = $one->reload_begin;
$began = time();

for my $n (0 .. $#open) {
    ok($open[$n]->ended, "$kinds[$n][0]: reload ends the response");
    like($open[$n]{retry} // 'none', qr/^\d{1,4}$/, 'and says when to return');
    ok(wait_until(sub { $open[$n]->eof }), 'and its connection');
}

ok($open[1]{unzipped}, 'what is zipped is complete');

for my $behind ($stream, $rated) {
    ok($behind->ended, 'one that was behind reads on to the end');
    like($behind->{retry} // 'none', qr/^\d{1,4}$/, 'and that is the last');
    ok(!length $behind->{http}{buffer}, 'with nothing behind it');
}

ok(printed($curl, qr/^retry: \d+\n\nHTTP\/2 200\z/m),
    'HTTP/2: reload ends the response');
ok(wait_until(sub { !alive($curl->{pid}) }), 'and the client');
is(reaped($curl->{pid}), 0, 'which is content');
is($socket->close_code, 1012, 'WebSocket: reload');
like($socket->{reason}, qr/^come back in \d+ ms$/, 'says when to return');
$socket->close;
ok(wait_until(sub { $one->reload_done(@old) }), 'the old workers go');
cmp_ok(time() - $began, '<', 40, 'though a client never reads');
$_->close for $deaf, $rated;
@seen = numbers($stream, 100);
$stream = $stream->reconnect(receive_buffer => undef);
is(join(' ', @seen, numbers($stream, 100 - @seen)), join(' ', 1 .. 100),
    'nothing is lost to the one that was behind');
$stream->close;


# ---- the workers are killed

@open = map { $_->reconnect } @open;
$_->next_event('ready') for @open;
@old = $one->workers;
kill('KILL', @old);
ok(wait_until(sub { $one->reload_done(@old) }), 'all workers are killed');
say_to($kinds[$_][2], 'after') for 0 .. $#kinds;
@open = map { $_->reconnect } @open;
is(next_texts($open[$_], 1), 'after', "$kinds[$_][0]: who comes back goes on")
    for 0 .. $#kinds;
$_->close for @open;


# ---- clients that go as soon as they came

for my $n (1 .. 60) {
    my $client = $one->connect;

    $client->write(format_request('GET', ($n % 3 ? '/conn' : '/gzip')
        . '?action=stream&host=' . join(',', 1001 .. 1020),
        headers => [ 'Accept: text/event-stream', 'Accept-Encoding: gzip' ]));
    $n % 2 ? $client->reset : $client->close;
}

ok(wait_until(sub { waits() eq '0 0' }), 'no stream is left')
    or diag(waits());
finish();
