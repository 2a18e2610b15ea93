package Test::Gmchat::Proxy;

# A TCP proxy on a free port, for faults of a network that know nothing of
# what is said on it (Test::Gmchat::FakeRedis knows Redis' protocol).
#
#   my $proxy = Test::Gmchat::Proxy->new(to => '127.0.0.1:6379');
#   $proxy->port, $proxy->address
#   $proxy->to('127.0.0.1:6380');       # for connections from now on
#   $proxy->freeze;                     # nothing travels: a cut cable
#   $proxy->freeze('up');               # only what clients say is kept back
#   $proxy->thaw;                       # what was kept back travels on
#   $proxy->delay(0.2);                 # seconds that all bytes travel
#   $proxy->cut(100, 'down');           # once: a connection is closed when
#                                       # 100 more bytes went to its client
#   $proxy->kick;                       # all connections are closed
#   $proxy->refuse; $proxy->accept;     # nobody listens; and again
#   $proxy->connections, $proxy->accepted, $proxy->passed('up')
#
# `up` is from the client to the server, `down` the other way, and without
# either both are meant. What is set holds for connections that are there and
# for those that come.

use strict;
use warnings;

use parent 'Test::Gmchat::Servant';

use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Proxy::Server;


# new(to => 'host:port', host => '127.0.0.1', port => a free one)

sub new {
    my ($class, %arg) = @_;

    my $self = bless({ host => '127.0.0.1', %arg }, $class);

    $self->{port} //= free_port();
    $self->launch;
    $self->accept;

    return $self;
}


sub work {
    my ($self, $control) = @_;

    Test::Gmchat::Proxy::Server->new(
        address => $self->address,
        to      => $self->{to},
    )->run($control);
}


sub port {
    my ($self) = @_;

    return $self->{port};
}


sub address {
    my ($self) = @_;

    return "$self->{host}:$self->{port}";
}


# What a gmchat_redis directive names.

sub url {
    my ($self) = @_;

    return 'redis://' . $self->address;
}


sub to {
    my ($self, $address) = @_;

    $self->ask({ do => 'to', to => $address });
}


sub freeze {
    my ($self, $way) = @_;

    $self->ask({ do => 'freeze', way => $way });
}


sub thaw {
    my ($self, $way) = @_;

    $self->ask({ do => 'thaw', way => $way });
}


sub delay {
    my ($self, $seconds, $way) = @_;

    $self->ask({ do => 'delay', seconds => $seconds, way => $way });
}


sub cut {
    my ($self, $bytes, $way) = @_;

    $self->ask({ do => 'cut', bytes => $bytes, way => $way });
}


sub kick {
    my ($self) = @_;

    $self->ask({ do => 'kick' });
}


sub refuse {
    my ($self) = @_;

    $self->ask({ do => 'refuse' });
}


sub accept {
    my ($self) = @_;

    $self->ask({ do => 'accept' });
}


# How many there are.

sub connections {
    my ($self) = @_;

    return $self->ask({ do => 'connections' });
}


# How many there ever were.

sub accepted {
    my ($self) = @_;

    return $self->ask({ do => 'accepted' });
}


# How many bytes travelled that way, on all connections.

sub passed {
    my ($self, $way) = @_;

    return $self->ask({ do => 'passed', way => $way });
}


1;
