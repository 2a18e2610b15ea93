package Test::Gmchat::Cluster;

# A Redis Cluster: masters that share the slots, and replicas of each; every
# one a process on free ports of 127.0.0.1.
#
#   my $cluster = Test::Gmchat::Cluster->new(
#       dir => folder,              # for all of them
#       masters => 3, replicas => 1,        # replicas of each master
#       node_timeout => 1000,       # ms of silence until a node is held dead
#       password => 'secret',
#       tls => { cert, key, ca },   # everywhere, beside plain ports
#       args => [ 'appendonly yes' ],       # lines of each redis.conf
#   );
#
#   my $slot = Test::Gmchat::Cluster::slot_of_group('dragon');
#   my $owner = $cluster->owner($slot);     # a Test::Gmchat::Node
#   $owner->kill_hard;
#   my $new = $cluster->wait_failover($slot, $owner);
#
# It stands when new() returns: each node knows all, replicas are in sync.

use strict;
use warnings;

use Test::Gmchat::Node;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process qw(wait_until);

use constant SLOTS => 16384;


sub new {
    my ($class, %arg) = @_;

    my $self = bless({
        masters      => 3,
        replicas     => 1,
        node_timeout => 1000,
        %arg,
        nodes        => [],
    }, $class);

    $self->start_node for 1 .. $self->{masters} * (1 + $self->{replicas});
    $self->give_slots;
    $self->meet;
    $self->give_replicas;
    wait_until(sub { $self->is_complete }) or die 'the cluster is not ready';

    return $self;
}


# One more node, which nobody knows yet.

