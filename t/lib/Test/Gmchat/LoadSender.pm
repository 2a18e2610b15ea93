package Test::Gmchat::LoadSender;

# One player that writes to its GM, or a GM that writes to one player: a pair
# of Test::Gmchat::Invariants. It has one message under way, and says it again
# with its msgid until it is accepted.
#
#   group, uid, gm      whose
#   to_player           1: the GM writes
#   pair                its name

use strict;
use warnings;

use parent 'Test::Gmchat::LoadPeer';

use Time::HiRes qw(time);

use constant GIVE_UP => 6;      # seconds without an answer


sub new {
    my ($class, %arg) = @_;

    return $class->SUPER::new(seq => 0, busy => 0, %arg);
}


sub endpoint {
    my ($self) = @_;

    return $self->{to_player} ? '/gm' : '/gs';
}


sub go {
    my ($self) = @_;

    $self->{seq}++;
    $self->{busy} = 1;
    $self->{tries} = 0;
    $self->{first} = time();
    $self->due;
}


sub due {
    my ($self) = @_;

    return if !$self->{busy};

    $self->{tries}++;
    $self->{said} = time();

    if ($self->{socket} || $self->dial_one) {
        $self->say;
    } else {
        $self->failed('no connection');
    }
}


# A refused call leaves the connection as it is.

sub failed {
    my ($self, $why, $keeps) = @_;

    $self->{load}->log("try $self->{pair} $self->{seq} nginx"
        . ($self->{where} // '-') . " $why");
    $self->{load}->count('refused');
    $self->{said} = undef;
    $self->hang_up if !$keeps;
    $self->after(0.03 + rand(0.1));
}


sub closed {
    my ($self) = @_;

    $self->failed('broken') if $self->{busy} && $self->{said};
}


# Now and then: what is not answered is asked again elsewhere.

sub look {
    my ($self, $now) = @_;

    $self->failed('no answer') if $self->{busy} && $self->{said}
        && $self->{said} < $now - GIVE_UP;
}


sub say {
    my ($self) = @_;

    my $name = "$self->{pair}.$self->{seq}";

    $self->write('GET ' . $self->endpoint . '?action=send&group='
        . "$self->{group}&uid=$self->{uid}&msgid=$name&text=$name"
        . ($self->{to_player} ? "&gm_account=$self->{gm}" : '')
        . " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}


sub readable {
    my ($self) = @_;

    my $body = $self->take_body // return;

    $self->hang_up if $self->{closes};
    $self->answer($body);
}


sub answer {
    my ($self, $text) = @_;

    return if !$self->{busy} || !$self->{said};
    return $self->refused($text) if $text !~ /"res":1,"id":"([\d-]+)"/;

    my $load = $self->{load};

    $load->log(sprintf('accepted %s %d %s %.3f %d', $self->{pair},
        $self->{seq}, $1, $self->{first} - $load->{began}, $self->{tries}));
    $load->count('accepted');
    $load->count('repeated') if $text =~ /"repeat":true/;
    $self->{busy} = 0;
    $self->{said} = undef;
    $load->idle($self);
}


# -5: nothing was done; -6: only the repetition tells.

sub refused {
    my ($self, $text) = @_;

    my ($errno) = $text =~ /"errno":(-?\d+)/;

    $errno //= 0;

    if ($errno == -5 || $errno == -6) {
        $self->{load}->count($errno == -5 ? 'away' : 'unknown');
    } else {
        $self->{load}->strange("a sender was told $text");
    }

    $self->failed("errno $errno", 1);
}


package Test::Gmchat::LoadSender::WebSocket;

use parent -norequire, 'Test::Gmchat::LoadSender';


sub say {
    my ($self) = @_;

    if (!$self->{open}) {
        $self->write(Test::Gmchat::LoadPeer::upgrade($self->endpoint
            . "?action=stream&group=$self->{group}&host=9999&gm_account=9999"));
        return;
    }

    my $name = "$self->{pair}.$self->{seq}";

    $self->{call}++;
    $self->write_frame(1, qq({"call":$self->{call},"action":"send",)
        . qq("uid":"$self->{uid}","msgid":"$name","text":"$name")
        . ($self->{to_player} ? qq(,"gm_account":"$self->{gm}") : '') . '}');
}


sub hang_up {
    my ($self) = @_;

    $self->{open} = 0;
    $self->SUPER::hang_up;
}


# A goodbye may come between calls, or while one is not answered.

sub try_again {
    my ($self) = @_;

    $self->hang_up;
    $self->failed('goodbye') if $self->{busy} && $self->{said};
}


sub readable {
    my ($self) = @_;

    if (!$self->{open}) {
        $self->{open} = $self->take_upgrade;
        return $self->failed('no stream') if !defined $self->{open};
        return if !$self->{open};
        $self->say if $self->{busy} && $self->{said};
    }

    $self->take_frames(sub {
        $self->answer($_[0]) if $_[0] =~ /^\{"re":(\d+),/
            && $1 == $self->{call};
    });
}


1;
