package Gmchat::Bench::Peers;

# Ours beside other designs, in the same round: 32 connections, one nginx
# worker, a Redis of its own for each.

use strict;
use warnings;

use Gmchat::Bench::Floor;
use Gmchat::Bench::PeerServers;
use Gmchat::Bench::World;

use constant { MESSAGE => Gmchat::Bench::World::MESSAGE, FIRST => 1_000_000 };

my $RECEIVE = '/gs?action=receive&host=';
my $RELATION = '/gs?action=relation&host=1001';

# Hosts of 10 messages for a second of receives; ten times as many messages
# for the player of the old design.

use constant STOCK => 35_000;

my %OLD = (tcp => 'as it was deployed', unix => 'at its best');

# Ways to Redis: the first is that of the comparison.

my %WAY = (socket => '', tcp => ', Redis over TCP');


sub new {
    my ($class, $bench) = @_;

    return bless({ bench => $bench }, $class);
}


sub name {
    return 'peers';
}


sub round {
    my ($self, $k) = @_;

    $self->ours;
    $self->openresty($_) for sort keys %WAY;
    $self->old($_) for sort keys %OLD;
    $self->nchan($_) for 1, 0;
}


# A row: what is called, whose it is.

sub row {
    my ($self, $what, $whose, $url, $groups, %arg) = @_;

    return $self->{bench}->measure("peers: $what", $whose, $url, $groups,
        connections => 32, %arg);
}


sub ours {
    my ($self) = @_;

    my $world = Gmchat::Bench::World->new($self->{bench});
    my $groups = $world->groups;
    my $nginx = { nginx => $groups->{nginx} };

    $self->row('send', 'nginx `return 200`', $world->url('/ok'), $nginx);

    for my $way (sort keys %WAY) {
        my $whose = "this module$WAY{$way}";

        $world->befriend($way, 1, 1001, 42);
        $self->row('send', $whose, $world->url(
            Gmchat::Bench::World::send_uri($way, 1, 42)), $groups);
        $world->empty("/$way${RECEIVE}1001");
        $self->row('receive, nothing to say', $whose,
            $world->url("/$way${RECEIVE}1001"), $groups);
    }

    $self->row('relation, nothing to say', 'this module',
        $world->url("/socket$RELATION"), $groups);
    $self->of_ten('this module', $world, $world->{nginx}, '/socket', $groups);
    $world->stop;
}


# The GM's player 42 gets ten messages, which are copied to many hosts; each of
# them is received from once.

sub of_ten {
    my ($self, $whose, $world, $nginx, $prefix, $groups) = @_;

    my $count = $self->{bench}{quick} ? 3000
        : STOCK * $self->{bench}{seconds};

    $nginx->get($prefix . Gmchat::Bench::PeerServers::send_uri()) for 1 .. 10;
    $world->copy('socket', 1001, FIRST, $count);

    for my $host (FIRST, FIRST + $count - 1) {
        my $json = $nginx->get("$prefix$RECEIVE$host")->{json};
        my $seen = Gmchat::Bench::World::messages_in($json);

        die "$whose: a receive of 10 gives $seen\n" if $seen ne 10;
    }

    $self->row('receive of 10', $whose, $nginx->url . "$prefix${RECEIVE}1",
        $groups, script => Gmchat::Bench::World::each_host(
            "$prefix$RECEIVE", FIRST + 1, $count - 2));
    $world->drop('socket', FIRST, $count);
}


sub openresty {
    my ($self, $way) = @_;

    my $peer = Gmchat::Bench::PeerServers::openresty($self->{bench}, $way);
    my ($nginx, $groups) = @$peer{qw(nginx groups)};
    my $whose = "OpenResty's module$WAY{$way}";

    $self->row('send', $whose, $nginx->url . Gmchat::Bench::PeerServers::send_uri(),
        $groups);
    $self->row('receive, nothing to say', $whose, $nginx->url
        . "${RECEIVE}1002", $groups);
    $peer->{world}->drop($way, 1001, 1);
    $self->of_ten($whose, $peer->{world}, $nginx, '', $groups)
        if $way eq 'socket';
    Gmchat::Bench::PeerServers::stop($peer);
}


# What has been sent to its one player stays in the set of those with news, as
# it always did: so an idle receive looks at this player.

sub old {
    my ($self, $way) = @_;

    my $peer = Gmchat::Bench::PeerServers::old($self->{bench}, $way);
    my ($nginx, $redis, $groups) = @$peer{qw(nginx redis groups)};
    my $whose = "the old design, $OLD{$way}";
    my $list = 'to:player:42';

    $self->row('send', $whose, $nginx->url . Gmchat::Bench::PeerServers::send_uri(),
        $groups);
    $redis->call('DEL', $list);
    $self->row('receive, nothing to say', $whose, $nginx->url
        . "${RECEIVE}1001", $groups);
    $self->row('relation, nothing to say', $whose, $nginx->url . $RELATION,
        $groups);

    my $count = 10 * STOCK * $self->{bench}{seconds};
    $redis->call('LPUSH', $list, (MESSAGE) x 1000) for 1 .. $count / 1000;
    $self->row('receive of 10', $whose, $nginx->url . "${RECEIVE}1001",
        $groups);
    die "$whose: there were too few messages\n"
        if $redis->call('LLEN', $list) < 10;
    Gmchat::Bench::PeerServers::gives($peer, 10);
    Gmchat::Bench::PeerServers::stop($peer);
}


