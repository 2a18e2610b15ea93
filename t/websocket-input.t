#!/usr/bin/perl

# What no client should send in a WebSocket, and what any may send in pieces:
# none of it ends a worker or costs memory, each wrong has its close code.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::WebSocket qw(frame close_frame call_frame
    CONTINUATION TEXT BINARY CLOSE PING PONG);
use Test::More;

use constant { FRAME_MAX => 65_536, MB => 1_048_576 };

# One worker: what is written before a call is answered has been read then.

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, workers => 1,
    asan => 'quarantine_size_mb=1', conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    keepalive_requests 1000000;
    keepalive_timeout 1h;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location = /turn { access_log off; return 204; }
    }
}
EOF

my $seed = $ENV{GMCHAT_SEED} // 20_260_731;
srand($seed);

my @workers = $nginx->workers;

sub open_stream {
    my (%arg) = @_;

    return Test::Gmchat::WebSocket->open(address => $nginx->address,
        uri => '/gs?action=stream&host=1001', %arg);
}

# When this returns, the worker has been round all its connections.

my $turns = $nginx->connect;

sub turn {
    $turns->write(format_request('GET', '/turn'));
    $turns->read_turn;
}

sub Test::Gmchat::Http::read_turn {
    my ($self) = @_;

    wait_until(sub {
        IO::Select->new($self->{socket})->can_read(0.01);
        $self->fill or die 'the worker is gone';
        return $self->{buffer} =~ s/\A.*?\r\n\r\n//s;
    }) or die 'the worker stands still';
}

sub resident {
    open(my $file, '<', "/proc/$workers[0]/status") or die $!;

    return (grep { s/^VmRSS:\s+(\d+) kB\s*\z/$1/ } <$file>)[0] * 1024;
}

# The close code that some bytes get, each in a new connection.

