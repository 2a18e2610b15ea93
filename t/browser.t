#!/usr/bin/perl

# A browser reads a GM's and a host's events, by EventSource and by WebSocket,
# while nginx reloads and workers die: nothing is lost, nothing comes twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use List::Util qw(all);
use Test::Gmchat;
use Test::Gmchat::Http qw(encode_params);
use Test::Gmchat::Log;
use Test::Gmchat::Process qw(alive spawn);
use Test::More;

use constant {
    PLAYERS => 3,       # of each GM
    RELOADS => 5,
    ROUNDS  => 12,      # of messages, while nginx reloads or a worker dies
    PATIENT => 120,     # seconds that a browser on a busy machine may take
};

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis,
    vars => { PAGES => "$FindBin::Bin/lib" },
    allow => [ qr/exited on signal 9/ ], conf => <<'EOC');
%%MAIN%%
http {
    %%PATHS%%
    log_format streams '$pid|$status|$uri|$http_upgrade|$http_accept|'
                       '$http_origin|$http_last_event_id|$args';
    gmchat_redis %%REDIS%%;

    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT_elsewhere%%;
        access_log %%DIR%%/streams.log streams;

        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }

        location /shared {
            gmchat gm;
            gmchat_origin http://127.0.0.1:%%PORT_elsewhere%%;
            add_header Access-Control-Allow-Origin $http_origin;
        }

        location = /browser.html {
            root "%%PAGES%%";
            default_type text/html;
        }

        location = /report {
            client_max_body_size 8m;
            client_body_temp_path %%DIR%%/reports;
            client_body_in_file_only on;
            proxy_pass http://127.0.0.1:%%PORT%%/taken;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }

        location = /taken { return 204; }
    }
}
EOC

# A mailbox for each stream, as one place is what it is acknowledged up to.

my %streams = (
    'sse gm gm_account=1'       => { gm => 1, from => 'player' },
    'sse gs host=1001'          => { gm => 1, from => 'GM' },
    'websocket gm gm_account=2' => { gm => 2, from => 'player' },
    'websocket gs host=1002'    => { gm => 2, from => 'GM' },
);

my @sse = grep { /^sse/ } sort keys %streams;
my @websocket = grep { /^websocket/ } sort keys %streams;

sub players {
    my ($gm) = @_;

    return map { 10 * $gm + $_ } 1 .. PLAYERS;
}

for my $gm (1, 2) {
    $nginx->gm('create', gm_account => $gm, gm_name => "GM$gm");
    $nginx->gm('add', gm_account => $gm, host => 1000 + $gm, uid => $_)
        for players($gm);
}

# The browser. What it starts is in its process group, and so ends with it.

my $home = temp_folder();
my $browser;

sub start_browser {
    my ($url) = @_;

    my %env = map { $_ => $home } qw(HOME TMPDIR XDG_CACHE_HOME
        XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR);

    $browser = spawn(
        name   => 'chromium',
        output => "$home/output",
        env    => { %env, DBUS_SESSION_BUS_ADDRESS => 'disabled:' },
        argv   => [ 'setsid', 'chromium', '--headless=new', '--no-sandbox',
            '--disable-gpu', '--disable-breakpad', '--disable-sync',
            '--disable-background-networking', '--disable-component-update',
            '--disable-dev-shm-usage', '--no-first-run', '--no-proxy-server',
            "--user-data-dir=$home/profile", $url ],
    );
}

sub browser_gone {
    alive($browser);        # is waited for

    return !kill(0, -$browser);
}

sub stop_browser {
    kill('TERM', -$browser);
    wait_until(\&browser_gone, 5) and return 1;
    kill('KILL', -$browser);

    return wait_until(\&browser_gone);
}

END {
    if ($browser && !browser_gone()) {
        local $?;
        stop_browser();
    }
}

# What it says. A worker that is killed may leave a report that is not whole:
# it comes again.

my %reports;    # page => n => 1
my %said;       # stream => what => [ records ]

sub read_reports {
    for my $name (glob("$nginx->{dir}/reports/*")) {
        my $text = Test::Gmchat::Log::slurp($name);
        my $report = eval { JSON::PP->new->utf8->decode($text) } or next;

        unlink($name);
        next if $reports{ $report->{page} }{ $report->{n} }++;
        push @{ $said{ $_->{stream} }{ $_->{what} } }, $_
            for @{ $report->{records} };
    }
}

