package Gmchat::Bench::GrowthBytes;

# What is stored, in bytes of Redis' memory: differences of used_memory while a
# Redis of its own is filled. They do not vary: they are taken once.

use strict;
use warnings;

use Gmchat::Bench::GrowthStock qw(prefix_of);
use Test::Gmchat::Process qw(wait_until);
use Time::HiRes qw(time);

use constant {
    GM    => 1,
    HOST  => 1000,              # a host with all the players
    OWN   => 200_000,           # players with a host each: uids and hosts
    MANY  => 1_000_000,         # accounts
    TALK  => 100,               # messages of a conversation
    SETTLED => 1.2,             # seconds for which nothing changed
};

my @ROWS = (
    [ account => 'a GM account' ],
    [ player  => 'a player: the friendship, its relation read' ],
    [ host    => 'a host that polled, its mailboxes empty' ],
    [ message => 'a message of 62 bytes in a mailbox' ],
    [ said    => 'the same in a conversation of ' . TALK ],
);


# Samples 'growth bytes'.

sub measure {
    my ($bench) = @_;

    my $n = $bench->{quick} ? 1_000 : 10_000;
    my $redis = $bench->redis;
    my $nginx = $bench->nginx(conf => <<"EOF");
gmchat_redis @{[ $redis->url ]};
gmchat_mailbox_max 1000000 1g;
server {
    listen 127.0.0.1:%%PORT%%;
    location /stencil/ {
        gmchat_group stencil;
        location /stencil/gm { gmchat gm; }
        location /stencil/gs { gmchat gs; }
    }
    location /b/ {
        gmchat_group b;
        location /b/gm { gmchat gm; }
        location /b/gs { gmchat gs; }
    }
}
EOF
    my $stock = Gmchat::Bench::GrowthStock->new($redis,
        $nginx->connect);
    my $seen = used($redis);
    my $took = sub {
        my ($row, $parts, $less) = @_;
        my $now = used($redis);
        my $each = ($now - $seen) / $parts - ($less // 0);

        $bench->sample('growth bytes', $row, { bytes => $each });
        $seen = $now;

        return $each;
    };

    accounts($stock, $n);
    $took->('account', $n);

    $stock->befriend('b', GM, 1, $n, sub { HOST });
    $stock->deliver('b', HOST, 'relation');
    my $player = $took->('player', $n);

    $stock->befriend('b', GM + 1, OWN, $n, sub { OWN + $_[0] });
    $stock->deliver('b', OWN + $_, 'relation') for 0 .. $n - 1;
    $took->('host', $n, $player);

    talk($bench, $stock, $redis, $n / TALK);
    $nginx->stop;
    $redis->stop;
}


sub accounts {
    my ($stock, $n) = @_;

    $stock->pour(sub {
        my ($put) = @_;
        $put->($stock->{create}, prefix => prefix_of('b'), gm => MANY + $_)
            for 1 .. $n;
    });
}


# Each of so many players of the one host is written to. What is freed when all
# of it is delivered was the mailbox; what is left is the conversations.

sub talk {
    my ($bench, $stock, $redis, $players) = @_;

    my $n = $players * TALK;
    my $before = used($redis);

    $stock->write_to('b', GM, 1, $players, TALK);
    my $both = used($redis) - $before;

    $stock->deliver('b', HOST, 'receive');
    my $said = used($redis) - $before;

    $bench->sample('growth bytes', 'message',
        { bytes => ($both - $said) / $n });
    $bench->sample('growth bytes', 'said', { bytes => $said / $n });
}


# Bytes, once what Redis frees beside its work is freed, and what scripts left
# behind, which newer ones count; without those of its connections, whose
# buffers come and go: Redis counts them anew within a second.

sub used {
    my ($redis) = @_;

    wait_until(sub { !$redis->info('lazyfree_pending_objects') })
        or die "Redis does not come to an end with freeing\n";

    $redis->call('EVAL', 'collectgarbage() return 1', 0);

    my ($used, $since) = (-1, 0);

    wait_until(sub {
        my $now = $redis->info('used_memory')
            - $redis->info('mem_clients_normal');

        ($used, $since) = ($now, time()) if $now != $used;

        return time() > $since + SETTLED;
    }) or die "Redis' memory does not come to rest\n";

    return $used;
}


sub page {
    my ($bench) = @_;

    my $text = <<'EOF';
### Memory in Redis

Differences of `used_memory` while a Redis is filled, each by the number of what was
added.

| what | bytes |
|---|---|
EOF

    $text .= "| $_->[1] | " . Gmchat::Bench::Stats::number(
        $bench->median('growth bytes', $_->[0], 'bytes')) . " |\n" for @ROWS;

    return $text;
}


1;
