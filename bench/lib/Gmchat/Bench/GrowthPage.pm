package Gmchat::Bench::GrowthPage;

# What the page says of the section `growth`.

use strict;
use warnings;

use Gmchat::Bench::GrowthBytes;
use Gmchat::Bench::Stats;

# Each curve: what the page calls it, the line's name, and its heading of x.

my %CURVE = (
    idle    => [ 'idle poll', 'undelivered elsewhere' ],
    asked   => [ 'idle poll that asks Redis', 'undelivered elsewhere' ],
    ten     => [ '`receive` of 10 with `ack`', 'undelivered elsewhere' ],
    hosts   => [ 'idle poll', 'hosts' ],
    'asked hosts' => [ 'idle poll that asks Redis', 'hosts' ],
    online  => [ '`online` of a host', 'players of the GM' ],
    friends => [ '`friends` of a GM', 'players of the GM' ],
    conversation => [ '`send`, Redis', 'messages in the conversation' ],
    mailbox => [ '`send`, Redis', 'messages in the mailbox' ],
    talkers => [ '`send`, Redis', 'players written to' ],
);


sub call {
    my ($curve) = @_;

    return $CURVE{$curve}[0];
}


sub page {
    my ($bench) = @_;

    return join("\n", <<'EOF',
## Growth

CPU time of nginx and of Redis for each call, in microseconds, against what is stored:
one worker, a unix socket, 32 connections, a second a point. What is stored is built
once, by the bridge's own scripts. An idle poll is answered from what the worker
knows; beside it stands the poll with `gmchat_poll_cache off`, which asks Redis each
time.

### Undelivered messages elsewhere

On 1,000 other hosts.
EOF
        table($bench, qw(idle asked ten)),
        plot($bench, 'undelivered',
            'Polls against undelivered messages elsewhere',
            qw(idle asked ten)), <<'EOF',
### Hosts

As many hosts poll, one after the other (`gmchat_poll_cache max=20000`).
EOF
        table($bench, 'hosts', 'asked hosts'),
        plot($bench, 'hosts', 'Polls against hosts', 'hosts', 'asked hosts'),
        <<'EOF',
### Players of a GM

All on the host that is asked for. `friends` gives each of them and the newest message,
so it grows with their number; it is a call of the desk's, not a poll. Over 4
connections.
EOF
        table($bench, 'online'), table($bench, 'friends'),
        plot($bench, 'players', 'A host\'s list against the players of a GM',
            'online'), <<'EOF',
### The conversation, the mailbox and the players of a `send`

CPU time of Redis alone, with the real script by redis-benchmark (32 connections,
pipeline 16). A conversation is as long as `gmchat_history` lets it become. Of
mailboxes there are 10 of each length; a run adds 480 to each. Players written to, at
random, are those who have conversations already: with many of them Redis finds less in
the processor's caches.
EOF
        table($bench, 'conversation'), table($bench, 'mailbox'),
        table($bench, 'talkers'),
        plot($bench, 'send', 'A send against what is there already',
            'conversation', 'mailbox', 'talkers'),
        Gmchat::Bench::GrowthBytes::page($bench));
}


# The curves one below the other, in one table.

sub table {
    my ($bench, @curves) = @_;

    my $alone = $curves[0] =~ /^(?:conversation|mailbox|talkers)$/;
    my @columns = $alone ? ([ redis => 'Redis' ])
        : ([ nginx => 'nginx' ], [ redis => 'Redis' ], [ sum => 'sum' ]);
    my $text = join(' | ', "| $CURVE{ $curves[0] }[1]", 'call',
        map { $_->[1] } @columns) . " |\n" . '|---' x (2 + @columns) . "|\n";

    for my $curve (@curves) {
        my $series = "growth $curve";

        for my $x ($bench->rows($series)) {
            $text .= join(' | ', '| ' . Gmchat::Bench::Stats::number($x),
                $CURVE{$curve}[0], map { Gmchat::Bench::Stats::spread(1,
                    $bench->values($series, $x, $_->[0])) } @columns) . " |\n";
        }
    }

    return $text;
}


sub plot {
    my ($bench, $name, $title, @curves) = @_;

    my %heading = map { $CURVE{$_}[1] => 1 } @curves;
    my $x = join('; ', sort keys %heading);
    my $one = keys %heading == 1;

    return $bench->plot("growth-$name",
        title  => $title,
        note   => 'medians of the rounds',
        x      => $x,
        log_x  => 1,
        dots   => 1,
        panels => [ { label => 'CPU time of a call', unit => 'us',
            from_zero => 1, series => [ map {
                my $curve = $_;
                my $name = $CURVE{$curve}[ $one ? 0 : 1 ] =~ s/`//gr;
                my $figure = $one ? 'sum' : 'redis';

                { name => $name, points => [ map {
                    [ $_, $bench->median("growth $curve", $_, $figure) ]
                } $bench->rows("growth $curve") ] }
            } @curves ] } ]);
}


1;
