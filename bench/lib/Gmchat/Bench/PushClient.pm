package Gmchat::Bench::PushClient;

# bench/push, the client of those who wait: built, and run.
#
#   my $client = Gmchat::Bench::PushClient->new($bench);
#   my $figures = $client->run('SSE, 1,000/s', 'latency', $port, 'sse', ...);
#   my $pid = $client->hold($port, 'sse', $first, $n);
#
# What it may be asked for stands at the top of bench/push/main.c.

use strict;
use warnings;

use Gmchat::Bench::Wrk;
use Test::Gmchat::Process qw(alive wait_until);

use constant {
    HELD   => 120,          # seconds until all are
    OTHERS => 300,          # descriptors of a worker that are no clients'
};


# How many files a process may open, if it asks for it; the client does.

sub open_files {
    open(my $file, '<', '/proc/self/limits') or die "/proc/self/limits: $!\n";
    local $/;
    my ($hard) = <$file> =~ /^Max open files\s+\d+\s+(\d+)/m
        or die "/proc/self/limits does not tell of open files\n";

    return $hard;
}


# The line of nginx.conf that lets a worker have so many clients.

sub rlimit {
    my ($clients) = @_;

    return 'worker_rlimit_nofile ' . ($clients + OTHERS) . ';';
}


sub new {
    my ($class, $bench) = @_;

    return bless({ bench => $bench, files => 0 }, $class);
}


# The program; it is built by its first user.

sub program {
    my ($self) = @_;

    my $bench = $self->{bench};

    return $self->{program} if $self->{program};

    my $dir = $bench->folder;

    Gmchat::Bench::Wrk::command("$dir/cc.out", $ENV{CC} || 'cc', '-O2',
        '-std=gnu11', '-Wall', '-Werror', '-o', "$dir/push",
        glob("$bench->{root}/bench/push/*.c"), '-lm');

    return $self->{program} = "$dir/push";
}


sub argv {
    my ($self, @args) = @_;

    return (@{ $self->{bench}{under} }, $self->program, @args);
}


sub output {
    my ($self) = @_;

    return $self->program . '-' . ++$self->{files} . '.out';
}


# { name => value }; of a name that is said often, all: name => [ "words", ... ]
# stand in `lists`. Dies with the row's name of whatever is not as it should be.

sub run {
    my ($self, $row, @args) = @_;

    my $output = $self->output;
    my $said = eval { Gmchat::Bench::Wrk::command($output, $self->argv(@args)) }
        // die "$row: $@";
    my %figures;

    unlink($output);

    for my $line (split(/\n/, $said)) {
        my ($name, $value) = $line =~ /^(\w+) ([-\d. ]+)$/
            or die "$row: the client said: $said\n";
        push @{ $figures{lists}{$name} }, $value;
        $figures{$name} = $value;
    }

    return \%figures;
}


# So many connections that wait, for hosts from `first` on: the pid of who has
# them, for stop_program.

sub hold {
    my ($self, @args) = @_;

    my ($port, $kind, $first, $n) = @args;
    my $output = $self->output;
    my $pid = $self->{bench}->program(name => 'push', output => $output,
        argv => [ $self->program, 'hold', $port, $kind, $first, $n ]);

    wait_until(sub { -s $output || !alive($pid) }, HELD);

    open(my $file, '<', $output) or die "$output: $!\n";
    my $said = <$file> // 'nothing';

    die "$n connections of $kind: the client says: $said\n"
        if $said ne "held\n";

    return $pid;
}


1;
