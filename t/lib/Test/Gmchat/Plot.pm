package Test::Gmchat::Plot;

# Series over time as a small SVG that stands alone: no script, no font of its
# own, a white card that is readable on a light and on a dark page. The same
# data give the same bytes.
#
#   Test::Gmchat::Plot->new(
#       title  => 'Soak',
#       note   => 'nginx 1.22.1, 2 workers',        # below the title
#       x      => 'seconds',
#       panels => [                                 # one below the other
#           { label => 'accepted messages a second', from_zero => 1,
#               series => [ { name => 'all', points => [ [0, 10], ... ] } ] },
#           { label => 'memory', unit => 'bytes', series => [ ... ] },
#       ],
#       marks  => [ [ 12.5, 'kill' ], ... ],        # vertical lines, by kind
#       spans  => [ [ 3, 7, 'no service' ], ... ],  # shaded, by name
#   )->write('run/soak.svg');
#
# Points are in the order of x; a y that is undef breaks the line. A series
# without a name is not in the legend; it may have a `colour`. `x` is what
# its numbers are: seconds turn into minutes or hours where there are many.
# `unit => 'bytes'` turns a panel's numbers into KiB, MiB or GiB; any other
# unit is only said. `from` and `to` of new() fix the range of x, `height` that
# of a panel (pixels). `log_x => 1`: equal factors of x are equally far apart; an
# x of 0 stands a factor of ten before the least other one. `dots => 1`: each
# point is a dot on its line.

use strict;
use warnings;

use List::Util qw(max min);

use constant {
    WIDTH  => 860,
    LEFT   => 72,           # of the plot's area, for the numbers
    RIGHT  => 20,
    HEIGHT => 150,          # of a panel's area
    LETTER => 6.7,          # a letter's width at 12 pixels, rather too much
    DETAIL => 2000,         # more points than this are thinned
};

# Colours that differ also to those who see fewer of them (Okabe and Ito).

my @LINE = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#56b4e9',
    '#555555', '#e69f00', '#7b3294');
my @MARK = ('#c0392b', '#6c3483', '#117a65', '#b9770e', '#1f3a93', '#5d6d7e');
my @SPAN = ('#f5b7b1', '#d6dbdf', '#fad7a0', '#d2b4de', '#a9dfbf');

my %TIME = (
    seconds => [ [ 3 * 3600, 3600, 'hours' ], [ 180, 60, 'minutes' ] ],
);
my @BYTES = ([ 2 ** 30, 'GiB' ], [ 2 ** 20, 'MiB' ], [ 2 ** 10, 'KiB' ],
    [ 1, 'bytes' ]);


sub new {
    my ($class, %arg) = @_;

    return bless({ title => '', x => 'seconds', height => HEIGHT,
        panels => [], marks => [], spans => [], %arg }, $class);
}


# In one step, as who replaces a file that others read should.

sub write {
    my ($self, $path) = @_;

    open(my $file, '>:encoding(UTF-8)', "$path.new")
        or die "$path.new: $!\n";
    print $file $self->svg;
    close($file) or die "$path.new: $!\n";
    rename("$path.new", $path) or die "$path: $!\n";
}


# The whole text, in characters.

sub svg {
    my ($self) = @_;

    my ($y, @parts) = $self->head;

    $self->fit_x;

    for my $panel (@{ $self->{panels} }) {
        my ($below, @more) = $self->panel($panel, $y);
        push @parts, @more;
        $y = $below;
    }

    push @parts, text(LEFT + $self->area / 2, $y + 12, $self->{unit_x},
        'text-anchor="middle"');
    return $self->card($y + 28, @parts);
}


# Everything, on a card of this height.

sub card {
    my ($self, $y, @parts) = @_;

    return join("\n",
        sprintf('<svg xmlns="http://www.w3.org/2000/svg" width="%d"'
            . ' height="%d" viewBox="0 0 %1$d %2$d" role="img"'
            . ' font-family="system-ui, sans-serif" font-size="12"'
            . ' fill="#333333">', WIDTH, $y),
        '<title>' . escape($self->{title}) . '</title>',
        sprintf('<rect x="0.5" y="0.5" width="%d" height="%d" rx="6"'
            . ' fill="#ffffff" stroke="#cccccc"/>', WIDTH - 1, $y - 1),
        @parts, '</svg>', '');
}


# The plot's area in pixels.

sub area {
    return WIDTH - LEFT - RIGHT;
}


# (y below it, parts): the title, the note, and what marks and spans mean.

