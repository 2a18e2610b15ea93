package Gmchat::Bench::Fanout;

# Beside Nchan with Redis: one message to many streams, and the time from the
# sender to server-sent events. One nginx worker each, the same client.

use strict;
use warnings;

use Gmchat::Bench::Friends qw(befriend);
use Gmchat::Bench::Push;
use Gmchat::Bench::PushClient;
use Test::Gmchat::Process qw(wait_until);

use constant { SECONDS => 2, CLIENTS => 100 };

my @PEERS = ([ sse => 'gmchat' ], [ nchan => 'Nchan with Redis' ]);


sub new {
    my ($class, $bench) = @_;

    my $quick = $bench->{quick};

    return bless({ bench => $bench,
        client   => Gmchat::Bench::PushClient->new($bench),
        streams  => $quick ? 200 : 10_000,
        messages => $quick ? 2 : 5,
        rates    => $quick ? [ 100 ] : [ 1000, 10_000 ] }, $class);
}


sub name {
    return 'fanout';
}


sub round {
    my ($self, $k) = @_;

    for my $peer (map { $_->[0] } @PEERS) {
        my $redis = $self->{bench}->redis;
        my $start = "start_$peer";
        my $nginx = $self->$start($redis);
        my @pids = ($nginx->workers, $redis->pid);
        my $asked = $redis->info('total_commands_processed');

        $self->spread($peer, $nginx, @pids);
        $self->delay($peer, $_, $nginx, @pids) for @{ $self->{rates} };

        my $sent = $self->{rates}[-1];
        die "fanout, $peer: Redis was passed over\n" if $sent
            > $redis->info('total_commands_processed') - $asked;
        $nginx->stop;
        $redis->stop;
    }
}


# Hosts 1000 to 1099. Nothing is sent to keep streams alive, as with Nchan.

sub start_sse {
    my ($self, $redis) = @_;

    my $nginx = $self->{bench}->nginx(name => 'fanout: gmchat',
        connections => $self->{streams} + 1000,
        main => [ Gmchat::Bench::PushClient::rlimit($self->{streams}) ],
        conf => <<"EOF");
gmchat_redis @{[ $redis->url ]};
gmchat_heartbeat 1d;
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location /gm { gmchat gm; }
    location /gs { gmchat gs; }
}
EOF

    befriend($nginx, CLIENTS);

    return $nginx;
}


# Nchan knows Redis over TCP alone. It keeps as many messages as a conversation
# has here.

sub start_nchan {
    my ($self, $redis) = @_;

    my $nginx = $self->{bench}->nginx(name => 'fanout: Nchan',
        connections => $self->{streams} + 1000,
        main => [ Gmchat::Bench::PushClient::rlimit($self->{streams}) ],
        modules => [ 'ngx_nchan_module.so' ], conf => <<"EOF");
upstream store {
    nchan_redis_server @{[ $redis->tcp_url ]};
}
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    nchan_message_buffer_length 200;
    location ~ ^/pub/(\\w+)\$ {
        nchan_publisher;
        nchan_channel_id \$1;
        nchan_redis_pass store;
    }
    location ~ ^/sub/(\\w+)\$ {
        nchan_subscriber eventsource;
        nchan_channel_id \$1;
        nchan_redis_pass store;
    }
}
EOF

    # it answers 503 until it has its Redis

    wait_until(sub { $nginx->get('/pub/ready')->{status} != 503 })
        or die "Nchan does not find its Redis\n";

    return $nginx;
}


sub spread {
    my ($self, $peer, $nginx, @pids) = @_;

    my $bench = $self->{bench};
    my $figures = $self->{client}->run("fanout, $peer", 'fanout', $nginx->port,
        $peer, $self->{streams}, $self->{messages}, @pids);
    my (@middle, @last);

    for my $message (@{ $figures->{lists}{message} }) {
        my ($middle, $last) = split(' ', $message);
        push @middle, $middle;
        push @last, $last;
    }

    $bench->sample('fanout', $peer, {
        middle => Gmchat::Bench::Stats::median(@middle),
        last   => Gmchat::Bench::Stats::median(@last),
        map { $_ => $figures->{$_} } qw(nginx redis),
    });
    $bench->keep('fanout streams', $self->{streams});
}


sub delay {
    my ($self, $peer, $rate, $nginx, @pids) = @_;

    my $bench = $self->{bench};

    Gmchat::Bench::Push::sample_latency($bench, "fanout delay $peer", $rate,
        $self->{client}->run("delay, $peer, $rate/s", 'latency', $nginx->port,
            $peer, $rate, $bench->{quick} ? 1 : SECONDS, @pids));
}


sub page {
    my ($self, $bench) = @_;

    my $streams = Gmchat::Bench::Stats::number($bench->kept('fanout streams'));

    return join("\n", <<"EOF", table($bench), <<'EOF',
## Many streams, beside Nchan

One message to $streams server-sent event streams: ours watch one host; those of Nchan
(Debian's libnginx-mod-nchan, with Redis) are subscribed to one channel. One worker and
one client program each. The time runs from the moment before the message is written
until the client has read its bytes from the stream in the middle, and from the last one:
the client's own reading is in it, and is the same for both. The median of some messages
is a round's figure. CPU time is that of one message to all streams. All times are in
microseconds.

EOF
### The time to server-sent events

As in "From the sender to the waiting client", in the same round: 100 clients, each
with a host, or channel, of its own.
EOF
        (map { "**$_->[1]**\n\n" . Gmchat::Bench::Push::latency_table($bench,
            "fanout delay $_->[0]") } @PEERS),
        plot($bench, $streams));
}


sub table {
    my ($bench) = @_;

    my @columns = ([ middle => 'to the stream in the middle' ],
        [ last => 'to the last stream' ], [ nginx => 'CPU: nginx' ],
        [ redis => 'Redis' ]);
    my $text = '| | ' . join(' | ', map { $_->[1] } @columns) . " |\n"
        . '|---' x (1 + @columns) . "|\n";

    for my $peer (@PEERS) {
        $text .= '| ' . join(' | ', $peer->[1], map {
            Gmchat::Bench::Stats::spread(0,
                $bench->values('fanout', $peer->[0], $_->[0]))
        } @columns) . " |\n";
    }

    return $text;
}


# Against the rounds, for there is no other axis: each a dot.

sub plot {
    my ($bench, $streams) = @_;

    return $bench->plot('fanout',
        title  => "One message to $streams streams",
        note   => 'milliseconds until the last of them has it, by round',
        x      => 'round',
        dots   => 1,
        panels => [ { label => 'to the last stream', unit => 'ms',
            from_zero => 1, series => [ map {
                my @values = $bench->values('fanout', $_->[0], 'last');
                { name => $_->[1], points => [ map {
                    [ $_, $values[ $_ - 1 ] / 1000 ] } 1 .. @values ] }
            } @PEERS ] } ]);
}


1;
