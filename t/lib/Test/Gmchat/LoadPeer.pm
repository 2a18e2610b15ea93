package Test::Gmchat::LoadPeer;

# A connection of Test::Gmchat::Load's: HTTP responses and frames of a
# WebSocket out of what came, and coming back where it broke. A class below it
# has due(), which says what is to be said, and {load}: what all peers of a
# process share (Test::Gmchat::LoadProcess).

use strict;
use warnings;

use parent 'Test::Gmchat::Loop';

use Test::Gmchat::Http qw(format_request);


# Connects to one of the servers, by chance; false if nobody listens there.

sub dial_one {
    my ($self) = @_;

    my $addresses = $self->{load}{addresses};

    $self->{where} = int(rand(@$addresses));

    return $self->dial($addresses->[ $self->{where} ]);
}


sub try_again {
    my ($self) = @_;

    $self->hang_up;
    $self->after(0.02 + rand(0.1));
}


sub closed {
    my ($self) = @_;

    $self->try_again;
}


# Takes an HTTP response with a length: its body.

sub take_body {
    my ($self) = @_;

    my $head = index($self->{in}, "\r\n\r\n") + 4;
    return if $head < 4;

    my ($length) = $self->{in} =~ /\r\nContent-Length: (\d+)/i;
    return if !defined $length || length($self->{in}) < $head + $length;

    my $all = substr($self->{in}, 0, $head + $length, '');
    $self->{closes} = $all =~ /\r\nConnection: close\r/ ? 1 : 0;

    return substr($all, $head);
}


sub upgrade {
    my ($uri, @headers) = @_;

    return format_request('GET', $uri, headers => [
        'Connection: Upgrade', 'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', @headers,
    ]);
}


# Takes the answer to that: 1 once frames may be written, 0 before, undef if
# it was refused (then {refusal} says how).

sub take_upgrade {
    my ($self) = @_;

    my $head = index($self->{in}, "\r\n\r\n") + 4;
    return 0 if $head < 4;

    if ($self->{in} =~ m{^HTTP/1\.1 101 }) {
        substr($self->{in}, 0, $head, '');
        return 1;
    }

    $self->{refusal} = $self->take_body // return 0;

    return undef;
}


# Frames; a client's are masked.

sub write_frame {
    my ($self, $opcode, $payload) = @_;

    my $length = length $payload;
    my $mask = pack('N', rand(2 ** 32));
    my $masked = $payload ^ substr($mask x (1 + $length / 4), 0, $length);

    $self->write(pack('C', 0x80 | $opcode)
        . ($length < 126 ? pack('C', 0x80 | $length)
            : pack('Cn', 0x80 | 126, $length))
        . $mask . $masked);
}


sub take_frame {
    my ($self) = @_;

    return if length $self->{in} < 2;

    my ($opcode, $length) = unpack('CC', $self->{in});
    my $from = 2;

    if ($length == 126) {
        return if length $self->{in} < 4;
        $length = unpack('x2n', $self->{in});
        $from = 4;
    }

    return if length $self->{in} < $from + $length;

    return ($opcode & 15,
        substr(substr($self->{in}, 0, $from + $length, ''), $from));
}


# Called with each text; false once the connection is over. Ends that do not
# say that one may come back at once (code 1012) are `unkind`.

sub take_frames {
    my ($self, $text) = @_;

    while (my ($opcode, $payload) = $self->take_frame) {
        if ($opcode == 1) {
            $text->($payload);
        } elsif ($opcode == 9) {
            $self->write_frame(10, $payload);
        } elsif ($opcode == 8) {
            $self->{load}->count('goodbyes');
            $self->{load}->count('unkind') if $payload !~ /^\x03\xf4/;
            $self->write_frame(8, substr($payload, 0, 2));
            $self->try_again;
            return 0;
        }

        return 0 if !$self->{socket};
    }

    return 1;
}


1;
