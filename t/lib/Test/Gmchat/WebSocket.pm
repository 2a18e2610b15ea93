package Test::Gmchat::WebSocket;

# A WebSocket client that hides nothing: frames are made by hand where a test
# wants them broken, and every read has a deadline.
#
#   my $ws = Test::Gmchat::WebSocket->open(address => '127.0.0.1:port',
#       uri => '/gs?action=stream&host=1001');
#   $ws->next_event('open')->{data}{stream};
#   $ws->call('send', uid => 5, text => 'x')->{id};
#   $ws->write(frame(PING, 'payload'));
#   $ws->leave(1000);                       # the code that came back
#
# What is underneath (write, fill, reset, close, closed) is Test::Gmchat::Http.

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use Exporter qw(import);
use IO::Select;
use JSON::PP ();
use Time::HiRes qw(time);

use Test::Gmchat::Http;

our @ISA = qw(Test::Gmchat::Http);
our @EXPORT_OK = qw(frame close_frame call_frame accept_of
    CONTINUATION TEXT BINARY CLOSE PING PONG);

use constant {
    CONTINUATION => 0x0,
    TEXT         => 0x1,
    BINARY       => 0x2,
    CLOSE        => 0x8,
    PING         => 0x9,
    PONG         => 0xa,
    NO_CODE      => 1005,
    DEADLINE     => 30,
};

my $guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
my $key = 'dGhlIHNhbXBsZSBub25jZQ==';
my $json = JSON::PP->new->utf8->canonical->allow_nonref;


# The text of a handshake. `set` replaces headers, those that are undef are
# left out; `headers` are lines to add.

