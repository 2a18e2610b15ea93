package Test::Gmchat::LoadReader;

# Reads one or several mailboxes of a group and acknowledges what it was given,
# over the transport that is its home; a stream comes back with its cursor over
# either kind, at either nginx.
#
#   endpoint    '/gm' or '/gs'
#   boxes       of hosts or GMs, numbers
#   group
#   home        'poll' (asks again and again), 'held' (waits for an answer),
#               'sse' or 'websocket'
#   roams       1: now and then it leaves, and who polls goes to a stream and
#               comes back; a poll takes any number of messages
#   relations   1: those that streams tell are noted as well: the n-th is
#               message n of the pair relation.<box>
#
# What it hands to its user it notes for Test::Gmchat::Invariants. By box,
# {at} is the id of the newest entry that its cursor covers, {known} of the
# newest that it knows to be acknowledged. Cursors of polls and of streams are
# not the same: who moves has none, and must not be given again what is known
# to be acknowledged.

use strict;
use warnings;

use parent 'Test::Gmchat::LoadPeer';

use Time::HiRes qw(time);

use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Invariants;

use constant {
    HOLD    => 5,       # seconds that a held call waits
    QUIET   => 9,       # without a sign of life it comes back
    EVERY   => 0.1,     # seconds between polls, and between acks
    GATHER  => 0.03,    # .. and before it asks again, that more comes at once
};


sub start {
    my ($self) = @_;

    $self->{$_} = '' for qw(cursor done);
    $self->{at} = {};
    $self->{known} = {};
    $self->{mode} = $self->{home};
    $self->{acker} = Test::Gmchat::LoadReader::Acker->new(
        load => $self->{load}, reader => $self);
    $self->due;
}


sub is_poll {
    my ($self) = @_;

    return $self->{mode} eq 'poll' || $self->{mode} eq 'held';
}


sub receiver {
    my ($self) = @_;

    return $self->{endpoint} eq '/gs' ? 'host' : 'gm_account';
}


sub box {
    my ($self, $number) = @_;

    return "$self->{group}." . ($self->{endpoint} eq '/gs' ? 'h' : 'g')
        . $number;
}


sub due {
    my ($self) = @_;

    $self->{heard} = time();

    if ($self->is_poll) {
        return $self->try_again if !$self->{socket} && !$self->dial_one;
        return $self->ask;
    }

    return $self->try_again if !$self->dial_one;

    $self->{text} = '';
    $self->{ended} = 0;
    $self->forget_ack if !$self->{acker}{busy};
    $self->{mode} = rand() < 0.5 ? 'sse' : 'websocket' if rand() < 0.3;
    $self->{load}->count('connects');
    $self->open_stream;
}


sub hang_up {
    my ($self, @reset) = @_;

    $self->{open} = 0;
    $self->SUPER::hang_up(@reset);
}


# What a cursor covers is said before it is given back.

