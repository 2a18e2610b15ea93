package Gmchat::Bench::Memory;

# What connections that wait cost a worker, against how many there are.

use strict;
use warnings;

use List::Util qw(min);
use Time::HiRes qw(sleep);

use Gmchat::Bench::PushClient;
use Test::Gmchat::Process qw(alive wait_until);

use constant {
    ROUNDS  => 3,               # it hardly varies
    LOOK    => 0.4,             # seconds from one look to the next
    SETTLED => 60,              # seconds until two looks are the same
    TARGET  => 6 * 1024,        # bytes of a connection, at the most there are
};

my @KINDS = (
    [ keepalive => 'keep-alive', 'nginx\'s own keep-alive connection' ],
    [ longpoll => 'long-poll', 'held `receive`' ],
    [ sse => 'SSE', 'SSE stream' ],
    [ websocket => 'WebSocket', 'WebSocket' ],
);


sub new {
    my ($class, $bench) = @_;

    return bless({ bench => $bench,
        client => Gmchat::Bench::PushClient->new($bench) }, $class);
}


sub name {
    return 'memory';
}


sub series {
    my ($kind) = @_;

    return "memory $kind";
}


# As many as the limit of open files lets one worker have, in hundreds.

sub most {
    my $limit = Gmchat::Bench::PushClient::open_files();
    my $rest = $limit - Gmchat::Bench::PushClient::OTHERS;
    my $most = min(20_000, 100 * int($rest / 100));

    die "ulimit -Hn is $limit: the memory of 10,000 connections needs more\n"
        if $most <= 10_000;

    return $most;
}


sub round {
    my ($self, $k) = @_;

    return if $k > ROUNDS;

    $self->{counts} //= $self->{bench}{quick} ? [ 500, 900 ]
        : [ 1000, 5000, 10_000, most() ];

    my $redis = $self->{bench}->redis;

    $self->kind($_->[0], $redis) for @KINDS;
    $redis->stop;
}


# One worker; connections come on top of those that are there.

sub kind {
    my ($self, $kind, $redis) = @_;

    my $bench = $self->{bench};
    my $most = $self->{counts}[-1];
    my $nginx = $self->nginx($redis, $most);
    my ($worker) = $nginx->workers;
    my $empty = $self->settled($worker);
    my (@holders, $held);

    $held = 0;

    for my $count (@{ $self->{counts} }) {
        push @holders, $self->{client}->hold($nginx->port, $kind, $held,
            $count - $held);
        $held = $count;
        wait_until(sub { $kind eq 'keepalive'
            || $self->waiting($nginx, $kind) == $held })
            or die "memory, $kind: fewer than $held are there\n";

        my $all = $self->settled($worker) - $empty;

        die "memory, $kind: $held connections take nothing\n" if $all <= 0;
        die "memory, $kind: a client is gone\n"
            if grep { !alive($_) } @holders;
        $bench->sample(series($kind), $count,
            { all => $all, each => $all / $count });
    }

    $bench->stop_program($_, 'KILL') for @holders;
    $nginx->stop;
}


sub nginx {
    my ($self, $redis, $most) = @_;

    # where less than a sixteenth is free, nginx closes those that wait

    return $self->{bench}->nginx(name => 'memory',
        connections => 100 + int(1.1 * $most),
        main => [ Gmchat::Bench::PushClient::rlimit($most) ], conf => <<"EOF");
gmchat_redis @{[ $redis->url ]};
keepalive_timeout 1h;
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location /gs { gmchat gs; }
    location /status { gmchat status; }
    location /ok { return 200 '{"res":1}'; }
}
EOF
}


# How many of a kind are there; of held calls, those that have come to rest.

sub waiting {
    my ($self, $nginx, $kind) = @_;

    my $name = $kind eq 'longpoll' ? 'parked' : $kind;
    my ($n) = $nginx->get('/status')->{body} =~ /"\Q$name\E":(\d+)/
        or die "the status tells nothing of $kind\n";

    return $n;
}


# A worker's memory, once it does not change any more.

sub settled {
    my ($self, $worker) = @_;

    my $bench = $self->{bench};
    my $last = -1;
    my $now;

    wait_until(sub {
        $now = $bench->memory($worker);
        return 1 if $now == $last;
        $last = $now;
        sleep(LOOK);
        return 0;
    }, SETTLED) or die "the worker's memory does not settle\n";

    return $now;
}


# All of a kind are judged at the most connections that there were.

sub targets {
    my ($self, $bench) = @_;

    my @targets;

    for my $kind (@KINDS[ 1 .. $#KINDS ]) {
        my $most = ($bench->rows(series($kind->[0])))[-1] // next;
        my $seen = $bench->median(series($kind->[0]), $most, 'each');

        push @targets, {
            what  => 'memory of a worker for each idle connection, '
                . $kind->[1],
            limit => '6 KB',
            seen  => sprintf('%.1f KB', $seen / 1024),
            met   => $seen <= TARGET ? 1 : 0,
        };
    }

    return @targets;
}


sub page {
    my ($self, $bench) = @_;

    my $rounds = min(ROUNDS, $bench->{rounds});

    return join("\n", <<"EOF", table($bench), plot($bench));
## Memory of those who wait

Idle connections, each for a host of its own, to a worker that was just started:
growth of its anonymous memory (`Anonymous` of /proc/.../smaps_rollup), in bytes a
connection. 5,000 a second come. The kernel's socket buffers and what nginx sets aside
for `worker_connections` beforehand are not in it. It hardly varies: $rounds rounds.
The last row is 20,000, or as many as the limit of open files leaves to one worker.
EOF
}


sub table {
    my ($bench) = @_;

    my @counts = $bench->rows(series($KINDS[0][0]));
    my $text = '| connections | ' . join(' | ', map { $_->[2] } @KINDS) . " |\n"
        . '|---' x (1 + @KINDS) . "|\n";

    for my $count (@counts) {
        $text .= '| ' . join(' | ', Gmchat::Bench::Stats::number($count),
            map { Gmchat::Bench::Stats::spread(0,
                $bench->values(series($_->[0]), $count, 'each')) } @KINDS)
            . " |\n";
    }

    return $text;
}


sub plot {
    my ($bench) = @_;

    return $bench->plot('memory',
        title  => 'Memory of idle connections',
        note   => 'medians of the rounds',
        x      => 'connections',
        panels => [ {
            label => 'anonymous memory of the worker above that of an idle one',
            unit  => 'bytes', from_zero => 1,
            series => [ map { line($bench, @$_) } @KINDS ],
        } ]);
}


sub line {
    my ($bench, $kind, $name) = @_;

    return { name => $name, points => [ [ 0, 0 ], map {
        [ $_, $bench->median(series($kind), $_, 'all') ]
    } $bench->rows(series($kind)) ] };
}


1;
