package Test::Gmchat::Callgrind;

# A server under valgrind's callgrind, and what it executed between two marks.
#
#   my $counter = Test::Gmchat::Callgrind->new(
#       dir  => folder,             # for callgrind's files
#       at   => 'echoCommand',      # a function of the server's
#       mark => sub { ... },        # has the server come by there once
#       apart => 'serverCron',      # a function that is left out of the
#   );                              # total, with all that it calls
#   start the server with $counter->command in front of its own words
#   $counter->mark;                 # counting begins
#   ...
#   my $costs = $counter->mark;     # what was executed since
#
#   $costs->{total}                     # instructions,
#   $costs->{object}{path}              # .. of the code of this file,
#   $costs->{function}{path}{name}      # .. of this function without what it
#                                       # calls
#
# callgrind writes its counts, and begins anew, whenever the server is about to
# enter the function `at`. So counts begin and end at the same instruction, and
# nobody has to reach into the server from outside, which not every container
# allows.

use strict;
use warnings;

use Test::Gmchat::Process qw(wait_until);

# glibc would choose its string functions by the processor, and counts were
# those of one machine.

use constant PLAIN_CPU => 'glibc.cpu.hwcaps='
    . join(',', map { "-$_" } qw(AVX AVX2 BMI1 BMI2 ERMS FSRM LZCNT MOVBE RTM
        SSE4_1 SSE4_2 SSSE3 AVX_Fast_Unaligned_Load Fast_Unaligned_Copy));


sub new {
    my ($class, %arg) = @_;

    return bless({ dumps => 0, %arg }, $class);
}


# All servers on one processor, and none takes it from another before that one
# waits: else chance would say which events a server finds together, and so how
# often it looks for them.

sub command {
    my ($self) = @_;

    return ('chrt', '--batch', '0',
        'taskset', '--cpu-list', last_processor(), 'env',
        'GLIBC_TUNABLES=' . PLAIN_CPU,
        'valgrind', '--quiet', '--tool=callgrind', "--dump-before=$self->{at}",
        "--callgrind-out-file=$self->{dir}/callgrind.out",
        "--log-file=$self->{dir}/callgrind.log");
}


# Of those that this process may use.

sub last_processor {
    open(my $file, '<', '/proc/self/status') or die "/proc/self/status: $!\n";

    while (my $line = <$file>) {
        return $1 if $line =~ /^Cpus_allowed_list:.*?(\d+)$/;
    }

    die "/proc/self/status does not say which processors there are\n";
}


# What was executed since the mark before, one mark included.

sub mark {
    my ($self) = @_;

    $self->{dumps}++;
    $self->{mark}->();

    my ($name, $next) = ($self->dump_name, $self->dump_name(1));

    wait_until(sub { -s $name })
        or die "callgrind has not seen $self->{at}: $name is missing\n";
    die "$self->{at} was entered by another than the mark: there is $next\n"
        if -e $next;

    return read_costs($name, $self->{apart});
}


# The file of the last mark, or of so many later.

sub dump_name {
    my ($self, $later) = @_;

    return sprintf('%s/callgrind.out.%d', $self->{dir},
        $self->{dumps} + ($later // 0));
}


# The format is in valgrind's manual, "Callgrind Format Specification": a name
# stands in full where it is first met, and is "(number)" from there on; the
# line after "calls=" is of what was called.

sub read_costs {
    my ($name, $apart) = @_;

    my $costs = { total => 0, object => {}, function => {} };
    my $left_out = 0;
    my (%names, $object, $function, $called);

    open(my $file, '<', $name) or die "$name: $!\n";

    while (my $line = <$file>) {
        if ($line =~ /^(c?)(ob|fn)=(\(\d+\))(?: (.*))?$/) {
            my $text = $names{$2}{$3} //= $4;

            $called = $text if "$1$2" eq 'cfn';
            $object = $text if "$1$2" eq 'ob';
            $function = $text if "$1$2" eq 'fn';

        } elsif ($line =~ /^calls=/) {
            my ($inclusive) = readline($file) =~ / (\d+)$/;

            $left_out += $inclusive if $called eq ($apart // '');

        } elsif ($line =~ /^(?:[+-]?\d+|\*) (\d+)$/) {
            $costs->{total} += $1;
            $costs->{object}{$object} += $1;
            $costs->{function}{$object}{$function} += $1;

        } elsif ($line =~ /^totals: (\d+)$/ && $1 != $costs->{total}) {
            die "$name: its sum is $1, and not $costs->{total}\n";
        }
    }

    close($file) or die "$name: $!\n";
    $costs->{total} -= $left_out;

    return $costs;
}


1;
