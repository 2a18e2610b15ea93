package Test::Gmchat::Invariants;

# Whether messages were lost, came twice or came out of order, out of what
# their senders and receivers noted. Nothing is asked here and no clock read:
# events go in, complaints come out.
#
#   my $check = Test::Gmchat::Invariants->new;
#   $check->take($line) while defined(my $line = <$log>);
#   $check->finish;
#   $check->figures->{lost}, ..{twice}, ..{disorder}, ..{resets}
#   $_->{kind}, $_->{text} for $check->complaints;
#   print Test::Gmchat::Invariants::trace($complaint, $next_line);
#
# An event is a line, the seconds since the run began first:
#
#   0.4 try <pair> <seq> <where> <answer>       was not accepted
#   0.5 accepted <pair> <seq> <id> <first try> <tries>
#   0.6 asks <box> <id> <where>         gave back a cursor that covers <id>,
#                                       '-' for none
#   0.7 delivered <box> <id> <pair> <seq>[ <id> <pair> <seq>...]
#   0.8 reset <box> <where>             it was told that it begins anew
#   0.9 fault <words>                   what was done to the servers
#
# A pair is a sender and its receiver; it numbers its messages from 1 and has
# one under way at a time. A box is the receiver's mailbox. The events of one
# pair's sender come in their order, and so do those of one box; between them
# there is none, so that the logs of several processes are read one by one.
#
#   lost      accepted, and handed to nobody
#   twice     handed again though the cursor that was given back covers it, or
#             under another id than the first time, or than its sender's
#   disorder  handed after a later one of its pair, or after one that stands
#             behind it in the mailbox
#
# What comes again because no cursor covered it is counted as `again`, and
# what comes again under its id after a reset as `after_reset`: both are as
# the contract has it.

use strict;
use warnings;

use List::Util qw(max min);

use constant AROUND => 3;       # seconds of faults that a trace shows


sub new {
    my ($class) = @_;

    return bless({
        accepted => {},     # pair => [ id by seq ]
        handed   => {},     # pair => [ id by seq, of the first time ]
        newest   => {},     # pair => the highest seq that was handed
        past     => {},     # box => n of what the connection is past
        anew     => {},     # box => n up to which a reset gives again
        top      => {},     # box => the highest n that was handed
        figures  => { map { $_ => 0 } qw(accepted delivered lost twice
            disorder resets again after_reset tries repeats unsettled) },
        found    => [],
        known    => {},     # what was complained of already
    }, $class);
}


sub figures {
    my ($self) = @_;

    return $self->{figures};
}


sub complaints {
    my ($self) = @_;

    return @{ $self->{found} };
}


my %takes = (
    try       => sub { $_[0]{figures}{tries}++ },
    accepted  => \&accepted,
    asks      => \&asks,
    delivered => \&delivered,
    reset     => \&reset_told,
    fault     => sub { },
);

