package Test::Gmchat::Process;

# Children of a test: started with their output in a file, watched, and
# stopped when the test ends, however it ends.

use strict;
use warnings;

use Exporter qw(import);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(wait_until spawn forget alive reaped signal_and_wait
    children_of run_command deadline);

use constant DEADLINE => 30;
use constant COMMAND  => 300;     # a build, on a busy machine
use constant POLL     => 0.01;

my $owner = $$;
my %live;       # pid => name
my %status;     # pid => wait status, of those that ended

$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);
$SIG{PIPE} = 'IGNORE';


sub deadline {
    return DEADLINE;
}


# Polls a condition; returns what it returned, or false after the deadline.

sub wait_until {
    my ($condition, $seconds) = @_;

    my $end = time() + ($seconds // DEADLINE);

    while (1) {
        my $value = $condition->();
        return $value if $value;
        return 0 if time() > $end;
        sleep(POLL);
    }
}


# spawn(name => ..., argv => [...], output => file, env => {...}): the pid.
# `stdin`, `stdout`: handles for the child, in the place of nothing and the file.

sub spawn {
    my (%arg) = @_;

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        $SIG{PIPE} = 'DEFAULT';
        open(STDERR, '>>', $arg{output});
        open(STDIN, '<&', $arg{stdin} // devnull());
        open(STDOUT, '>&', $arg{stdout} // \*STDERR);
        $ENV{$_} = $arg{env}{$_} for keys %{ $arg{env} // {} };

        no warnings 'exec';
        exec { $arg{argv}[0] } @{ $arg{argv} };
        print STDERR "cannot start $arg{argv}[0]: $!\n";
        POSIX::_exit(127);
    }

    keep($pid, $arg{name} // $arg{argv}[0]);

    return $pid;
}


sub devnull {
    open(my $nothing, '<', '/dev/null') or die "/dev/null: $!";

    return $nothing;
}


# For children that a module forks by itself.

sub keep {
    my ($pid, $name) = @_;

    $live{$pid} = $name;
    delete $status{$pid};
}


sub alive {
    my ($pid) = @_;

    return 0 if exists $status{$pid};

    local $?;
    return 1 if waitpid($pid, WNOHANG) == 0;

    $status{$pid} = $?;
    delete $live{$pid};

    return 0;
}


# The wait status of a child that ended.

sub reaped {
    my ($pid) = @_;

    return alive($pid) ? undef : $status{$pid};
}


sub signal_and_wait {
    my ($signal, $pid, $seconds) = @_;

    return 1 if !alive($pid);
    kill($signal, $pid);

    return wait_until(sub { !alive($pid) }, $seconds);
}


# Direct children of a process, from /proc.

sub children_of {
    my ($parent) = @_;

    my @pids;

    for my $path (glob('/proc/[0-9]*/stat')) {
        open(my $file, '<', $path) or next;
        my $line = <$file> // '';
        next if $line !~ /^(\d+) \(.*\) (\S) (\d+) /;
        push @pids, $1 if $3 == $parent && $2 ne 'Z';
    }

    @pids = sort { $a <=> $b } @pids;

    return @pids;
}


# Runs a command to its end; (exit status, output).

sub run_command {
    my (%arg) = @_;

    my $pid = spawn(%arg);
    wait_until(sub { !alive($pid) }, COMMAND)
        or die "$arg{argv}[0] does not end";

    open(my $file, '<', $arg{output}) or die "$arg{output}: $!";
    local $/;

    return ($status{$pid} >> 8, scalar <$file>);
}


# A master that is killed leaves its workers: they are ended with it.

sub end_all {
    my @pids = grep { alive($_) } keys %live;
    my %family = map { $_ => [ children_of($_) ] } @pids;

    kill('TERM', @pids);
    wait_until(sub { !grep { alive($_) } @pids }, 5);

    for my $pid (grep { alive($_) } @pids) {
        kill('KILL', $pid, @{ $family{$pid} });
        wait_until(sub { !alive($pid) }, 5);
    }
}


END {
    if ($$ == $owner) {
        local ($?, $@, $!);
        end_all();
    }
}


1;
