package Test::Gmchat::LoadProcess;

# The inside of a process of Test::Gmchat::Load: its senders or readers, its
# log, what it counts, and the orders that it gets.

use strict;
use warnings;

use List::Util qw(min);
use Time::HiRes qw(time);

use Test::Gmchat::LoadReader;
use Test::Gmchat::LoadSender;
use Test::Gmchat::Loop;

use constant {
    TELL => 0.05,       # seconds between two reports
    LOOK => 0.25,       # .. and between two looks at who waits too long
    TURN => 0.01,       # .. and between two portions of messages
};


# new(addresses, began, log => file's name, orders and reports => handles,
# senders => [[class, arguments], ...], readers => [...], rate, plant,
# each => messages of a sender)

sub new {
    my ($class, %arg) = @_;

    my $self = bless({ figures => {}, idle => [], allowed => 0, begun => 0,
        retired => 0, told => 0, looked => 0, seen => {}, %arg }, $class);

    open($self->{file}, '>', $self->{log}) or die "$self->{log}: $!";
    $self->{reports}->autoflush(1);

    return $self;
}


# Never returns.

sub run {
    my ($self) = @_;

    $self->{senders} = [ map { $self->make($_) }
        @{ $self->{senders} // [] } ];
    $self->{readers} = [ map { $self->make($_) }
        @{ $self->{readers} // [] } ];
    $self->{idle} = [ @{ $self->{senders} } ];

    Test::Gmchat::LoadProcess::Orders->new(load => $self)
        ->watch($self->{orders});
    $_->start for @{ $self->{readers} };

    while (1) {
        Test::Gmchat::Loop::turn(TURN);
        $self->send_some if @{ $self->{idle} };
        $self->look;
        $self->tell;
    }
}


sub make {
    my ($self, $words) = @_;

    my ($class, @arg) = @$words;

    return $class->new(load => $self, @arg);
}


sub log {
    my ($self, $words) = @_;

    printf {$self->{file}} "%.4f %s\n", time() - $self->{began}, $words;
}


sub count {
    my ($self, $name) = @_;

    $self->{figures}{$name}++;
}


# What a server should never say. The first ones are told.

sub strange {
    my ($self, $text) = @_;

    $self->count('strange');
    $text =~ s/\s+/ /g;
    print { $self->{reports} } 'strange ', substr($text, 0, 500), "\n"
        if $self->{figures}{strange} <= 10;
}


# ---- the senders' rate

# An order: so many messages a second from now on; at most so many in all.

sub set_rate {
    my ($self, $rate, $most) = @_;

    $self->{rate} = $rate;
    $self->{most} = $most;
    $self->{paced} = time();
    $self->{allowed} = $self->{begun};
}


sub idle {
    my ($self, $sender) = @_;

    if ($self->{each} && $sender->{seq} >= $self->{each}) {
        $self->{retired}++;
    } else {
        push @{ $self->{idle} }, $sender;
    }
}


# What could not be sent in time is made up for, at twice the rate.

sub send_some {
    my ($self) = @_;

    my $rate = $self->{rate} or return;
    my $now = time();
    my $passed = $now - $self->{paced};

    return if $passed < TURN;

    $self->{paced} = $now;
    $self->{allowed} += $rate * $passed;

    my $n = min($self->{allowed} - $self->{begun}, 2 * $rate * $passed + 1,
        $self->{most} - $self->{begun}, scalar @{ $self->{idle} });

    for (1 .. $n) {
        $self->{begun}++;
        shift(@{ $self->{idle} })->go;
    }
}


# ---- now and then

sub look {
    my ($self) = @_;

    my $now = time();
    return if $now < $self->{looked} + LOOK;

    $self->{looked} = $now;
    $_->look($now) for @{ $self->{senders} }, @{ $self->{readers} };
}


sub tell {
    my ($self) = @_;

    my $now = time();
    return if $now < $self->{told} + TELL;

    $self->{told} = $now;
    $self->{figures}{busy} = @{ $self->{senders} } - @{ $self->{idle} }
        - $self->{retired};
    $self->{figures}{begun} = $self->{begun};
    $self->{figures}{back} = grep { $_->{rounds} } @{ $self->{readers} };
    $self->{file}->flush;
    print { $self->{reports} } join(' ', 'figures', %{ $self->{figures} }),
        "\n";
}


# Everybody comes back once more, with the cursor; nobody waits long.

sub come_back {
    my ($self) = @_;

    $self->{over} = 1;

    for my $reader (@{ $self->{readers} }) {
        $reader->{rounds} = 0;
        $reader->leave;
    }
}


sub obey {
    my ($self, $order, @words) = @_;

    $self->set_rate(@words) if $order eq 'rate';
    $self->come_back if $order eq 'back';
    $self->count('orders');
}


# ---- a fault of ours, to see that it is found

# What becomes of an entry, [ id, pair, seq ], on its way to the user: nothing
# else than that, but for one message after `FROM` others.

use constant FROM => 100;

sub plant {
    my ($self, $entry) = @_;

    my $plant = $self->{plant};
    my $count = ++$self->{planting};

    if ($plant eq 'lose' || $plant eq 'double' || $plant eq 'id') {
        return $entry if $count != FROM;
        return () if $plant eq 'lose';
        return ($entry, $entry) if $plant eq 'double';
        return [ "1$entry->[0]", @$entry[ 1, 2 ] ];
    }

    return $self->plant_swap($entry, $count);
}


# One is held back until the next of its pair.

sub plant_swap {
    my ($self, $entry, $count) = @_;

    my $held = $self->{held};

    if ($count == FROM) {
        $self->{held} = $entry;
        return ();
    }

    return $entry if !$held || $held->[1] ne $entry->[1];

    $self->{held} = undef;

    return ($entry, $held);
}


package Test::Gmchat::LoadProcess::Orders;

use parent -norequire, 'Test::Gmchat::Loop';

use POSIX ();


sub readable {
    my ($self) = @_;

    $self->{load}->obey(split(/ /, $1)) while $self->{in} =~ s/^(.*)\n//;
}


# Who gave them is gone.

sub closed {
    my ($self) = @_;

    close($self->{load}{file});
    POSIX::_exit(0);
}


1;