sub nchan {
    my ($self, $with_redis) = @_;

    my $peer = Gmchat::Bench::PeerServers::nchan($self->{bench}, $with_redis);

    $self->row('send', 'Nchan, publish, ' . ($with_redis ? 'with Redis'
        : 'memory store'), $peer->{nginx}->url . '/pub?id=1',
        $peer->{groups}, script => <<"EOF");
wrk.method = 'POST'
wrk.body = '@{[MESSAGE]}'
wrk.headers['Content-Type'] = 'text/plain'
EOF
    Gmchat::Bench::PeerServers::published($peer);
    Gmchat::Bench::PeerServers::stop($peer);
}


my @RATIOS = ([ "OpenResty's module", 1 / 3, 'a third' ],
    [ "the old design, $OLD{tcp}", 1 / 20, 'a twentieth' ]);

sub targets {
    my ($self, $bench) = @_;

    my $seen = $bench->median('peers: send', 'this module', 'sum') // return;

    return map {
        my ($whose, $part, $why) = @$_;
        my $limit = $part * $bench->median('peers: send', $whose, 'sum');

        { what => "send beside $whose, CPU us",
            limit => sprintf('%.1f (%s of its)', $limit, $why)
                . out_of_reach($bench, $limit),
            seen => sprintf('%.1f', $seen), met => $seen <= $limit ? 1 : 0,
            profile => 'profile of send, GM to player' }
    } @RATIOS;
}


# A limit that is below the floor is out of the reach of who runs this script:
# that is said.

sub out_of_reach {
    my ($bench, $limit) = @_;

    my $floor = Gmchat::Bench::Floor::limit($bench, 'send') // return '';

    return '' if $limit >= $floor;

    return sprintf('; `return 200` and the script alone are %.1f already',
        $floor);
}


sub page {
    my ($self, $bench) = @_;

    my $text = <<'EOF';
## The peers

Other designs in the same round and on the same machine: 32 connections, one nginx
worker, a Redis of its own for each. Before it is measured each has to show that a
message that was sent is received.

- **The old design** is what this module replaces: nginx, uWSGI with 4 processes, Python,
  redis-py (with hiredis' parser), one Redis call after the other
  (`bench/peers/old/chat.py`). As it was deployed: uWSGI and Redis over TCP. At its
  best: both over unix sockets, which is the least that it can cost. One player has had
  messages: nothing ever leaves its set of players with news, so more players than one
  would make each of its polls dearer.
- **OpenResty's module** (`libnginx-mod-http-lua`) calls the same scripts with the same
  arguments through cosockets, which a pool keeps open
  (`bench/peers/openresty/chat.lua`). Redis is on a unix socket, as for this module,
  unless said otherwise.
- **Nchan** publishes a message of the same size by POST to one channel, with Redis (over
  TCP) and in its own memory. It has no players, friends, conversations or answers of an
  id: it is the nearest in shape, not in what is done.
EOF

    for my $what ('send', 'receive, nothing to say', 'relation, nothing to say',
        'receive of 10')
    {
        $text .= "\n### " . ucfirst($what) . "\n\n" . bars($bench, $what) . "\n"
            . $bench->table("peers: $what", first => 'whose', columns => [
            [ 'nginx', 'CPU us: nginx', 1, 1 ], [ 'redis', 'Redis', 1, 1 ],
            [ 'app', 'app', 1, 1 ], [ 'sum', 'sum', 1 ],
            [ 'rps', 'requests/s', 0 ], [ 'p50', 'p50 us', 0, 1 ],
            [ 'p99', 'p99 us', 0, 1 ], [ 'p999', 'p99.9 us', 0, 1 ],
            [ 'memory', 'memory, MiB', 1, 1, 2 ** 20 ] ]);
    }

    return $text . ratios($bench);
}


# How many times as dear as this module's a send is.

sub ratios {
    my ($bench) = @_;

    my $ours = $bench->median('peers: send', 'this module', 'sum') // return '';
    my @told = map {
        sprintf('%.1f times with %s', $bench->median('peers: send', $_, 'sum')
            / $ours, $_)
    } grep { !/this module|return 200|memory/ } $bench->rows('peers: send');

    return "\nIn CPU time a send costs, beside this module's,\n"
        . join(",\n", @told) . ".\n";
}


sub bars {
    my ($bench, $what) = @_;

    my $series = "peers: $what";

    return $bench->bars('peers-' . ($what =~ s/\W+/-/gr),
        title => ucfirst($what), note => 'CPU us a request, 32 connections',
        parts => [ 'nginx', 'Redis', 'application' ],
        bars  => [ map { my $row = $_; [ $row =~ tr/`//dr, map {
            $bench->median($series, $row, $_) } qw(nginx redis app) ] }
            $bench->rows($series) ]);
}


1;
