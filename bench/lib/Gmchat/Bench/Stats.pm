package Gmchat::Bench::Stats;

# Medians, and tables of them.

use strict;
use warnings;

use List::Util ();


# Of an even number of values the lower one in the middle: one that was
# measured. undef of none.

sub median {
    my (@values) = sort { $a <=> $b } @_;

    return @values ? $values[ $#values / 2 ] : undef;
}


sub least {
    return List::Util::min(@_);
}


sub most {
    return List::Util::max(@_);
}


# 12345.67 with one decimal: 12,345.7. '' of undef.

sub number {
    my ($value, $decimals) = @_;

    return '' if !defined $value;

    my $text = sprintf('%.' . ($decimals // 0) . 'f', $value);

    1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;

    return $text;
}


# "12.3 (11.9 to 14.0)"; '' of none.

sub spread {
    my ($decimals, @values) = @_;

    return '' if !@values;

    return sprintf('%s (%s to %s)', map { number($_, $decimals) }
        median(@values), least(@values), most(@values));
}


# table(first, rows, columns => [ [ figure, head, decimals, plain, divisor ], ...
#       ], values => sub ($row, $figure) { ... })

sub table {
    my (%arg) = @_;

    my @columns = @{ $arg{columns} };
    my $text = '| ' . join(' | ', $arg{first}, map { $_->[1] } @columns)
        . " |\n" . '|---' x (1 + @columns) . "|\n";

    for my $row (@{ $arg{rows} }) {
        $text .= '| ' . join(' | ', $row, map { cell($_,
            $arg{values}->($row, $_->[0])) } @columns) . " |\n";
    }

    return $text;
}


sub cell {
    my ($column, @values) = @_;

    my (undef, undef, $decimals, $plain, $divisor) = @$column;

    @values = map { $_ / $divisor } @values if $divisor;

    return $plain ? number(median(@values), $decimals)
        : spread($decimals, @values);
}


1;
