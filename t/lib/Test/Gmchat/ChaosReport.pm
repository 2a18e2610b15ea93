package Test::Gmchat::ChaosReport;

# What a chaos run showed: figures out of its logs, as a table, as JSON, and as
# a picture.
#
#   my $report = Test::Gmchat::ChaosReport->new($run);
#   print $report->table;
#   $report->write('chaos.json', 'chaos.svg');
#   $report->failures           what must not be; each a text of lines

use strict;
use warnings;

use JSON::PP ();
use List::Util qw(first max min sum);

use Test::Gmchat::Invariants;
use Test::Gmchat::Plot;

use constant TRACES => 5;       # that are printed


sub new {
    my ($class, $run) = @_;

    my $self = bless({ run => $run, check => Test::Gmchat::Invariants->new,
        at => {}, took => [] }, $class);

    $self->read_events;
    $self->{figures} = $self->all_figures;

    return $self;
}


sub events {
    my ($self) = @_;

    return $self->{run}{load}->events("$self->{run}{out}/faults.log");
}


# Beside the check: when messages were accepted, by group, and how long each
# took from its first try.

sub read_events {
    my ($self) = @_;

    my $next = $self->events;

    while (defined(my $line = $next->())) {
        $self->{check}->take($line);

        if ($line =~ /^(\S+) accepted ([^.]+)\.\S+ \d+ \S+ (\S+)/) {
            push @{ $self->{at}{$2} }, $1;
            push @{ $self->{took} }, $1 - $3;
        }
    }

    $self->{check}->finish;
    $_ = [ sort { $a <=> $b } @$_ ] for values %{ $self->{at} };
    $self->{took} = [ sort { $a <=> $b } @{ $self->{took} } ];
}


sub all_figures {
    my ($self) = @_;

    my $run = $self->{run};
    my $load = $run->{load};
    my $seconds = $run->{window}[1] - $run->{window}[0];

    return {
        seed        => $run->{seed},
        topology    => $run->{topology},
        durability  => $run->{durability},
        rate        => $run->{rate},
        seconds     => fixed($seconds, 1),
        %{ $self->{check}->figures },
        (map { $_ => $load->figure($_) } qw(unknown away strange polls
            connects goodbyes acks ack_resets)),
        tries       => $self->{check}->figures->{tries},
        faults      => $run->{counts},
        outages     => [ map { $self->outage($_) } @{ $run->{outages} } ],
        longest_gap => fixed($self->longest_gap, 3),
        took        => { map { $_ => fixed($self->part($_), 3) }
            0.5, 0.99, 0.999, 1 },
        drained     => $run->{drained} ? JSON::PP::true : JSON::PP::false,
        versions    => $run->{versions},
    };
}


sub fixed {
    my ($number, $digits) = @_;

    return defined $number ? 0 + sprintf("%.${digits}f", $number) : undef;
}


