package Test::Gmchat::Sentinels;

# A master, its replicas, and real sentinels that watch them; each a process
# on a free port of 127.0.0.1.
#
#   my $set = Test::Gmchat::Sentinels->new(
#       dir => folder,              # for all of them
#       replicas => 1, sentinels => 3, quorum => 2,
#       name => 'desk',             # of the master
#       down_after => 500,          # ms of silence until the first sentinel
#                                   # thinks that the master is gone
#       failover_timeout => 2000,   # ms
#       parallel_syncs => 1,
#       password => 'secret',       # of the master and its replicas
#       sentinel_password => '...',
#       tls => { cert, key, ca },   # everywhere, beside plain ports
#       tls_of => 'sentinels',      # only those speak it, and with clients
#       args => [ 'appendonly yes' ],       # lines of each redis.conf
#       sentinel_args => [ ... ],           # of each sentinel's
#   );
#
#   $set->master->kill_hard;        # what a Test::Gmchat::Node can: pause,
#                                   # resume, stop, start, cmd, ...
#   $set->wait_promotion;
#
# It stands when new() returns: replicas in sync, sentinels that know all.

use strict;
use warnings;

use Test::Gmchat::Node;
use Test::Gmchat::Process qw(wait_until);

# Sentinel's own periods in ms, which are made for networks. It asks a replica
# every second while its master is away, and promotes none of which it did not
# hear for three times the first of these, or five times the second. Whoever
# did not hear of a promotion for four publish periods takes it back, and the
# leader itself may take a second to notice it. A sentinel that stood still for
# two seconds, as on a busy machine, acts no more for the tilt period, which is
# half a minute by default: as long as tests wait for a promotion.

my @periods = qw(info-period 400 ping-period 300 ask-period 100
    publish-period 500 min-link-reconnect-period 100 tilt-period 2000);


sub new {
    my ($class, %arg) = @_;

    my $self = bless({
        replicas         => 1,
        sentinels        => 3,
        quorum           => 2,
        name             => 'desk',
        down_after       => 500,
        failover_timeout => 2000,
        parallel_syncs   => 1,
        tls_of           => 'all',
        %arg,
        nodes            => [],
        watchers         => [],
    }, $class);

    $self->start_node for 0 .. $self->{replicas};
    $self->{first} = $self->{nodes}[0];
    $self->{first}->cmd('PUBLISH', 'something', 'to acknowledge');
    $self->wait_in_sync or die 'the replicas are not in sync';

    $self->start_sentinel for 1 .. $self->{sentinels};
    wait_until(sub { $self->is_complete }) or die 'sentinels that know not all';

    return $self;
}


# One more replica (or the first master).

