package Test::Gmchat::ChaosPlan;

# What is done to the servers, and when: steps in two lanes, made from a seed
# alone. The lane `data` is for faults of servers that hold data, one at a
# time; the lane `other` goes on beside it.
#
#   my $plan = Test::Gmchat::ChaosPlan->new(
#       seed => 7, topology => 'sentinel', without => [ 'clock' ]);
#   my $step = $plan->next_step('data');
#   $step->{kind}, ..{gap}      seconds before it begins
#   $step->{pick}, ..{more}, ..{length}     0 to 1: whom, how, how long
#
# A lane deals from a shuffled pack that holds each kind as often as the table
# says, then from the next one: so every kind comes soon and again.

use strict;
use warnings;

my %PACKS = (
    data => {
        'kill master'    => { single => 6, sentinel => 10, cluster => 10 },
        'restart master' => { sentinel => 1, cluster => 1 },
        'stop master'    => { single => 2, sentinel => 2, cluster => 2 },
        'kill replica'   => { sentinel => 2, cluster => 2 },
        'stop replica'   => { sentinel => 1, cluster => 1 },
        'fill memory'    => { single => 1, sentinel => 1, cluster => 1 },
        'step clock'     => { single => 1, sentinel => 1, cluster => 1 },
        'move slot'      => { cluster => 2 },
    },
    other => {
        'kill workers'   => { single => 4, sentinel => 4, cluster => 4 },
        'stop worker'    => { single => 2, sentinel => 2, cluster => 2 },
        'reload'         => { single => 3, sentinel => 3, cluster => 3 },
        'flush scripts'  => { single => 2, sentinel => 2, cluster => 2 },
        'cut'            => { single => 4 },
        'kill sentinel'  => { sentinel => 2 },
        'stop sentinel'  => { sentinel => 1 },
    },
);

# Seconds before a step. A server that came back has a second to serve, but now
# and then the next fault follows at once.

my %GAPS = (
    data  => sub { $_[0] < 0.2 ? $_[0] : 0.8 + $_[0] },
    other => sub { 1.5 * $_[0] },
);


sub new {
    my ($class, %arg) = @_;

    my $self = bless({ without => [], %arg, packs => {} }, $class);

    # a lane of its own draws from numbers of its own, so that what one does
    # is the same however fast the other goes

    my $n = 0;
    $self->{state}{$_} = ($self->{seed} * 2 + ++$n * 7919) % 2_147_483_646 + 1
        for sort keys %PACKS;
    $self->draw($_) for (sort keys %PACKS) x 10;

    return $self;
}


# The kinds of a lane, in the order of the alphabet.

sub kinds {
    my ($self, $lane) = @_;

    my %without = map { $_ => 1 } @{ $self->{without} };

    return grep { $PACKS{$lane}{$_}{ $self->{topology} } && !$without{$_} }
        sort keys %{ $PACKS{$lane} };
}


# The minimal standard generator, on any Perl the same: above 0, below 1.

sub draw {
    my ($self, $lane) = @_;

    my $state = \$self->{state}{$lane};

    $$state = $$state * 48_271 % 2_147_483_647;

    return $$state / 2_147_483_647;
}


sub next_step {
    my ($self, $lane) = @_;

    my $pack = $self->{packs}{$lane} //= [];

    @$pack = $self->new_pack($lane) if !@$pack;

    return {
        kind   => shift @$pack,
        lane   => $lane,
        gap    => $GAPS{$lane}->($self->draw($lane)),
        pick   => $self->draw($lane),
        more   => $self->draw($lane),
        length => $self->draw($lane),
    };
}


sub new_pack {
    my ($self, $lane) = @_;

    my @cards = map { ($_) x $PACKS{$lane}{$_}{ $self->{topology} } }
        $self->kinds($lane);

    for my $n (reverse 1 .. $#cards) {
        my $other = int($self->draw($lane) * ($n + 1));
        @cards[ $n, $other ] = @cards[ $other, $n ];
    }

    return @cards;
}


1;
