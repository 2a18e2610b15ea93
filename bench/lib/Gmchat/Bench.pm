package Gmchat::Bench;

# The frame of `./gmchat bench`: it starts servers, takes their CPU time,
# runs loads, keeps samples, and has the sections write the page from them.
#
# A section is a module Gmchat::Bench::<Name>:
#
#   new($class, $bench)
#   name                    as in --only
#   round($self, $k)        one round, k from 1: measures, and calls
#                           $bench->sample($series, $row, { figure => n, ... })
#   finish($self)           after the last round; optional
#   targets($self, $bench)  optional; a list of { what, limit, seen, met (0 or
#                           1), profile => name of what keep() keeps }
#   page($self, $bench)     its part of the page in Markdown, from what was
#                           sampled and kept alone: no server runs then
#
# Between the rounds nothing of a section should run: each starts what it needs
# in round() and stops it there, so that a section never pays for another's
# servers. What takes long to build may stay (it is idle).
#
# A figure is a number greater than or equal to 0; CPU and latencies are in
# microseconds, memory is in bytes.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use JSON::PP ();

use Gmchat::Bench::Bars;
use Gmchat::Bench::Cpu qw(cpu_of memory_of);
use Gmchat::Bench::Machine qw(machine versions);
use Gmchat::Bench::Nginx;
use Gmchat::Bench::Redis;
use Gmchat::Bench::Stats;
use Gmchat::Bench::Wrk;
use Test::Gmchat::Plot;

use constant MODULES => '/usr/lib/nginx/modules';


# new(root, module, out, page, rounds, seconds, quick, under)
#
# `out`: the folder of results.json; `page`: the folder of performance.md and
# its plots; `under`: words that servers and clients are started with.

sub new {
    my ($class, %arg) = @_;

    my $self = bless({ under => [], sections => [], folders => 0,
        results => { series => {}, kept => {}, configurations => {} },
        %arg }, $class);

    $self->{nginx} = $ENV{GMCHAT_NGINX} || Test::Gmchat::Nginx::find_nginx();

    return $self;
}


# Loads the sections by name, in this order.

sub use_sections {
    my ($self, @names) = @_;

    for my $name (@names) {
        my $class = 'Gmchat::Bench::' . ucfirst($name);
        (my $file = "$class.pm") =~ s{::}{/}g;

        require $file;
        push @{ $self->{sections} }, $class->new($self);
    }
}


# All rounds; then the results are written, and read again: a page that is written
# now is the same as one that is written from the file later.

