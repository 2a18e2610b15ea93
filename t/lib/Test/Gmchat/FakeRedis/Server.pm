package Test::Gmchat::FakeRedis::Server;

# The process behind a Test::Gmchat::FakeRedis: one loop over its connections,
# its upstream connections and the test's orders. A connection's answers are
# slots in the order of its commands, as Redis answers a pipeline.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use Test::Gmchat::Resp qw(resp_value resp_connect);
use Test::Gmchat::Servant::Orders;

use constant {
    PAUSE    => 0.001,          # between the parts of an answer
    WORD_MAX => 300,            # of a command's word, in what was seen
};


# new(control => socket, address => ..., upstream => address or undef)

sub new {
    my ($class, %arg) = @_;

    my $self = bless({
        %arg,
        select   => IO::Select->new($arg{control}),
        clients  => {},
        rules    => [],
        seen     => [],
        ruled    => 0,
        accepted => 0,
        running  => 1,
    }, $class);

    $self->{orders} = Test::Gmchat::Servant::Orders->new($arg{control}, $self);

    return $self;
}


sub run {
    my ($self) = @_;

    while ($self->{running}) {
        my @ready = $self->{select}->can_read($self->pause);

        $self->handle($_) for @ready;
        $self->flush($_) for values %{ $self->{clients} };
    }

    unlink($self->{address}) if $self->{address} =~ m{^/};

    return 1;
}


# Short while an answer travels in parts.

sub pause {
    my ($self) = @_;

    my $busy = grep { @{ $_->{parts} } } values %{ $self->{clients} };

    return $busy ? 0.001 : 1;
}


sub handle {
    my ($self, $socket) = @_;

    if ($socket == $self->{control}) {
        $self->{running} = $self->{orders}->read;
        return;
    }

    return $self->accept_client
        if $self->{listener} && $socket == $self->{listener};

    my $client = $self->{owner}{$socket} or return;

    return $self->read_upstream($client)
        if $client->{upstream} && $socket == $client->{upstream};

    $self->read_client($client);
}


# ---- the test's orders

sub order_rule {
    my ($self, $order) = @_;

    push @{ $self->{rules} }, $order->{rule};

    return 1;
}


sub order_clear_rules {
    my ($self) = @_;

    $self->{rules} = [];

    return 1;
}


sub order_release {
    my ($self) = @_;

    my @held = $self->held_slots;
    $_->{hold} = 0 for @held;

    return scalar @held;
}


# Held answers that are there: the upstream carried the command out.

sub order_held {
    my ($self) = @_;

    return scalar grep { defined $_->{bytes} } $self->held_slots;
}


sub held_slots {
    my ($self) = @_;

    return grep { $_->{hold} }
        map { @{ $_->{slots} } } values %{ $self->{clients} };
}


sub order_seen {
    my ($self) = @_;

    return $self->{seen};
}


sub order_ruled {
    my ($self) = @_;

    return $self->{ruled};
}


sub order_forget {
    my ($self) = @_;

    $self->{seen} = [];
    $self->{ruled} = 0;

    return 1;
}


sub order_connections {
    my ($self, $order) = @_;

    return scalar $self->clients($order);
}


# Those on which the command named by `only` arrived, those that are `frozen`,
# or all.

sub clients {
    my ($self, $order) = @_;

    my ($only, $frozen) = @$order{qw(only frozen)};

    return grep { !defined $only || $_->{named}{$only} }
        grep { !$frozen || $_->{deaf} || $_->{mute} }
        values %{ $self->{clients} };
}


sub order_accepted {
    my ($self) = @_;

    return $self->{accepted};
}


sub order_kick {
    my ($self, $order) = @_;

    $self->drop($_) for $self->clients($order);

    return 1;
}


sub order_freeze {
    my ($self, $order) = @_;

    $self->freeze($_, $order->{lose}) for $self->clients($order);

    return 1;
}


sub order_refuse {
    my ($self) = @_;

    if (my $listener = delete $self->{listener}) {
        $self->{select}->remove($listener);
        close($listener);
        unlink($self->{address}) if $self->{address} =~ m{^/};
    }

    return $self->order_kick({});
}


