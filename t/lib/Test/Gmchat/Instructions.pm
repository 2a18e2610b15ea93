package Test::Gmchat::Instructions;

# The counts of bench/instructions: read, compared, written.
#
#   my $kept = parse_counts($text);     # { toolchain => { "row part" => n } }
#   print format_counts($kept);
#   my @rows = compare_counts($kept->{$toolchain}, $counts);
#
# A compared row is { what => "row part", before, now, percent, verdict }; the
# verdict is `more` (it fails), `less`, `same`, or `new` where one of the two
# was not counted.
#
# Counts are those of one toolchain: another compiler or another library takes
# another number of instructions for the same source.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(parse_counts format_counts compare_counts);

use constant {
    PERCENT => 10,      # that a count may grow; and so many instructions,
    SLACK   => 50,      # for what has hardly any
};

use constant HEAD => <<'EOF';
# Instructions of one call, as ./gmchat instructions counts them: see
# docs/testing.md. A line: what it was counted with (machine, compiler, nginx,
# Redis), the row, the part, the count. ./gmchat instructions --update writes
# the lines of where it runs.
EOF


# Dies where a line is no count, or is there twice.

sub parse_counts {
    my ($text) = @_;

    my %kept;
    my $number = 0;

    for my $line (split(/\n/, $text)) {
        $number++;
        next if $line =~ /^(?:#|\s*$)/;

        my ($toolchain, $row, $part, $count) =
            $line =~ /^(\S+) +(\S+) +(\S+) +(\d+)$/
            or die "line $number is no count: $line\n";

        die "line $number has a count for the second time: $line\n"
            if defined $kept{$toolchain}{"$row $part"};
        $kept{$toolchain}{"$row $part"} = $count;
    }

    return \%kept;
}


sub format_counts {
    my ($kept) = @_;

    my $text = HEAD;

    for my $toolchain (sort keys %$kept) {
        $text .= "\n";

        for my $what (sort keys %{ $kept->{$toolchain} }) {
            $text .= sprintf("%s %-17s %-6s %7d\n", $toolchain,
                split(/ /, $what), $kept->{$toolchain}{$what});
        }
    }

    return $text;
}


# What was counted before stands in `now` only where it was counted again.

sub compare_counts {
    my ($before, $now) = @_;

    my %all = (%$before, %$now);

    return map { compare_one($_, $before->{$_}, $now->{$_}) } sort keys %all;
}


sub compare_one {
    my ($what, $before, $now) = @_;

    my $row = { what => $what, before => $before, now => $now,
        verdict => 'new' };

    return $row if !defined $before || !defined $now;

    my $grown = $now - $before;
    my $far = abs($grown) > $before * PERCENT / 100 && abs($grown) > SLACK;

    $row->{percent} = 100 * $grown / ($before || 1);
    $row->{verdict} = !$far ? 'same' : $grown > 0 ? 'more' : 'less';

    return $row;
}


1;
