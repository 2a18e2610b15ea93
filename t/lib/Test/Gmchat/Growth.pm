package Test::Gmchat::Growth;

# Whether something goes on growing under a load that stays the same.
#
#   my $verdict = verdict([ [ second, value ], ... ], least => 512 * 1024);
#   $verdict->{judged}      false where the series is too short to say
#   $verdict->{grown}       it grows
#   $verdict->{from}, ..{to}, ..{allowed}, ..{an_hour}
#
# The rule. The first quarter of a series is warm-up: caches, pools and the
# heap take what they need. The rest is cut into three windows of equal time.
# Of each the median counts, which neither a peak nor noise moves. From the
# first window to the last the median may rise by `least` or by the part
# `part` (0.05) of the first, whichever is more: `allowed`. It grows
#
#   - if it rose by more than that, and in both steps, each by at least a
#     quarter of what is allowed: a single step is a new high-water mark, and
#     stays where it is;
#   - or if it rose by more than four times that, in whatever way.
#
# Below SAMPLES samples nothing is judged.

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max);

our @EXPORT_OK = qw(verdict median);

use constant {
    SAMPLES => 60,
    WARM_UP => 0.25,
    WINDOWS => 3,
    PART    => 0.05,
    STEP    => 0.25,        # of what is allowed
    FAR     => 4,           # times what is allowed
};


sub verdict {
    my ($points, %tolerance) = @_;

    return { judged => 0, grown => 0 } if @$points < SAMPLES;

    my @windows = windows($points);
    return { judged => 0, grown => 0 } if grep { !@$_ } @windows;

    my ($first, $middle, $last) = map { median(map { $_->[1] } @$_) } @windows;
    my $allowed = max($tolerance{least} // 0,
        $first * ($tolerance{part} // PART));
    my $rise = $last - $first;
    my $steady = $middle - $first >= STEP * $allowed
        && $last - $middle >= STEP * $allowed;
    my $hours = ($points->[-1][0] - $points->[0][0]) * (1 - WARM_UP)
        * (WINDOWS - 1) / WINDOWS / 3600;

    return {
        judged  => 1,
        from    => $first,
        to      => $last,
        allowed => $allowed,
        an_hour => $rise / $hours,
        grown   => $rise > FAR * $allowed || ($rise > $allowed && $steady)
            ? 1 : 0,
    };
}


# The points of each window.

sub windows {
    my ($points) = @_;

    my ($from, $to) = ($points->[0][0], $points->[-1][0]);
    my $begin = $from + ($to - $from) * WARM_UP;
    my $length = ($to - $begin) / WINDOWS;
    my @windows = map { [] } 1 .. WINDOWS;

    for my $point (grep { $_->[0] >= $begin } @$points) {
        my $n = int(($point->[0] - $begin) / $length);
        push @{ $windows[ $n < WINDOWS ? $n : WINDOWS - 1 ] }, $point;
    }

    return @windows;
}


sub median {
    my @sorted = sort { $a <=> $b } @_;

    return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}


1;
