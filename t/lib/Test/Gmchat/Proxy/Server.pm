package Test::Gmchat::Proxy::Server;

# The process behind a Test::Gmchat::Proxy: one loop over its listener, the
# test's orders and both sides of each connection.

use strict;
use warnings;

use IO::Socket::INET;
use Time::HiRes qw(time);

use Test::Gmchat::Loop;
use Test::Gmchat::Servant::Orders;


# new(address => where it listens, to => where it connects)

sub new {
    my ($class, %arg) = @_;

    return bless({
        %arg,
        pairs    => {},         # number => [ client's side, server's side ]
        accepted => 0,
        running  => 1,
        up       => { passed => 0, delay => 0 },
        down     => { passed => 0, delay => 0 },
    }, $class);
}


sub run {
    my ($self, $control) = @_;

    my $test = Test::Gmchat::Proxy::Test->new(proxy => $self,
        orders => Test::Gmchat::Servant::Orders->new($control, $self));

    $test->watch($control);
    Test::Gmchat::Loop::turn(1) while $self->{running};
}


sub ways {
    my ($self, $order) = @_;

    return map { $self->{$_} } $order->{way} // qw(up down);
}


# ---- the test's orders

sub order_to {
    my ($self, $order) = @_;

    $self->{to} = $order->{to};

    return 1;
}


sub order_freeze {
    my ($self, $order) = @_;

    $_->{frozen} = 1 for $self->ways($order);

    return 1;
}


sub order_thaw {
    my ($self, $order) = @_;

    $_->{frozen} = 0 for $self->ways($order);
    $_->move for map { @$_ } values %{ $self->{pairs} };

    return 1;
}


sub order_delay {
    my ($self, $order) = @_;

    $_->{delay} = $order->{seconds} for $self->ways($order);

    return 1;
}


sub order_cut {
    my ($self, $order) = @_;

    $_->{cut} = $order->{bytes} for $self->ways($order);

    return 1;
}


sub order_kick {
    my ($self) = @_;

    $self->drop($_) for keys %{ $self->{pairs} };

    return 1;
}


sub order_refuse {
    my ($self) = @_;

    my $listener = delete $self->{listener};
    $listener->hang_up if $listener;

    return $self->order_kick;
}


sub order_accept {
    my ($self) = @_;

    return 1 if $self->{listener};

    my $socket = IO::Socket::INET->new(LocalAddr => $self->{address},
        Listen => 512, ReuseAddr => 1) or die "listen: $!\n";

    $self->{listener} = Test::Gmchat::Proxy::Listener->new(proxy => $self);
    $self->{listener}->watch($socket);

    return 1;
}


sub order_connections {
    my ($self) = @_;

    return scalar keys %{ $self->{pairs} };
}


sub order_accepted {
    my ($self) = @_;

    return $self->{accepted};
}


sub order_passed {
    my ($self, $order) = @_;

    return $self->{ $order->{way} }{passed};
}


# ---- connections

sub join_sides {
    my ($self, $socket) = @_;

    my $number = ++$self->{accepted};
    my ($client, $server) = map {
        Test::Gmchat::Proxy::Side->new(proxy => $self, number => $number,
            way => $self->{$_}, kept => []);
    } qw(up down);

    $client->watch($socket);
    $self->{pairs}{$number} = [ $client, $server ];
    $client->{other} = $server;
    $server->{other} = $client;

    $self->drop($number) if !$server->dial($self->{to});
}


sub drop {
    my ($self, $number) = @_;

    my $pair = delete $self->{pairs}{$number} or return;

    for my $side (@$pair) {
        $side->hang_up;
        $side->{other} = undef;
        $side->{kept} = [];
    }
}


package Test::Gmchat::Proxy::Test;

use parent -norequire, 'Test::Gmchat::Loop';


# Orders are read whole, and not by the loop.

sub fill {
    my ($self) = @_;

    $self->{socket}->blocking(1);
    $self->{proxy}{running} = $self->{orders}->read;
    $self->{socket}->blocking(0);
}


package Test::Gmchat::Proxy::Listener;

use parent -norequire, 'Test::Gmchat::Loop';


sub fill {
    my ($self) = @_;

    my $socket = $self->{socket}->accept or return;

    $self->{proxy}->join_sides($socket);
}


# One side of a connection: what it reads goes to the other, at once or when
# it is due.

package Test::Gmchat::Proxy::Side;

use parent -norequire, 'Test::Gmchat::Loop';

use Time::HiRes qw(time);


sub readable {
    my ($self) = @_;

    push @{ $self->{kept} }, [ time() + $self->{way}{delay}, $self->{in} ];
    $self->{in} = '';
    $self->move;
}


# An end travels as bytes do.

sub closed {
    my ($self) = @_;

    push @{ $self->{kept} }, [ time() + $self->{way}{delay}, undef ];
    $self->move;
}


sub due {
    my ($self) = @_;

    $self->move;
}


sub move {
    my ($self) = @_;

    my $way = $self->{way};
    my $kept = $self->{kept};

    while (@$kept && !$way->{frozen} && $self->{other}) {
        my ($when, $bytes) = @{ $kept->[0] };
        my $left = $when - time();

        return $self->after($left) if $left > 0;

        shift @$kept;
        return $self->{proxy}->drop($self->{number}) if !defined $bytes;
        $self->pass($bytes);
    }
}


sub pass {
    my ($self, $bytes) = @_;

    my $way = $self->{way};
    my $cut = defined $way->{cut} && $way->{cut} <= length $bytes;

    $bytes = substr($bytes, 0, $way->{cut}) if $cut;
    $way->{passed} += length $bytes;
    $way->{cut} -= length $bytes if defined $way->{cut};
    $self->{other}->write($bytes) if length $bytes;

    if ($cut) {
        delete $way->{cut};
        $self->{proxy}->drop($self->{number});
    }
}


1;