sub note_asks {
    my ($self) = @_;

    my @boxes = map { $self->box($_) } @{ $self->{boxes} };

    push @boxes, map { "relation.$_" } @boxes
        if $self->{relations} && !$self->is_poll;

    for my $box (@boxes) {
        $self->{load}->log("asks $box " . ($self->{at}{$box} // '-')
            . " $self->{mode} nginx$self->{where}");
    }
}


# ---- polls

sub ask {
    my ($self) = @_;

    my $wait = $self->{mode} eq 'held' && !$self->{load}{over} ? HOLD : 0;
    my $limit = $self->{roams} ? 1 + int(rand(200)) : 1000;

    $self->note_asks;
    $self->{load}->count('polls');
    $self->write("GET $self->{endpoint}?action=receive&group=$self->{group}&"
        . $self->receiver . "=$self->{boxes}[0]&ack=$self->{cursor}&wait=$wait"
        . "&format=json&limit=$limit HTTP/1.1\r\nHost: localhost\r\n\r\n");
}


sub take_poll {
    my ($self) = @_;

    my $body = $self->take_body // return;
    my $box = $self->box($self->{boxes}[0]);

    $self->hang_up if $self->{closes};

    if ($body !~ /^\{"res":1,/) {
        $self->refused($body);
        return $self->after(0.05 + rand(0.1));
    }

    $self->is_acknowledged({ $box => $self->{at}{$box} })
        if $self->{cursor} ne '';
    $self->is_reset($box) if $body =~ /"reset":true/;
    $self->take($box, $1, $2) while $body
        =~ /\{"id":"([\d-]+)","uid":"\d+","gm_account":"\d+","text":"(.*?)"/g;
    $self->hand_over;

    ($self->{cursor}) = $body =~ /"cursor":"(.*?)"/;
    $self->{at}{$box} = $self->{cursor};
    $self->{rounds}++;

    my $more = $body =~ /"more":true/;

    $self->after($more ? 0 : $self->{mode} eq 'held' ? GATHER : EVERY);
    $self->wander;
}


sub refused {
    my ($self, $text) = @_;

    my ($errno) = $text =~ /"errno":(-?\d+)/;

    $self->{load}->count('reads_refused');
    $self->{load}->strange("a reader was told $text")
        if ($errno // 0) != -5 && ($errno // 0) != -6;
}


# ---- streams

sub open_stream {
    my ($self) = @_;

    my $list = join(',', @{ $self->{boxes} });
    my $uri = "$self->{endpoint}?action=stream&group=$self->{group}&"
        . $self->receiver . "=$list";
    my @headers;

    if ($self->{cursor} ne '' && rand() < 0.5) {
        @headers = "Last-Event-ID: $self->{cursor}";
    } else {
        $uri .= '&' . encode_params([ cursor => $self->{cursor} ]);
    }

    $self->note_asks;
    $self->write($self->{mode} eq 'websocket'
        ? Test::Gmchat::LoadPeer::upgrade($uri, @headers)
        : format_request('GET', $uri,
            headers => [ 'Accept: text/event-stream', @headers ]));
}


sub readable {
    my ($self) = @_;

    $self->{heard} = time();

    return $self->take_poll if $self->is_poll;
    return if !$self->{open} && !$self->take_open;

    if ($self->{mode} eq 'sse') {
        $self->take_chunks;
    } else {
        $self->take_frames(sub { $self->take_text($_[0]) });
    }

    $self->hand_over;
    $self->wander if $self->{open};
}


sub take_open {
    my ($self) = @_;

    if ($self->{mode} eq 'websocket') {
        $self->{open} = $self->take_upgrade;

    } elsif ($self->{in} =~ m{^HTTP/1\.1 200 .*?\r\n\r\n}s) {
        substr($self->{in}, 0, $+[0], '');
        $self->{open} = 1;

    } elsif (defined($self->{refusal} = $self->take_body)) {
        $self->{open} = undef;
    }

    if (!defined $self->{open}) {
        $self->refused($self->{refusal});
        $self->try_again;
    }

    return $self->{open};
}


sub take_chunks {
    my ($self) = @_;

    while ($self->{in} =~ /^([0-9a-f]+)\r\n/) {
        my ($head, $size) = ($+[0], hex($1));

        if ($size == 0) {
            $self->{load}->count('goodbyes');
            $self->{load}->count('unkind') if !$self->{ended};
            return $self->try_again;
        }

        return if length $self->{in} < $head + $size + 2;
        $self->{text} .= substr($self->{in}, $head, $size);
        substr($self->{in}, 0, $head + $size + 2, '');
        $self->take_lines;
    }
}


sub take_lines {
    my ($self) = @_;

    while ((my $end = index($self->{text}, "\n\n")) >= 0) {
        my $block = substr($self->{text}, 0, $end + 2, '');

        if ($block =~ /^event: (\w+)\n(?:id: (.*)\n)?data: (.*)\n\n/) {
            $self->take_event($1, $2, $3);
        } elsif ($block =~ /^retry: \d+\n/) {
            $self->{ended} = 1;
        } elsif ($block !~ /^:/) {
            $self->{load}->strange("an event: $block");
        }
    }
}


sub take_text {
    my ($self, $text) = @_;

    if ($text =~ /^\{"event":"(\w+)"(?:,"id":"(.*?)")?,"data":(\{.*\})\}$/) {
        $self->take_event($1, $2, $3);
    } elsif ($text =~ /^\{"re":1,/) {
        $self->acked($text);
    } else {
        $self->{load}->strange("a frame: $text");
    }
}


sub take_event {
    my ($self, $name, $id, $data) = @_;

    if ($name eq 'message') {
        my ($box) = $self->{endpoint} eq '/gs' ? $data =~ /"host":"(\d+)"/
            : $data =~ /"gm_account":"(\d+)"/;

        $self->take($self->box($box), $data =~ /"id":"([\d-]+)"/,
            $data =~ /"text":"(.*?)"/);

    } elsif ($name eq 'relation' && $self->{relations}) {
        $self->take_relation($self->box($data =~ /"host":"(\d+)"/),
            $data =~ /"id":"([\d-]+)"/);

    } elsif ($name eq 'reset') {
        my $box = $self->box($data =~ /"(?:host|gm_account)":"(\d+)"/);

        $self->hand_over;
        $self->is_reset($data =~ /"of":"message"/ ? $box : "relation.$box");

    } elsif ($name eq 'ready') {
        $self->{rounds}++;
    }

    $self->{cursor} = $id if defined $id;
}


sub is_reset {
    my ($self, $box) = @_;

    my $of_messages = $box !~ /^relation/;

    $self->{load}->log("reset $box $self->{mode} nginx"
        . ($self->{where} // '-')) if $of_messages || $self->{relations};
    $self->{load}->count($of_messages ? 'resets' : 'relation_resets');
    delete $self->{at}{$box};
    delete $self->{known}{$box};
}


# ---- entries

# An entry: its message is "<pair>.<seq>".

sub take {
    my ($self, $box, $id, $text) = @_;

    my ($pair, $seq) = $text =~ /^(.*)\.(\d+)$/
        or return $self->{load}->strange("a message: $text");
    my @entries = ([ $id, $pair, $seq ]);

    @entries = $self->{load}->plant(@entries) if $self->{load}{plant};

    push @{ $self->{batch}{$box} }, map { @$_ } @entries;
    $self->{at}{$box} = $id;
}


sub take_relation {
    my ($self, $box, $id) = @_;

    my ($n) = $id =~ /-(\d+)$/;

    $self->{load}->log("delivered relation.$box $id relation.$box $n");
    $self->{load}->count('relations');
    $self->{at}{"relation.$box"} = $id;
}


# All that came in one go is noted at once.

sub hand_over {
    my ($self) = @_;

    my $load = $self->{load};
    my $batch = delete $self->{batch} or return;

    for my $box (keys %$batch) {
        my $entries = $batch->{$box};

        next if !@$entries;
        $load->log(join(' ', 'delivered', $box, @$entries));

        for (my $i = 1; $i < @$entries; $i += 3) {
            my ($pair, $seq) = @$entries[ $i, $i + 1 ];

            $load->count('again'), next if $load->{seen}{$pair}[$seq];
            $load->{seen}{$pair}[$seq] = 1;
            $load->count('received');
        }
    }
}


# ---- acks of streams

# Now and then.

sub look {
    my ($self, $now) = @_;

    if (($self->{heard} // $now) < $now - QUIET) {
        $self->{load}->count('quiet');
        return $self->try_again;
    }

    $self->{acker}->look($now);
    $self->ack if !$self->is_poll && $self->{cursor} ne $self->{done}
        && ($self->{acked} // 0) < $now - EVERY;
}


sub ack {
    my ($self) = @_;

    return if $self->{acking};

    $self->{acked} = time();
    $self->{done} = $self->{cursor};
    $self->{acking} = { %{ $self->{at} } };

    if ($self->{mode} eq 'websocket' && $self->{open} && rand() < 0.7) {
        $self->write_frame(1,
            qq({"call":1,"action":"ack","cursor":"$self->{cursor}"}));
    } else {
        $self->{acker}->ack($self->{cursor});
    }
}


# One that failed is followed by another with a newer cursor, or this again.

sub acked {
    my ($self, $text) = @_;

    my $at = $self->{acking} // {};

    $self->{acking} = undef;

    if ($text !~ /"res":1/) {
        $self->refused($text);
        $self->{done} = '';
        return;
    }

    $self->is_acknowledged($at);
    $self->{load}->count('acks');
    $self->{load}->count('ack_resets') if $text =~ /"reset":true/;
}


# The answer to one that was on its way over the stream does not come any more.

sub forget_ack {
    my ($self) = @_;

    $self->{acking} = undef;
    $self->{done} = '';
}


sub is_acknowledged {
    my ($self, $at) = @_;

    for my $box (keys %$at) {
        $self->{known}{$box} = $at->{$box}
            if Test::Gmchat::Invariants::number($at->{$box})
            > Test::Gmchat::Invariants::number($self->{known}{$box} // '-');
    }
}


# ---- where it goes

sub wander {
    my ($self) = @_;

    return if !$self->{roams} || $self->{load}{over};

    if ($self->{home} ne 'poll' && $self->{home} ne 'held') {
        return if rand() >= 0.002;
        $self->{load}->count('left');
        $self->leave;
    } elsif (rand() < ($self->is_poll ? 0.03 : 0.01)) {
        $self->move;
    }
}


# To a stream, or back home.

sub move {
    my ($self) = @_;

    $self->{load}->count('moves');
    $self->{mode} = !$self->is_poll ? $self->{home}
        : rand() < 0.5 ? 'sse' : 'websocket';
    $self->{cursor} = $self->{done} = '';
    $self->{at} = { %{ $self->{known} } };
    $self->leave;
}


# Leaves without a word, and comes back with the cursor, if it has one.

sub leave {
    my ($self) = @_;

    $self->hang_up(rand() < 0.5);
    $self->after(0);
}


# Calls of a reader beside its stream

package Test::Gmchat::LoadReader::Acker;

use parent -norequire, 'Test::Gmchat::LoadPeer';


sub ack {
    my ($self, $cursor) = @_;

    my $reader = $self->{reader};

    $self->{busy} = 1;
    $self->{uri} = "$reader->{endpoint}?action=ack&group=$reader->{group}"
        . '&' . Test::Gmchat::Http::encode_params([ cursor => $cursor ]);
    $self->due;
}


sub due {
    my ($self) = @_;

    return if !$self->{busy};

    $self->{said} = Time::HiRes::time();

    if ($self->{socket} || $self->dial_one) {
        $self->write("GET $self->{uri} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    } else {
        $self->try_again;
    }
}


sub closed {
    my ($self) = @_;

    $self->try_again if $self->{busy};
}


sub look {
    my ($self, $now) = @_;

    $self->try_again if $self->{busy}
        && $self->{said} < $now - Test::Gmchat::LoadReader::QUIET;
}


sub readable {
    my ($self) = @_;

    my $body = $self->take_body // return;

    $self->hang_up if $self->{closes};
    $self->{busy} = 0;
    $self->{reader}->acked($body);
}


1;
