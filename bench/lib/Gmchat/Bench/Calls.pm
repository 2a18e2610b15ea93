package Gmchat::Bench::Calls;

# Our own calls: one worker, Redis over a unix socket and over TCP; 32
# connections, and for a few of them 1 and 256.

use strict;
use warnings;

use Gmchat::Bench::Floor;
use Gmchat::Bench::Profile;
use Gmchat::Bench::World;

use constant { MESSAGE => Gmchat::Bench::World::MESSAGE, FIRST => 1_000_000 };

my @WAYS = ([ socket => 'a unix socket' ], [ tcp => 'TCP' ]);
my @SIZES = (1, 10, 200);

# Hosts that are filled for a second of plain receives of so many messages.

my %STOCK = (1 => 50_000, 10 => 35_000, 200 => 6_000);


# A row: its name; `uri` behind /socket or /tcp; `messages` that an answer has
# to hold, or the `body` that it has to match; `everywhere`: with all numbers of
# connections; `empty`: the mailbox that the row fills; `plain`: of so many
# messages, one host after the other.

my @ROWS = (
    { row => 'send, GM to player', everywhere => 1, empty => 'gs:host=1001',
        body => qr/^\{"res":1,"id":"\d+-\d+"/,
        uri => '/gm?action=send&gm_account=1&uid=42&msg=' . MESSAGE },
    { row => 'send, player to GM', empty => 'gm:gm_account=1',
        body => qr/^\{"res":1,"id":"\d+-\d+"/,
        uri => '/gs?action=send&uid=42&msg=' . MESSAGE },
    { row => 'receive, nothing to say', everywhere => 1, messages => 0,
        uri => '/gs?action=receive&host=1002' },
    { row => 'relation, nothing to say', everywhere => 1,
        body => qr/^\{"res":1,"apply_data":"e30=","remove_data":"W10="/,
        uri => '/gs?action=relation&host=1002' },
    (map { { row => "receive of $_, plain", plain => $_, messages => $_,
        uri => '/gs?action=receive&host=' } } @SIZES),
    (map { { row => "receive of $_, ack", messages => $_,
        uri => "/gs?action=receive&ack=&host=@{[2000 + $_]}" } } @SIZES),
    (map { { row => "receive of $_, ack, json", messages => $_,
        uri => "/gs?action=receive&ack=&format=json&host=@{[2000 + $_]}" } }
        @SIZES),
    { row => 'online', body => qr/^\{"res":1,"data":"WyIxIl0="\}$/,
        uri => '/gs?action=online&host=1001' },
    (map { { row => "history of $_", messages => $_,
        uri => "/gm?action=history&uid=2200&limit=$_" } } 20, 200),
);


sub new {
    my ($class, $bench) = @_;

    return bless({ bench => $bench }, $class);
}


sub name {
    return 'calls';
}


sub round {
    my ($self, $k) = @_;

    my $world = Gmchat::Bench::World->new($self->{bench}, name => 'this module');

    people($world, $_->[0]) for @WAYS;

    for my $row (@ROWS) {
        for my $way (map { $_->[0] } @WAYS) {
            $self->row($world, $way, $row, $_)
                for $row->{everywhere} ? (1, 32, 256) : 32;
        }
    }

    $self->profiles($world) if $k == 1;
    $world->stop;
}


# 1001: who is written to; 1002: nobody has anything to say; 2000 + n: n
# messages that are read again and again.

sub people {
    my ($world, $way) = @_;

    $world->befriend($way, 1, 1001, 42);
    $world->befriend($way, 1, 1002, 41);

    for my $size (@SIZES) {
        $world->befriend($way, 1, 2000 + $size, 2000 + $size);
        $world->fill($way, 1, 2000 + $size, $size);
    }
}


sub row {
    my ($self, $world, $way, $row, $connections) = @_;

    my $bench = $self->{bench};
    my $plain = $row->{plain};
    my $count = $plain ? $STOCK{$plain} * $bench->{seconds} : 0;
    my $uri = "/$way$row->{uri}" . ($plain ? FIRST : '');
    my @script;

    $count = $count / 10 if $bench->{quick};

    if ($plain) {
        $world->copy($way, 2000 + $plain, FIRST, $count);
        @script = (script => Gmchat::Bench::World::each_host("/$way$row->{uri}",
            FIRST + 1, $count - 2));
    }

    check($world, $row, $uri);
    my $wrk = $bench->measure(series($way, $connections), $row->{row},
        $world->url($uri), $world->groups, connections => $connections,
        @script);
    check($world, $row, $plain ? "/$way$row->{uri}" . (FIRST + $count - 1)
        : $uri, $wrk->{requests});

    $world->drop($way, FIRST, $count) if $plain;
    $world->empty(mailbox($way, $row)) if $row->{empty};
}


sub series {
    my ($way, $connections) = @_;

    return "calls: $way, $connections";
}


# '/socket/gs?action=receive&host=1001' of 'gs:host=1001'

sub mailbox {
    my ($way, $row) = @_;

    my ($endpoint, $which) = split(/:/, $row->{empty});

    return "/$way/$endpoint?action=receive&$which";
}


# The row's call answers what it should. Behind a load of sends: there are as
# many messages as there were requests.

sub check {
    my ($world, $row, $uri, $requests) = @_;

    my $response = $world->{nginx}->get($uri);
    my ($body, $expected) = ($response->{body}, $row->{body});

    die "$row->{row}: $uri: $response->{status} $body\n"
        if $response->{status} != 200 || ($expected ? $body !~ $expected
            : Gmchat::Bench::World::messages_in($response->{json})
                ne $row->{messages});

    return if !$row->{empty} || !$requests;

    my ($way) = $uri =~ m{^/(\w+)};
    my $held = $world->held(mailbox($way, $row));

    die "$row->{row}: $requests requests left $held messages\n"
        if $held < $requests || $held > $requests + 600;
}


# Where the time of the rows goes that have a target.

sub profiles {
    my ($self, $world) = @_;

    for my $row (grep { $_->{everywhere} } @ROWS) {
        my $profile = Gmchat::Bench::Profile::take($self->{bench},
            $world->groups, sub {
                $self->{bench}->wrk($world->url("/socket$row->{uri}"),
                    row => "profile of $row->{row}");
            });

        $world->empty(mailbox('socket', $row)) if $row->{empty};
        $self->{bench}->keep("profile of $row->{row}", $profile);
    }
}


sub targets {
    my ($self, $bench) = @_;

    my $floor = $bench->median('floor: nginx', '32 connections', 'sum')
        // return;
    my $send = Gmchat::Bench::Floor::limit($bench, 'send') * 1.2;
    my $series = series('socket', 32);

    return map {
        my ($row, $limit, $why) = @$_;
        my $seen = $bench->median($series, $row, 'sum') // 'nan';

        { what => "$row, CPU us", seen => sprintf('%.1f', $seen),
            limit => sprintf('%.1f (%s)', $limit, $why),
            met => $seen <= $limit ? 1 : 0, profile => "profile of $row" }
    } (
        [ 'send, GM to player', $send > 15 ? $send : 15, '15, or 1.2 x'
            . ' (`return 200` + Redis alone), whichever is larger' ],
        [ 'receive, nothing to say', 1.5 * $floor, '1.5 x `return 200`' ],
        [ 'relation, nothing to say', 1.5 * $floor, '1.5 x `return 200`' ],
    );
}


my @COLUMNS = ([ 'nginx', 'CPU us: nginx', 1, 1 ], [ 'redis', 'Redis', 1, 1 ],
    [ 'sum', 'sum', 1 ], [ 'rps', 'requests/s', 0 ], [ 'p50', 'p50 us', 0, 1 ],
    [ 'p99', 'p99 us', 0, 1 ], [ 'p999', 'p99.9 us', 0, 1 ],
    [ 'memory', 'memory, MiB', 1, 1, 2 ** 20 ]);

sub page {
    my ($self, $bench) = @_;

    my $text = <<'EOF';
## The calls

One worker, one Redis. A message is 11 bytes (16 in base64). A plain `receive` takes
what it gives, each request from another host's mailbox, and is settled by a second
script behind its reply, which is counted; `ack` is `ack=`, which acknowledges nothing,
so that the same messages come again; `json` is `format=json`.
EOF

    for my $way (@WAYS) {
        $text .= "\n### 32 connections, Redis over $way->[1]\n\n"
            . $bench->table(series($way->[0], 32), first => 'call',
                columns => \@COLUMNS);
    }

    for my $connections (1, 256) {
        my $which = $connections == 1 ? 'One connection'
            : "$connections connections";

        for my $way (@WAYS) {
            $text .= "\n### $which, Redis over $way->[1]\n\n"
                . $bench->table(series($way->[0], $connections),
                    first => 'call', columns => \@COLUMNS);
        }
    }

    return $text . "\n" . $self->sizes($bench) . <<'EOF';

With one connection nothing shares a turn of the event loop or a system call, and each
process goes to sleep and is woken for each request: that is most of the difference.
EOF
}


# Cost against the number of messages that a receive gives.

sub sizes {
    my ($self, $bench) = @_;

    my @series = map {
        my $kind = $_;

        { name => $kind, points => [ map { [ $_, $bench->median(
            series('socket', 32), "receive of $_, $kind", 'sum') ] } @SIZES ] }
    } 'plain', 'ack', 'ack, json';

    return $bench->plot('receive', title => 'What a receive costs',
        note => '32 connections, Redis over a unix socket',
        x => 'messages in the reply', log_x => 1, dots => 1,
        panels => [ { label => 'CPU us a request, nginx and Redis',
            from_zero => 1, series => \@series } ]);
}


1;