sub head {
    my ($self) = @_;

    my @parts = text(20, 30, $self->{title},
        'font-size="17" font-weight="600" fill="#111111"');
    my $y = 38;

    if (defined $self->{note}) {
        push @parts, text(20, $y + 11, $self->{note}, 'fill="#666666"');
        $y += 19;
    }

    $self->{mark_colour} = colours(\@MARK, map { $_->[1] } @{ $self->{marks} });
    $self->{span_colour} = colours(\@SPAN, map { $_->[2] } @{ $self->{spans} });

    my ($below, @legend) = legend(20, $y,
        (map { [ $_, $self->{span_colour}{$_}, 'span' ] }
            sort keys %{ $self->{span_colour} }),
        (map { [ $_, $self->{mark_colour}{$_}, 'mark' ] }
            sort keys %{ $self->{mark_colour} }));

    return ($below, @parts, @legend);
}


# name => colour; a name has the same one in each plot of the same names.

sub colours {
    my ($list, @names) = @_;

    my %seen = map { $_ => 1 } @names;
    my $n = 0;

    return { map { ($_ => $list->[ $n++ % @$list ]) } sort keys %seen };
}


# (y below it, parts): [ name, colour, kind ] each, in as many rows as it takes.

my %SAMPLE = (
    line => '<path d="M%s %sh16" stroke="%s" stroke-width="2.5"/>',
    mark => '<path d="M%s %sm8 -6v12" stroke="%s" stroke-width="1.5"'
        . ' stroke-dasharray="3 2"/>',
    span => '<path d="M%s %sm2 -5h13v10h-13z" fill="%s"/>',
);

sub legend {
    my ($left, $y, @entries) = @_;

    return $y if !@entries;

    my $x = $left;
    my @parts;

    for my $entry (@entries) {
        my ($name, $colour, $kind) = @$entry;
        my $width = 22 + LETTER * length($name) + 14;

        if ($x > $left && $x + $width > WIDTH - RIGHT) {
            $x = $left;
            $y += 18;
        }

        push @parts, sprintf($SAMPLE{$kind}, number($x), number($y + 10),
            $colour), text($x + 22, $y + 14, $name);
        $x += $width;
    }

    return ($y + 22, @parts);
}


# The range of x over all panels, marks and spans, and what is said of it.

