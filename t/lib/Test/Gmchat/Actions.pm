package Test::Gmchat::Actions;

# The action table as it is compiled, for tests that walk it:
#
#   my @rows = action_rows();
#   $rows[0]{endpoint}, {name}, {right}, {change}
#   $rows[0]{needs}     [ [ 'gm_account', 'yes' ], [ 'group', 'no' ], ... ]:
#                       each parameter, and whether it is required
#   row_label($rows[0]) 'create (gm_account, gm_name)'

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);

use Test::Gmchat;
use Test::Gmchat::Process qw(run_command);

our @EXPORT_OK = qw(action_rows row_label required);

my $root = abs_path(dirname(__FILE__) . '/../../../..');


sub action_rows {
    my $dir = temp_folder();
    my $printer = "$dir/print_actions";

    run_well("$dir/cc.out", $ENV{CC} || 'cc', '-o', $printer,
        "-I$root/src/core", "$root/t/lib/print_actions.c",
        glob("$root/src/core/gmchat_*.c"), '-ljansson', '-lb64');

    return map {
        my ($kind, $endpoint, $name, undef, undef, $needs, $right, $change)
            = split(/\t/, $_, -1);
        $kind eq 'action' ? {
            endpoint => $endpoint, name => $name, right => $right,
            change => $change,
            needs => [ map { [ split(/:/, $_) ] } split(/ /, $needs) ],
        } : ()
    } split(/\n/, run_well("$dir/print.out", $printer));
}


sub run_well {
    my ($output, @argv) = @_;

    my ($status, $said) = run_command(argv => \@argv, output => $output);
    die "@argv: $said" if $status;

    return $said;
}


# The names of the parameters that a row cannot do without.

sub required {
    my ($row) = @_;

    return map { $_->[0] } grep { $_->[1] eq 'yes' } @{ $row->{needs} };
}


# Rows that share a name differ in these.

sub row_label {
    my ($row) = @_;

    return "$row->{name} (" . join(', ', required($row)) . ')';
}


1;
