package Test::Gmchat::LoadPlain;

# Beside the senders and readers of Test::Gmchat::Load: a game server that
# polls as those of old did, without a cursor, and a GM that writes to its
# player, in turn: the messages have to come in their order, and none may be
# missing.
#
#   group, gm, uid, host        whose; nobody else uses this host
#
# An answer that does not arrive took its messages or did not: they come later,
# or not at all. What nginx could not tell Redis to be delivered, as Redis or
# the worker ended, comes again (gmchat_redeliver), and holds up what is behind
# it: `plain_again` counts it. `plain` counts the messages that came, and
# `plain_done` who got everything in the end.

use strict;
use warnings;

use parent 'Test::Gmchat::LoadPeer';

use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Time::HiRes qw(time);

use Test::Gmchat::Http qw(encode_params format_request);

use constant {
    EVERY   => 0.2,     # seconds between two messages
    PATIENT => 9,       # .. without an answer
};


sub start {
    my ($self) = @_;

    $self->{n} = 1;             # the message that is sent, or is sent already
    $self->{next} = 1;          # the first one that did not come
    $self->{maybe} = {};        # those whose answer did not arrive
    $self->{says} = 'send';
    $self->after(rand(EVERY));
}


sub due {
    my ($self) = @_;

    return if $self->{done};
    return $self->try_again if !$self->{socket} && !$self->dial_one;

    $self->{asked} = time();
    $self->write(format_request('GET', $self->{says} eq 'send'
        ? '/gm?' . encode_params([ action => 'send', group => $self->{group},
            gm_account => $self->{gm}, uid => $self->{uid},
            msgid => "plain.$self->{uid}.$self->{n}",
            msg => encode_base64($self->{n}, '') ])
        : '/gs?' . encode_params([ action => 'receive',
            group => $self->{group}, host => $self->{host} ])));
}


sub closed {
    my ($self) = @_;

    return $self->hang_up if !$self->{asked};

    $self->unsure;
    $self->try_again;
}


sub unsure {
    my ($self) = @_;

    $self->{asked} = undef;
    return if $self->{says} eq 'send';

    $self->{maybe}{$_} = 1 for $self->{next} .. $self->{n};
}


sub readable {
    my ($self) = @_;

    my $body = $self->take_body // return;

    $self->hang_up if $self->{closes};

    if ($body !~ /^\{"res":1/) {
        $self->{load}->strange("a plain call was told $body")
            if $body !~ /"errno":-[56],/;
        $self->unsure;
        return $self->after(EVERY);
    }

    $self->{asked} = undef;
    return $self->received($body) if $self->{says} eq 'receive';

    $self->{says} = 'receive';
    $self->due;
}


sub received {
    my ($self, $body) = @_;

    my ($data) = $body =~ /"data":"(.*?)"/;

    $self->came($_) for map { decode_base64($_) } map { split(/,/, $_->{msg}) }
        @{ JSON::PP->new->decode(decode_base64($data)) };

    return $self->end if $self->{over} && !$self->missing($self->{n});

    if (!$self->{over}) {
        $self->{n}++;
        $self->{says} = 'send';
    }

    $self->after(EVERY);
}


sub came {
    my ($self, $n) = @_;

    return $self->{load}->count('plain_again') if $n < $self->{next};

    my @missing = $self->missing($n - 1);

    $self->{load}->strange("host $self->{host} was given message $n, and not"
        . " @missing") if @missing;
    $self->{load}->strange("host $self->{host} was given message $n, which"
        . ' nobody sent') if $n > $self->{n};
    $self->{load}->count('plain');
    $self->{next} = $n + 1;
    delete @{ $self->{maybe} }{ grep { $_ <= $n } keys %{ $self->{maybe} } };
}


# Messages up to this one that did not come, and were in no answer that is
# lost.

sub missing {
    my ($self, $last) = @_;

    return grep { !$self->{maybe}{$_} } $self->{next} .. $last;
}


sub look {
    my ($self, $now) = @_;

    return if !$self->{asked} || $self->{asked} > $now - PATIENT;

    $self->unsure;
    $self->try_again;
}


# Sends nothing more, and is done when everything came.

sub leave {
    my ($self) = @_;

    $self->{over} = 1;
}


sub end {
    my ($self) = @_;

    $self->{load}->count('plain_done');
    $self->{done} = 1;
    $self->hang_up;
}


1;
