package Test::Gmchat::Dns;

# A name server for a test: UDP on a free port of 127.0.0.1, its answers from a
# table that the test changes while it runs.
#
#   my $dns = Test::Gmchat::Dns->new;
#   $dns->set('redis.test', '127.0.0.1', '::1');
#   ... resolver 127.0.0.1:%%dns%% valid=1s; ...        # vars => $dns->port
#   $dns->set('redis.test', '127.0.0.2');
#   $dns->silent(1);                    # asked, it says nothing
#   $dns->asked('redis.test');          # how often
#
# A name that is not in the table does not exist.

use strict;
use warnings;

use parent 'Test::Gmchat::Servant';

use IO::Select;
use IO::Socket::INET;
use Socket qw(AF_INET AF_INET6 inet_pton);

use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Servant::Orders;

use constant {
    A     => 1,
    AAAA  => 28,
    TTL   => 0,
    FOUND => 0x8180,            # an answer, recursion asked for and there
    NAMELESS => 0x8183,         # no such name
};


sub new {
    my ($class, %arg) = @_;

    my $self = bless({ table => {}, asked => {}, %arg }, $class);

    $self->{port} = free_port();
    $self->{socket} = IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => "127.0.0.1:$self->{port}") or die "name server: $!";
    $self->launch;
    close(delete $self->{socket});

    return $self;
}


sub port {
    my ($self) = @_;

    return $self->{port};
}


# What nginx' directive `resolver` names.

sub address {
    my ($self) = @_;

    return "127.0.0.1:$self->{port}";
}


# The addresses of a name from now on, of both families; without any: it
# exists and has none.

sub set {
    my ($self, $name, @addresses) = @_;

    $self->ask({ do => 'set', name => lc $name, addresses => \@addresses });
}


sub forget {
    my ($self, $name) = @_;

    $self->ask({ do => 'forget', name => lc $name });
}


sub silent {
    my ($self, $on) = @_;

    $self->ask({ do => 'silent', on => $on });
}


# How many questions for a name came, also those that got no answer.

sub asked {
    my ($self, $name) = @_;

    return $self->ask({ do => 'asked', name => lc $name });
}


# ---- the child

sub work {
    my ($self, $control) = @_;

    my $orders = Test::Gmchat::Servant::Orders->new($control, $self);
    my $select = IO::Select->new($control, $self->{socket});

    while (1) {
        for my $ready ($select->can_read) {
            return if $ready == $control && !$orders->read;
            $self->answer_question if $ready == $self->{socket};
        }
    }
}


sub order_set {
    my ($self, $order) = @_;

    $self->{table}{ $order->{name} } = $order->{addresses};

    return 1;
}


sub order_forget {
    my ($self, $order) = @_;

    delete $self->{table}{ $order->{name} };

    return 1;
}


sub order_silent {
    my ($self, $order) = @_;

    $self->{silent} = $order->{on};

    return 1;
}


sub order_asked {
    my ($self, $order) = @_;

    return $self->{asked}{ $order->{name} } // 0;
}


# One question, and the answer to it.

sub answer_question {
    my ($self) = @_;

    my $peer = recv($self->{socket}, my $packet, 512, 0) // return;
    my ($id, $labels, $type) = unpack('n x10 Z* n', $packet);

    return if !defined $type;

    my $question = substr($packet, 12, length($labels) + 5);
    my $name = lc join('.', unpack('(C/a)*', $labels));

    $self->{asked}{$name}++;
    return if $self->{silent};

    my $addresses = $self->{table}{$name};
    my @records = records($type, @{ $addresses // [] });

    send($self->{socket}, pack('n6', $id, $addresses ? FOUND : NAMELESS, 1,
        scalar @records, 0, 0) . $question . join('', @records), 0, $peer);
}


# Resource records of the family that was asked for; 0xc00c is the question's
# name.

sub records {
    my ($type, @addresses) = @_;

    my $family = $type == A ? AF_INET : $type == AAAA ? AF_INET6 : return;

    return map { pack('n n n N n/a', 0xc00c, $type, 1, TTL, $_) }
        grep { defined } map { inet_pton($family, $_) } @addresses;
}


1;