sub part {
    my ($self, $part) = @_;

    my $took = $self->{took};

    return @$took ? $took->[ min($#$took, int($part * @$took)) ] : undef;
}


# A master that was killed, or stopped until another one took its place: how
# long from there until a message of its groups was accepted, and one of each of
# them; and how long until clients are told of the new one, and it has its
# copies. Nobody knows where the next fault came within a second, and before
# that.

sub outage {
    my ($self, $outage) = @_;

    my $back = $outage->{back};
    my @next = grep { defined } map { first_after($self->{at}{$_} // [],
        $back) } @{ $outage->{groups} };
    my $known = @next && (!defined $outage->{next}
        || min(@next) < $outage->{next} || $outage->{next} > $back + 1);

    return {
        what      => $outage->{what},
        node      => $outage->{node},
        heir      => $outage->{heir},
        at        => fixed($outage->{at}, 3),
        back      => fixed($back - $outage->{at}, 3),
        able      => defined $outage->{able}
            ? fixed($outage->{able} - $back, 3) : undef,
        after     => $known ? fixed(min(@next) - $back, 3) : undef,
        all_after => $known ? fixed(max(@next) - $back, 3) : undef,
    };
}


# The first of sorted times that is not before this one.

sub first_after {
    my ($times, $at) = @_;

    my ($low, $high) = (0, scalar @$times);

    while ($low < $high) {
        my $middle = int(($low + $high) / 2);

        if ($times->[$middle] < $at) {
            $low = $middle + 1;
        } else {
            $high = $middle;
        }
    }

    return $times->[$low];
}


# The longest time for which no message of a group was accepted, while there
# were faults.

sub longest_gap {
    my ($self) = @_;

    my ($from, $to) = @{ $self->{run}{window} };
    my $longest = 0;

    for my $times (values %{ $self->{at} }) {
        my $last = $from;

        for my $at ((grep { $_ > $from && $_ < $to } @$times), $to) {
            $longest = $at - $last if $at - $last > $longest;
            $last = $at;
        }
    }

    return $longest;
}


# ---- what is said

sub table {
    my ($self) = @_;

    my $f = $self->{figures};
    return join('', map { sprintf("    %-34s %s\n", @$_) }
        [ 'topology, durability', "$f->{topology}, $f->{durability}" ],
        [ 'seed', $f->{seed} ],
        [ 'faults for', "$f->{seconds} s" ],
        [ 'accepted', $f->{accepted} ],
        [ 'delivered', $f->{delivered} ],
        [ 'lost', $f->{lost} ],
        [ 'twice', $f->{twice} ],
        [ 'out of order', $f->{disorder} ],
        [ 'resets', $f->{resets} ],
        [ 'not accepted at the first try', "$f->{repeats} ($f->{tries} tries: "
            . "$f->{away} refused, $f->{unknown} unknown)" ],
        [ 'given again, not acknowledged', $f->{again} + $f->{after_reset} ],
        [ 'longest time without service', "$f->{longest_gap} s" ],
        [ 'from the first try to accepted', join(', ', map {
            "$f->{took}{$_} s (" . $_ * 100 . ' %)' }
            sort keys %{ $f->{took} }) ],
        [ 'from a promotion to service', $self->spread(sub {
            $_[0]{after} }) ],
        $self->store_part,
        map { [ $_, $f->{faults}{$_} ] } sort keys %{ $f->{faults} });
}


# What of that is the store's, until clients are told and there are copies.

sub store_part {
    my ($self) = @_;

    return () if $self->{figures}{topology} eq 'single';
    return (
        [ '.. until it is known, with copies', $self->spread(sub {
            $_[0]{able} }) ],
        [ '.. from there to service', $self->spread(sub {
            my ($outage) = @_;
            my ($after, $able) = @$outage{qw(after able)};

            return defined $after && defined $able
                ? max(0, $after - $able) : undef;
        }) ],
    );
}


# Something of the outages.

sub spread {
    my ($self, $of) = @_;

    my @all = sort { $a <=> $b } grep { defined }
        map { $of->($_) } @{ $self->{figures}{outages} };

    return @all ? sprintf('%.3f s in the middle, %.3f s at most, of %d',
        $all[ @all / 2 ], $all[-1], scalar @all) : '-';
}


# Traces of what must not be, the first ones of each kind.

sub failures {
    my ($self) = @_;

    my @complaints = $self->{check}->complaints;
    my @failures = map { Test::Gmchat::Invariants::trace($_, $self->events) }
        splice(@complaints, 0, TRACES);
    my $run = $self->{run};

    push @failures, 'and ' . @complaints . " more\n" if @complaints;
    push @failures, "strange: $_\n" for @{ $run->{load}{strange} };
    push @failures, "readers did not get everything in time\n"
        if !$run->{drained} && !$self->{figures}{lost};

    return @failures;
}


# ---- what is kept

sub write {
    my ($self, $json, $svg) = @_;

    open(my $file, '>', $json) or die "$json: $!";
    print $file JSON::PP->new->canonical->pretty->encode($self->{figures});
    close($file);

    $self->plot->write($svg);
}


sub plot {
    my ($self) = @_;

    my $f = $self->{figures};
    my ($from, $to) = @{ $self->{run}{window} };

    return Test::Gmchat::Plot->new(
        title  => "Chaos: $f->{topology}, $f->{durability}",
        note   => "seed $f->{seed}: $f->{accepted} accepted, $f->{lost} lost, "
            . "$f->{twice} twice, $f->{disorder} out of order",
        x      => 'seconds',
        height => 220,
        panels => [ { label => 'accepted messages a second', from_zero => 1,
            series => [ { name => 'accepted', points => $self->rates } ] } ],
        marks  => [ map { [ $_->{at} - $from, $_->{what} eq 'kill'
            ? 'master killed' : 'master stopped, another one promoted' ] }
            @{ $self->{run}{outages} } ],
    );
}


# By second of the time with faults.

sub rates {
    my ($self) = @_;

    my ($from, $to) = @{ $self->{run}{window} };
    my @counts = (0) x ($to - $from);

    for my $at (map { @$_ } values %{ $self->{at} }) {
        my $second = int($at - $from);
        $counts[$second]++ if $second >= 0 && $second < @counts;
    }

    return [ map { [ $_ + 0.5, $counts[$_] ] } 0 .. $#counts ];
}


1;
