package Test::Gmchat::Loop;

# Many connections in one process, none of which waits for another. A peer is
# an object of a class below this one, with its connection's bytes in {in}:
#
#   package Caller;
#   use parent -norequire, 'Test::Gmchat::Loop';
#   sub readable { my ($self) = @_; ... $self->{in} ... }   # there is more
#   sub closed { my ($self) = @_; ... }                     # by the server
#   sub due { my ($self) = @_; ... }                        # after() is over
#
#   my $peer = Caller->new(what => 'ever');
#   $peer->dial('127.0.0.1:80') and $peer->write('GET ...');
#   Test::Gmchat::Loop::turn(0.1);                          # and again

use strict;
use warnings;

use List::Util qw(min);
use Scalar::Util qw(refaddr);
use Socket qw(PF_INET SOCK_STREAM SOL_SOCKET SO_LINGER IPPROTO_TCP
    TCP_NODELAY pack_sockaddr_in inet_aton);
use Time::HiRes qw(time);

my %peers;              # fileno => peer
my ($reads, $writes) = ('', '');
my %due;                # address of a peer => [ time, peer ]


sub new {
    my ($class, %arg) = @_;

    return bless({ in => '', out => '', %arg }, $class);
}


# False if nobody listens.

sub dial {
    my ($self, $address) = @_;

    my ($host, $port) = $address =~ /^(.*):(\d+)$/;

    $self->hang_up;
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1);
    $socket->blocking(0);

    return 0 if !connect($socket, pack_sockaddr_in($port, inet_aton($host)))
        && !$!{EINPROGRESS};

    $self->watch($socket);

    return 1;
}


# Reads from a handle that is open already.

sub watch {
    my ($self, $socket) = @_;

    $socket->blocking(0);
    $self->{socket} = $socket;
    $self->{in} = $self->{out} = '';
    $peers{ fileno $socket } = $self;
    vec($reads, fileno $socket, 1) = 1;
}


sub write {
    my ($self, $bytes) = @_;

    $self->{out} .= $bytes;
    $self->flush;
}


# What fails here is noticed at the read.

sub flush {
    my ($self) = @_;

    my $sent = syswrite($self->{socket}, $self->{out});

    substr($self->{out}, 0, $sent, '') if $sent;
    $self->{out} = '' if !defined $sent && !$!{EAGAIN} && !$!{ENOTCONN};
    vec($writes, fileno $self->{socket}, 1) = length $self->{out} ? 1 : 0;
}


# Ends the connection, if there is one; with `reset` as a client that died.

sub hang_up {
    my ($self, $reset) = @_;

    my $socket = delete $self->{socket} or return;

    delete $peers{ fileno $socket };
    vec($reads, fileno $socket, 1) = 0;
    vec($writes, fileno $socket, 1) = 0;
    setsockopt($socket, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)) if $reset;
    CORE::close($socket);
}


# Calls due() then; a second after() is in place of the first.

sub after {
    my ($self, $seconds) = @_;

    $due{ refaddr $self } = [ time() + $seconds, $self ];
}


sub turn {
    my ($seconds) = @_;

    my $first = min(map { $_->[0] } values %due);
    my $wait = defined $first ? min($seconds, $first - time()) : $seconds;
    my ($readable, $writable) = ($reads, $writes);

    if (select($readable, $writable, undef, $wait > 0 ? $wait : 0) > 0) {
        for my $fd (keys %peers) {
            my $peer = $peers{$fd} or next;

            $peer->flush if vec($writable, $fd, 1);
            $peer->fill if vec($readable, $fd, 1);
        }
    }

    run_due();
}


# A descriptor's number may be another peer's by the time that it is its turn:
# that one has nothing to read then.

sub fill {
    my ($self) = @_;

    my $got = sysread($self->{socket}, $self->{in}, 262144,
        length $self->{in});

    return if !defined $got && $!{EAGAIN};
    return $self->readable if $got;

    $self->hang_up;
    $self->closed;
}


sub run_due {
    my $now = time();

    for my $key (keys %due) {
        next if !$due{$key} || $due{$key}[0] > $now;

        my (undef, $peer) = @{ delete $due{$key} };
        $peer->due;
    }
}


1;