sub fit_x {
    my ($self) = @_;

    my @x = ((map { $_->[0] } map { @{ $_->{points} } }
            map { @{ $_->{series} } } @{ $self->{panels} }),
        (map { $_->[0] } @{ $self->{marks} }),
        (map { @$_[0, 1] } @{ $self->{spans} }));
    return $self->fit_log_x(@x) if $self->{log_x};

    my ($from, $to) = (min(@x) // 0, max(@x) // 1);

    $from = min($from, 0) if $from < ($to - $from) / 10;
    $from = $self->{from} // $from;
    $to = $self->{to} // $to;
    ($from, $to) = ($from - 0.5, $to + 0.5) if $from >= $to;

    my ($scale) = grep { $to - $from >= $_->[0] }
        @{ $TIME{ $self->{x} } // [] };
    my ($divisor, $name) = $scale ? @$scale[1, 2] : (1, $self->{x});

    $self->{range_x} = [ $from, $to ];
    $self->{unit_x} = $name;
    $self->{ticks_x} = ticks($from / $divisor, $to / $divisor, 10);
    $_->[0] *= $divisor for @{ $self->{ticks_x} };
}


# Powers of ten, of which some are left out where there are many.

sub fit_log_x {
    my ($self, @x) = @_;

    my @positive = grep { $_ > 0 } @x;
    my $least = $self->{from} || (min(@positive) // 1);
    my $to = $self->{to} // max(@positive, $least);
    my $zero = @positive < @x ? $least / 10 : undef;
    my $from = $zero // $least;

    ($from, $to) = ($from / 2, $to * 2) if $from >= $to;

    my ($first, $last) = (-floor(-log10($least) + 1e-9),
        floor(log10($to) + 1e-9));
    my $step = 1 + floor(($last - $first) / 10);

    $self->{range_x} = [ $from, $to, 'log' ];
    $self->{unit_x} = $self->{x};
    $self->{ticks_x} = [
        (defined $zero ? [ 0, '0' ] : ()),
        map { [ 10 ** $_, thousands(10 ** $_) ] }
        grep { ($_ - $first) % $step == 0 } $first .. $last,
    ];
}


sub log10 {
    return log($_[0]) / log(10);
}


# A panel's range of y and what is said of it.

sub fit_y {
    my ($panel) = @_;

    my @y = grep { defined } map { $_->[1] } map { @{ $_->{points} } }
        @{ $panel->{series} };
    my ($from, $to) = (min(@y) // 0, max(@y) // 1);

    $from = min($from, 0) if $panel->{from_zero};
    ($from, $to) = ($from - abs($from) / 20, $to + abs($to) / 20)
        if $from == $to;
    $to = $from + 1 if $from == $to;

    my ($divisor, $unit) = (1, $panel->{unit});
    ($divisor, $unit) = @{ (grep { $to >= $_->[0] } @BYTES, $BYTES[-1])[0] }
        if ($unit // '') eq 'bytes';

    my $ticks = ticks($from / $divisor, $to / $divisor, 5, 'around');
    $_->[0] *= $divisor for @$ticks;

    return ($ticks->[0][0], $ticks->[-1][0], $ticks, $unit);
}


# [ value, text ] each, about as many as wanted, at round numbers of the range;
# with `around` also the first ones outside of it.

sub ticks {
    my ($from, $to, $wanted, $around) = @_;

    my $rough = ($to - $from) / $wanted;
    my $power = 10 ** floor(log($rough) / log(10));
    my ($factor) = grep { $_ * $power >= $rough * 0.999 } 1, 2, 5, 10;
    my $step = $factor * $power;
    my $decimals = max(0, -floor(log($step) / log(10) + 1e-9));
    my $first = floor($from / $step + 1e-9);
    my $last = -floor(-$to / $step + 1e-9);

    if (!$around) {
        $first++ if $first * $step < $from - $step * 1e-6;
        $last-- if $last * $step > $to + $step * 1e-6;
    }

    return [ map { [ $_ * $step, thousands(sprintf("%.${decimals}f",
        $_ * $step)) ] } $first .. $last ];
}


sub floor {
    my ($number) = @_;

    my $whole = int($number);

    return $whole > $number ? $whole - 1 : $whole;
}


# 12345.5 as 12,345.5

sub thousands {
    my ($text) = @_;

    1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;

    return $text;
}


# (y below it, parts)

sub panel {
    my ($self, $panel, $y) = @_;

    my ($from, $to, $ticks, $unit) = fit_y($panel);
    my $label = $panel->{label} . (defined $unit ? " ($unit)" : '');
    my @parts = text(20, $y + 16, $label,
        'font-size="13" font-weight="600"');
    my @series = @{ $panel->{series} };
    my @named = grep { defined $series[$_]{name} } 0 .. $#series;

    ($y, my @legend) = legend(20, $y + 24,
        map { [ $series[$_]{name}, line_colour($series[$_], $_), 'line' ] }
        @named);
    $y += 6;

    my $box = { top => $y, height => $self->{height}, y => [ $from, $to ],
        x => $self->{range_x}, dots => $self->{dots} };

    push @parts, @legend, $self->background($box), $self->grid($box, $ticks),
        $self->lines($box),
        map { curve($box, $series[$_], line_colour($series[$_], $_)) }
        0 .. $#series;

    return ($y + $self->{height} + 24, @parts);
}


sub line_colour {
    my ($series, $n) = @_;

    return $series->{colour} // $LINE[ $n % @LINE ];
}


# Pixels of a value: 0 is at the left, and at the bottom.

sub at_x {
    my ($box, $x) = @_;

    my ($from, $to, $log) = @{ $box->{x} };

    ($x, $from, $to) = map { log10($_) } max($x, $from), $from, $to if $log;

    return LEFT + area() * ($x - $from) / ($to - $from);
}


sub at_y {
    my ($box, $y) = @_;

    my ($from, $to) = @{ $box->{y} };

    return $box->{top} + $box->{height} * ($to - $y) / ($to - $from);
}


# What is outside of the range that new() was given is not shown.

sub background {
    my ($self, $box) = @_;

    my ($from, $to) = @{ $box->{x} };
    my @parts;

    for my $span (@{ $self->{spans} }) {
        my ($left, $right) = (max($from, $span->[0]), min($to, $span->[1]));
        next if $right < $left;

        my $x = at_x($box, $left);
        push @parts, sprintf('<rect class="span" x="%s" y="%s" width="%s"'
            . ' height="%s" fill="%s" fill-opacity="0.6"/>', number($x),
            number($box->{top}), number(max(1, at_x($box, $right) - $x)),
            number($box->{height}), $self->{span_colour}{ $span->[2] });
    }

    return @parts;
}


sub grid {
    my ($self, $box, $ticks) = @_;

    my ($x, $bottom) = (LEFT + area(), $box->{top} + $box->{height});
    my @parts;

    for my $tick (@$ticks) {
        my $y = number(at_y($box, $tick->[0]));
        push @parts, sprintf('<path d="M%s %sH%s" stroke="#e3e3e3"/>', LEFT,
            $y, $x), text(LEFT - 8, $y + 4, $tick->[1],
            'text-anchor="end" fill="#555555"');
    }

    for my $tick (@{ $self->{ticks_x} }) {
        my $at = number(at_x($box, $tick->[0]));
        push @parts, sprintf('<path d="M%s %sv%s" stroke="#eeeeee"/>', $at,
            number($box->{top}), number($box->{height})),
            sprintf('<path d="M%s %sv5" stroke="#888888"/>', $at,
                number($bottom)),
            text($at, $bottom + 18, $tick->[1],
                'text-anchor="middle" fill="#555555"');
    }

    return (@parts, sprintf('<path d="M%s %sV%sH%s" fill="none"'
        . ' stroke="#888888"/>', LEFT, number($box->{top}), number($bottom),
        $x));
}


# The marks.

sub lines {
    my ($self, $box) = @_;

    my ($from, $to) = @{ $box->{x} };

    return map {
        sprintf('<path class="mark" d="M%s %sv%s" stroke="%s"'
            . ' stroke-opacity="0.75" stroke-dasharray="3 2"/>',
            number(at_x($box, $_->[0])), number($box->{top}),
            number($box->{height}), $self->{mark_colour}{ $_->[1] })
    } grep { $_->[0] >= $from && $_->[0] <= $to } @{ $self->{marks} };
}


# A point with nothing on either side is a dot.

sub curve {
    my ($box, $series, $colour) = @_;

    my @runs = ([]);

    for my $point (@{ thin($box, $series->{points}) }) {
        if (!defined $point->[1]) {
            push @runs, [];
        } elsif (inside($box, $point->[0])) {
            push @{ $runs[-1] }, join(',', number(at_x($box, $point->[0])),
                number(at_y($box, $point->[1])));
        }
    }

    return map {
        (@$_ > 1 ? sprintf('<polyline points="%s" fill="none" stroke="%s"'
                . ' stroke-width="1.5" stroke-linejoin="round"/>',
                join(' ', @$_), $colour) : ()),
        map { sprintf('<circle cx="%s" cy="%s" r="2.5" fill="%s"/>',
                split(/,/, $_), $colour) }
            $box->{dots} || @$_ == 1 ? @$_ : ()
    } grep { @$_ } @runs;
}


# A zero on a scale of factors stands at its beginning.

sub inside {
    my ($box, $x) = @_;

    my ($from, $to, $log) = @{ $box->{x} };

    return $log && $x == 0 || $x >= $from && $x <= $to;
}


# Of many points those that are seen: in each column of pixels the first, the
# lowest, the highest and the last, and the breaks.

sub thin {
    my ($box, $points) = @_;

    return $points if @$points <= DETAIL;

    my (@kept, @column);
    my $now = 'none';

    for my $point (@$points, [ 'end', undef ]) {
        my $column = defined $point->[1] ? int(at_x($box, $point->[0]))
            : 'none';

        if ($column ne $now || $column eq 'none') {
            push @kept, extremes(@column);
            @column = ();
            $now = $column;
        }

        push @column, $point if defined $point->[1];
        push @kept, $point if !defined $point->[1] && $point->[0] ne 'end';
    }

    return \@kept;
}


sub extremes {
    my (@points) = @_;

    return @points if @points < 5;

    my @order = sort { $points[$a][1] <=> $points[$b][1] || $a <=> $b }
        0 .. $#points;
    my %kept = map { $_ => 1 } 0, $#points, @order[0, -1];

    return @points[ sort { $a <=> $b } keys %kept ];
}


# Parts of XML

sub text {
    my ($x, $y, $text, $attributes) = @_;

    return sprintf('<text x="%s" y="%s"%s>%s</text>', number($x), number($y),
        defined $attributes ? " $attributes" : '', escape($text));
}


my %ESCAPE = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;');

# XML knows no control characters, not even escaped.

sub escape {
    my ($text) = @_;

    $text =~ s/([&<>"])/$ESCAPE{$1}/g;
    $text =~ s/[^\x{20}-\x{d7ff}\x{e000}-\x{fffd}\x{10000}-\x{10ffff}]/ /g;

    return $text;
}


# A tenth of a pixel is as near as it gets.

sub number {
    my ($value) = @_;

    my $text = sprintf('%.1f', $value);

    $text =~ s/\.0$//;

    return $text eq '-0' ? '0' : $text;
}


1;
