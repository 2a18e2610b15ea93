package Test::Gmchat::FakeRedis;

# A scripted Redis, for faults. It answers by rules that the test sets while
# it runs; with `upstream` (a Test::Gmchat::Redis) it stands in the middle and
# passes on whatever no rule touches.
#
#   my $fake = Test::Gmchat::FakeRedis->new(dir => ..., upstream => $redis);
#   $fake->on(name => 'EVALSHA', match => 'box:', times => 1, ...action...);
#
# Actions, one of
#   pass    => 1         let the upstream answer (the default)
#   reply   => bytes     these bytes
#   error   => text      -text
#   instead => bytes     these bytes, when the upstream has answered
#   silent  => 1         nothing, now or later, on this connection
#   close   => 1         close, the command not carried out
#   freeze  => 1         half-open: this connection stays, and is dead
#   elsewhere => address another upstream answers this connection from now on
# and how the answer travels
#   hold    => 1         not before release()
#   split   => n         n bytes, a pause, the rest
#   drip    => 1         a byte at a time
#   cut     => n         n bytes (or `half`), then the connection is closed
#
# The first rule that matches and is not used up decides. `name` is the
# command's first word, `match` a regular expression on all of its words,
# `times` how often it decides; with `nth` it decides on the n-th that matches
# alone. What was published comes as a command MESSAGE of channel and text: it
# passes, or is replaced, or lost (silent, close), or travels so.

use strict;
use warnings;

use parent 'Test::Gmchat::Servant';

use Test::Gmchat::FakeRedis::Server;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process qw(wait_until);


# new(dir => folder, tcp => 1, upstream => $redis)

sub new {
    my ($class, %arg) = @_;

    my $self = bless({ %arg }, $class);

    $self->{port} = free_port() if $arg{tcp};
    $self->{path} = "$arg{dir}/fake.sock";
    $self->{address} = $arg{tcp} ? "127.0.0.1:$self->{port}" : $self->{path};
    $self->launch;
    $self->ask({ do => 'listen' });

    return $self;
}


# The child's whole life.

sub work {
    my ($self, $control) = @_;

    Test::Gmchat::FakeRedis::Server->new(
        control  => $control,
        address  => $self->{address},
        upstream => $self->{upstream} && $self->{upstream}->address,
    )->run;
}


# What a gmchat_redis directive names.

sub url {
    my ($self) = @_;

    return $self->{tcp} ? "redis://$self->{address}" : "unix:$self->{path}";
}


sub on {
    my ($self, %rule) = @_;

    $self->ask({ do => 'rule', rule => \%rule });
}


# Back to passing everything on (or to plain answers without an upstream).

sub clear_rules {
    my ($self) = @_;

    $self->ask({ do => 'clear_rules' });
}


# Answers that were held travel on.

sub release {
    my ($self) = @_;

    $self->ask({ do => 'release' });
}


# How many answers are held now.

sub held {
    my ($self) = @_;

    return $self->ask({ do => 'held' });
}


sub wait_held {
    my ($self, $count) = @_;

    return wait_until(sub { $self->held >= ($count // 1) });
}


# Commands that arrived since forget(): [ name, words... ] each, long words
# shortened.

sub seen {
    my ($self, $name) = @_;

    my @seen = @{ $self->ask({ do => 'seen' }) };

    return defined $name ? grep { $_->[0] eq $name } @seen : @seen;
}


# How many answers and messages a rule could have been for, since forget().

sub ruled {
    my ($self) = @_;

    return $self->ask({ do => 'ruled' });
}


sub forget {
    my ($self) = @_;

    $self->ask({ do => 'forget' });
}


# How many there are: of all, or of those on which a command of that name
# arrived.

sub connections {
    my ($self, $only) = @_;

    return $self->ask({ do => 'connections', only => $only });
}


# How many connections were ever accepted.

sub accepted {
    my ($self) = @_;

    return $self->ask({ do => 'accepted' });
}


# All connections are closed, or `only` those on which a command of that name
# arrived, or those that are `frozen`: nobody else would tell the upstream.

sub kick {
    my ($self, %which) = @_;

    $self->ask({ do => 'kick', %which });
}


# Half-open: all connections (or `only` such) stay, and nothing travels on them
# any more, or no "commands" or "answers" (`lose`); new ones work.

sub freeze {
    my ($self, %which) = @_;

    $self->ask({ do => 'freeze', %which });
}


# As if Redis were down; and up again.

sub down {
    my ($self) = @_;

    $self->ask({ do => 'refuse' });
}


sub up {
    my ($self) = @_;

    $self->ask({ do => 'listen' });
}


1;
