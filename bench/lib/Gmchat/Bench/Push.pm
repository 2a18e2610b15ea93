package Gmchat::Bench::Push;

# How long a message takes from its sender to the client that waits for it,
# against the rate, for each transport.

use strict;
use warnings;

use Gmchat::Bench::Friends qw(befriend);
use Gmchat::Bench::PushClient;

use constant {
    CLIENTS => 100,             # as in bench/push/latency.c
    SECONDS => 3,               # of a row
    FEW     => 1000,            # messages: too few for a p99.9
    TARGET  => 10_000,          # messages a second, and then
    LIMIT   => 2000,            # .. microseconds of the p99
};

my @KINDS = ([ longpoll => 'long-poll' ], [ sse => 'SSE' ],
    [ websocket => 'WebSocket' ]);


sub new {
    my ($class, $bench) = @_;

    return bless({ bench => $bench,
        client => Gmchat::Bench::PushClient->new($bench),
        rates => $bench->{quick} ? [ 1000 ]
            : [ 100, 1000, 5000, 10_000, 20_000 ] }, $class);
}


sub name {
    return 'push';
}


sub series {
    my ($kind) = @_;

    return "push $kind";
}


sub round {
    my ($self, $k) = @_;

    my $bench = $self->{bench};
    my $redis = $bench->redis;
    my $nginx = $bench->nginx(name => 'push', connections => 2048,
        conf => <<"EOF");
gmchat_redis @{[ $redis->url ]};
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location /gm { gmchat gm; }
    location /gs { gmchat gs; }
}
EOF

    befriend($nginx, CLIENTS);

    for my $kind (map { $_->[0] } @KINDS) {
        $self->row($kind, $_, $nginx, $redis) for @{ $self->{rates} };
    }

    $nginx->stop;
    $redis->stop;
}


sub row {
    my ($self, $kind, $rate, $nginx, $redis) = @_;

    my $bench = $self->{bench};

    sample_latency($bench, series($kind), $rate,
        $self->{client}->run("push, $kind, $rate/s", 'latency', $nginx->port,
            $kind, $rate, $bench->{quick} ? 1 : SECONDS, $nginx->workers,
            $redis->pid));
}


# The figures of `push latency` as a sample.

sub sample_latency {
    my ($bench, $series, $rate, $figures) = @_;

    my %sample = (
        p50     => $figures->{due_p50},
        p99     => $figures->{due_p99},
        written => $figures->{written_p99},
        map { $_ => $figures->{$_} } qw(read client nginx redis),
    );

    $sample{p999} = $figures->{due_p999} if $figures->{counted} >= FEW;
    $bench->sample($series, $rate, \%sample);
}


sub targets {
    my ($self, $bench) = @_;

    my @targets;

    for my $kind (@KINDS) {
        my $seen = $bench->median(series($kind->[0]), TARGET, 'p99') // next;

        push @targets, {
            what  => "`send` to the waiting client's bytes, $kind->[1]:"
                . ' p99 at 10,000 messages/s',
            limit => '2 ms',
            seen  => sprintf('%.2f ms', $seen / 1000),
            met   => $seen < LIMIT ? 1 : 0,
        };
    }

    return @targets;
}


sub page {
    my ($self, $bench) = @_;

    my $under = $bench->{results}{run}{under} eq '' ? ''
        : ' The client is started with the same words as the servers.';

    return join("\n", <<"EOF", (map { part($bench, @$_) } @KINDS), <<'EOF',
## From the sender to the waiting client

@{[ CLIENTS ]} clients wait, each for a host of its own: with calls of `receive`
(`ack`, `format=json`, `wait=50`) that ask again as soon as they were answered, or
with streams that acknowledge each second or each 100 events. A GM writes to their
players over 64 keep-alive connections, one HTTP request a message, at random moments
(a Poisson process) that are fixed beforehand. A message that is late for want of a
free connection is late: its time runs from when it is due until the waiting client
has read its bytes; "from the write" is the time since the moment before its write.
One worker, Redis on a unix socket, one second of warming up, @{[ SECONDS ]} seconds a
row. That each message came, once and to the right client, is checked. The client is
`bench/push`: no tool of Debian waits for messages on one clock with who sends them.

Times are in microseconds, CPU is in percent of one core. Client, nginx and Redis share
the machine's cores.$under
EOF
The p99.9 is not promised: it is what the machine's other work makes of it.
EOF
        plot($bench, 'push', 'From the sender to the waiting client',
            map { [ $_->[1], series($_->[0]) ] } @KINDS));
}


sub part {
    my ($bench, $kind, $name) = @_;

    return join("\n", "### $name", '', latency_table($bench, series($kind)));
}


sub latency_table {
    my ($bench, $series) = @_;

    return $bench->table($series, first => 'messages/s', columns => [
        [ 'read', 'read/s', 0, 1 ],
        [ 'p50', 'p50', 0 ],
        [ 'p99', 'p99', 0 ],
        [ 'p999', 'p99.9', 0 ],
        [ 'written', 'p99 from the write', 0 ],
        [ 'client', 'CPU: client', 0, 1 ],
        [ 'nginx', 'nginx', 0, 1 ],
        [ 'redis', 'Redis', 0, 1 ],
    ]);
}


# plot($bench, name, title, [ what, series ], ...): the medians of p50 and p99
# by the rate.

sub plot {
    my ($bench, $name, $title, @lines) = @_;

    return $bench->plot($name,
        title  => $title,
        note   => 'medians of the rounds, in microseconds',
        x      => 'messages a second',
        log_x  => 1,
        panels => [ map { panel($bench, $_, @lines) } qw(p50 p99) ]);
}


sub panel {
    my ($bench, $figure, @lines) = @_;

    return { label => $figure, unit => 'us', from_zero => 1, series => [
        map {
            my ($name, $series) = @$_;
            { name => $name, points => [ map {
                [ $_, $bench->median($series, $_, $figure) ]
            } $bench->rows($series) ] }
        } @lines
    ] };
}


1;
