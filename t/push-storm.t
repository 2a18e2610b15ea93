#!/usr/bin/perl

# Everything at once: long-polls, event streams and WebSockets on two nginx
# with one Redis; 20,000 messages each way, while workers are killed, nginx
# reloads a hundred times and Redis is restarted. Senders repeat with a msgid,
# readers come back with the cursor of what they handled last, anywhere and
# over whatever transport: nothing is lost, nothing comes twice.
#
# Senders, readers and the checker are those of ./gmchat chaos. GMCHAT_SEED is
# the seed of the weather; GMCHAT_PLANT a fault of the readers' own (lose,
# double, swap or id), to see that it is found.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max shuffle sum);
use Test::Gmchat;
use Test::Gmchat::Client qw(metric);
use Test::Gmchat::Invariants;
use Test::Gmchat::Load;
use Test::More;
use Time::HiRes qw(time);

use constant {
    GROUPS  => 4,       # of five hosts and five GMs
    PLAYERS => 20,      # of each group
    EACH    => 250,     # messages to a player, and as many from it
    RELOADS => 50,      # of each nginx
    KILLS   => 50,
    RATE    => 20_000,  # messages a second, if they are fast enough
    SECONDS => 400,     # then it is given up
    TRACES  => 3,       # complaints that are told in full
};

use constant {
    TOTAL => 2 * GROUPS * PLAYERS * EACH,
    EARLY => 2 * GROUPS * PLAYERS * (EACH - 1),
};

# Streams have mailboxes as well in which nothing happens.

my @empty = (1000 .. 1019);
my @homes = ([ poll => 0 ], [ held => 1 ], [ sse => 2, @empty ],
    [ websocket => 3, 4, @empty ]);

my $began = time();
my $seed = $ENV{GMCHAT_SEED} // 20_261_121;
srand($seed);
note("GMCHAT_SEED=$seed");

my $redis = start_redis(args => [ 'appendonly yes', 'appendfsync always' ]);
my @nginx = map { start_one($_) } 'gmchat_window 100;', 'gmchat_window 1000;';