sub order_listen {
    my ($self) = @_;

    return 1 if $self->{listener};

    my $address = $self->{address};

    $self->{listener} = $address =~ m{^/}
        ? IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $address,
            Listen => 512)
        : IO::Socket::INET->new(LocalAddr => $address, Listen => 512,
            ReuseAddr => 1);

    die "listen on $address: $!\n" if !$self->{listener};
    $self->{select}->add($self->{listener});

    return 1;
}


# ---- connections

sub accept_client {
    my ($self) = @_;

    my $socket = $self->{listener}->accept or return;

    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1)
        if $self->{address} !~ m{^/};
    $socket->blocking(0);

    my $client = {
        socket => $socket,
        input  => '',
        slots  => [],           # answers, in the order of the commands
        parts  => [],           # bytes on their way: [ bytes, pause after ]
    };

    return close($socket)
        if $self->{upstream} && !$self->join_upstream($client);

    $self->{accepted}++;
    $self->{clients}{$socket} = $client;
    $self->{owner}{$socket} = $client;
    $self->{select}->add($socket);
}


sub join_upstream {
    my ($self, $client) = @_;

    my $address = $client->{elsewhere} // $self->{upstream};
    my $upstream = resp_connect($address) or return 0;

    $client->{upstream} = $upstream;
    $client->{answers} = '';
    $self->{owner}{$upstream} = $client;
    $self->{select}->add($upstream);

    return 1;
}


sub drop {
    my ($self, $client) = @_;

    return if $client->{dropped};

    for my $socket (grep { $_ } $client->{socket}, $client->{upstream}) {
        $self->{select}->remove($socket);
        delete $self->{owner}{$socket};
    }

    delete $self->{clients}{ $client->{socket} };
    close($client->{socket});
    close($client->{upstream}) if $client->{upstream};
    $client->{dropped} = 1;
}


# Another server is behind the connection from now on.

sub send_elsewhere {
    my ($self, $client, $address) = @_;

    my $old = delete $client->{upstream};

    $self->{select}->remove($old);
    delete $self->{owner}{$old};
    close($old);
    $client->{elsewhere} = $address;

    return $self->join_upstream($client);
}


# Nothing is read from it any more, and nothing written; or only one of these,
# where `lose` is "commands" or "answers".

sub freeze {
    my ($self, $client, $lose) = @_;

    $lose //= '';

    if ($lose ne 'answers') {
        $client->{deaf} = 1;
        $self->{select}->remove($client->{socket});
    }

    if ($lose ne 'commands') {
        $client->{mute} = 1;
        $client->{parts} = [];
        $self->{select}->remove($client->{upstream}) if $client->{upstream};
    }
}


sub read_client {
    my ($self, $client) = @_;

    my $got = sysread($client->{socket}, $client->{input}, 65536,
        length $client->{input});

    return if !defined $got && $!{EAGAIN};
    return $self->drop($client) if !$got;

    while (my ($words, $end) = resp_value(\$client->{input}, 0)) {
        my $bytes = substr($client->{input}, 0, $end, '');
        $self->command($client, $words, $bytes);
        last if $client->{dropped} || $client->{deaf};
    }
}


sub read_upstream {
    my ($self, $client) = @_;

    my $got = sysread($client->{upstream}, $client->{answers}, 262144,
        length $client->{answers});

    return if !defined $got && $!{EAGAIN};
    return $self->drop($client) if !$got;

    while (my ($value, $end) = resp_value(\$client->{answers}, 0)) {
        my ($slot) = grep { $_->{asked} && !defined $_->{bytes} }
            @{ $client->{slots} };
        my $bytes = substr($client->{answers}, 0, $end, '');

        if (is_message($value)) {
            $self->pass_message($client, $value, $bytes);

        } elsif ($slot) {
            $slot->{bytes} = $slot->{instead} // $bytes;
        }
    }
}


# What was published answers no command.

