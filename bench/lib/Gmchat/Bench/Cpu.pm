package Gmchat::Bench::Cpu;

# What processes take, from /proc.

use strict;
use warnings;

use Exporter qw(import);
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(cpu_of memory_of time_of);


# cpu_of(sub, { group => [ pids ] }): { group => microseconds of user and system
# time while the sub ran, wall => seconds, result => what it gave }

sub cpu_of {
    my ($work, $groups) = @_;

    my %before = sums($groups);
    my $began = time();
    my $result = $work->();
    my $wall = time() - $began;
    my %after = sums($groups);

    return { result => $result, wall => $wall,
        map { $_ => $after{$_} - $before{$_} } keys %$groups };
}


sub sums {
    my ($groups) = @_;

    my %sum;

    for my $group (keys %$groups) {
        $sum{$group} = 0;
        $sum{$group} += time_of($_) for @{ $groups->{$group} };
    }

    return %sum;
}


# Microseconds that all threads of a process have run. schedstat counts
# nanoseconds; where the kernel lacks it there are the clock's ticks.

sub time_of {
    my ($pid) = @_;

    my $sum = 0;
    my @tasks = glob("/proc/$pid/task/*/schedstat");

    return ticks_of($pid) if !@tasks;

    for my $task (@tasks) {
        open(my $file, '<', $task) or next;
        my ($ran) = (<$file> // '') =~ /^(\d+)/ or next;
        $sum += $ran / 1000;
    }

    return $sum;
}


sub ticks_of {
    my ($pid) = @_;

    open(my $file, '<', "/proc/$pid/stat") or die "process $pid is gone\n";
    my ($user, $system) = (<$file> // '')
        =~ /^\d+ \(.*\) \S(?: \S+){10} (\d+) (\d+) / or die "no CPU time\n";

    return ($user + $system) * 1e6 / sysconf(_SC_CLK_TCK);
}


# Bytes of anonymous memory of all of these.

sub memory_of {
    my (@pids) = @_;

    my $sum = 0;

    for my $pid (@pids) {
        open(my $file, '<', "/proc/$pid/smaps_rollup")
            or die "process $pid is gone: $!\n";
        local $/;
        my ($kib) = (<$file> // '') =~ /^Anonymous:\s+(\d+) kB/m
            or die "process $pid tells no memory\n";
        $sum += $kib * 1024;
    }

    return $sum;
}


1;
