package Test::Gmchat::Crowd;

# Many clients at once in one process. Each has a connection of its own and
# one call under way; what it asks next is decided by the answers it got.
#
#   crowd(
#       address => '127.0.0.1:port',
#       clients => 50,
#       next    => sub { my ($client) = @_; ... request bytes, or undef },
#       answer  => sub { my ($client, $response) = @_; ... },
#       tick    => sub { ... },         # now and then
#   );
#
# `answer` gets undef where the connection ended without a response. `next`
# returning undef ends that client; returning '' asks again a little later.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use Time::HiRes qw(time);

use Test::Gmchat::Http;

our @EXPORT_OK = qw(crowd);

use constant { DEADLINE => 120, PAUSE => 0.02 };


sub crowd {
    my (%arg) = @_;

    my $self = bless({ %arg, idle => {}, busy => {},
        select => IO::Select->new, end => time() + DEADLINE }, __PACKAGE__);

    $self->{idle}{$_} = 0 for 0 .. $arg{clients} - 1;

    while (%{ $self->{idle} } || %{ $self->{busy} }) {
        die "the crowd is not through\n" if time() > $self->{end};
        $self->ask_idle;
        $self->read_ready;
        $arg{tick}->() if $arg{tick};
    }

    return 1;
}


sub ask_idle {
    my ($self) = @_;

    for my $client (keys %{ $self->{idle} }) {
        next if $self->{idle}{$client} > time();

        my $request = $self->{next}->($client);

        if (!defined $request) {
            delete $self->{idle}{$client};
            $self->hang_up($client);
            next;
        }

        if ($request eq '' || !$self->send_request($client, $request)) {
            $self->{idle}{$client} = time() + PAUSE;
            next;
        }

        delete $self->{idle}{$client};
    }
}


sub send_request {
    my ($self, $client, $request) = @_;

    my $connection = $self->{connection}{$client} //= eval {
        Test::Gmchat::Http->new(address => $self->{address});
    };

    return 0 if !$connection;

    $self->{busy}{ fileno $connection->{socket} } = $client;
    $self->{select}->add($connection->{socket});
    $connection->write($request);

    return 1;
}


sub read_ready {
    my ($self) = @_;

    for my $socket ($self->{select}->can_read(PAUSE)) {
        my $client = $self->{busy}{ fileno $socket };
        my $connection = $self->{connection}{$client};
        my $open = $connection->fill;
        my $response = $connection->take_response(!$open);

        next if $open && !$response;

        $self->{select}->remove($socket);
        delete $self->{busy}{ fileno $socket };
        $self->{idle}{$client} = 0;
        $self->hang_up($client) if !$open || closes($response);
        $self->{answer}->($client, $response);
    }
}


sub closes {
    my ($response) = @_;

    return ($response->{headers}{connection} // '') eq 'close';
}


sub hang_up {
    my ($self, $client) = @_;

    my $connection = delete $self->{connection}{$client} or return;
    $connection->close;
}


1;
