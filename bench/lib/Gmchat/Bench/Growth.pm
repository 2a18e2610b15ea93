package Gmchat::Bench::Growth;

# What calls cost against what is stored: curves. And what is stored, in bytes
# (GrowthBytes).

use strict;
use warnings;

use Gmchat::Bench::GrowthBytes;
use Gmchat::Bench::GrowthPage;
use Gmchat::Bench::GrowthStock qw(prefix_of words_of);
use Gmchat::Bench::World;

use constant {
    OTHERS  => 1000,        # hosts that hold what is undelivered elsewhere
    IDLE    => 5001,        # a host without a message,
    TEN     => 5002,        # and one with ten
    ELSE    => 10_000,      # the other hosts, their players' uids
    BOXES   => 10,          # mailboxes of a length
    PLACES  => 100,         # hosts of the players that are written to
    LEVEL   => 1.2,         # a flat curve: at the end, times the beginning
};

sub new {
    my ($class, $bench) = @_;

    my $quick = $bench->{quick};

    return bless({ bench => $bench,
        undelivered => $quick ? [ 0, 100 ]
            : [ 0, 1000, 10_000, 100_000, 1_000_000 ],
        hosts       => $quick ? [ 10 ] : [ 1, 10, 100, 1000, 10_000 ],
        players     => $quick ? [ 10 ] : [ 1, 10, 100, 1000, 10_000 ],
        friends     => $quick ? [ 10 ] : [ 1, 10, 100, 1000 ],
        conversations => $quick ? [ 1, 20 ] : [ 1, 20, 200, 2000, 20_000 ],
        mailboxes   => $quick ? [ 0, 10 ] : [ 0, 1000, 10_000, 100_000 ],
        talkers     => $quick ? [ 10 ] : [ 1, 10, 100, 1000, 10_000 ],

        # of redis-benchmark, by pipelines of 16; few where mailboxes must not
        # become much longer by it

        requests    => 16 * ($quick ? 60 : 1250),
        few         => 16 * ($quick ? 30 : 300),
        seconds     => 1 }, $class);
}


sub name {
    return 'growth';
}


# What is stored is built once. The servers' nginx is there for a round.

sub round {
    my ($self, $k) = @_;

    $self->start;

    if ($k == 1) {
        Gmchat::Bench::GrowthBytes::measure($self->{bench});
        $self->build;
    }

    $self->polls;
    $self->polls_of_hosts;
    $self->lists;
    $self->conversations;
    $self->mailboxes;
    (delete $self->{nginx})->stop;
}


sub finish {
    my ($self) = @_;

    $_->stop for values %{ $self->{redis} };
}


# ---- servers

# A Redis for each number of undelivered messages, and one for all else, each
# with an nginx server by its name. A group has locations by its name.

sub start {
    my ($self) = @_;

    my $bench = $self->{bench};
    my @stores = ((map { "u$_" } @{ $self->{undelivered} }), 'rest');

    $self->{redis}{$_} //= $bench->redis for @stores;
    $self->{nginx} = $bench->nginx(name => 'growth', connections => 1024,
        conf => join("\n", 'gmchat_mailbox_max 1000000 1g;',
            map { $self->server($_) } @stores));
    $self->{groups} = { map { ($_ => {
        nginx => [ $self->{nginx}->workers ],
        redis => [ $self->{redis}{$_}->pid ],
    }) } @stores };
}