sub start_node {
    my ($self) = @_;

    my $nodes = $self->{nodes};
    my $dir = "$self->{dir}/node" . @$nodes;
    mkdir($dir) or die "$dir: $!";

    my $node = Test::Gmchat::Node->new(
        dir      => $dir,
        password => $self->{password},
        tls      => $self->{tls},
        args     => [
            'cluster-enabled yes',
            'cluster-port ' . free_port(),
            "cluster-node-timeout $self->{node_timeout}",
            'cluster-replica-validity-factor 0',
            'cluster-allow-replica-migration no',
            @{ $self->{args} // [] },
        ],
    );

    $node->{id} = $node->cmd('CLUSTER', 'MYID');
    push @$nodes, $node;

    return $node;
}


# ---- making it

sub give_slots {
    my ($self) = @_;

    my $masters = $self->{masters};

    for my $n (0 .. $masters - 1) {
        my $node = $self->{nodes}[$n];
        my $first = int(SLOTS * $n / $masters);
        my $last = int(SLOTS * ($n + 1) / $masters) - 1;

        $node->cmd('CLUSTER', 'ADDSLOTSRANGE', $first, $last);
        $node->cmd('CLUSTER', 'SET-CONFIG-EPOCH', $n + 1);
    }
}


# Everyone is told of everyone: what gossip would tell takes longer.

sub meet {
    my ($self) = @_;

    my @nodes = $self->nodes;

    for my $n (0 .. $#nodes) {
        $self->introduce($nodes[$n], $_) for @nodes[ $n + 1 .. $#nodes ];
    }

    wait_until(sub { !grep { !$self->knows_all($_) } @nodes })
        or die 'nodes that do not know each other';
}


sub introduce {
    my ($self, $one, $other) = @_;

    my ($bus) = map { /^cluster-port (\d+)/ } @{ $other->{args} };

    $one->cmd('CLUSTER', 'MEET', '127.0.0.1', $other->known_port, $bus);
}


sub knows_all {
    my ($self, $node) = @_;

    my %known = map { $_->{id} => $_ } table($node);

    for my $other ($self->nodes) {
        my $row = $known{ $other->{id} } or return 0;
        return 0 if $row->{flags} =~ /handshake|noaddr|fail/
            || $row->{link} ne 'connected' && $other != $node;
    }

    return 1;
}


sub give_replicas {
    my ($self) = @_;

    my @nodes = $self->nodes;
    my $masters = $self->{masters};

    $nodes[$_]->cmd('CLUSTER', 'REPLICATE', $nodes[ $_ % $masters ]{id})
        for $masters .. $#nodes;
}


# All nodes that live agree: the slots are served, each replica is in sync and
# known as one.

sub is_complete {
    my ($self) = @_;

    my @alive = grep { $_->answers } $self->nodes;
    my %of = map { $_->{id} => $_ } @alive;
    my %map;

    for my $node (@alive) {
        my $info = $node->ask('CLUSTER', 'INFO') // '';
        my ($myself) = grep { $_->{flags} =~ /myself/ } table($node);

        return 0 if $info !~ /^cluster_state:ok/m || !$myself;
        $map{ join(' ', map { describe($_) }
            sort { $a->{id} cmp $b->{id} }
            grep { $of{ $_->{id} } } table($node)) }++;

        return 0 if $of{ $myself->{master} }
            && !$node->in_sync_with($of{ $myself->{master} });
    }

    return keys %map == 1;
}


# What a node thinks of another one, but for what changes by itself.

sub describe {
    my ($row) = @_;

    return "$row->{id}=$row->{master},$row->{epoch}:@{ $row->{slots} }";
}


# ---- what gmchat is told

# What a gmchat_redis directive names, with the parameters that it needs.

sub url {
    my ($self) = @_;

    my @words = ($self->scheme . '://' . $self->hosts);

    push @words, "password_file=$self->{dir}/password" if $self->has_password;
    push @words, "ca=$self->{tls}{ca}" if $self->{tls};

    return join(' ', @words);
}


sub scheme {
    my ($self) = @_;

    return $self->{tls} ? 'rediss+cluster' : 'redis+cluster';
}


# All nodes, as the url has them.

sub hosts {
    my ($self) = @_;

    return join(',', map { $_->host_port } $self->nodes);
}


sub has_password {
    my ($self) = @_;

    return 0 if !defined $self->{password};

    open(my $file, '>', "$self->{dir}/password") or die $!;
    print $file "$self->{password}\n";
    close($file);

    return 1;
}


# ---- who is who

sub nodes {
    my ($self) = @_;

    return @{ $self->{nodes} };
}


# What a node says of all: id, port, flags, master (an id or -), epoch, link,
# slots ([ 'first-last', ... ]).

sub table {
    my ($node) = @_;

    my @rows;

    for my $line (split(/\n/, $node->ask('CLUSTER', 'NODES') // '')) {
        my ($id, $address, $flags, $master, undef, undef, $epoch, $link,
            @slots) = split(/ /, $line);
        my ($port) = $address =~ /:(\d+)/;

        push @rows, { id => $id, port => $port, flags => $flags,
            master => $master, epoch => $epoch, link => $link,
            slots => [ grep { !/^\[/ } @slots ] };
    }

    return @rows;
}


# What a node says of itself, or nothing.

sub itself {
    my ($node) = @_;

    my ($row) = grep { $_->{flags} =~ /myself/ } table($node);

    return $row // { flags => '', slots => [], epoch => -1, master => '' };
}


sub masters {
    my ($self) = @_;

    return grep { itself($_)->{flags} =~ /master/ } $self->nodes;
}


sub replicas {
    my ($self) = @_;

    return grep { itself($_)->{flags} =~ /slave/ } $self->nodes;
}


# The replicas of a master.

sub replicas_of {
    my ($self, $master) = @_;

    return grep { itself($_)->{master} eq $master->{id} } $self->nodes;
}


# The node that has a slot, as it says itself; of several the one with the
# highest epoch. Undef where there is none.

sub owner {
    my ($self, $slot) = @_;

    my ($best, $epoch) = (undef, -1);

    for my $node ($self->nodes) {
        my $row = itself($node);

        next if $row->{flags} !~ /master/ || $row->{epoch} <= $epoch
            || !has_slot($row->{slots}, $slot);
        ($best, $epoch) = ($node, $row->{epoch});
    }

    return $best;
}


sub has_slot {
    my ($ranges, $slot) = @_;

    for my $range (@$ranges) {
        my ($first, $last) = split(/-/, $range);
        return 1 if $slot >= $first && $slot <= ($last // $first);
    }

    return 0;
}


# ---- slots

my @crc16;

for my $n (0 .. 255) {
    my $crc = $n << 8;

    $crc = (($crc << 1) ^ ($crc & 0x8000 ? 0x1021 : 0)) & 0xffff for 1 .. 8;
    push @crc16, $crc;
}


# The slot of a hash tag, which is what a group's name is.

sub slot_of_group {
    my ($name) = @_;

    my $crc = 0;

    $crc = (($crc << 8) & 0xffff) ^ $crc16[ ($crc >> 8) ^ ord($_) ]
        for split(//, $name);

    return $crc % SLOTS;
}


# So many names of groups (default 1) whose slots a node has.

sub groups_on {
    my ($self, $node, $count) = @_;

    my $ranges = itself($node)->{slots};
    my @found;

    return if !@$ranges;

    for (my $n = 1; @found < ($count // 1); $n++) {
        push @found, "g$n" if has_slot($ranges, slot_of_group("g$n"));
    }

    return wantarray ? @found : $found[0];
}


# ---- moving a slot, step by step as redis-cli does it

sub migrate_begin {
    my ($self, $slot, $from, $to) = @_;

    $to->cmd('CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $from->{id});
    $from->cmd('CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $to->{id});
}


# Moves up to so many keys (default all); how many there were.

sub migrate_keys {
    my ($self, $slot, $from, $to, $most) = @_;

    my $moved = 0;

    while (!defined $most || $moved < $most) {
        my $count = defined $most ? $most - $moved : 100;
        my $keys = $from->cmd('CLUSTER', 'GETKEYSINSLOT', $slot, $count);
        last if !@$keys;

        my @auth = defined $self->{password} ? ('AUTH', $self->{password}) : ();
        $from->cmd('MIGRATE', '127.0.0.1', $to->known_port, '', 0, 5000,
            @auth, 'KEYS', @$keys);
        $moved += @$keys;
    }

    return $moved;
}


# The new owner first: nobody may think that the slot has none. Returns when all
# nodes know: who moved a slot on before could bring back an older truth.

sub migrate_end {
    my ($self, $slot, $from, $to) = @_;

    my @others = grep { $_ != $from && $_ != $to } $self->masters;

    $_->cmd('CLUSTER', 'SETSLOT', $slot, 'NODE', $to->{id})
        for $to, $from, @others;
    $self->wait_complete or die 'nodes that do not agree';
}


sub migrate {
    my ($self, $slot, $from, $to) = @_;

    $self->migrate_begin($slot, $from, $to);
    my $moved = $self->migrate_keys($slot, $from, $to);
    $self->migrate_end($slot, $from, $to);

    return $moved;
}


# ---- conditions to wait for

sub wait_complete {
    my ($self, $seconds) = @_;

    return wait_until(sub { $self->is_complete }, $seconds);
}


# Until somebody else than that node has the slot, and serves. Returns it.

sub wait_failover {
    my ($self, $slot, $before, $seconds) = @_;

    return wait_until(sub {
        my $owner = $self->owner($slot) or return 0;
        return $owner != $before
            && ($owner->ask('CLUSTER', 'INFO') // '') =~ /^cluster_state:ok/m
            ? $owner : 0;
    }, $seconds);
}


# A planned failover: a replica takes over from its master. Returns it. Where
# the two are not ready in five seconds they give up, and are asked again.

sub failover {
    my ($self, $master) = @_;

    my ($first) = map { /^(\d+)/ } @{ itself($master)->{slots} };
    my ($replica) = grep { $_->answers } $self->replicas_of($master);

    for my $try (1 .. 4) {
        $replica->cmd('CLUSTER', 'FAILOVER')
            if itself($replica)->{flags} =~ /slave/;

        my $new = $self->wait_failover($first, $master, 8);
        return $new if $new;
    }

    return;
}


1;
