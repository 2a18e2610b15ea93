package Gmchat::Bench::Page;

# docs/performance.md, from the results alone.

use strict;
use warnings;

use File::Path qw(make_path);



# What is shown also where no target is behind.

use constant ALWAYS => 'profile of send, GM to player';


# Writes the page and its plots; gives the page's path.

sub write {
    my ($bench) = @_;

    my $file = "$bench->{page}/performance.md";
    my $text = join("\n\n", map { s/\s+\z//r } grep { length } parts($bench));

    make_path($bench->{page});
    Gmchat::Bench::write_file($file, "$text\n");

    return $file;
}


sub parts {
    my ($bench) = @_;

    my @targets = map { $_->targets($bench) } grep { $_->can('targets') }
        @{ $bench->{sections} };

    return (head($bench), machine($bench), targets($bench, @targets),
        (map { $_->page($bench) } @{ $bench->{sections} }),
        profiles($bench, @targets), lasting(), configurations($bench));
}


sub head {
    my ($bench) = @_;

    my $run = $bench->{results}{run};
    my $under = $run->{under} eq ''
        ? 'Servers and clients run at ordinary priority.'
        : "Servers are started with `$run->{under}`.";
    my $quick = $run->{quick} ? <<'EOF' : '';

**This is a quick run: one round of small loads. It shows that everything works;
its figures mean little.**
EOF

    return <<"EOF";
# Performance

This page, its plots included, was written by

    ./gmchat bench

from `results.json`, which the same command wrote (`--render` writes the page
again). It installs what it needs from Debian, starts everything on loopback, and
stops it again. What is measured:

- the CPU time of all server processes for each request (user and system, from
  /proc), requests a second, latencies (p50, p99, p99.9) and the workers' anonymous
  memory after the row; the load is `wrk`'s;
- in rounds ($run->{rounds}) of $run->{seconds} seconds a row. Each section has one
  round, then each the next one, so that what the machine does meanwhile meets all of
  them. Tables have the median, and in brackets the least and the most of the rounds.

Figures of different machines do not compare; ratios of one run do.
$under
The load's own CPU time is not counted, but it shares the machine. Answers other than
expected end the run.
$quick
EOF
}


sub machine {
    my ($bench) = @_;

    my $machine = $bench->{results}{machine};
    my @rows = (
        [ 'date', $machine->{date} ],
        [ 'processor', "$machine->{cpu}, $machine->{cores} cores"
            . ($machine->{virtual} ? ', a virtual machine' : '') ],
        [ 'memory', sprintf('%.1f GiB', $machine->{memory} / 2 ** 30) ],
        [ 'kernel', $machine->{kernel} ],
        [ 'system', $machine->{system} ],
        @{ $bench->{results}{versions} },
    );

    return join("\n", '## The machine', '', '| | |', '|---|---|',
        map { "| $_->[0] | $_->[1] |" } @rows);
}


sub targets {
    my ($bench, @targets) = @_;

    return '' if !@targets;

    my $behind = grep { !$_->{met} } @targets;
    my $text = "## The targets\n\n| what | at most | seen | |\n"
        . "|---|---|---|---|\n";

    $text .= sprintf("| %s | %s | %s | %s |\n", @$_{qw(what limit seen)},
        $_->{met} ? 'met' : '**behind**') for @targets;

    return $text . "\n" . ($behind
        ? "$behind of " . @targets . ' are behind. [Where the time'
            . ' goes](#where-the-time-goes) has the profiles.'
        : 'All ' . @targets . ' are met, by the medians of this run.');
}


# The profile of `send` always, and of each target that is behind.

sub profiles {
    my ($bench, @targets) = @_;

    my %behind;

    for my $target (grep { !$_->{met} && $_->{profile} } @targets) {
        push @{ $behind{ $target->{profile} } }, $target->{what};
    }

    my @names = grep { ref $bench->kept($_) }
        ALWAYS, grep { $_ ne ALWAYS } sort keys %behind;
    return '' if !@names;

    my $text = <<'EOF';
## Where the time goes

Samples of `perf record` (999 a second, the processor's clock: a virtual machine has
no hardware counters) while the row's load runs, in percent of that process' samples.
EOF

    for my $name (@names) {
        (my $what = $name) =~ s/^profile of //;
        $text .= "\n### $what\n\n";
        $text .= 'Behind its target: ' . join('; ', @{ $behind{$name} })
            . ".\n\n" if $behind{$name};
        $text .= profile($bench->kept($name));
    }

    return $text;
}


# { process => [ [ percent, object, symbol ], ... ] }

sub profile {
    my ($profile) = @_;

    my $text = '';

    for my $process (sort keys %$profile) {
        $text .= "| $process: % | in | symbol |\n|---|---|---|\n";
        $text .= sprintf("| %.1f | %s | %s |\n", @$_[0, 1],
            $_->[2] eq '' ? 'all of it' : "`$_->[2]`")
            for @{ $profile->{$process} };
        $text .= "\n";
    }

    return $text;
}


sub lasting {
    return <<'EOF';
## What made a difference

Figures of the time when it was done, on one machine:

- The conversation is trimmed by the block (`XADD ... MAXLEN ~`): 12.2 to 10.1 us of
  Redis for a `send`, as measured with redis-benchmark before and after.
- A poll that finds nothing ends before the script defines what the others need: 3.7
  to 2.6 us, measured likewise.
- Scripts that share a call are one script: no call has a second round trip but a
  plain `receive` that took something, which is settled behind its reply.
- Calls of one event-loop turn share one write and one read; a call's memory and its
  buffers are used again.
- A poll of a mailbox that the worker knows to be empty asks Redis nothing
  ([gmchat_poll_cache](directives.md#gmchat_poll_cache)): 2.0 to 1.1 times `return 200`.
- A command is written straight into the buffer that is sent, not formatted, copied and
  freed: 29,900 to 18,900 instructions of the worker for a `send`, its kernel's not
  counted.
- Adding a short piece to a reply is a copy: a tenth to a fifth of the worker's
  instructions, whatever the call.
- Integers that scripts write are formatted as such, not as fractions: 11.4 to 10.6 us
  of Redis for a `send`.
- A held call gives its request back to nginx while it waits: 11.4 KB to 1.4 KB.

## What a poll does not cost

A poll reads the one mailbox that it is about. What is undelivered elsewhere, how many
hosts, players or conversations there are, is in no loop of its script
([keys.md](keys.md) has what each script reads).
EOF
}


sub configurations {
    my ($bench) = @_;

    my $all = $bench->{results}{configurations};
    my $text = <<'EOF';
## The configurations

Redis: `save ""`, no append-only file, a unix socket and a TCP port of 127.0.0.1, all
else as it comes. nginx, exactly (but for folders and ports):
EOF

    for my $name (sort keys %$all) {
        $text .= "\n<details><summary>$name</summary>\n\n```nginx\n"
            . "$all->{$name}```\n\n</details>\n";
    }

    return $text;
}


1;