sub server {
    my ($self, $store) = @_;

    my $url = $self->{redis}{$store}->url;
    my @groups = $store eq 'rest' ? (
        (map { "h$_" } @{ $self->{hosts} }),
        'talkers', (map { "b$_" } @{ $self->{mailboxes} }),
        (map { [ "c$_", "gmchat_history $_ 30d;" ] }
            @{ $self->{conversations} })) : ();

    return join('', <<"EOF",
server {
    listen 127.0.0.1:%%PORT_$store%% backlog=1024;
    gmchat_redis $url;
EOF
        (map { $self->location(ref $_ ? @$_ : $_) } $store, 'stencil', @groups),
        "}\n");
}


sub location {
    my ($self, $group, @more) = @_;

    my $more = join('', map { "\n        $_" } @more);

    return <<"EOF";
    location /$group/ {
        gmchat_group $group;
        gmchat_poll_cache max=20000;$more
        location /$group/gm { gmchat gm; }
        location /$group/gs { gmchat gs; }
        location /$group/asked { gmchat gs; gmchat_poll_cache off; }
    }
EOF
}


# ---- what is stored

sub build {
    my ($self) = @_;

    $self->{bench}->say('growth: building what is stored');
    $self->{stock} = { map { ($_ => Gmchat::Bench::GrowthStock->new(
        $self->{redis}{$_}, $self->{nginx}->connect(port => $_))) }
        keys %{ $self->{redis} } };

    $self->build_undelivered($_) for @{ $self->{undelivered} };
    $self->build_hosts($_) for @{ $self->{hosts} };
    $self->build_players($_) for @{ $self->{players} };
    $self->build_conversation($_) for @{ $self->{conversations} };
    $self->build_mailboxes("b$_", $_, BOXES, BOXES)
        for @{ $self->{mailboxes} };
    $self->build_mailboxes('talkers', 10, $self->{talkers}[-1], PLACES);
    delete $self->{stock};
    $self->{bench}->say('growth: built');
}


# The polled hosts have what is theirs; all else is on others.

sub build_undelivered {
    my ($self, $count) = @_;

    my $group = "u$count";
    my $stock = $self->{stock}{$group};
    my $others = $count < OTHERS ? $count : OTHERS;

    $stock->befriend($group, 1, IDLE, 2, sub { IDLE + $_[0] });
    $stock->write_to($group, 1, IDLE, 1, 1);
    $stock->deliver($group, IDLE, 'receive', 'relation');
    $stock->write_to($group, 1, TEN, 1, 10);
    return if !$others;

    $stock->befriend($group, 2, ELSE, $others, sub { ELSE + $_[0] });
    $stock->write_to($group, 2, ELSE, $others, $count / $others);

    my $held = $stock->held($group, ELSE, $others);
    die "$held messages are undelivered, not $count\n" if $held != $count;
}


sub build_hosts {
    my ($self, $count) = @_;

    $self->{stock}{rest}->befriend("h$count", 1, ELSE, $count,
        sub { ELSE + $_[0] });
}


# A GM with so many players, all on one host.

sub build_players {
    my ($self, $count) = @_;

    my $id = ELSE + $count;

    $self->{stock}{rest}->befriend('rest', $id, 100_000 * $id, $count,
        sub { $id });
}


# One player, whose conversation is as long as it may be.

sub build_conversation {
    my ($self, $count) = @_;

    my $group = "c$count";
    my $stock = $self->{stock}{rest};
    my $redis = $self->{redis}{rest};

    $stock->befriend($group, 1, ELSE, 1, sub { ELSE });

    # the words of this place, for its gmchat_history is an argument

    my $words = $self->{words}{$group} = words_of($redis, sub {
        $stock->ask('/gm?action=send&gm_account=1&uid=' . ELSE
            . '&msg=aGVsbG8gd29ybGQ=', $group);
    });

    $redis->benchmark($words, requests => $count + 200);

    my $length = $redis->call('XLEN', prefix_of($group) . 'conv:' . ELSE);
    die "a conversation has $length messages, not $count\n"
        if $length < $count || $length > $count + 100;
}


# `each` messages to each of n players on so many hosts. uids and hosts are of
# 12 digits, as redis-benchmark writes its random numbers. A copy of each mailbox
# stays beside it.

sub build_mailboxes {
    my ($self, $group, $each, $n, $hosts) = @_;

    my $stock = $self->{stock}{rest};
    my $send = $stock->{send};

    $stock->ask('/gm?action=create&gm_account=1&gm_name=A', $group);
    $stock->pour(sub {
        my ($put) = @_;
        my @who = map { sprintf('%012d', $_) } 0 .. $n - 1;

        $put->($stock->{add}, prefix => prefix_of($group), gm => 1,
            uid => $who[$_], host => $who[ $_ % $hosts ]) for 0 .. $#who;

        for (1 .. $each) {
            $put->($send, prefix => prefix_of($group), gm => 1, uid => $_)
                for @who;
        }
    });

    $self->{words}{$group} = $stock->words($send, prefix => prefix_of($group),
        gm => 1, uid => '__rand_int__');
    $self->copy($group, $hosts, 'box:h', 'kept:h');
}


# n mailboxes get another name as well; gives how many messages they hold.

my $COPY = <<'EOF';
local entries = 0
for i = 0, ARGV[2] - 1 do
    for _, tail in ipairs({ '', ':m' }) do
        local name = string.format('%012d', i) .. tail
        local from, to = ARGV[1] .. ARGV[3] .. name, ARGV[1] .. ARGV[4] .. name
        redis.call('DEL', to)
        redis.call('COPY', from, to)
        if tail == '' then
            entries = entries + redis.call('XLEN', to)
        end
    end
end
return entries
EOF

sub copy {
    my ($self, $group, $n, $from, $to) = @_;

    return $self->{redis}{rest}->call('EVAL', $COPY, 0, prefix_of($group), $n,
        $from, $to);
}


# ---- rounds

sub url {
    my ($self, $store) = @_;

    return 'http://' . $self->{nginx}->address($store);
}


sub measure {
    my ($self, $curve, $x, $store, $uri, %arg) = @_;

    $self->{bench}->measure("growth $curve", $x,
        $self->url($store) . $uri, $self->{groups}{$store},
        seconds => $self->{seconds}, %arg);
}


sub polls {
    my ($self) = @_;

    for my $count (@{ $self->{undelivered} }) {
        my $store = "u$count";
        my $poll = '?action=receive&host=';
        my $idle = $poll . IDLE;
        my $ten = "/$store/gs$poll" . TEN . '&ack=&limit=10';

        $self->holds($store, "/$store/gs$idle", 0);
        $self->holds($store, $ten, 10);
        $self->measure('idle', $count, $store, "/$store/gs$idle");
        $self->measure('asked', $count, $store, "/$store/asked$idle");
        $self->measure('ten', $count, $store, $ten);
    }
}


# What is polled is what it is said to be.

sub holds {
    my ($self, $store, $uri, $wanted) = @_;

    my $reply = $self->{nginx}->get($uri, port => $store);

    die "$uri is answered $reply->{status}: $reply->{body}\n"
        if !$reply->{json} || !$reply->{json}{res};

    my $seen = Gmchat::Bench::World::messages_in($reply->{json});

    die "$uri gives $seen messages, not $wanted\n" if $seen != $wanted;
}


# One host after the other. What a worker learns at first is not measured.

sub polls_of_hosts {
    my ($self) = @_;

    for my $count (@{ $self->{hosts} }) {
        for my $way ([ hosts => 'gs' ], [ 'asked hosts' => 'asked' ]) {
            my ($curve, $location) = @$way;
            my $path = "/h$count/$location?action=receive&host=";
            my $script = <<"EOF";
local n = 0
function request()
    n = (n + 1) % $count
    return wrk.format('GET', '$path' .. (@{[ ELSE ]} + n))
end
EOF

            $self->{bench}->wrk($self->url('rest') . '/',
                seconds => $self->{seconds}, script => $script,
                row => "$curve, $count");
            $self->measure($curve, $count, 'rest', '/', script => $script);
        }
    }
}


# A list of friends is long: few ask at a time.

sub lists {
    my ($self) = @_;

    $self->measure('online', $_, 'rest', '/rest/gs?action=online&host='
        . (ELSE + $_)) for @{ $self->{players} };
    $self->measure('friends', $_, 'rest', '/rest/gm?action=friends&gm_account='
        . (ELSE + $_), connections => 4) for @{ $self->{friends} };
}


# Into a mailbox that begins empty each time.

sub conversations {
    my ($self) = @_;

    for my $count (@{ $self->{conversations} }) {
        my $box = prefix_of("c$count") . 'box:h' . ELSE;

        $self->{redis}{rest}->call('DEL', $box, "$box:m");
        $self->script('conversation', $count, $self->{words}{"c$count"},
            $self->{requests});
        $self->same($self->{redis}{rest}->call('XLEN', $box),
            $self->{requests}, "conversation, $count");
    }
}


# Mailboxes begin each time as they were built.

sub mailboxes {
    my ($self) = @_;

    $self->boxes('mailbox', $_, "b$_", $_ * BOXES, BOXES, BOXES, $self->{few})
        for @{ $self->{mailboxes} };
    $self->boxes('talkers', $_, 'talkers', 10 * $self->{talkers}[-1], PLACES,
        $_, $self->{requests}) for @{ $self->{talkers} };
}


# `held` messages are in the mailboxes of so many hosts, and `requests` more are
# sent to random players of so many.

sub boxes {
    my ($self, $curve, $x, $group, $held, $hosts, $players, $requests) = @_;

    my $before = $self->copy($group, $hosts, 'kept:h', 'box:h');
    $self->same($before, $held, "$curve, $x, before");

    $self->script($curve, $x, $self->{words}{$group}, $requests,
        random => $players);

    my $after = $self->copy($group, $hosts, 'box:h', 'used:h');
    $self->same($after, $held + $requests, "$curve, $x, after");
}


sub same {
    my ($self, $seen, $wanted, $row) = @_;

    die "growth $row: $seen messages, not $wanted\n" if $seen != $wanted;
}


sub script {
    my ($self, $curve, $x, $words, $requests, %arg) = @_;

    my $redis = $self->{redis}{rest};
    my $cpu = $self->{bench}->cpu(sub {
        $redis->benchmark($words, requests => $requests, %arg);
    }, { redis => [ $redis->pid ] });

    $self->{bench}->sample("growth $curve", $x,
        { redis => $cpu->{redis} / $requests });
}


# ---- the page

sub targets {
    my ($self, $bench) = @_;

    my @targets;

    for my $curve (qw(idle asked ten)) {
        my @x = $bench->rows("growth $curve");
        my ($from, $to) = map { $bench->median("growth $curve", $_, 'sum') }
            @x[ 0, -1 ];
        next if !$from;

        push @targets, {
            what  => Gmchat::Bench::GrowthPage::call($curve) . ' with '
                . Gmchat::Bench::Stats::number($x[-1])
                . ' messages undelivered elsewhere',
            limit => LEVEL . ' x that with none',
            seen  => sprintf('%.2f x', $to / $from),
            met   => $to <= LEVEL * $from ? 1 : 0,
            ($curve eq 'idle' ? (profile => 'profile of idle poll') : ()),
        };
    }

    return @targets;
}


sub page {
    my ($self, $bench) = @_;

    return Gmchat::Bench::GrowthPage::page($bench);
}


1;
