package Gmchat::Bench::Floor;

# What no bridge can do without: an HTTP answer, and the scripts in Redis.

use strict;
use warnings;

use Gmchat::Bench::World;


sub new {
    my ($class, $bench) = @_;

    return bless({ bench => $bench }, $class);
}


sub name {
    return 'floor';
}


sub round {
    my ($self, $k) = @_;

    my $bench = $self->{bench};
    my $world = Gmchat::Bench::World->new($bench);
    my $nginx = { nginx => [ $world->{nginx}->workers ] };

    for my $connections (1, 32, 256) {
        $bench->measure('floor: nginx', connections($connections),
            $world->url('/ok'), $nginx, connections => $connections);
    }

    my %script = scripts($world);

    for my $name ('send', 'receive, nothing to say', 'receive of 10, ack') {
        for my $pipeline (16, 1) {
            $self->alone($world, $name, $script{$name}, $pipeline);
        }
    }

    $world->stop;
}


sub connections {
    my ($number) = @_;

    return $number == 1 ? '1 connection' : "$number connections";
}


# The words of each script's call as the bridge sends them.

sub scripts {
    my ($world) = @_;

    my %script;
    my %uri = (
        'send' => Gmchat::Bench::World::send_uri('socket', 1, 42),
        'receive, nothing to say' => '/socket/gs?action=receive&host=1002',
        'receive of 10, ack' => '/socket/gs?action=receive&host=1003&ack=',
    );

    $world->befriend('socket', 1, 1001, 42);
    $world->befriend('socket', 1, 1003, 43);
    $world->fill('socket', 1, 43, 10);

    for my $name (sort keys %uri) {
        ($script{$name}) = $world->{redis}->commands(
            sub { $world->get($uri{$name}) });
        die "no script was called by $uri{$name}\n" if !$script{$name};
    }

    return %script;
}


sub alone {
    my ($self, $world, $name, $words, $pipeline) = @_;

    my $bench = $self->{bench};
    my $redis = $world->{redis};
    my $requests = ($pipeline > 1 ? 100_000 : 30_000) * $bench->{seconds};

    $requests /= 10 if $bench->{quick};
    $world->empty('/socket/gs?action=receive&host=1001');

    my $cpu = $bench->cpu(sub { $redis->benchmark($words,
        pipeline => $pipeline, requests => $requests) },
        { redis => [ $redis->pid ] });

    $bench->sample("floor: Redis, pipeline of $pipeline", $name, {
        redis => $cpu->{redis} / $requests,
        rps   => $cpu->{result}{rps},
    });
}


# What a call cannot cost less than: `return 200` and its script alone.

sub limit {
    my ($bench, $script) = @_;

    my $nginx = $bench->median('floor: nginx', connections(32), 'sum');
    my $redis = $bench->median('floor: Redis, pipeline of 16', $script,
        'redis');

    return defined $nginx && defined $redis ? $nginx + $redis : undef;
}


sub page {
    my ($self, $bench) = @_;

    my $text = <<'EOF';
## The floor

What no bridge can do without. nginx's `return 200` with `{"res":1}`, one worker:

EOF
    $text .= $bench->table('floor: nginx', first => '`return 200`', columns => [
        [ 'sum', 'CPU us', 2 ], [ 'rps', 'requests/s', 0 ],
        [ 'p50', 'p50 us', 0, 1 ], [ 'p99', 'p99 us', 0 ] ]);
    $text .= <<'EOF';

Redis alone with the bridge's scripts, in the very words that the bridge sends (they
are read from Redis' MONITOR), by `redis-benchmark` with 32 connections:
EOF

    for my $pipeline (16, 1) {
        $text .= "\n" . $bench->table("floor: Redis, pipeline of $pipeline",
            first => "script, pipeline of $pipeline", columns => [
            [ 'redis', 'CPU us', 2 ], [ 'rps', 'calls/s', 0 ] ]);
    }

    return $text;
}


1;