sub run {
    my ($self) = @_;

    die "run ./gmchat build first: there is no $self->{module}\n"
        if !-f $self->{module};

    $self->{dir} = tempdir('gmchat-bench-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    $self->{results}{machine} = machine();
    $self->{results}{versions} = versions($self->{nginx});
    $self->{results}{run} = { rounds => $self->{rounds} + 0,
        seconds => $self->{seconds} + 0, quick => $self->{quick} ? 1 : 0,
        under => join(' ', @{ $self->{under} }),
        sections => [ map { $_->name } @{ $self->{sections} } ],
        began => time() };

    for my $k (1 .. $self->{rounds}) {
        for my $section (@{ $self->{sections} }) {
            $self->say("round $k of $self->{rounds}: " . $section->name);
            $section->round($k);
        }
    }

    $_->finish for grep { $_->can('finish') } @{ $self->{sections} };
    $self->{results}{run}{ended} = time();
    $self->save;
    $self->load;
}


sub say {
    my ($self, $text) = @_;

    my $seconds = time() - ($self->{results}{run}{began} // time());

    printf STDERR "[%4d s] %s\n", $seconds, $text;
}


# ---- results

sub results_file {
    my ($self) = @_;

    return "$self->{out}/results.json";
}


sub save {
    my ($self) = @_;

    make_path($self->{out});
    write_file($self->results_file,
        JSON::PP->new->canonical->pretty->indent_length(1)
            ->encode($self->{results}));
}


sub load {
    my ($self) = @_;

    open(my $file, '<', $self->results_file)
        or die $self->results_file . ": $!\n";
    local $/;
    $self->{results} = JSON::PP->new->decode(scalar <$file>);
    $self->{rounds} = $self->{results}{run}{rounds};
}


# In one step, as who replaces a file that others read should.

sub write_file {
    my ($name, $text) = @_;

    open(my $file, '>:encoding(UTF-8)', "$name.new")
        or die "$name.new: $!\n";
    print $file $text;
    close($file) or die "$name.new: $!\n";
    rename("$name.new", $name) or die "$name: $!\n";
}


# Adds one round's figures to a row of a series. A figure that is no number
# ends the run.

sub sample {
    my ($self, $series, $row, $figures) = @_;

    my $all = $self->{results}{series}{$series}
        //= { rows => [], samples => {} };

    push @{ $all->{rows} }, "$row" if !$all->{samples}{$row};

    for my $figure (sort keys %$figures) {
        my $value = $figures->{$figure} // 'undef';

        die "$series, $row: $figure is $value\n"
            if $value !~ /^\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i;
        push @{ $all->{samples}{$row}{$figure} }, $value + 0;
    }
}


# The rows of a series in the order of their first samples.

sub rows {
    my ($self, $series) = @_;

    return @{ ($self->{results}{series}{$series} // {})->{rows} // [] };
}


# The samples of a figure, one a round.

sub values {
    my ($self, $series, $row, $figure) = @_;

    my $all = $self->{results}{series}{$series} // {};

    return @{ (($all->{samples} // {})->{$row} // {})->{$figure} // [] };
}


# median, least and most of a figure; undef where it was not sampled.

sub median {
    my ($self, @which) = @_;

    return Gmchat::Bench::Stats::median($self->values(@which));
}


sub min {
    my ($self, @which) = @_;

    return Gmchat::Bench::Stats::least($self->values(@which));
}


sub max {
    my ($self, @which) = @_;

    return Gmchat::Bench::Stats::most($self->values(@which));
}


# table($series, first => head of the first column, rows => [...] (all),
#       columns => [ [ figure, head, decimals, plain, divisor ], ... ])
# Markdown: "median (least to most)", or the median alone where `plain`; in units
# of `divisor`, where there is one.

sub table {
    my ($self, $series, %arg) = @_;

    return Gmchat::Bench::Stats::table(
        rows    => $arg{rows} // [ $self->rows($series) ],
        first   => $arg{first},
        columns => $arg{columns},
        values  => sub { $self->values($series, @_) },
    );
}


# Something else than figures that the page shows: a profile, a number of bytes.

sub keep {
    my ($self, $name, $what) = @_;

    $self->{results}{kept}{$name} = $what;
}


sub kept {
    my ($self, $name) = @_;

    return $self->{results}{kept}{$name};
}


# A plot beside the page: performance-<name>.svg. The arguments are those of
# Test::Gmchat::Plot->new. Gives Markdown that shows it.

sub plot {
    my ($self, $name, %arg) = @_;

    my $file = "performance-$name.svg";

    make_path($self->{page});
    Test::Gmchat::Plot->new(%arg)->write("$self->{page}/$file");

    return "![$arg{title}]($file)\n";
}


# .. with bars of parts: the arguments are those of Gmchat::Bench::Bars->new.

sub bars {
    my ($self, $name, %arg) = @_;

    my $file = "performance-$name.svg";

    make_path($self->{page});
    Gmchat::Bench::Bars->new(%arg)->write("$self->{page}/$file");

    return "![$arg{title}]($file)\n";
}


# ---- servers and loads

sub folder {
    my ($self) = @_;

    my $dir = "$self->{dir}/" . ++$self->{folders};

    mkdir($dir) or die "$dir: $!\n";

    return $dir;
}


# redis(args => [ lines of redis.conf ]): started. See Gmchat::Bench::Redis.

sub redis {
    my ($self, %arg) = @_;

    return Gmchat::Bench::Redis->new(dir => $self->folder, tcp => 1,
        under => $self->{under}, %arg);
}


# nginx(conf => lines inside of http { }, name => as the page calls it,
#       workers => 1, connections => 1024, modules => [ names or paths of .so ],
#       main => [ lines ])
# Started. Without `modules` it has ours. %%PORT%% is its port. See
# Gmchat::Bench::Nginx.

sub nginx {
    my ($self, %arg) = @_;

    my @modules = map { m{/} ? $_ : MODULES . "/$_" }
        @{ $arg{modules} // [ $self->{module} ] };
    my $nginx = Gmchat::Bench::Nginx->new(dir => $self->folder,
        root => $self->{root}, workers => 1, under => $self->{under},
        %arg, modules => \@modules);

    $nginx->start;
    $self->{results}{configurations}{ $arg{name} } = $nginx->told
        if defined $arg{name};

    return $nginx;
}


# Any other program: its pid. It is ended with the run, or by stop_program.

sub program {
    my ($self, %arg) = @_;

    return Test::Gmchat::Process::spawn(%arg,
        argv => [ @{ $self->{under} }, @{ $arg{argv} } ]);
}


sub stop_program {
    my ($self, $pid, $signal) = @_;

    return Test::Gmchat::Process::signal_and_wait($signal // 'TERM', $pid)
        || die "a server does not end\n";
}


# cpu(sub, { group => [ pids ], ... }): what the pids used while the sub ran,
# in microseconds, by group, and `wall`. What the sub gives is in `result`.

sub cpu {
    my ($self, $work, $groups) = @_;

    return cpu_of($work, $groups);
}


# Bytes of anonymous memory of all these processes together.

sub memory {
    my ($self, @pids) = @_;

    return memory_of(@pids);
}


# wrk(url, connections, seconds, script => text of Lua, row => for messages):
# { requests, seconds, rps, p50, p99, p999 }. Any error ends the run. See
# Gmchat::Bench::Wrk.

sub wrk {
    my ($self, $url, %arg) = @_;

    return Gmchat::Bench::Wrk::run(url => $url, dir => $self->{dir},
        seconds => $self->{seconds}, %arg);
}


# A row: wrk with the CPU of these groups, sampled by figures of each request:
# <group> and sum (CPU us), rps, p50, p99, p999, memory of the workers: of all
# groups but redis. Gives wrk's result.

sub measure {
    my ($self, $series, $row, $url, $groups, %arg) = @_;

    my $cpu = $self->cpu(
        sub { $self->wrk($url, row => "$series, $row", %arg) }, $groups);
    my $wrk = $cpu->{result};
    my %figures = map { $_ => $wrk->{$_} } qw(rps p50 p99 p999);

    for my $group (keys %$groups) {
        $figures{$group} = $cpu->{$group} / $wrk->{requests};
        $figures{sum} += $figures{$group};
    }

    $figures{memory} = $self->memory(map { @{ $groups->{$_} } }
        grep { $_ ne 'redis' } keys %$groups);
    $self->sample($series, $row, \%figures);

    return $wrk;
}


1;