sub start_one {
    my ($line) = @_;

    return start_nginx(redis => $redis, vars => { LINE => $line },
        allow => [ qr/exited on signal 9/ ], conf => <<'EOF_CONF');
%%MAIN%%
http {
    %%PATHS%%
    access_log off;
    gmchat_poll_cache max=4096 inactive=500ms;
    gmchat_redis %%REDIS%%;
    gmchat_mailbox_max 20000 64m;
    gmchat_heartbeat 1s;
    gmchat_ping 2s;
    %%LINE%%
    server {
        listen 127.0.0.1:%%PORT%%;
        gmchat_group default client;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF_CONF
}

my @groups = map { "storm$_" } 1 .. GROUPS;
my $load = Test::Gmchat::Load->new(dir => temp_folder(), seed => $seed,
    addresses => [ map { $_->address } @nginx ], groups => \@groups,
    players => PLAYERS, each => EACH, homes => \@homes,
    reader => { roams => 1, relations => 1 }, plant => $ENV{GMCHAT_PLANT});

$load->prepare;
$load->start;

# Seconds until it is given up

sub rest {
    return max(1, $began + SECONDS - time());
}

sub wait_for {
    my ($condition) = @_;

    return wait_until(sub {
        $load->pump;
        return $condition->();
    }, rest());
}

sub permit {
    my ($most) = @_;

    $load->rate(RATE, $most);
}

# The weather: a bit of it, a bit of the messages, and so on

my ($kills, $reloads, $restarts, $longest) = (0, 0, 0, 0);

sub reload {
    my ($nginx) = @_;

    my $start = time();
    my @old = $nginx->reload_begin;

    kill_one($nginx) if rand() < 0.1;
    wait_for(sub { $nginx->reload_done(@old) }) and $reloads++;
    $longest = max($longest, time() - $start);
}

# For a moment after a kill there may be none.

sub workers_of {
    my ($nginx) = @_;

    my @workers;

    wait_for(sub { @workers = $nginx->workers });

    return @workers;
}

sub kill_one {
    my ($nginx) = @_;

    my @workers = workers_of($nginx);

    $kills += kill('KILL', $workers[ rand @workers ]);
}

sub kill_some {
    my ($nginx) = @_;

    my @old = workers_of($nginx);
    my %killed = map { $_ => 1 } rand() < 0.3 ? @old : $old[ rand @old ];

    $kills += kill('KILL', keys %killed);
    wait_for(sub {
        my @now = $nginx->workers;
        return @now == $nginx->{workers} && !grep { $killed{$_} } @now;
    });
}

my @weather = shuffle(
    (map { my $nginx = $_; (sub { reload($nginx) }) x RELOADS } @nginx),
    (map { my $nginx = $_; (sub { kill_some($nginx) }) x (KILLS / 2) } @nginx));

splice(@weather, @weather * $_ / 3, 0, sub { $redis->restart; $restarts++ })
    for 2, 1;

for my $n (1 .. @weather) {
    permit(EARLY * $n / @weather);
    $weather[ $n - 1 ]->();
    wait_for(sub {
        return $load->figure('accepted') >= EARLY * ($n - 1) / @weather - 2;
    });
    last if time() > $began + SECONDS;
}

my $storm = time() - $began;

# and when it is over, everybody comes back once more and gets one last
# message: what is said again would come before that

sub left_in_redis {
    return sum(map { my $group = $_;
        map { $redis->cmd('XLEN', "gmchat:{$group}:box:$_") }
            (map { 'h' . (1000 + $_), "g$_" } 1 .. Test::Gmchat::Load::BOXES)
    } @groups);
}

ok(wait_for(sub { $load->figure('accepted') == EARLY }),
    'every message was accepted in the end');
ok($load->drain(rest()),
    'and received, and the readers come back with their cursors');
permit(TOTAL);
ok(wait_for(sub { $load->figure('accepted') == TOTAL })
    && $load->drain(rest()), 'and get what is sent then');
ok(wait_for(sub { left_in_redis() == 0 }),
    'all is acknowledged: every mailbox is empty');
$load->end;

# What they noted; relations have no sender that notes anything

my $check = Test::Gmchat::Invariants->new;
my $next = $load->events;
my (%ways, %relations);

while (defined(my $line = $next->())) {
    $check->take($line);
    $ways{$1}++ if $line =~ /^\S+ accepted \S+\.(up|down) /;
    $relations{$1} = 1 if $line =~ /^\S+ delivered \S+ \S+ (relation\.\S+ \d+)/;
}

$check->finish;

my $figures = $check->figures;
my @complaints = $check->complaints;
my $received = $figures->{delivered} - keys %relations;

is($figures->{accepted}, TOTAL, 'as many were accepted as there are');
is($ways{$_}, TOTAL / 2, "half of them $_") for qw(up down);
is($received, TOTAL, 'as many were received as were accepted');
is($figures->{unsettled}, keys %relations, 'and none that nobody sent');
is(scalar(grep { /^relation\.\w+\.h100[345] / } keys %relations),
    GROUPS * PLAYERS * 3 / 5, 'streams were told each friendship');
is($kills >= KILLS, 1, 'workers were killed');
is($reloads, 2 * RELOADS, 'nginx reloaded');
is($restarts, 2, 'Redis was restarted');
cmp_ok($longest, '<', 25, 'old workers did not stay');
is($figures->{$_}, 0, "no $_") for qw(lost twice disorder resets);
is($load->figure($_), 0, "no $_")
    for qw(relation_resets ack_resets strange unkind);
is(join("\n", @{ $load->{strange} }, map {
    Test::Gmchat::Invariants::trace($_, $load->events)
} splice(@complaints, 0, TRACES)), '', 'nothing to complain of');

for my $nginx (@nginx) {
    for my $gauge (qw(waiting store_queue store_subscriptions)) {
        ok(wait_until(sub { metric($nginx, "gmchat_$gauge") == 0 }),
            "$gauge is 0 again") || diag(metric($nginx, "gmchat_$gauge"));
    }
}

note(sprintf('%d accepted (%d repeated, %d refused), %d received, %d lost, '
    . '%d twice, %d out of order, %d resets', $figures->{accepted},
    $load->figure('repeated'), $load->figure('refused'), $received,
    @$figures{qw(lost twice disorder resets)}));
note(sprintf('%d streams opened, %d moves between poll and stream (%d '
    . 'unacknowledged came again), %d goodbyes, %d left; %d polls, %d acks, '
    . '%d relations', (map { $load->figure($_) } qw(connects moves)),
    $figures->{again},
    map { $load->figure($_) } qw(goodbyes left polls acks relations)));
note(sprintf('%d kills, %d reloads (the longest %.1f s), %d restarts of '
    . 'Redis, %.0f seconds', $kills, $reloads, $longest, $restarts, $storm));

finish();
