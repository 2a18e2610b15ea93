package Test::Gmchat::ChaosTopology;

# The servers behind the two nginx of a chaos run, and what may be known of
# them: a single one, one under sentinels, or a cluster.
#
#   my $servers = Test::Gmchat::ChaosTopology->start('sentinel',
#       dir => folder, durability => 'replicas=1',
#       clock => library that shifts a clock, or undef,
#       replicas => 2);             # of the master under sentinels
#   $servers->directives            for nginx.conf
#   $servers->groups                groups of gmchat; all masters have some
#   $servers->data, ->masters, ->replicas, ->sentinels      the nodes
#   $servers->name($node)
#   $servers->groups_of($master)    those whose state it has
#   $servers->heirs($master)        who may become master in its place
#   $servers->is_named($master)     clients that ask are told of it
#   $servers->has_copies($master)   those that durability asks for
#   $servers->start_again($node), ->tune($node) once it serves
#   $servers->whole                 every copy is there again

use strict;
use warnings;

use Test::Gmchat::Cluster;
use Test::Gmchat::Node;
use Test::Gmchat::Process qw(spawn);
use Test::Gmchat::Proxy;
use Test::Gmchat::Sentinels;

use constant GROUPS => 6;

my %classes = (
    single   => 'Test::Gmchat::ChaosTopology::Single',
    sentinel => 'Test::Gmchat::ChaosTopology::Sentinel',
    cluster  => 'Test::Gmchat::ChaosTopology::Cluster',
);


sub start {
    my ($class, $kind, %arg) = @_;

    my $self = bless({ replicas => 2, %arg, kind => $kind },
        $classes{$kind});

    $self->with_clock(sub { $self->launch });

    return $self;
}


# Servers that begin in here have a clock that can be set.

sub with_clock {
    my ($self, $work) = @_;

    local $ENV{LD_PRELOAD} = $self->{clock} if $self->{clock};

    return $work->();
}


sub set_clock {
    my ($self, $node, $seconds) = @_;

    my $name = "$node->{dir}/clock";

    open(my $file, '+<', $name) or die "$name: $!";
    syswrite($file, pack('q', $seconds * 1e6));
}


# How far off it is next, by chance (0 to 1): up to an hour, either way; now and
# then it is right again.

use constant HOUR => 3600;

sub next_clock {
    my ($self, $now, $chance) = @_;

    return $chance < 0.2 ? 0 : ($chance - 0.6) / 0.4 * HOUR;
}


# It does not serve yet.

