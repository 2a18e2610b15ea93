#!/usr/bin/perl

# Plots: a real XML parser reads them, points are where their values are, and
# nothing that is put in breaks them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Plot;
use Test::Gmchat::Process qw(run_command);
use Test::More;

my $folder = temp_folder();

sub svg {
    return Test::Gmchat::Plot->new(@_)->svg;
}

# Every element as a line: name, attributes, text.

my $reader = <<'EOF';
import sys, xml.etree.ElementTree as tree
for e in tree.parse(sys.argv[1]).iter():
    print(e.tag.split('}')[1], sorted(e.attrib.items()), repr(e.text))
EOF

sub is_read {
    my ($label, @arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $name = "$folder/plot.svg";
    Test::Gmchat::Plot->new(@arg)->write($name);

    my ($status, $said) = run_command(output => "$folder/out-$label",
        env  => { PYTHONIOENCODING => 'utf-8' },
        argv => [ 'python3', '-c', $reader, $name ]);

    is($status, 0, "a parser reads the plot: $label") || diag($said);

    return $said;
}

sub panel {
    return { label => 'calls', series => [ map { { points => $_ } } @_ ] };
}

# [ x, y ] of the pixels of each polyline

sub curves {
    return map { [ map { [ split /,/ ] } split / / ] }
        $_[0] =~ /<polyline points="(.*?)"/g;
}

sub labels {
    my ($svg, $anchor) = @_;

    return [ $svg =~ /text-anchor="$anchor"[^>]*>([^<]*)</g ];
}

# ---- where points land

my %plain = (title => 'Plain', x => 'seconds', panels => [
    { label => 'calls', from_zero => 1, series => [
        { name => 'all', points => [ [0, 0], [50, 5], [100, 10] ] },
        { name => 'none', points => [ [0, 0], [100, 0] ] } ] } ]);
my $svg = svg(%plain);
my ($all, $none) = curves($svg);
my ($left, $top, $bottom, $right) =
    $svg =~ /<path d="M(\d+) (\d+)V(\d+)H(\d+)" fill="none"/;

is_deeply($all, [ [ $left, $bottom ],
    [ ($left + $right) / 2, ($top + $bottom) / 2 ], [ $right, $top ] ],
    'from the lower left corner through the middle to the upper right one');
is_deeply($none, [ [ $left, $bottom ], [ $right, $bottom ] ],
    'a second series has the same scale');
is_deeply(labels($svg, 'end'), [ 0, 2, 4, 6, 8, 10 ],
    'round numbers at the side');
is_deeply(labels($svg, 'middle'), [ map({ $_ * 10 } 0 .. 10), 'seconds' ],
    'and below');
is($svg, svg(%plain), 'the same data give the same bytes');
like($svg, qr/>all<.*>none</s, 'each series has its name in a legend');

like(svg(panels => [ { label => 'calls', series => [
    { colour => '#123456', points => [ [0, 0], [1, 1] ] } ] } ]),
    qr/<polyline [^>]* stroke="#123456"/, 'a series may bring its colour');

# ---- scales

my $minutes = svg(x => 'seconds', panels => [ panel([ [0, 1], [1200, 2] ]) ]);
is_deeply(labels($minutes, 'middle'), [ map({ $_ * 2 } 0 .. 10), 'minutes' ],
    'twenty minutes are not told in seconds');

my $bytes = svg(panels => [ { label => 'memory', unit => 'bytes',
    series => [ { points => [ [0, 40 * 2 ** 20], [9, 42 * 2 ** 20] ] } ] } ]);
like($bytes, qr/>memory \(MiB\)</, 'bytes become MiB');
is_deeply([ @{ labels($bytes, 'end') }[0, -1] ], [ '40.0', '42.0' ],
    'and are counted in them');

my $many = svg(panels => [ panel([ [0, 0], [1, 1_400_000] ]) ]);
is(labels($many, 'end')->[-1], '1,500,000', 'thousands are told apart');

my ($flat) = curves(svg(panels => [ panel([ [0, 7], [10, 7] ]) ]));
is($flat->[0][1], $flat->[1][1], 'a series that never changes is level');

my $negative = svg(panels => [ panel([ [0, -5], [10, 5] ]) ]);
is_deeply(labels($negative, 'end'), [ -6, -4, -2, 0, 2, 4, 6 ],
    'below zero there are numbers as well');

# ---- a scale of factors

my $factors = svg(x => 'hosts', log_x => 1, dots => 1,
    panels => [ panel([ [0, 1], [10, 2], [100, 1], [1000, 3] ]) ]);
my ($curve) = curves($factors);

is_deeply([ map { sprintf('%.3f', ($_->[0] - $left) / ($right - $left)) }
    @$curve ], [ '0.000', '0.333', '0.667', '1.000' ],
    'equal factors are equally far apart, zero is at the left');
is_deeply(labels($factors, 'middle'), [ 0, 10, 100, '1,000', 'hosts' ],
    'numbers are powers of ten, and the zero');
is(scalar(() = $factors =~ /<circle /g), 4, 'each point is a dot');
is_deeply(labels(svg(x => 'hosts', log_x => 1,
    panels => [ panel([ [1, 1], [1e6, 2] ]) ]), 'middle'),
    [ 1, 10, 100, '1,000', '10,000', '100,000', '1,000,000', 'hosts' ],
    'without a zero the least one is at the left');
is_read('one point on a scale of factors', log_x => 1,
    panels => [ panel([ [10, 1] ]) ]);
is_read('nothing but zero on one', log_x => 1, panels => [ panel([ [0, 1] ]) ]);

# ---- what is missing

like(is_read('empty', title => 'Nothing'), qr/^text.*'Nothing'/m,
    'and it has its title');
is_read('no points', panels => [ panel([]) ]);

my $single = is_read('one point', panels => [ panel([ [3, 4] ]) ]);
like($single, qr/^circle /m, 'one point is a dot');
unlike($single, qr/nan|inf/i, 'at a place that there is');

my $broken = is_read('break', panels => [
    panel([ [0, 1], [1, 2], [2, undef], [3, 4], [4, 5], [5, undef], [6, 1] ])
]);
is(scalar(() = $broken =~ /^polyline /mg), 2,
    'a line breaks where there is no value');
is(scalar(() = $broken =~ /^circle /mg), 1, 'what is left alone is a dot');

# ---- marks and spans

my %marked = (%plain, spans => [ [50, 100, 'no service'] ],
    marks => [ [25, 'kill'], [75, 'promotion'], [50, 'kill'] ]);
my $marked = svg(%marked);
my $width = $right - $left;

is_deeply([ map { ($_ - $left) / $width }
    $marked =~ /class="mark" d="M([\d.]+)/g ], [ 0.25, 0.75, 0.5 ],
    'marks stand where they happened');
is(scalar(() = $marked =~ />kill</g), 1, 'each kind is in the legend once');
is_deeply([ $marked
    =~ /class="span" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/ ],
    [ ($left + $right) / 2, $width / 2 ], 'a span is as long as it was');

my $cut = svg(%marked, from => 60, to => 80);
is(scalar(() = $cut =~ /class="mark"/g), 1,
    'what is outside of the range is not shown');

# ---- texts

my $strange = is_read('strange texts', title => "<&\"'>\x01\x{1F600}\x{FFFE}",
    note => ']]>', marks => [ [1, '</svg>'] ], spans => [ [0, 1, '"'] ],
    panels => [ { label => '&amp;', unit => '<b>', series => [
        { name => '<script>', points => [ [0, 1], [1, 2] ] } ] } ]);
like($strange, qr/^text .*'&amp; \(<b>\)'$/m, 'texts come out as they went in');
like($strange, qr/^text .*'<script>'$/m, 'and are no markup');
unlike($strange, qr/^script /m, 'there is no script');

# ---- much

my @wave = map { [ $_, $_ == 7777 ? 99 : 50 + $_ % 10 ] } 0 .. 9999;
my ($thin) = curves(svg(panels => [ panel(\@wave) ]));
my ($peak) = sort { $a <=> $b } map { $_->[1] } @$thin;
my ($full) = curves(svg(panels => [
    panel([ [0, 50], [7777, 99], [9999, 50] ]) ]));

cmp_ok(scalar @$thin, '<', 4000, 'ten thousand points are thinned');
is($peak, $full->[1][1], 'and the one that stands out is still there');
is_deeply([ map { $_->[0] } @$thin ],
    [ sort { $a <=> $b } map { $_->[0] } @$thin ], 'in their order');

done_testing();
