#!/usr/bin/perl

# Memory runs out in a worker: each allocation of a call, a held call, a stream
# and a lost link fails once, in its turn, and then all from it on. The client
# is told or cut off, the worker lives, the next call works; nothing that was
# accepted is lost or comes twice, and nothing is left behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0);
use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Memory;
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;
use Time::HiRes qw(time setitimer ITIMER_REAL);

use constant {
    MOST    => 400,     # allocations that a scene may need
    LONG    => 20,      # seconds for what has to come
    SHORT   => 0.1,     # for what may not come, as memory failed
    FOREVER => 1_000_000,
    SLACK   => 100,     # blocks that calls keep for the next, five each
};

my $redis = start_redis();
my $memory = Test::Gmchat::Memory->new(dir => temp_folder());

# Small pools, so that more of nginx's allocations are malloc's.

my $nginx = start_nginx(redis => $redis, workers => 1,
    preload => $memory->library, env => $memory->environment,
    allow => [ qr/\[(?:emerg|alert|crit)\].*(?:malloc|memalign|memory)/ ],
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_poll_cache max=100 inactive=500ms;
    gmchat_redis %%REDIS%% timeout=500ms probe=1s;
    gmchat_redeliver 700ms;
    gmchat_grace 5s;
    gmchat_mailbox_max 10000 64m;
    connection_pool_size 128;
    request_pool_size 128;
    keepalive_timeout 0;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /desk { gmchat gm; gmchat_operator olga; gmchat_admin olga; }
        location /parked { gmchat gm; keepalive_timeout 60s; }
        location /filtered { gmchat gs; limit_rate 10m; }
        location /status { gmchat status; }
    }
}
EOF

my ($worker) = $nginx->workers;
$memory->of($worker);

wait_until(sub { $nginx->gm('accounts')->{json}{res} });
is_bare($nginx->gm('create', gm_account => $_, gm_name => "GM$_"), "GM $_")
    for 1, 2;
is_bare($nginx->gm('add', gm_account => $_, host => 1000 + $_,
    uid => 4 + $_), "a player of GM $_") for 1, 2;


# ---- what is known of each message

my $n = 0;
my %accepted;       # text => 1, 0, or 'maybe' where nobody can say
my %received;       # text => how often
my $cursor = '';    # of host 1001

# A call that may be cut: the response, or undef.

sub attempt {
    my ($call) = @_;

    my $response = eval { $call->() };

    fail("no HTTP: $@") if $@ =~ /not HTTP/;
    return if !$response;

    fail("an answer of the contract: $response->{status} $response->{body}")
        if !well_formed($response);

    return $response;
}

# nginx' own 500 is without a body of the contract where there was no memory
# for that, either.

sub well_formed {
    my ($response) = @_;

    my $json = $response->{json};

    return 1 if $response->{status} == 500;
    return 0 if !$json || !defined $json->{res};

    return $json->{res} == 1 || $response->{status} =~ /^50[034]$/;
}

# The JSON of a success, or undef.

sub success {
    my ($response) = @_;

    return if !$response || !$response->{json} || !$response->{json}{res};

    return $response->{json};
}

