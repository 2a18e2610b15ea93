package Gmchat::Bench::Bars;

# Horizontal bars of parts, one below the other, as a small SVG that stands
# alone, in the manner of Test::Gmchat::Plot.
#
#   Gmchat::Bench::Bars->new(
#       title => 'send', note => 'CPU us', parts => [ 'nginx', 'Redis' ],
#       bars  => [ [ 'this module', 7.5, 11.9 ], ... ],
#   )->write('send.svg')

use strict;
use warnings;

use parent 'Test::Gmchat::Plot';

use List::Util qw(max sum0);

use Gmchat::Bench::Stats;

use constant { WIDTH => 860, LEFT => 250, RIGHT => 80, STEP => 28, BAR => 18 };

my @COLOUR = ('#0072b2', '#d55e00', '#009e73', '#cc79a7');


sub svg {
    my ($self) = @_;

    my @bars = @{ $self->{bars} };
    my $most = max(1e-9, map { sum0(grep { defined } @$_[ 1 .. $#$_ ]) } @bars);
    my ($y, @parts) = $self->legend_of_parts($self->head);

    for my $bar (@bars) {
        push @parts, bar($bar, $y, (WIDTH - LEFT - RIGHT) / $most);
        $y += STEP;
    }

    return $self->card($y + 6, @parts);
}


# (y below it, parts)

sub legend_of_parts {
    my ($self, $y, @head) = @_;

    my @names = @{ $self->{parts} };
    my ($below, @legend) = Test::Gmchat::Plot::legend(20, $y,
        map { [ $names[$_], $COLOUR[$_], 'span' ] } 0 .. $#names);

    return ($below + 6, @head, @legend);
}


# Its name, its parts, and their sum.

sub bar {
    my ($bar, $y, $scale) = @_;

    my ($name, @values) = map { $_ // 0 } @$bar;
    my $x = LEFT;
    my @parts = Test::Gmchat::Plot::text(LEFT - 8, $y + 13, $name,
        'text-anchor="end"');

    for my $n (grep { $values[$_] > 0 } 0 .. $#values) {
        my $width = $values[$n] * $scale;

        push @parts, sprintf('<rect class="bar" x="%.1f" y="%d" width="%.1f"'
            . ' height="%d" fill="%s"/>', $x, $y, $width, BAR, $COLOUR[$n]);
        $x += $width;
    }

    return (@parts, Test::Gmchat::Plot::text($x + 6, $y + 13,
        Gmchat::Bench::Stats::number(sum0(@values), 1)));
}


1;