sub start_again {
    my ($self, $node) = @_;

    delete $node->{client};
    $node->{pid} = $self->with_clock(sub {
        return spawn(name => 'redis-server', argv => [ $node->{binary},
            "$node->{dir}/redis.conf", @{ $node->{options} // [] } ],
            output => "$node->{dir}/redis.out");
    });
}


# Whether a master has as many copies as are asked for before it may answer.

sub has_copies {
    my ($self, $node) = @_;

    my ($wanted) = $self->{durability} =~ /^replicas=(\d+)/ or return 1;
    my @online = ($node->ask('INFO', 'replication') // '')
        =~ /^slave\d+:.*state=online/mg;

    return @online >= $wanted;
}


# Whether clients that ask are sent to it.

sub is_named { return 1 }


# What a server forgot when it was killed.

sub tune { }


sub sentinels { return () }
sub proxy { return undef }


sub name {
    my ($self, $node) = @_;

    my ($name) = $node->{dir} =~ m{([^/]+)$};

    return $name;
}


# ---- what durability takes

# Lines of redis.conf: what is promised by copies, or by the disk.

sub redis_lines {
    my ($self) = @_;

    my $durability = $self->{durability};
    my @lines = ('appendonly yes', 'auto-aof-rewrite-min-size 16mb',
        'maxmemory-policy noeviction');

    push @lines, "min-replicas-to-write $1"
        if $durability =~ /^replicas=(\d+)/;
    push @lines, 'appendfsync always' if $self->{kind} eq 'single';

    return \@lines;
}


sub durability_line {
    my ($self) = @_;

    return $self->{durability} eq 'memory' ? ''
        : "gmchat_durability $self->{durability};";
}


sub directives {
    my ($self) = @_;

    return 'gmchat_redis ' . $self->url . " probe=500ms;\n    "
        . $self->durability_line;
}


package Test::Gmchat::ChaosTopology::Single;

use parent -norequire, 'Test::Gmchat::ChaosTopology';


# A proxy in front: connections are cut there.

sub launch {
    my ($self) = @_;

    my $dir = "$self->{dir}/redis0";
    mkdir($dir) or die "$dir: $!";

    $self->{node} = Test::Gmchat::Node->new(dir => $dir,
        args => $self->redis_lines);
    $self->{proxy} = Test::Gmchat::Proxy->new(to => $self->{node}->host_port);
}


sub url { return $_[0]{proxy}->url }
sub proxy { return $_[0]{proxy} }
sub data { return $_[0]{node} }
sub masters { return $_[0]{node} }
sub replicas { return () }
sub groups { return map { "g$_" } 1 .. Test::Gmchat::ChaosTopology::GROUPS }
sub groups_of { return $_[0]->groups }
sub heirs { return () }
sub whole { return ($_[0]{node}->ask('PING') // '') eq 'PONG' }


package Test::Gmchat::ChaosTopology::Sentinel;

use parent -norequire, 'Test::Gmchat::ChaosTopology';


# A sentinel that did not hear of a failover takes the new master for a replica
# that went astray, and four of these periods later makes it one again: of the
# old master. They must be longer than it takes to hear of it (a second, in
# which the leader sees it, and another one).

# And one that was stopped, or got no CPU, for two seconds looks on for 30 s
# before it does anything again: two such ones, and there is no failover.

use constant {
    PUBLISH => 1000,        # ms; Sentinel's own is 2000
    TILT    => 3000,        # .. and 30000
};

sub launch {
    my ($self) = @_;

    $self->{set} = Test::Gmchat::Sentinels->new(dir => $self->{dir},
        replicas => $self->{replicas}, sentinels => 3, quorum => 2,
        down_after => 700,
        failover_timeout => 3000, parallel_syncs => 2,
        args => $self->redis_lines);
    $_->cmd('SENTINEL', 'DEBUG', 'publish-period', PUBLISH,
        'tilt-period', TILT) for $self->sentinels;
}


sub url { return $_[0]{set}->url }
sub data { return $_[0]{set}->nodes }
sub masters { return grep { defined } $_[0]{set}->master }
sub replicas { return $_[0]{set}->replicas }
sub sentinels { return $_[0]{set}->sentinels }
sub groups { return map { "g$_" } 1 .. Test::Gmchat::ChaosTopology::GROUPS }
sub groups_of { return $_[0]->groups }


sub heirs {
    my ($self, $master) = @_;

    return grep { $_ != $master } $self->data;
}


# A sentinel forgets its periods, for which the others are asked.

sub tune {
    my ($self, $node) = @_;

    my @others = grep { $_ != $node } $self->sentinels;
    return if @others == $self->sentinels;

    my ($periods) = grep { $_ } map { $_->ask('SENTINEL', 'DEBUG') } @others;

    $node->cmd('SENTINEL', 'DEBUG', map { lc } @{ $periods // [] });
}


# By one sentinel at least.

sub is_named {
    my ($self, $node) = @_;

    my $set = $self->{set};

    for my $sentinel ($self->sentinels) {
        my $address = $sentinel->ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
            $set->{name}) or next;
        return 1 if $address->[1] == $node->known_port;
    }

    return 0;
}


# All are there, and all but one are in sync with that one.

sub whole {
    my ($self) = @_;

    return 0 if grep { !$_->answers } $self->data;

    my $master = $self->{set}->master or return 0;

    return !grep { $_ != $master && !$_->in_sync_with($master) } $self->data;
}


package Test::Gmchat::ChaosTopology::Cluster;

use parent -norequire, 'Test::Gmchat::ChaosTopology';


# Groups of which each master has as many.

sub launch {
    my ($self) = @_;

    $self->{cluster} = Test::Gmchat::Cluster->new(dir => $self->{dir},
        masters => 3, replicas => 1, node_timeout => 1000,
        args => $self->redis_lines);
    $self->{groups} = [ map { $self->{cluster}->groups_on($_,
        Test::Gmchat::ChaosTopology::GROUPS / 3) } $self->masters ];
}


sub url { return $_[0]{cluster}->url }
sub data { return $_[0]{cluster}->nodes }
sub masters { return $_[0]{cluster}->masters }
sub replicas { return $_[0]{cluster}->replicas }
sub groups { return @{ $_[0]{groups} } }


sub slot {
    my ($self, $group) = @_;

    return Test::Gmchat::Cluster::slot_of_group($group);
}


sub owner {
    my ($self, $group) = @_;

    return $self->{cluster}->owner($self->slot($group));
}


sub groups_of {
    my ($self, $master) = @_;

    my $ranges = Test::Gmchat::Cluster::itself($master)->{slots};

    return grep { Test::Gmchat::Cluster::has_slot($ranges, $self->slot($_)) }
        $self->groups;
}


sub heirs {
    my ($self, $master) = @_;

    return $self->{cluster}->replicas_of($master);
}


# A cluster's node that finds itself behind what its clock said before is not
# ready until the clock is there again: so back by two seconds at most, and
# forward from there.

sub next_clock {
    my ($self, $now, $chance) = @_;

    return $now + ($chance < 0.5 ? -4 * $chance : ($chance - 0.5) * 1200);
}


sub whole {
    my ($self) = @_;

    return 0 if grep { !$_->answers } $self->data;

    return $self->masters == 3 && $self->{cluster}->is_complete;
}


1;
