package Gmchat::Bench::Redis;

# A redis-server on a unix socket and a TCP port, without persistence, in a
# folder of its own.

use strict;
use warnings;

use parent 'Test::Gmchat::Redis';

use Gmchat::Bench::Wrk;
use Test::Gmchat::Process;


# What gmchat_redis takes for it.

sub url {
    my ($self) = @_;

    return "unix:$self->{socket_path}";
}


sub tcp_url {
    my ($self) = @_;

    return "redis://127.0.0.1:$self->{port}";
}


sub socket {
    my ($self) = @_;

    return $self->{socket_path};
}


sub port {
    my ($self) = @_;

    return $self->{port};
}


sub pid {
    my ($self) = @_;

    return $self->{pid};
}


# A command's reply; an error reply dies.

sub call {
    my ($self, @words) = @_;

    return $self->cmd(@words);
}


# The commands that arrive while the sub runs, but for those of links that are
# only kept alive, and for what workers tell of polls afterwards: each a list of
# words. Of $name alone, EVALSHA if not given.

sub commands {
    my ($self, $work, $name) = @_;

    my $monitor = Test::Gmchat::Resp->new($self->socket)
        or die "Redis: $!\n";
    my $mark = "end of monitor $$";
    my @commands;

    die "MONITOR is refused\n" if ref $monitor->ask('MONITOR');
    $work->();
    $self->call('ECHO', $mark);

    while (my $line = $monitor->next_value) {
        my @words = words($line);
        last if $words[0] eq 'ECHO' && $words[1] eq $mark;
        next if ($words[4] // '') =~ /^(?:\d+ \d+ )+$/;     # hosts, and when
        push @commands, \@words
            if uc $words[0] eq ($name // 'EVALSHA') && $line !~ /^\S+ \[\d+ lua\]/;
    }

    return @commands;
}


# 1700000000.123456 [0 unix:/...] "EVALSHA" "..." with \x, \", \\, \n ...

my %ESCAPED = (n => "\n", r => "\r", t => "\t", a => "\a", b => "\b");

sub words {
    my ($line) = @_;

    my @words = $line =~ /"((?:[^"\\]|\\.)*)"/g;

    for my $word (@words) {
        $word =~ s/\\(?:x([0-9a-f]{2})|(.))/
            defined $1 ? chr(hex($1)) : $ESCAPED{$2} \/\/ $2/gex;
    }

    return @words;
}


# redis-benchmark with one command: { requests, rps }. %arg: connections (32),
# pipeline (16), requests; with `random`, a word __rand_int__ is 12 digits of less
# than that. An error among the replies ends the run.

sub benchmark {
    my ($self, $words, %arg) = @_;

    my $errors = $self->info('total_error_replies');
    my $output = "$self->{dir}/benchmark.out";
    my $said = Gmchat::Bench::Wrk::command($output, 'redis-benchmark', '-s',
        $self->socket, '-c', $arg{connections} // 32, '-P',
        $arg{pipeline} // 16, '-n', $arg{requests}, '--csv',
        ($arg{random} ? ('-r', $arg{random}) : ()), @$words);

    unlink($output);
    die "redis-benchmark: there were errors\n"
        if $self->info('total_error_replies') != $errors;
    my ($rps) = $said =~ /,"([\d.]+)"(?:,"[\d.]+"){6}\s*\z/
        or die "redis-benchmark said:\n$said\n";

    return { requests => $arg{requests}, rps => $rps };
}


1;