sub said {
    my ($stream, $what) = @_;

    return @{ $said{$stream}{$what} // [] };
}

sub events {
    my ($stream, $name) = @_;

    return grep { $_->{event} eq $name } said($stream, 'event');
}

sub opened {
    return { map { $_ => scalar said($_, 'open') } keys %streams };
}

sub browser_says {
    my ($condition) = @_;

    return wait_until(sub {
        read_reports();
        return $condition->() || !alive($browser);
    }, PATIENT) && alive($browser);
}

# What nginx says of the streams that it was asked for, as hashes

sub asked {
    my @names = qw(pid status uri upgrade accept origin last args);
    my @lines = split(/\n/, Test::Gmchat::Log::slurp(
        "$nginx->{dir}/streams.log"));

    return map {
        my %asked;
        @asked{@names} = split(/\|/, $_, scalar @names);
        $asked{stream} = join(' ',
            $asked{upgrade} eq 'websocket' ? 'websocket' : 'sse',
            $asked{uri} =~ s{^/}{}r,
            $asked{args} =~ /^action=stream&(\w+=\d+)/);
        \%asked;
    } grep { /action=stream/ } @lines;
}

sub waiting {
    my $waiting = $nginx->get('/status')->{json}{waiting};

    return "$waiting->{sse} $waiting->{websocket}";
}

# Senders: of what was not answered nobody knows, so it is said again.

my $line;
my $rounds = 0;

sub send_message {
    my ($endpoint, $uid, @params) = @_;

    my $uri = "$endpoint?" . encode_params([ action => 'send', @params,
        uid => $uid, text => "text $rounds", msgid => "$uid-$rounds" ]);
    my $response;

    wait_until(sub {
        $response = eval {
            $line //= $nginx->connect;
            $line->request('GET', $uri);
        } // {};
        undef $line
            if ($response->{headers}{connection} // 'close') eq 'close';
        return $response->{status};
    });

    die 'not accepted: ' . ($response->{body} // 'no answer') . "\n"
        if !$response->{json}{res};
}

sub send_round {
    $rounds++;

    for my $gm (1, 2) {
        for my $uid (players($gm)) {
            send_message('/gm', $uid, gm_account => $gm);
            send_message('/gs', $uid);
        }
    }
}

# Meanwhile messages are sent, until the streams in question are there again.

sub send_until_back {
    my ($before, $also, @back) = @_;

    my $end = $rounds + ROUNDS;
    my ($done, @away);

    return browser_says(sub {
        my $now = opened();

        send_round() if $rounds < $end;
        $done = $also->();
        @away = grep { $now->{$_} <= $before->{$_} } @back;

        return $rounds == $end && $done && !@away;
    }) || !diag(join("\n", $end - $rounds . ' rounds are left',
        $done ? 'the old workers went' : 'old workers are there',
        map { "not there: $_" } @away));
}

# ---- it begins

my $here = 'http://' . $nginx->address;
my $elsewhere = 'http://' . $nginx->address('elsewhere');
my @refused = tries('gm');
my @allowed = tries('shared');

sub tries {
    my ($location) = @_;

    my $url = $nginx->address . "/$location?action=stream&gm_account=3";

    return ("sse http://$url", "websocket ws://$url");
}

start_browser("$here/browser.html?" . encode_params([
    (map { (stream => $_) } sort keys %streams),
    frame => "$elsewhere/browser.html?"
        . encode_params([ map { (try => $_) } @refused, @allowed ]),
]));

ok(browser_says(sub {
    return all { events($_, 'ready') } keys %streams;
}), 'a browser opens all streams')
    or die 'without it there is nothing to see: '
        . Test::Gmchat::Log::slurp("$home/output");

# ---- pages of somewhere else

browser_says(sub {
    return all { said($_, 'open') || said($_, 'refused') } @refused, @allowed;
});

my ($sse, $websocket) = map { scalar said($_, 'refused') } @refused;

is($sse, 1, 'a page of another origin cannot open an EventSource');
is($websocket, 1, 'nor a WebSocket');

# What was refused is logged once the browser has its answer.

sub tried {
    return sort map { "$_->{status} $_->{stream}" }
        grep { $_->{origin} eq $elsewhere && $_->{uri} eq '/gm' } asked();
}

wait_until(sub { my @tried = tried(); return @tried >= 2 });
is_deeply([ tried() ],
    [ map { "403 $_ gm gm_account=3" } qw(sse websocket) ],
    'both are refused with 403');
is(scalar said($_, 'open'), 1, "gmchat_origin allows it: $_") for @allowed;

ok(wait_until(sub { waiting() eq '2 2' }),
    'the status endpoint counts what the page has open');

# ---- nginx reloads

for my $n (1 .. RELOADS) {
    my $before = opened();
    my @old = $nginx->reload_begin;

    ok(send_until_back($before, sub { $nginx->reload_done(@old) },
        keys %streams), "reload $n: every stream is there again");
}

# ---- the worker dies that has a stream

for my $stream ($sse[0], $websocket[0]) {
    my ($last) = reverse grep { $_->{stream} eq $stream } asked();
    my $before = opened();

    kill('KILL', $last->{pid});
    ok(send_until_back($before, sub { !alive_worker($last->{pid}) }, $stream),
        "a worker is killed: '$stream' is there again");
}

sub alive_worker {
    my ($pid) = @_;

    return grep { $_ == $pid } $nginx->workers;
}

# ---- what came

sub expected {
    my ($stream) = @_;

    return { map { $_ => [ map { "text $_" } 1 .. $rounds ] }
        players($streams{$stream}{gm}) };
}

cmp_ok($rounds * PLAYERS * 4, '>=', 1000, 'many messages were sent');
ok(browser_says(sub {
    return all { events($_, 'message') >= $rounds * PLAYERS } keys %streams;
}), 'as many came');

for my $stream (sort keys %streams) {
    my @messages = map { $_->{data} } events($stream, 'message');
    my %texts;

    push @{ $texts{ $_->{uid} } }, $_->{text} for @messages;
    is_deeply(\%texts, expected($stream),
        "$stream: every message came once, in order for each player");

    my @ids = map { [ split(/-/, $_->{id}) ] } @messages;
    my @gaps = grep { $ids[$_][0] ne $ids[0][0]
        || $ids[$_][1] != $ids[0][1] + $_ } 0 .. $#ids;
    is("@gaps", '', "$stream: the ids have no gap");

    is(scalar events($stream, 'reset'), 0, "$stream: nothing was in doubt");
    is_deeply([ said($stream, 'fault') ], [], "$stream: no call failed");
}

for my $stream (grep { / gs / } sort keys %streams) {
    my $gm = $streams{$stream}{gm};

    is_deeply([ map { $_->{data}{uid} } events($stream, 'relation') ],
        [ players($gm) ], "$stream: so did every relation");
    is_deeply((events($stream, 'online'))[-1]{data}{gm_accounts}, ["$gm"],
        "$stream: and who is online");
}

# ---- how it came

sub runs {
    my $last = '';

    return grep { my $new = $_ ne $last; $last = $_; $new } @_;
}

for my $stream (@sse) {
    my @asked = grep { $_->{stream} eq $stream } asked();
    my ($first, @resumed) = map { $_->{last} } @asked;

    cmp_ok(scalar @resumed, '>=', RELOADS, "$stream: came back by itself");
    is($first, '-', "$stream: began without a Last-Event-ID");
    is_deeply([ runs(@resumed) ],
        [ runs(map { $_->{cursor} } said($stream, 'break')) ],
        "$stream: went on behind the last event that it had");
    is(join(' ', grep { /cursor/ } map { $_->{args} } @asked), '',
        "$stream: for no other reason");
}

for my $stream (@websocket) {
    my @codes = map { $_->{code} } said($stream, 'break');

    cmp_ok(scalar(grep { $_ == 1012 } @codes), '>=', RELOADS,
        "$stream: reloads were announced");
    is(join(' ', grep { $_ != 1012 && $_ != 1006 } @codes), '',
        "$stream: but for a worker that died it never ended otherwise");
}

# ---- what is left

sub undelivered {
    return grep { $redis->cmd('XLEN', "gmchat:{default}:$_") > 0 }
        map { ("box:g$_", "box:h100$_", "rel:h100$_") } 1, 2;
}

ok(wait_until(sub { !undelivered() }), 'all is acknowledged')
    or diag(undelivered());
is(waiting(), '2 2', 'the page still has its streams');
ok(stop_browser(), 'the browser ends');
ok(wait_until(sub { waiting() eq '0 0' }), 'and no stream is left of it')
    or diag(waiting());

note(sprintf('%d messages; %s', $rounds * PLAYERS * 4, join(', ',
    map { "$_: opened " . said($_, 'open') } sort keys %streams)));
finish();
