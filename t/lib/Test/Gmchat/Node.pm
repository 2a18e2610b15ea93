package Test::Gmchat::Node;

# A redis-server that is one of several: a master, a replica, a sentinel.
#
#   Test::Gmchat::Node->new(dir => ..., tls => ..., password => 'secret',
#       args => [ ... ], tls_peers => 0)
#
# It listens on a port, and with `tls` on a second one, which is the one that it
# tells the others, unless it is not to speak TLS with them (`tls_peers`). What
# was rewritten in its redis.conf is kept when it starts again.

use strict;
use warnings;

use parent 'Test::Gmchat::Redis';

use Test::Gmchat::Process qw(wait_until alive);


sub new {
    my ($class, %arg) = @_;

    my @args = (
        'shutdown-timeout 0',
        'repl-diskless-sync-delay 0',
        'repl-ping-replica-period 1',
        @{ $arg{args} // [] },
    );

    push @args, 'tls-replication yes', 'tls-cluster yes'
        if $arg{tls} && ($arg{tls_peers} // 1);

    if (defined $arg{password}) {
        push @args, "requirepass $arg{password}",
            "masterauth $arg{password}";
        $arg{auth} = [ $arg{password} ];
    }

    return $class->SUPER::new(%arg, tcp => 1, args => \@args);
}


sub write_conf {
    my ($self) = @_;

    $self->SUPER::write_conf if !-e "$self->{dir}/redis.conf";
}


# By which the others and gmchat know it.

sub known_port {
    my ($self) = @_;

    return $self->{tls_port} // $self->{port};
}


sub host_port {
    my ($self) = @_;

    return '127.0.0.1:' . $self->known_port;
}


sub pause {
    my ($self) = @_;

    $self->{paused} = 1;

    return $self->SUPER::pause;
}


sub resume {
    my ($self) = @_;

    $self->{paused} = 0;

    return $self->SUPER::resume;
}


# Dead as by a loss of power, also where it was paused.

sub kill_hard {
    my ($self) = @_;

    $self->SUPER::kill_hard;
    $self->{paused} = 0;
}


sub stop {
    my ($self) = @_;

    $self->resume if $self->{paused};
    $self->SUPER::stop;
}


# Whether it makes sense to ask it something.

sub answers {
    my ($self) = @_;

    return alive($self->{pid}) && !$self->{paused};
}


# A command's reply, or undef: an error, or nobody there.

sub ask {
    my ($self, @words) = @_;

    return if !$self->answers;

    my $reply = eval { $self->try(@words) };

    return ref $reply eq 'SCALAR' ? undef : $reply;
}


# 'master' or 'slave', as it sees itself; '' if it says nothing.

sub role {
    my ($self) = @_;

    return ($self->ask('ROLE') // [''])->[0];
}


# What it says of its replication: a hash of INFO's lines.

sub replication {
    my ($self) = @_;

    my $text = $self->ask('INFO', 'replication') // '';

    return { $text =~ /^(\w+):(\S*)\r?$/mg };
}


# This replica has the history of that master, up to what it holds now, and the
# master knows it.

sub in_sync_with {
    my ($self, $master) = @_;

    my $theirs = $master->replication;
    my $ours = $self->replication;
    my $port = $self->known_port;

    # a replica that is new gets nothing before its first acknowledgement,
    # which may take a second

    my $known = grep { /,port=$port,state=online,offset=[1-9]/ }
        map { $theirs->{$_} } grep { /^slave\d+$/ } keys %$theirs;

    return $known && ($ours->{master_link_status} // '') eq 'up'
        && ($ours->{master_port} // '') eq $master->known_port
        && $ours->{master_replid} eq ($theirs->{master_replid} // '')
        && $ours->{slave_repl_offset} >= $theirs->{master_repl_offset};
}


sub wait_in_sync_with {
    my ($self, $master, $seconds) = @_;

    return wait_until(sub { $self->in_sync_with($master) }, $seconds);
}


1;