sub take {
    my ($self, $line) = @_;

    my ($at, $event, @words) = split(' ', $line);
    my $take = $takes{ $event // '' } or die "no event: $line\n";

    $take->($self, @words);
}


sub accepted {
    my ($self, $pair, $seq, $id, undef, $tries) = @_;

    $self->{figures}{accepted}++;
    $self->{figures}{repeats}++ if ($tries // 1) > 1;
    $self->{accepted}{$pair}[$seq] = $id;
}


sub asks {
    my ($self, $box, $id) = @_;

    $self->{past}{$box} = number($id);
}


sub reset_told {
    my ($self, $box) = @_;

    $self->{figures}{resets}++;
    $self->{past}{$box} = 0;
    $self->{anew}{$box} = $self->{top}{$box} // 0;
}


# The n of an id, 0 of '-'.

sub number {
    my ($id) = @_;

    return $id =~ /-(\d+)$/ ? $1 : 0;
}


sub delivered {
    my ($self, $box, @entries) = @_;

    while (my ($id, $pair, $seq) = splice(@entries, 0, 3)) {
        my $n = number($id);
        my $past = $self->{past}{$box} // 0;
        my $first = $self->{handed}{$pair}[$seq];

        if (defined $first) {
            $self->again($box, $n, $past, $id, $first, $pair, $seq);
        } else {
            $self->first($box, $n, $past, $id, $pair, $seq);
        }

        $self->{past}{$box} = $n if $n > $past;
        $self->{top}{$box} = max($self->{top}{$box} // 0, $n);
    }
}


sub first {
    my ($self, $box, $n, $past, $id, $pair, $seq) = @_;

    my $newest = $self->{newest}{$pair} // 0;

    $self->{figures}{delivered}++;
    $self->{handed}{$pair}[$seq] = $id;
    $self->{newest}{$pair} = max($newest, $seq);

    if ($seq < $newest) {
        $self->complain('disorder', $pair, $seq,
            "handed to $box after message $newest");
    } elsif ($n <= $past) {
        $self->complain('disorder', $pair, $seq,
            "$box was past $past when it was given $id");
    }
}


sub again {
    my ($self, $box, $n, $past, $id, $first, $pair, $seq) = @_;

    if ($id ne $first) {
        $self->complain('twice', $pair, $seq,
            "handed to $box as $first and as $id");
    } elsif ($n <= $past) {
        $self->complain('twice', $pair, $seq,
            "handed to $box again as $id, and it was past $past");
    } elsif ($n <= ($self->{anew}{$box} // 0)) {
        $self->{figures}{after_reset}++;
    } else {
        $self->{figures}{again}++;
    }
}


sub complain {
    my ($self, $kind, $pair, $seq, $text) = @_;

    return if $self->{known}{"$kind $pair $seq"}++;

    $self->{figures}{$kind}++;
    push @{ $self->{found} },
        { kind => $kind, pair => $pair, seq => $seq, text => $text };
}


# When all was drained: holds the two sides against each other.

sub finish {
    my ($self) = @_;

    for my $pair (sort keys %{ $self->{accepted} }) {
        my $accepted = $self->{accepted}{$pair};
        my $handed = $self->{handed}{$pair} // [];

        for my $seq (1 .. $#$accepted) {
            my $id = $accepted->[$seq] // next;
            my $there = $handed->[$seq];

            if (!defined $there) {
                $self->complain('lost', $pair, $seq, "accepted as $id");
            } elsif ($there ne $id) {
                $self->complain('twice', $pair, $seq,
                    "accepted as $id, handed as $there");
            }
        }
    }

    for my $pair (sort keys %{ $self->{handed} }) {
        my $handed = $self->{handed}{$pair};

        $self->{figures}{unsettled} += grep { defined $handed->[$_]
            && !defined $self->{accepted}{$pair}[$_] } 1 .. $#$handed;
    }
}


# What happened to a message: its tries, where and when it was handed over
# with what cursor, and the faults around. `next_line` gives all events, then
# undef.

sub trace {
    my ($complaint, $next_line) = @_;

    my ($pair, $seq) = @$complaint{qw(pair seq)};
    my (@lines, @faults, %asked);

    while (defined(my $line = $next_line->())) {
        if ($line =~ /^\S+ (?:asks|reset) (\S+)/) {
            push @{ $asked{$1} }, $line;
            shift @{ $asked{$1} } if @{ $asked{$1} } > 2;

        } elsif ($line =~ /^\S+ fault /) {
            push @faults, $line;

        } elsif ($line =~ / \Q$pair\E $seq(?: |$)/) {
            push @lines, splice(@{ $asked{$1} // [] })
                if $line =~ /^\S+ delivered (\S+)/;
            push @lines, shorten($line, $pair, $seq)
                if !same_try($line, \@lines);
        }
    }

    my @times = map { /^(\S+)/ } @lines;
    my ($from, $to) = @times
        ? (min(@times) - AROUND, max(@times) + AROUND) : (0, 0);

    push @lines, grep { my ($at) = /^(\S+)/; $at >= $from && $at <= $to }
        @faults;
    chomp(@lines);

    return join('', "$complaint->{kind}: message $seq of $pair, "
        . "$complaint->{text}\n",
        map { "    $_\n" } sort { ($a =~ /^(\S+)/)[0] <=> ($b =~ /^(\S+)/)[0] }
        @lines);
}


# Tries that end alike are one line, with the time of the last one.

sub same_try {
    my ($line, $lines) = @_;

    my ($at, $try) = $line =~ /^(\S+) (try .*)/ or return 0;

    return 0 if !@$lines || $lines->[-1] !~ /^\S+ \Q$try\E(?: \(| *$)/;

    my ($count) = $lines->[-1] =~ / \((\d+) times/;

    chomp($lines->[-1]);
    $lines->[-1] =~ s/ \(.*//;
    $lines->[-1] .= sprintf(' (%d times, until %s)', ($count // 1) + 1, $at);

    return 1;
}


# Of a delivery of many only what is before and after.

sub shorten {
    my ($line, $pair, $seq) = @_;

    my ($at, $event, $box, @entries) = split(' ', $line);

    return $line if $event ne 'delivered';

    my ($i) = grep { $entries[ $_ * 3 + 1 ] eq $pair
        && $entries[ $_ * 3 + 2 ] == $seq } 0 .. @entries / 3 - 1;
    my ($from, $to) = (max(0, $i - 1), min(@entries / 3 - 1, $i + 1));

    return join(' ', $at, $event, $box, @entries[ $from * 3 .. $to * 3 + 2 ],
        '(' . @entries / 3 . ' at once)');
}


1;
