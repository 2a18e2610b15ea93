package Test::Gmchat::LoadVisitor;

# Beside the readers of Test::Gmchat::Load: one who comes, looks into a mailbox
# and goes again, half of the time without a word, and who acknowledges
# nothing. It takes nothing from anybody, and leaves nothing behind.
#
#   kind        'sse', 'websocket', or 'held': a call that waits
#   group
#   hosts, gms  mailboxes to choose from, numbers
#
# Of the figures `visits` are those that began, `greeted` the streams that
# were told that they are open.

use strict;
use warnings;

use parent 'Test::Gmchat::LoadPeer';

use Test::Gmchat::Http qw(encode_params format_request);

use constant {
    STAY => 4,          # seconds, at most
    AWAY => 1,
    HOLD => 20,         # longer than anybody stays
};


sub start {
    my ($self) = @_;

    $self->after(rand(STAY));
}


sub due {
    my ($self) = @_;

    return if $self->{over};
    return $self->come if !$self->{socket};

    $self->go;
    $self->after(rand(AWAY));
}


sub come {
    my ($self) = @_;

    $self->dial_one or return $self->try_again;

    my $by_gm = rand() < 0.3;
    my $boxes = $by_gm ? $self->{gms} : $self->{hosts};
    my @call = (action => $self->{kind} eq 'held' ? 'receive' : 'stream',
        group => $self->{group},
        $by_gm ? 'gm_account' : 'host', $boxes->[ rand @$boxes ],
        $self->{kind} eq 'held' ? (ack => '', wait => HOLD) : ());
    my $uri = ($by_gm ? '/gm?' : '/gs?') . encode_params(\@call);

    $self->{$_} = 0 for qw(open greeted);
    $self->{load}->count('visits');
    $self->write($self->{kind} eq 'websocket'
        ? Test::Gmchat::LoadPeer::upgrade($uri)
        : format_request('GET', $uri, headers => $self->{kind} eq 'sse'
            ? [ 'Accept: text/event-stream' ] : []));
    $self->after(rand(STAY));
}


# With a closing handshake, where there is one, or with a reset.

sub go {
    my ($self) = @_;

    my $politely = rand() < 0.5;

    $self->write_frame(8, pack('n', 1000))
        if $politely && $self->{kind} eq 'websocket' && $self->{open};
    $self->hang_up(!$politely);
}


sub readable {
    my ($self) = @_;

    return $self->read_frames if $self->{kind} eq 'websocket';

    if ($self->{kind} eq 'held') {
        return defined $self->take_body ? $self->try_again : ();
    }

    $self->greeted if $self->{in} =~ /^event: ready$/m;
    $self->{in} = substr($self->{in}, -100) if $self->{greeted};
}


sub read_frames {
    my ($self) = @_;

    if (!$self->{open}) {
        $self->{open} = $self->take_upgrade;
        return $self->try_again if !defined $self->{open};
        return if !$self->{open};
    }

    $self->take_frames(sub {
        $self->greeted if $_[0] =~ /^\{"event":"ready"/;
    });
}


sub greeted {
    my ($self) = @_;

    $self->{load}->count('greeted') if !$self->{greeted};
    $self->{greeted} = 1;
}


sub look {
}


# For good.

sub leave {
    my ($self) = @_;

    $self->{over} = 1;
    $self->hang_up;
}


1;