sub start_node {
    my ($self) = @_;

    my $nodes = $self->{nodes};
    my @args = @{ $self->{args} // [] };

    if (@$nodes) {
        my $master = $self->master // $nodes->[0];
        push @args, 'replicaof 127.0.0.1 ' . $master->known_port;
    }

    my $node = Test::Gmchat::Node->new(
        dir      => $self->folder('redis', scalar @$nodes),
        password => $self->{password},
        tls      => $self->{tls_of} eq 'all' ? $self->{tls} : undef,
        args     => \@args,
    );
    push @$nodes, $node;

    return $node;
}


sub folder {
    my ($self, $kind, $n) = @_;

    my $dir = "$self->{dir}/$kind$n";
    mkdir($dir) or die "$dir: $!";

    return $dir;
}


# Each is a little more patient than the one before: where all begin a failover
# at once, none is elected, and they begin anew much later.

sub start_sentinel {
    my ($self) = @_;

    my $name = $self->{name};
    my $watchers = $self->{watchers};
    my $patience = $self->{down_after} + 200 * @$watchers;
    my $port = ($self->master // $self->{nodes}[0])->known_port;
    my @args = (
        "sentinel monitor $name 127.0.0.1 $port $self->{quorum}",
        "sentinel down-after-milliseconds $name $patience",
        "sentinel failover-timeout $name $self->{failover_timeout}",
        "sentinel parallel-syncs $name $self->{parallel_syncs}",
        @{ $self->{sentinel_args} // [] },
    );

    push @args, "sentinel auth-pass $name $self->{password}"
        if defined $self->{password};
    push @args, "sentinel sentinel-pass $self->{sentinel_password}"
        if defined $self->{sentinel_password};

    my $sentinel = Test::Gmchat::Node->new(
        dir       => $self->folder('sentinel', scalar @$watchers),
        password  => $self->{sentinel_password},
        tls       => $self->{tls},
        tls_peers => $self->{tls_of} eq 'all',
        args      => \@args,
        options   => ['--sentinel'],
    );
    $sentinel->cmd('SENTINEL', 'DEBUG', @periods);
    push @$watchers, $sentinel;

    return $sentinel;
}


# ---- what gmchat is told

# What a gmchat_redis directive names, with the parameters that it needs.

sub url {
    my ($self) = @_;

    my @words = ($self->scheme . '://' . $self->hosts . "/$self->{name}");

    push @words, 'password_file=' . $self->secret('password')
        if defined $self->{password};
    push @words, 'sentinel_password_file=' . $self->secret('sentinel_password')
        if defined $self->{sentinel_password};
    push @words, "ca=$self->{tls}{ca}"
        if $self->{tls} && $self->{tls_of} eq 'all';
    push @words, "sentinel_tls=on sentinel_ca=$self->{tls}{ca}"
        if $self->{tls} && $self->{tls_of} ne 'all';

    return join(' ', @words);
}


sub scheme {
    my ($self) = @_;

    return $self->{tls} && $self->{tls_of} eq 'all' ? 'rediss+sentinel'
        : 'redis+sentinel';
}


# The sentinels, as the url has them.

sub hosts {
    my ($self) = @_;

    return join(',', map { $_->host_port } @{ $self->{watchers} });
}


# A file with one of the passwords.

sub secret {
    my ($self, $which) = @_;

    my $name = "$self->{dir}/$which";

    open(my $file, '>', $name) or die "$name: $!";
    print $file "$self->{$which}\n";
    close($file);

    return $name;
}


# ---- who is who

sub nodes {
    my ($self) = @_;

    return @{ $self->{nodes} };
}


sub sentinels {
    my ($self) = @_;

    return @{ $self->{watchers} };
}


sub node_at {
    my ($self, $port) = @_;

    my ($node) = grep { $_->known_port == $port } $self->nodes;

    return $node;
}


# Whom most sentinels name, if it thinks the same of itself; else undef.

sub master {
    my ($self) = @_;

    my %votes;

    for my $sentinel ($self->sentinels) {
        my $port = $self->named_by($sentinel) or next;
        $votes{$port}++;
    }

    my ($port) = sort { $votes{$b} <=> $votes{$a} } keys %votes;
    my $node = defined $port ? $self->node_at($port) : $self->{nodes}[0];

    return $node && $node->role eq 'master' ? $node : undef;
}


# Those that say so of themselves.

sub replicas {
    my ($self) = @_;

    return grep { $_->role eq 'slave' } $self->nodes;
}


# ---- conditions to wait for

# All that live and are no master have what the master has.

sub wait_in_sync {
    my ($self, $seconds) = @_;

    return wait_until(sub {
        my $master = $self->master or return 0;
        return !grep { $_ != $master && $_->answers
            && !$_->in_sync_with($master) } $self->nodes;
    }, $seconds);
}


# Each sentinel knows all others and all replicas, and nobody seems to be down.

sub is_complete {
    my ($self) = @_;

    my $others = $self->sentinels - 1;
    my $replicas = $self->nodes - 1;

    for my $sentinel ($self->sentinels) {
        my $list = $sentinel->ask('SENTINEL', 'MASTER', $self->{name})
            or return 0;
        my %of = @$list;

        return 0 if $of{flags} ne 'master'
            || $of{'num-other-sentinels'} != $others
            || $of{'num-slaves'} != $replicas
            || !$self->sees_replicas($sentinel, $replicas);
    }

    return 1;
}


sub sees_replicas {
    my ($self, $sentinel, $count) = @_;

    my $list = $sentinel->ask('SENTINEL', 'REPLICAS', $self->{name}) // [];
    my @good = grep {
        my %of = @$_;
        $of{flags} eq 'slave' && $of{'master-link-status'} eq 'ok';
    } @$list;

    return @good == $count;
}


# Until there is a master other than the one before: all sentinels that live
# name it. Returns it.

sub wait_promotion {
    my ($self, $before, $seconds) = @_;

    $before //= $self->{first};

    my $node = wait_until(sub {
        my $master = $self->master or return 0;
        return $master != $before ? $master : 0;
    }, $seconds) or return;

    $self->{first} = $node;

    return $node;
}


# A planned failover, as an operator asks a sentinel for it: again, if it finds
# that it cannot do it just now. Returns the new master.

sub failover {
    my ($self) = @_;

    my $before = $self->{first} = $self->master;
    my ($sentinel) = grep { $_->answers } $self->sentinels;

    wait_until(sub {
        return 1 if $self->named_by($sentinel) != $before->known_port;
        $sentinel->ask('SENTINEL', 'FAILOVER', $self->{name});
        return 0;
    }) or die 'no failover';

    return $self->wait_promotion($before);
}


# The port that a sentinel names; 0 if it does not answer.

sub named_by {
    my ($self, $sentinel) = @_;

    my $address = $sentinel->ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME',
        $self->{name}) // [ '', 0 ];

    return $address->[1];
}


1;