sub handshake {
    my (%arg) = @_;

    my %headers = (
        'Host'                  => 'localhost',
        'Upgrade'               => 'websocket',
        'Connection'            => 'Upgrade',
        'Sec-WebSocket-Key'     => $key,
        'Sec-WebSocket-Version' => 13,
        %{ $arg{set} // {} },
    );
    my $method = $arg{method} // 'GET';
    my $version = $arg{http} // '1.1';

    return join("\r\n", "$method $arg{uri} HTTP/$version",
        (map { "$_: $headers{$_}" } grep { defined $headers{$_} }
            sort keys %headers),
        @{ $arg{headers} // [] }, '', '');
}


# What Sec-WebSocket-Accept must be.

sub accept_of {
    my ($sent) = @_;

    return sha1_base64(($sent // $key) . $guid) . '=';
}


# A connection that sent a handshake and has the response to it: `behind` is
# written in one piece with the handshake.

sub try {
    my ($class, %arg) = @_;

    my $self = $class->new(%arg);

    $self->{events} = [];
    $self->{replies} = {};
    $self->{pongs} = [];
    $self->{calls} = 0;
    $self->write(handshake(%arg) . ($arg{behind} // ''));
    $self->{response} = $self->read_head;

    return $self;
}


# One that the server must accept.

sub open {
    my ($class, %arg) = @_;

    my $self = $class->try(%arg);
    my $response = $self->{response};

    die "no WebSocket: $response->{status} $response->{body}\n"
        if $response->{status} ne '101';

    return $self;
}


sub read_head {
    my ($self) = @_;

    $self->read_until(sub { index($self->{buffer}, "\r\n\r\n") >= 0 })
        or return { status => 'none', headers => {}, body => '' };

    return $self->response if $self->{buffer} !~ m{^HTTP/1\.1 101 };

    my $end = index($self->{buffer}, "\r\n\r\n") + 4;
    my ($first, @lines) = split(/\r\n/, substr($self->{buffer}, 0, $end, ''));

    return {
        status  => '101',
        headers => { map { lc($_->[0]) => $_->[1] }
            map { [ split(/:\s*/, $_, 2) ] } @lines },
        body    => '',
    };
}


# Reads until the condition holds; false if the connection ends before.

sub read_until {
    my ($self, $condition, $seconds) = @_;

    my $end = time() + ($seconds // DEADLINE);
    my $select = IO::Select->new($self->{socket});

    while (!$condition->()) {
        return 0 if $self->{ended};
        die "nothing from the server\n" if time() > $end;
        $select->can_read(0.1) or next;
        $self->{ended} = !$self->fill;
    }

    return 1;
}


# frame(opcode, payload, fin => 0, rsv => 1..7, mask => '' (none) or 4 bytes,
# form => 7 | 16 | 64 (bits of the length), length => what it says)

sub frame {
    my ($opcode, $payload, %arg) = @_;

    utf8::encode($payload) if utf8::is_utf8($payload);

    my $mask = $arg{mask} // pack('N', 0x37fa213d);
    my $length = $arg{length} // length $payload;
    my $form = $arg{form}
        // ($length < 126 ? 7 : $length < 65_536 ? 16 : 64);
    my $first = ($arg{fin} // 1) << 7 | ($arg{rsv} // 0) << 4 | $opcode;
    my $second = length $mask ? 0x80 : 0;

    return join('', pack('C', $first),
        $form == 7 ? pack('C', $second | $length)
            : $form == 16 ? pack('Cn', $second | 126, $length)
            : pack('CQ>', $second | 127, $length),
        $mask, masked($payload, $mask));
}


sub masked {
    my ($payload, $mask) = @_;

    return $payload if !length $mask || !length $payload;

    return $payload ^ substr($mask x (length($payload) / 4 + 1), 0,
        length $payload);
}


sub close_frame {
    my ($code, $reason) = @_;

    return frame(CLOSE, defined $code ? pack('n', $code) . ($reason // '')
        : '');
}


# The next frame, { opcode, fin, rsv, masked, payload }, or undef at the
# connection's end.

sub read_frame {
    my ($self, $seconds) = @_;

    my $frame;

    $self->read_until(sub { $frame = $self->take_frame }, $seconds)
        or return;

    return $frame;
}


sub take_frame {
    my ($self) = @_;

    my $buffer = \$self->{buffer};
    return if length $$buffer < 2;

    my ($first, $second) = unpack('CC', $$buffer);
    my $length = $second & 0x7f;
    my $from = $length < 126 ? 2 : $length == 126 ? 4 : 10;
    return if length $$buffer < $from;

    $length = unpack('x2n', $$buffer) if $from == 4;
    $length = unpack('x2Q>', $$buffer) if $from == 10;
    return if length $$buffer < $from + $length;

    my $frame = {
        fin     => $first >> 7,
        rsv     => $first >> 4 & 7,
        opcode  => $first & 0xf,
        masked  => $second >> 7,
        payload => substr($$buffer, $from, $length),
    };

    substr($$buffer, 0, $from + $length, '');

    return $frame;
}


# Takes frames until the condition gives something: events and replies are
# kept by kind, pings are answered (unless `deaf`). Undef once the server
# closes: `code` and `reason` are what its close said, `code` is undef where
# the connection just ended.

sub take_until {
    my ($self, $condition, $seconds) = @_;

    my $end = time() + ($seconds // DEADLINE);

    while (1) {
        my $value = $condition->();
        return $value if defined $value;
        return undef if $self->{over};

        my $frame = $self->read_frame($end - time());
        $self->{over} = 1 if !$frame;
        $self->sort_frame($frame) if $frame;
    }
}


sub sort_frame {
    my ($self, $frame) = @_;

    my ($opcode, $payload) = @{$frame}{qw(opcode payload)};

    die "a frame that no server may send\n"
        if $frame->{masked} || $frame->{rsv} || !$frame->{fin};

    if ($opcode == PING) {
        $self->{pings}++;
        $self->write(frame(PONG, $payload)) if !$self->{deaf};
    } elsif ($opcode == PONG) {
        push @{ $self->{pongs} }, $payload;
    } elsif ($opcode == CLOSE) {
        $self->{over} = 1;
        $self->{code} = length $payload ? unpack('n', $payload) : NO_CODE;
        $self->{reason} = substr($payload, length $payload ? 2 : 0);
    } elsif ($opcode == TEXT) {
        $self->sort_text($payload);
    } else {
        die "a frame of another kind, $opcode\n";
    }
}


sub sort_text {
    my ($self, $text) = @_;

    my $object = $json->decode($text);

    if (exists $object->{event}) {
        push @{ $self->{events} }, $object;
        return;
    }

    die "neither an event nor a reply: $text\n" if !exists $object->{re};

    push @{ $self->{order} }, $object->{re} // 'null';
    push @{ $self->{replies}{ $object->{re} // 'null' } }, $object;
}


# The next event, of a name if one is given: others stay for later.

sub next_event {
    my ($self, $name, $seconds) = @_;

    return $self->take_until(sub {
        my $events = $self->{events};
        my ($n) = grep { !defined $name || $events->[$_]{event} eq $name }
            0 .. $#$events;

        return defined $n ? splice(@$events, $n, 1) : undef;
    }, $seconds);
}


sub next_pong {
    my ($self) = @_;

    return $self->take_until(sub { shift @{ $self->{pongs} } });
}


# Waits for a ping of the server's.

sub next_ping {
    my ($self) = @_;

    return $self->take_until(sub {
        return $self->{pings} ? $self->{pings}-- : undef;
    });
}


# The frame of a call with this number.

sub call_frame {
    my ($number, $action, %params) = @_;

    return frame(TEXT, $json->encode({ %params, call => $number,
        action => $action }));
}


# Calls without waiting; the call's number.

sub ask {
    my ($self, $action, %params) = @_;

    my $number = ++$self->{calls};

    $self->write(call_frame($number, $action, %params));

    return $number;
}


sub reply {
    my ($self, $number, $seconds) = @_;

    return $self->take_until(sub {
        return shift @{ $self->{replies}{$number} // [] };
    }, $seconds);
}


sub call {
    my ($self, $action, %params) = @_;

    return $self->reply($self->ask($action, %params));
}


# The code with which the server closes, or 'cut' where it just ended. What
# came before it is kept.

sub close_code {
    my ($self, $seconds) = @_;

    $self->take_until(sub { undef }, $seconds);

    return $self->{code} // 'cut';
}


# Whether the server ends the connection, and says nothing more before.

sub silent_end {
    my ($self, $seconds) = @_;

    return !$self->read_until(sub { length $self->{buffer} }, $seconds);
}


# The client's close: the code that the server answers.

sub leave {
    my ($self, $code, $reason) = @_;

    $self->write(close_frame($code, $reason));

    return $self->close_code;
}


1;