sub note_sent {
    my ($text, $json) = @_;

    $accepted{$text} = !$json || ($json->{errno} // 0) == -6 ? 'maybe'
        : $json->{res} ? 1 : 0;

    return $accepted{$text} eq 1 ? $text : undef;
}

sub send_text {
    my ($endpoint, @who) = @_;

    my $text = 't' . ++$n;
    my $response = attempt(sub {
        $nginx->$endpoint('send', @who, text => $text, msgid => $text);
    });

    return note_sent($text, $response && $response->{json});
}

sub to_host {
    return send_text('gm', gm_account => 1, uid => 5);
}

sub to_gm {
    return send_text('gs', uid => 5);
}

# What came in a reply that is whole did come. How many.

sub note_received {
    my ($response) = @_;

    success($response) or return 0;
    $received{ $_->{text} }++ for items($response);

    return scalar items($response);
}

my @page = (format => 'json', limit => 1000);

sub read_host {
    my $response = attempt(sub {
        $nginx->gs('receive', host => 1001, @page, ack => $cursor);
    });

    $cursor = $response->{json}{cursor} if success($response);

    return note_received($response);
}

sub take_gm {
    return note_received(attempt(sub {
        $nginx->gm('receive', gm_account => 1, @page);
    }));
}

sub take_all {
    return note_received(attempt(sub { $nginx->gm('receive', @page) }));
}


# ---- waiting

# What has to come is waited for; where memory failed it may never come.

my $patience;   # when the waiting began, while there is any

$SIG{ALRM} = sub {
    return if !defined $patience || is_parsing();

    my $waited = time() - $patience;
    die "nothing comes\n" if $waited > LONG
        || $waited > SHORT && $memory->field('failed');
};

# The clock may strike once more when the work is over: hence the outer eval.

sub patient {
    my ($work) = @_;

    my $value;

    eval {
        eval {
            $patience = time();
            setitimer(ITIMER_REAL, 0.02, 0.02);
            $value = $work->();
        };
        undef $patience;
    };
    undef $patience;
    setitimer(ITIMER_REAL, 0);

    return $value;
}

# What has come is read to its end: there are evals on the way.

sub is_parsing {
    my $depth = 0;

    while (my $name = (caller($depth++))[3]) {
        return 1 if $name =~ /::(?:attempt|parse_response|take_response
            |take_event|sort_frame)$/x;
    }

    return 0;
}

sub status {
    my $seen;

    wait_until(sub {
        my $response = eval { $nginx->get('/status') };
        $seen = $response && $response->{json};
    });

    return $seen;
}


# ---- the scenes: each says whether all went as it does with memory

sub scene_send {
    return to_host();
}

sub scene_json_body {
    my $text = 't' . ++$n;
    my $response = attempt(sub {
        $nginx->post_json('/gm', { action => 'send', gm_account => 1,
            uid => 5, text => $text });
    });

    return note_sent($text, $response && $response->{json});
}

sub scene_read {
    return read_host();
}

# Polls of a host that nobody knows yet, until it is known to have nothing.

my $stranger = 2000;

sub scene_idle {
    my $uri = '/gs?action=relation&host=' . ++$stranger;

    return !grep {
        my $reply = patient(sub { $nginx->get($uri) });
        !$reply || !$reply->{json} || !$reply->{json}{res};
    } 1 .. 4;
}

sub scene_take {
    return take_gm();
}

sub scene_take_all {
    return take_all();
}

# Held, and woken by a message, when `$later` says so.

sub held {
    my ($uri, $send, $later) = @_;

    my $before = $redis->calls('evalsha');
    my $connection = $nginx->connect;
    my $over = 0;

    $connection->write(format_request('GET', $uri));
    patient(sub {
        wait_until(sub {
            $over = IO::Select->new($connection->{socket})->can_read(0);
            return $over || $redis->calls('evalsha') > $before;
        });
    });

    patient($later) if $later;
    $send->() if !$over;

    my $response;
    patient(sub { $response = $connection->response });
    $response //= last_words($connection);
    $connection->close;

    return $response;
}

# What was written before nginx saw that nobody waits any more did come.

sub last_words {
    my ($connection) = @_;

    shutdown($connection->{socket}, 1);

    return attempt(sub { $connection->response(5) });
}

sub scene_long_poll {
    return note_received(held('/gm?action=receive&gm_account=1&format=json'
        . '&wait=50', \&to_gm));
}

# Held for so long that nginx has its request back meanwhile, unless memory
# failed.

sub scene_long_poll_parked {
    return note_received(held('/parked?action=receive&gm_account=1'
        . '&format=json&wait=50', \&to_gm, sub {
            return wait_until(sub {
                return status()->{parked} || $memory->field('failed');
            });
        }));
}

sub scene_long_poll_ack {
    my $response = held('/gs?action=receive&host=1001&format=json&wait=50'
        . "&limit=1000&ack=$cursor", \&to_host);

    $cursor = $response->{json}{cursor} if success($response);

    return note_received($response);
}

# A stream is opened, fed and closed by its client. What it is given is not
# acknowledged: the mailbox keeps it.

sub stream {
    my ($uri) = @_;

    my $stream = patient(sub {
        Test::Gmchat::Sse->new(address => $nginx->address, uri => $uri);
    }) or return 0;

    my $whole = patient(sub {
        $stream->next_event('ready') or die 'a stream that is not ready';
        my $text = to_host() // die 'nothing was sent';

        while (my $event = $stream->next_event('message')) {
            return 1 if $event->{data}{text} eq $text;
        }

        return 0;
    });

    $stream->close;

    return $whole;
}

sub scene_stream {
    return stream('/gs?action=stream&host=1001');
}

# nginx' filters stand before the connection all the time.

sub scene_stream_filtered {
    return stream('/filtered?action=stream&host=1001');
}

sub scene_websocket {
    my $socket = patient(sub {
        Test::Gmchat::WebSocket->open(address => $nginx->address,
            uri => '/gm?action=stream&gm_account=1&online=1');
    }) or return 0;

    my $whole = patient(sub {
        $socket->next_event('ready') or die 'a stream that is not ready';

        my $text = 't' . ++$n;
        note_sent($text);
        my $reply = $socket->call('send', gm_account => 1, uid => 5,
            text => $text, msgid => $text);
        note_sent($text, $reply) // die 'nothing was sent';
        $text = to_gm() // die 'nothing was sent';

        while (my $event = $socket->next_event('message')) {
            return $socket->leave(1000) if $event->{data}{text} eq $text;
        }

        return 0;
    });

    $socket->close;

    return $whole;
}

# An operator's call; and a stream whose rights are looked at again.

sub scene_operator {
    my $text = 't' . ++$n;
    my $response = attempt(sub {
        $nginx->post_form('/desk', [ action => 'send', gm_account => 1,
            uid => 5, text => $text, msgid => $text ],
            headers => ['X-GMChat: 1']);
    });

    return note_sent($text, $response && $response->{json});
}

sub scene_operator_stream {
    my $stream = patient(sub {
        Test::Gmchat::Sse->new(address => $nginx->address,
            uri => '/desk?action=stream&gm_account=1');
    }) or return 0;

    my $whole = patient(sub {
        my $open = $stream->next_event('open') or die 'a stream that is none';
        $stream->next_event('ready') or die 'a stream that is not ready';
        $redis->cmd('PUBLISH', 'gmchat:{default}:to:ops', 'p olga');
        $redis->cmd('PUBLISH',
            "gmchat:{default}:to:gm:$open->{data}{stream}", '+ 2');
        $stream->next_event('ready') or die 'no receiver is added';
        my $text = to_gm() // die 'nothing was sent';

        while (my $event = $stream->next_event('message')) {
            return 1 if $event->{data}{text} eq $text;
        }

        return 0;
    });

    $stream->close;

    return $whole;
}

# All connections to Redis are lost, also that of a held call, and come back.

sub scene_link {
    my $connection = $nginx->connect;

    $connection->write(format_request('GET',
        '/gm?action=receive&gm_account=2&ack=&wait=1'));
    $redis->cmd('CLIENT', 'KILL', 'TYPE', $_, 'SKIPME', 'yes')
        for qw(normal pubsub);

    my $back = patient(sub { wait_until(sub { to_host() }) });
    patient(sub { $connection->response }) if $back;
    $connection->close;

    return $back;
}

# What polled is told to the store, some seconds later.

sub last_poll {
    return $redis->cmd('DUMP', 'gmchat:{default}:hosts') // '';
}

sub scene_seen {
    my $before = last_poll();

    return wait_until(sub {
        return last_poll() ne $before || $memory->field('failed');
    }) && !$memory->field('failed');
}


# ---- and what has to hold after each

# What has to be there before.

my %food = (
    scene_read     => \&to_host,
    scene_take     => \&to_gm,
    scene_take_all => \&to_gm,
    scene_seen     => \&read_host,
);

sub perform {
    my ($scene) = @_;

    no strict 'refs';

    return $scene->();
}

# The worker is the same, and works: what was sent is there, too.

sub works {
    my ($label) = @_;

    my $alive = wait_until(sub { join(' ', $nginx->workers) }) eq $worker;
    BAIL_OUT("$label: the worker died") if !$alive;

    wait_until(sub { to_host() }) && wait_until(sub { to_gm() })
        && wait_until(sub { read_host() }) && wait_until(sub { take_gm() })
        or fail("$label: the next call works");
}

sub play {
    my ($scene, $span, $step) = @_;

    for (my $k = 1; $k <= MOST; $k += $step) {
        $food{$scene}->() if $food{$scene};
        $memory->fail($k, $span);
        my $whole = perform($scene);
        my $failed = $memory->stop;
        works("$scene, allocation $k");

        return ($k - 1, $whole) if !$failed;
    }

    return (MOST, 0);
}

# Nobody waits, nothing is under way, and what was taken is settled.

sub rest {
    my $gone = wait_until(sub {
        return sum0(values %{ status()->{waiting} }) == 0
            && $redis->cmd('CLIENT', 'LIST', 'TYPE', 'pubsub') eq '';
    });
    my $end = time() + 1;

    wait_until(sub { !take_all() && !read_host() && time() > $end });

    return $gone;
}

sub descriptors {
    return scalar(my @all = glob("/proc/$worker/fd/*"));
}

my @scenes = qw(scene_send scene_json_body scene_read scene_idle scene_take
    scene_take_all scene_long_poll scene_long_poll_ack scene_long_poll_parked
    scene_stream scene_stream_filtered scene_websocket scene_operator
    scene_operator_stream scene_link scene_seen);

# Twice with memory, so that what is kept for good is there.

for my $scene (@scenes, @scenes) {
    $food{$scene}->() if $food{$scene};
    ok(perform($scene), "$scene goes well with memory");
}

ok(rest(), 'nobody waits before');
my ($blocks, $descriptors) = ($memory->live, descriptors());

# Allocations that a scene has at least: the note of who polled keeps most of
# its memory from one to the next.

my %least = (scene_seen => 1);

sub torture {
    my ($scene, $label, @how) = @_;

    my $began = time();
    my ($most, $whole) = play($scene, @how);

    ok($most >= ($least{$scene} // 4) && $whole,
        "$scene: $label, in turn, and then none");
    note(sprintf('%s: %s: %d allocations, %.1f s', $scene, $label, $most,
        time() - $began));
}

# A link that was lost again and again comes back later and later.

my %step = (scene_link => 17, scene_seen => 4);

for my $scene (@scenes) {
    torture($scene, 'each allocation fails', 1, 1);
    torture($scene, 'all fail from one on', FOREVER, $step{$scene} // 3);
}

ok(rest(), 'nobody waits after');

for my $scene (@scenes) {
    $food{$scene}->() if $food{$scene};
    ok(perform($scene), "$scene goes as well as before");
}

ok(rest(), 'nobody waits at the end');

is(join(' ', grep { $accepted{$_} eq 1 && !$received{$_} }
    sort keys %accepted), '', 'what was accepted came');
is(join(' ', grep { $received{$_} > 1 } sort keys %received), '',
    'nothing came twice');
is(join(' ', grep { $received{$_} && $accepted{$_} eq 0 } sort keys %accepted),
    '', 'what was refused did not come');

ok(wait_until(sub { descriptors() <= $descriptors }),
    'as many descriptors as before') || diag("$descriptors before");
ok(wait_until(sub { $memory->live <= $blocks + SLACK }),
    'as many blocks as before') || diag("$blocks before");
note(scalar(keys %accepted) . ' messages, blocks ' . $memory->live
    . " after, $blocks before");

finish();