sub is_message {
    my ($value) = @_;

    return ref $value eq 'ARRAY' && @$value == 3
        && ($value->[0] // '') =~ /^s?message\z/;
}


# It goes before the answers that are not there yet.

sub pass_message {
    my ($self, $client, $words, $bytes) = @_;

    my $rule = $self->rule_for($words);
    return if $rule->{silent};
    return $self->drop($client) if $rule->{close};

    my $slots = $client->{slots};
    my $at = 0;
    $at++ while $at < @$slots && defined $slots->[$at]{bytes};

    splice(@$slots, $at, 0, { %$rule,
        bytes => own_bytes($rule) // $rule->{instead} // $bytes });
}


# ---- commands

sub command {
    my ($self, $client, $words, $bytes) = @_;

    my ($name, @rest) = @$words;
    push @{ $self->{seen} },
        [ uc $name, map { substr($_, 0, WORD_MAX) } @rest ];

    $client->{named}{ uc $name } = 1;

    my $rule = $self->rule_for($words);
    my $slot = { %$rule };
    push @{ $client->{slots} }, $slot;

    return $self->drop($client) if $rule->{close};
    return $self->freeze($client) if $rule->{freeze};
    return if $rule->{silent};

    $slot->{bytes} = own_bytes($rule);
    return if defined $slot->{bytes};

    if (!$client->{upstream}) {
        $slot->{bytes} = plain_answer($words);
        return;
    }

    return $self->drop($client)
        if defined $rule->{elsewhere} && !defined $client->{elsewhere}
        && !$self->send_elsewhere($client, $rule->{elsewhere});

    $slot->{asked} = 1;
    syswrite($client->{upstream}, $bytes);
}


# What a rule says without an upstream.

sub own_bytes {
    my ($rule) = @_;

    return "-$rule->{error}\r\n" if defined $rule->{error};

    return $rule->{reply};
}


sub rule_for {
    my ($self, $words) = @_;

    my $text = join(' ', @$words);
    $self->{ruled}++;

    for my $rule (@{ $self->{rules} }) {
        next if defined $rule->{name} && $rule->{name} ne uc $words->[0];
        next if defined $rule->{match} && $text !~ /$rule->{match}/;
        next if defined $rule->{nth} && --$rule->{nth} != 0;
        next if defined $rule->{times} && $rule->{times}-- <= 0;
        return $rule;
    }

    return {};
}


# What a Redis says that has no upstream: enough to set a link up.

sub plain_answer {
    my ($words) = @_;

    my $name = uc $words->[0];

    return "+PONG\r\n" if $name eq 'PING';
    return "+OK\r\n" if $name =~ /^(?:AUTH|SELECT|CLIENT)$/;
    return bulk("role:master\r\nmaster_replid:" . ('a1' x 20) . "\r\n")
        if $name eq 'INFO';
    return bulk(sha1_hex($words->[2]))
        if $name eq 'SCRIPT' && uc $words->[1] eq 'LOAD';

    return "-ERR unknown command '$name'\r\n";
}


sub bulk {
    my ($text) = @_;

    return sprintf("\$%d\r\n%s\r\n", length $text, $text);
}


# ---- answers

sub flush {
    my ($self, $client) = @_;

    return if $client->{dropped} || $client->{mute};

    while (my $slot = $client->{slots}[0]) {
        last if !defined $slot->{bytes} || $slot->{hold};
        shift @{ $client->{slots} };
        push @{ $client->{parts} }, parts_of($slot);
    }

    $self->write_parts($client);
}


# [ bytes, pause after ] each; a part without bytes closes.

sub parts_of {
    my ($slot) = @_;

    my $bytes = $slot->{bytes};
    my $at = $slot->{cut} // $slot->{split} // 0;
    $at = int(length($bytes) / 2) if $at eq 'half';
    $at = length($bytes) if $at > length($bytes);

    return map { [ $_, PAUSE ] } split(//, $bytes) if $slot->{drip};
    return ([ substr($bytes, 0, $at), 0 ], [ undef, 0 ])
        if defined $slot->{cut};
    return ([ substr($bytes, 0, $at), PAUSE ], [ substr($bytes, $at), 0 ])
        if defined $slot->{split};

    return [ $bytes, 0 ];
}


sub write_parts {
    my ($self, $client) = @_;

    while (my $part = $client->{parts}[0]) {
        return if ($client->{not_before} // 0) > time();
        return $self->drop($client) if !defined $part->[0];

        my $sent = syswrite($client->{socket}, $part->[0]);
        return if !defined $sent && $!{EAGAIN};
        return $self->drop($client) if !defined $sent;

        substr($part->[0], 0, $sent, '');
        return if length $part->[0];

        $client->{not_before} = time() + $part->[1];
        shift @{ $client->{parts} };
    }
}


1;