sub closes_with {
    my ($bytes, $code, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $ws = open_stream();
    $ws->write($bytes);
    my $seen = eval { $ws->close_code } // 'open';
    $ws->close;

    return is($seen, $code, $label);
}

# Something that is answered shows that the connection is as it was.

sub lives {
    my ($ws) = @_;

    return ($ws->call('online', host => 1001) // {})->{res} // 'no answer';
}

my $call = call_frame(7, 'online', host => 1001);
my $text = substr($call, 6) ^ substr(pack('N', 0x37fa213d) x length $call, 0,
    length($call) - 6);

# A call of some length.

sub padded {
    my ($length) = @_;

    my $bare = '{"call":7,"action":"online","host":"1001","pad":""}';

    return $bare =~ s/(?="}\z)/'x' x ($length - length $bare)/er;
}

# every kind of frame, split at every byte

my @kinds = (
    [ 'a text' => frame(TEXT, $text), 'reply' ],
    [ 'a text with a length of 16 bits' => frame(TEXT, padded(200)), 'reply' ],
    [ 'a text with a mask of zeros' => frame(TEXT, $text, mask => "\0" x 4),
        'reply' ],
    [ 'a text with a mask of ones' => frame(TEXT, $text, mask => "\xff" x 4),
        'reply' ],
    [ 'an empty text' => frame(TEXT, ''), 'refusal' ],
    [ 'a text in two fragments' => frame(TEXT, substr($text, 0, 20),
        fin => 0) . frame(CONTINUATION, substr($text, 20)), 'reply' ],
    [ 'a text that begins and ends empty' => frame(TEXT, '', fin => 0)
        . frame(CONTINUATION, $text, fin => 0) . frame(CONTINUATION, ''),
        'reply' ],
    [ 'a text with a ping within' => frame(TEXT, substr($text, 0, 9),
        fin => 0) . frame(PING, 'within')
        . frame(CONTINUATION, substr($text, 9)), 'pong', 'within', 'reply' ],
    [ 'a text with all controls within' => frame(TEXT, substr($text, 0, 9),
        fin => 0) . frame(PONG, 'p') . frame(PING, '')
        . frame(CONTINUATION, '', fin => 0) . frame(PING, 'q')
        . frame(CONTINUATION, substr($text, 9)), 'pong', '', 'pong', 'q',
        'reply' ],
    [ 'a ping' => frame(PING, 'ping'), 'pong', 'ping' ],
    [ 'an empty ping' => frame(PING, ''), 'pong', '' ],
    [ 'a pong' => frame(PONG, 'pong') . frame(PING, 'behind'), 'pong',
        'behind' ],
    [ 'a call behind a ping' => frame(PING, 'x') . $call, 'pong', 'x',
        'reply' ],
);

# What a kind is answered with, the first that differs; undef if all is well.

sub answered {
    my ($ws, @expected) = @_;

    while (defined(my $what = shift @expected)) {
        if ($what eq 'pong') {
            my $payload = shift @expected;
            my $pong = $ws->next_pong // 'no pong';
            return "pong $pong" if $pong ne $payload;
            next;
        }

        my $reply = $ws->reply($what eq 'reply' ? 7 : 'null') // {};
        return "$what " . ($reply->{res} // 'none')
            if ($reply->{res} // '') ne ($what eq 'reply' ? 1 : 0);
    }

    return;
}

for my $kind (@kinds) {
    my ($label, $bytes, @expected) = @$kind;

    my $ws = open_stream();
    my $wrong;

    for my $at (1 .. length($bytes) - 1) {
        $ws->write(substr($bytes, 0, $at));
        turn();
        $ws->write(substr($bytes, $at));
        $wrong = answered($ws, @expected) or next;
        $wrong .= " at byte $at";
        last;
    }

    is($wrong, undef, "$label, split at every byte");

    for my $byte (split(//, $bytes)) {
        $ws->write($byte);
        turn();
    }

    is(answered($ws, @expected), undef, "$label, a byte at a time");
    $ws->write($bytes x 50);
    is((grep { defined } map { answered($ws, @expected) } 1 .. 50)[0], undef,
        "$label, 50 times in one piece");
    $ws->close;
}

for my $close ([ 1000, 'bye' ], [ 1005 ], [ 4999, "gr\xc3\xbc\xc3\x9fe" ]) {
    my ($code, $reason) = @$close;

    my $bytes = close_frame($code == 1005 ? undef : ($code, $reason));
    my @seen = map {
        my $ws = open_stream();
        $ws->write(substr($bytes, 0, $_));
        turn();
        $ws->write(substr($bytes, $_));
        my $seen = $ws->close_code;
        $ws->close;
        $seen;
    } 1 .. length($bytes) - 1;

    is_deeply([ grep { $_ ne $code } @seen ], [],
        "a close of $code, split at every byte");
}

# lengths

my $ws = open_stream();

for my $length (125, 126, 127, 65_535, FRAME_MAX) {
    $ws->write(frame(TEXT, padded($length)));
    is(answered($ws, 'reply'), undef, "a text of $length bytes");
}

my $bytes = frame(TEXT, padded(FRAME_MAX));

for my $at (1 .. 20, FRAME_MAX, FRAME_MAX + 13) {
    $ws->write(substr($bytes, 0, $at));
    turn();
    $ws->write(substr($bytes, $at));
    is(answered($ws, 'reply'), undef,
        "a text with a length of 64 bits, split at byte $at");
}

my $longest = padded(FRAME_MAX);

$ws->write(join('', map { frame($_ ? CONTINUATION : TEXT,
    substr($longest, $_, 1), fin => $_ == FRAME_MAX - 1 ? 1 : 0) }
    0 .. FRAME_MAX - 1));
is(answered($ws, 'reply'), undef, 'the longest text, a byte in each fragment');
$ws->close;

closes_with(frame(TEXT, padded(FRAME_MAX + 1)), 1009, 'a longer text');
closes_with(frame(TEXT, 'x', length => FRAME_MAX + 1), 1009,
    'one that is only announced');
closes_with(frame(TEXT, 'x', length => 2**31, form => 64), 1009,
    'a length of 2^31');
closes_with(frame(TEXT, 'x', length => 2**32 + 1, form => 64), 1009,
    'a length of 2^32 and a little');
closes_with(frame(TEXT, 'x', length => 9_223_372_036_854_775_807,
    form => 64), 1009, 'a length of 2^63 - 1');
closes_with(frame(TEXT, 'x' x FRAME_MAX, fin => 0)
    . frame(CONTINUATION, 'x'), 1009, 'fragments that are longer together');
closes_with(frame(TEXT, 'x', fin => 0) . frame(CONTINUATION, 'x',
    length => 9_223_372_036_854_775_807, form => 64), 1009,
    'a fragment of 2^63 - 1 behind another');
closes_with(frame(TEXT, 'x' x 1000, fin => 0)
    . frame(CONTINUATION, 'x' x 1000, fin => 0) x 100, 1009,
    'fragments without end');

for my $length (9_223_372_036_854_775_808, 18_446_744_073_709_551_615) {
    closes_with(frame($_, 'x', length => $length, form => 64), 1002,
        "a length of $length, opcode $_") for TEXT, CONTINUATION, PING;
}

for my $length (0, 1, 125) {
    closes_with(frame($_, 'x' x $length, form => 16), 1002,
        "opcode $_, $length bytes with a length of 16 bits")
        for TEXT, PING, PONG;
}

for my $length (0, 1, 125, 126, 65_535) {
    closes_with(frame(TEXT, 'x' x $length, form => 64), 1002,
        "$length bytes with a length of 64 bits");
}

# masks, reserved bits, opcodes

for my $opcode (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG) {
    closes_with(frame($opcode, 'xx', mask => ''), 1002,
        "opcode $opcode without a mask");
    closes_with(frame($opcode, '', mask => '') . frame(PING, 'x'), 1002,
        "opcode $opcode without a mask, empty");

    closes_with(frame($opcode, 'xx', rsv => $_), 1002,
        "opcode $opcode with the reserved bits $_") for 1 .. 7;
}

for my $opcode (3 .. 7, 0xb .. 0xf) {
    closes_with(frame($opcode, 'x'), 1002, "the reserved opcode $opcode");
    closes_with(frame($opcode, ''), 1002, "the reserved opcode $opcode, empty");
}

for my $opcode (CLOSE, PING, PONG) {
    closes_with(frame($opcode, 'xx', fin => 0), 1002,
        "a fragment of opcode $opcode");
    closes_with(frame($opcode, 'x' x 126), 1002,
        "opcode $opcode with 126 bytes");
    closes_with(frame(TEXT, 'x', fin => 0) . frame($opcode, 'x' x 126), 1002,
        "the same within a message");
}

# what follows what

closes_with(frame(CONTINUATION, 'x'), 1002, 'a continuation of nothing');
closes_with(frame(CONTINUATION, 'x', fin => 0), 1002,
    'a continuation of nothing that goes on');
closes_with($call . frame(CONTINUATION, 'x'), 1002,
    'a continuation of a text that is whole');
closes_with(frame(TEXT, 'x', fin => 0) . frame(TEXT, 'x'), 1002,
    'a text within another');
closes_with(frame(TEXT, 'x', fin => 0) . frame(BINARY, 'x'), 1002,
    'a binary message within a text');
closes_with(frame(BINARY, $text), 1003, 'a binary message');
closes_with(frame(BINARY, ''), 1003, 'an empty one');
closes_with(frame(BINARY, 'x', fin => 0), 1003, 'one that goes on');
closes_with(frame(TEXT, 'x', fin => 0) . close_frame(1000), 1000,
    'a close within a message');
closes_with(close_frame(1000) . frame(BINARY, 'x'), 1000,
    'something wrong behind a close');
closes_with(frame(PING, 'x') . frame(3, 'x') . close_frame(1000), 1002,
    'a close behind something wrong');

# closes

closes_with(frame(CLOSE, 'x'), 1002, 'a close of one byte');
closes_with(close_frame(1000, "\xff"), 1007,
    'a close whose reason is not UTF-8');
closes_with(close_frame(1000, "x\xc3"), 1007,
    'a close whose reason ends within a character');

# text

my %wrong = (
    'a byte that begins nothing'  => "\x80",
    'a byte that is never there'  => "\xff",
    'a character cut short'       => "\xe2\x82x",
    'an overlong slash'           => "\xc0\xaf",
    'an overlong zero'            => "\xe0\x80\x80",
    'half a surrogate pair'       => "\xed\xa0\x80",
    'a character past U+10FFFF'   => "\xf4\x90\x80\x80",
    'a character of five bytes'   => "\xf8\x88\x80\x80\x80",
);

for my $label (sort keys %wrong) {
    closes_with(frame(TEXT, "{\"a\":\"$wrong{$label}\"}"), 1007, $label);
    closes_with(frame(TEXT, "{\"a\":\"$wrong{$label}xxx", fin => 0), 1007,
        "$label, before the message is whole");
}

closes_with(frame(TEXT, "{\"a\":\"\xe2\x82"), 1007,
    'a text that ends within a character');
closes_with(frame(TEXT, "\xe2\x82", fin => 0)
    . frame(CONTINUATION, 'xx', fin => 0), 1007,
    'a fragment that does not go on with the character');

$ws = open_stream();
my $characters = '{"call":7,"action":"online","host":1001,"pad":"'
    . "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80" . '"}';

for my $at (1 .. length($characters) - 1) {
    $ws->write(frame(TEXT, substr($characters, 0, $at), fin => 0)
        . frame(PING, 'x') . frame(CONTINUATION, substr($characters, $at)));
}

is((grep { defined } map { answered($ws, 'pong', 'x', 'reply') }
    2 .. length $characters)[0], undef,
    'characters may be parted by fragments, and a ping between');
$ws->close;

# who fails is told, and then the connection ends

$ws = open_stream();
$ws->write(frame(3, 'x'));
is($ws->close_code, 1002, 'a client that failed');
$ws->write(close_frame(1002));
ok($ws->silent_end, 'is let go');

# connections that end where they should not

for my $bytes ("\x81", substr($call, 0, 5), substr($call, 0, -1),
    frame(TEXT, 'x', fin => 0), frame(TEXT, 'x', length => 1000))
{
    for my $end (qw(close reset)) {
        my $ws = open_stream();
        $ws->write($bytes);
        turn();
        $ws->$end;
    }
}

turn();
is_deeply([ $nginx->workers ], \@workers,
    'connections that end within a frame');

# a lot, of a client that reads

sub in_pieces {
    my ($ws, $bytes, $times, $answers) = @_;

    for (1 .. $times) {
        $ws->write($bytes);
        return 'no answer' if !$answers->($ws);
    }

    return 'answered';
}

my $piece = frame(PING, 'p' x 125) x 80;

sub eighty_pongs {
    my ($ws) = @_;

    return !grep { ($ws->next_pong // '') ne 'p' x 125 } 1 .. 80;
}

$ws = open_stream();
is(in_pieces($ws, $piece, 10, \&eighty_pongs), 'answered', 'pings at first');
my $before = resident();
is(in_pieces($ws, $piece, 100, \&eighty_pongs), 'answered',
    '1 MB of pings are all answered');

my $empty = frame(PING, '') x 500;
is(in_pieces($ws, $empty, 350, sub {
    return !grep { !defined $_[0]->next_pong } 1 .. 500;
}), 'answered', '1 MB of empty pings as well');
$ws->write(frame(PONG, 'x' x 125) x 8_000);
is(lives($ws), 1, '1 MB of pongs');
$ws->write(frame(TEXT, '', fin => 0) . frame(CONTINUATION, '', fin => 0)
    x 180_000);
$ws->write(frame(CONTINUATION, $text));
is(answered($ws, 'reply'), undef, '1 MB of empty fragments');
$ws->close;

my @half = map { open_stream() } 1 .. 100;
$_->write(frame(TEXT, 'x', length => FRAME_MAX)) for @half;
turn();
cmp_ok(resident() - $before, '<', 4 * MB,
    'nothing of it is kept, nor is memory taken for what is only announced');
$_->close for @half;

# A client that sends and does not read is not read from, before long; others
# are served meanwhile, and in the end it gets all that it asked for.

# Writes until the worker takes no more while it goes round many times; how
# many of the pieces are written, the last of them in part.

sub flood {
    my ($ws, $piece, $limit) = @_;

    my ($written, $idle) = (0, 0);

    while ($idle < 200 && $written < $limit) {
        my $sent = syswrite($ws->{socket}, $piece, length($piece)
            - $written % length $piece, $written % length $piece);

        if ($sent) {
            $written += $sent;
            $idle = 0;
            next;
        }

        turn();
        $idle++;
    }

    return $written;
}

sub open_deaf {
    my $ws = open_stream(receive_buffer => 4_096);

    $ws->next_event('ready');
    setsockopt($ws->{socket}, Socket::SOL_SOCKET, Socket::SO_SNDBUF, 65_536);
    $ws->{socket}->blocking(0);

    return $ws;
}

sub rest_of {
    my ($ws, $piece, $written) = @_;

    my $part = $written % length $piece;

    return $part ? substr($piece, $part) : '';
}

for my $case (
    [ 'pings', frame(PING, 'f' x 100), sub { $_[0]->next_pong } ],
    [ 'calls', $call, sub { $_[0]->reply(7) } ],
    [ 'broken calls', frame(TEXT, '{'), sub { $_[0]->reply('null') } ],
) {
    my ($label, $piece, $answer) = @$case;
    my $limit = 256 * MB;

    $before = resident();
    my $ws = open_deaf();
    my $other = open_stream();
    my $written = flood($ws, $piece, $limit);

    cmp_ok($written, '<', $limit, "a flood of $label is not taken for ever");
    is(lives($other), 1, "$label: others are served meanwhile");
    is_success($nginx->gs('online', host => 1001), "$label: by HTTP too");
    cmp_ok(resident() - $before, '<', 8 * MB,
        "$label: the worker does not grow");

    my $count = int(($written + length($piece) - 1) / length $piece);
    my $rest = rest_of($ws, $piece, $written);
    my $seen = 0;

    while ($seen < $count) {
        last if !defined $answer->($ws);
        $seen++;
        $rest = '' if $rest ne '' && syswrite($ws->{socket}, $rest);
    }

    is($seen, $count, "$label: all are answered when the client reads");
    is(lives($ws), 1, "$label: and it goes on as any");
    $_->close for $ws, $other;
}

# noise

sub noise {
    return join('', map { chr(int(rand(256))) } 1 .. $_[0]);
}

sub spoiled {
    my $bytes = join('', map { $kinds[rand @kinds][1] } 1 .. 1 + rand(4));

    substr($bytes, rand(length $bytes), 1) = chr(int(rand(256)))
        for 0 .. rand(3);

    return $bytes;
}

my %codes = map { $_ => 1 } 1000 .. 1003, 1005, 1007 .. 1014, 3000 .. 4999;
my @strange;

for my $n (1 .. 600) {
    my $bytes = $n % 2 ? noise(1 + rand(300)) : spoiled();
    my $ws = open_stream();

    for (1 .. rand(4)) {
        last if length $bytes < 2;
        $ws->write(substr($bytes, 0, 1 + rand(length($bytes) - 1), ''));
        turn();
    }

    $ws->write($bytes);
    turn();

    # Whatever it was, it is over by then: a frame that has begun takes at
    # most as much, and then there is something wrong.
    $ws->write(("\xff" x FRAME_MAX) x 2);
    my $code = eval { $ws->close_code } // "not closed: $@";
    push @strange, "$n: $code" if !$codes{$code};
    $ws->close;
}

is(join("\n", @strange), '', "noise of the seed $seed ends as it should");

# noise instead of a handshake's end

for (1 .. 50) {
    my $ws = Test::Gmchat::WebSocket->try(address => $nginx->address,
        uri => '/gs?action=stream&host=1001', behind => noise(3_000));
    $ws->close;
}

turn();
is_deeply([ $nginx->workers ], \@workers, 'the worker is the first one still');
$ws = open_stream();
is(lives($ws), 1, 'and serves');
$ws->close;

finish();
