#!/usr/bin/perl

# wait= on receive, relation and online: a call is held until there is
# something to say or its time is over.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Resp;
use Test::More;
use Time::HiRes qw(time);

# What is held is asked to wait LONG; an answer that took less than SOON did
# not wait for the end of that.
use constant { LONG => 50, SOON => 15 };

my $redis = start_redis(args => [ 'appendonly yes', 'appendfsync always' ]);
my $fake = start_fake(upstream => $redis);
my ($one, $two) = map { start_nginx(redis => $redis, conf => <<'EOC') } 1, 2;
%%MAIN%%
http {
    %%PATHS%%
    gmchat_poll_cache max=4096 inactive=500ms;
    gmchat_redis %%REDIS%%;
    gmchat_redeliver 600s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /choose { gmchat gs; gmchat_group default client; }
        location /status { gmchat status; }
    }
}
EOC

# The same store, with a fake between: for replies that are on their way.
my $slow = start_nginx(redis => $fake, workers => 1, conf => <<'EOC');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=30s;
    gmchat_redeliver 654321ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOC


# ---- calls that are held

sub begin {
    my ($nginx, $request) = @_;

    my $connection = $nginx->connect;
    $connection->write(ref $request ? format_request(@$request)
        : format_request('GET', $request));

    return { connection => $connection, began => time() };
}

sub answer {
    my ($call, $seconds) = @_;

    my $response = $call->{connection}->response($seconds // LONG + 20);
    $call->{took} = time() - $call->{began};

    return $response;
}

# Nothing to read yet.

sub still_held {
    my ($call) = @_;

    return !IO::Select->new($call->{connection}{socket})->can_read(0);
}

sub subscribers {
    my ($channel) = @_;

    return $redis->cmd('PUBSUB', 'NUMSUB', "gmchat:{default}:to:$channel")
        ->[1];
}

# Scripts that Redis ran, but for the notes of which hosts were heard of.

my $monitor = Test::Gmchat::Resp->new($redis->address);
my $monitored = '';
my @polls;

sub monitor_begin {
    $monitor->ask('MONITOR');
}

sub polls {
    $redis->cmd('ECHO', my $mark = 'mark' . rand());

    wait_until(sub {
        my $socket = $monitor->{socket};
        sysread($socket, $monitored, 262144, length $monitored)
            if IO::Select->new($socket)->can_read(0);
        return $monitored =~ /\Q$mark\E/;
    }) or die 'Redis does not say what it does';

    my @lines = split(/\r\n/, $monitored);
    $monitored = '';

    return grep { /"evalsha"/i && !/"1" "gmchat:\{\w+\}:" "\d+ \d+[ \d]*"$/ }
        @lines;
}

# So many calls wait at an nginx, which has read, asked for and parked them all.

sub all_wait {
    my ($nginx, $count) = @_;

    return wait_until(sub {
        my $status = $nginx->get('/status')->{json};
        return $status->{waiting}{longpoll} == $count
            && $status->{parked} == $count;
    });
}

# Until the calls that wait on a channel have looked, and wait.

sub settled {
    my ($channel) = @_;

    wait_until(sub { subscribers($channel) }) or return 0;
    my $quiet = 0;

    return wait_until(sub {
        $quiet = polls() ? 0 : $quiet + 1;
        return $quiet >= 5;
    });
}

monitor_begin();


# ---- the actions and their forms

# Each has a GM, a host and a player of its own: 1, 1001, 11; 2, 1002, 12 ...

sub gm_writes {
    my ($n, $text) = @_;

    return $two->gm('send', gm_account => $n, uid => 10 + $n,
        text => $text // "to $n");
}

sub player_writes {
    my ($n, $text) = @_;

    return $two->gs('send', uid => 10 + $n, text => $text // "of $n");
}

sub befriends {
    my ($n, $uid) = @_;

    return $two->gm('add', gm_account => $n, host => 1000 + $n,
        uid => $uid // 500 + $n);
}

my @forms = (
    [ 'receive of all GMs', '/gm', [ action => 'receive' ], 'gms',
        \&player_writes ],
    [ 'receive of a GM', '/gm',
        [ action => 'receive', gm_account => 2 ], 'g2', \&player_writes ],
    [ 'receive of a GM with ack', '/gm',
        [ action => 'receive', gm_account => 3, ack => '' ], 'g3',
        \&player_writes ],
    [ 'receive of a host', '/gs',
        [ action => 'receive', host => 1004 ], 'h1004', \&gm_writes ],
    [ 'receive of a host with ack', '/gs',
        [ action => 'receive', host => 1005, ack => '' ], 'h1005',
        \&gm_writes ],
    [ 'relation', '/gs', [ action => 'relation', host => 1006 ], 'h1006',
        \&befriends ],
    [ 'relation with ack', '/gs',
        [ action => 'relation', host => 1007, ack => '' ], 'h1007',
        \&befriends ],
    [ 'online', '/gs', [ action => 'online', host => 1008 ], 'h1008',
        sub { $two->gm('offline', gm_account => 8) } ],
);

for my $n (1 .. 20) {
    $one->gm('create', gm_account => $n, gm_name => "GM $n");
    $one->gm('add', gm_account => $n, host => 1000 + $n, uid => 10 + $n);
    my $new = $one->gs('relation', host => 1000 + $n, ack => '');
    $one->gs('relation', host => 1000 + $n, ack => $new->{json}{cursor});
}

sub uri_of {
    my ($form, @more) = @_;

    my (undef, $endpoint, $params) = @$form;

    return "$endpoint?" . encode_params([ @$params, @more ]);
}

# Without a word on cursors `online` says none.
sub plain_of {
    my ($form) = @_;

    return uri_of($form, $form->[0] eq 'online' ? (cursor => '') : ());
}

# malformed

for my $form (@forms) {
    my ($name) = @$form;

    for my $wait ('56', '1000', '', 'x', '-1', '1.5', '01',
        '18446744073709551617')
    {
        my $refusal = $one->get(uri_of($form, wait => $wait));
        is_error($refusal, $wait =~ /^\d+$/ && $wait ne '01' ? [ -3, -1 ]
            : [ -1, -2, -3 ], qr/wait/, "$name: wait=$wait");
    }

    is($one->get(uri_of($form, wait => 56))->{json}{errno}, -3,
        "$name: 55 is the most");
}

# nothing to say: all forms at once

my %quiet = map { $_->[0] => $one->get(plain_of($_))->{body} } @forms;

my @calls = map { begin($one, uri_of($_, wait => 2)) } @forms;
my @zero = map { begin($one, uri_of($_, wait => 0)) } @forms;

for my $n (0 .. $#forms) {
    my ($name) = @{ $forms[$n] };

    is(answer($zero[$n])->{body}, $quiet{$name},
        "$name: wait=0 is as no wait") if $name ne 'online';
    is(answer($zero[$n])->{json}{res}, 1, "$name: wait=0")
        if $name eq 'online';
    cmp_ok($zero[$n]{took}, '<', SOON, "$name: which is answered at once");
}

for my $n (0 .. $#forms) {
    my ($name) = @{ $forms[$n] };

    is(answer($calls[$n])->{body}, $quiet{$name},
        "$name: with nothing to say the reply is the usual one");
    cmp_ok($calls[$n]{took}, '>=', 1.9, "$name: after `wait`");
    cmp_ok($calls[$n]{took}, '<', 2 + SOON, "$name: and not long after");
}

# something to say: told by another nginx

for my $number (1 .. @forms) {
    my ($name, undef, undef, $channel, $event) = @{ $forms[ $number - 1 ] };
    my $call = begin($one, uri_of($forms[ $number - 1 ], wait => LONG));

    ok(settled($channel), "$name: is held");
    ok(still_held($call), "$name: unanswered");

    my $now = time();
    is_success($event->($number), "$name: something happens elsewhere");
    my $reply = answer($call);
    cmp_ok(time() - $now, '<', SOON, "$name: and is told at once");
    is_success($reply, "$name: in a good reply");
    isnt($reply->{body}, $quiet{$name}, "$name: that says it");
    ok(wait_until(sub { !subscribers($channel) }),
        "$name: nobody listens for it any more");
}

# something to say when the call comes

for my $number (2 .. 7) {
    my ($name, undef, undef, undef, $event) = @{ $forms[ $number - 1 ] };

    $event->($number, $name =~ /relation/ ? 900 + $number : 'more');
    my $call = begin($one, uri_of($forms[ $number - 1 ], wait => LONG));
    isnt(answer($call)->{body}, $quiet{$name},
        "$name: what is there already is told");
    cmp_ok($call->{took}, '<', SOON, "$name: without a wait");
}

# with ack, what is not acknowledged is something to say

my $reply = $one->gs('receive', host => 1005, ack => '', format => 'json');
is(scalar items($reply), 2, 'two that are not acknowledged');
my $call = begin($one, '/gs?' . encode_params([ action => 'receive',
    host => 1005, wait => LONG, format => 'json',
    ack => $reply->{json}{cursor} ]));
ok(settled('h1005'), 'acknowledged in the call that waits for the next');
gm_writes(5, 'third');
$reply = answer($call);
is_deeply([ map { $_->{text} } items($reply) ], [ 'third' ],
    'which brings it alone');
cmp_ok($call->{took}, '<', SOON, 'at once');


# ---- online and its cursor

sub online_call {
    return begin($one, '/gs?' . encode_params([ action => 'online',
        host => 1009, format => 'json', @_ ]));
}

$reply = answer(online_call(cursor => ''));
is_deeply($reply->{json}{data}, [ '9' ], 'online: who is, and a cursor');
my $cursor = $reply->{json}{cursor};
like($cursor, qr/^[0-9a-f]{16}$/, 'of 16 hex digits');
is($one->gs('online', host => 1009)->{json}{cursor}, undef,
    'which a caller that knows of none is not given');

$call = online_call(wait => LONG, cursor => $cursor);
ok(settled('h1009'), 'with that cursor a call is held');
$one->gm('offline', gm_account => 9);
$reply = answer($call);
is_deeply($reply->{json}{data}, [], 'until the list changes');
cmp_ok($call->{took}, '<', SOON, 'and no longer');

$call = online_call(wait => LONG, cursor => $cursor);
is_deeply(answer($call)->{json}{data}, [],
    'a list that changed before the call came');
cmp_ok($call->{took}, '<', SOON, 'is told at once');
is($one->gs('online', host => 1009, format => 'json', cursor => $cursor)
    ->{json}{cursor}, $reply->{json}{cursor},
    'the same list has the same cursor');

$call = online_call(wait => LONG, cursor => $reply->{json}{cursor});
ok(settled('h1009'), 'held');
$one->gm('online', gm_account => 10);
gm_writes(9);
befriends(9);
is_success($one->gm('online', gm_account => 10), 'other things happen');
ok(settled('h1009') && still_held($call), 'which are no change of this list');
$two->gm('add', gm_account => 10, host => 1009, uid => 777);
is_deeply(answer($call)->{json}{data}, [ '10' ],
    'a friendship that brings an online GM is');

$call = online_call(wait => LONG);
ok(settled('h1009'), 'held');
$two->gm('del', gm_account => 10, uid => 777);
is_deeply(answer($call)->{json}{data}, [], 'so is one that ends');

is_error($one->gs('online', host => 1009, cursor => 'x', wait => 1), -3,
    qr/cursor/, 'a cursor of another form');


# ---- what wakes whom

my %held = (
    'receive of another host'
        => begin($one, "/gs?action=receive&host=1011&wait=@{[LONG]}"),
    'relation of that host'
        => begin($one, "/gs?action=relation&host=1010&wait=@{[LONG]}"),
    'receive of another GM'
        => begin($one, "/gm?action=receive&gm_account=11&wait=@{[LONG]}"),
    'receive of the GM who wrote'
        => begin($one, "/gm?action=receive&gm_account=10&wait=@{[LONG]}"),
    'receive with ack of another host' => begin($one,
        "/gs?action=receive&host=1011&ack=&wait=@{[LONG]}"),
    'the same host in another group' => begin($one,
        "/choose?action=receive&host=1010&wait=@{[LONG]}&group=other"),
);
my $wakes = begin($one, "/gs?action=receive&host=1010&wait=@{[LONG]}");
ok(settled($_), "somebody waits for $_") for qw(h1011 h1010 g11 g10);
$one->gm('add', gm_account => 10, host => 1010, uid => 888);
is_success(answer(delete $held{'relation of that host'}),
    'a friendship wakes the relation of its host');
ok(settled('h1010') && still_held($wakes), 'and not its receive');
$one->gm('send', gm_account => 10, uid => 888, text => 'another player');
is(data(answer($wakes))->[0]{uid}, '888',
    'a message to any player of the host wakes it');
ok($redis->wait_settled('h1010') && $redis->wait_settled('h1010', 'rel'),
    'that its reply was written, the store is told');
polls();
gm_writes(10);
is(scalar polls(), 1, 'a message that nobody waits for is one script');

for my $name (sort keys %held) {
    ok(still_held($held{$name}), "it does not wake: $name");
    $held{$name}{connection}->close;
}

ok(wait_until(sub { !subscribers('h1011') && !subscribers('g11') }),
    'clients that hang up are waited for no longer');


# ---- nothing polls

# What is held back behind what is still in flight is there a moment later.

ok(wait_until(sub {
    return !items($one->gm('receive', format => 'json'))
        && !$redis->cmd('ZCARD', 'gmchat:{default}:boxes');
}), 'no GM has a message left');
@calls = map { begin($one, "$_&wait=@{[LONG]}") }
    '/gm?action=receive', '/gm?action=receive&gm_account=12',
    '/gs?action=receive&host=1012', '/gs?action=receive&host=1011&ack=',
    '/gs?action=relation&host=1012', '/gs?action=online&host=1012';
ok(settled('h1012') && settled('h1011') && settled('g12')
    && settled('gms') && all_wait($one, 6), 'six are held');
polls();
my $now = time();
my @seen;
wait_until(sub {
    push @seen, polls();
    return time() > $now + 4;
});
is(join("\n", @seen), '', 'no script is run for them in four seconds');
is(scalar(grep { still_held($_) } @calls), 6, 'and they wait on');
player_writes(12);
gm_writes(12);
gm_writes(11);
befriends(12);
$one->gm('offline', gm_account => 12);
my $told = 0;
is_success(answer($_, SOON), 'held for seconds, ' . ++$told . ' is answered')
    for @calls[ 2 .. 5 ];
ok(wait_until(sub { 1 == grep { !still_held($_) } @calls[ 0, 1 ] }, SOON),
    'and the one of all GMs, or that of one: who came first takes');
$_->{connection}->close for @calls[ 0, 1 ];
ok(wait_until(sub { !subscribers('g12') }), 'none waits');


# ---- POST, format=json, a connection that is used on

$call = begin($one, [ 'POST', '/gs',
    body => "action=receive&host=1013&format=json&wait=@{[LONG]}",
    type => 'application/x-www-form-urlencoded' ]);
ok(settled('h1013'), 'a form that is posted');
gm_writes(13, 'by form');
$reply = answer($call);
is((items($reply))[0]{text}, 'by form', 'is held and answered');
is_deeply([ sort keys %{ (items($reply))[0] } ],
    [ qw(gm_account id text ts uid) ], 'format=json as without wait');

$call = begin($one, [ 'POST', '/gs?action=receive', type => 'application/json',
    body => '{"host":1013,"format":"json","ack":"","wait":' . LONG . '}' ]);
ok(settled('h1013'), 'JSON that is posted');
gm_writes(13, 'by JSON');
$reply = answer($call);
is((items($reply))[0]{text}, 'by JSON', 'is held and answered');

my $again = { connection => $call->{connection}, began => time() };
$again->{connection}->write(format_request('GET', '/gs?' . encode_params([
    action => 'receive', host => 1013, ack => $reply->{json}{cursor},
    format => 'json', wait => LONG ]))
    . format_request('GET', '/status/live'));
ok(settled('h1013'), 'the next call on that connection is held as well');
ok(still_held($again), 'and one behind it waits for its turn');
gm_writes(13, 'next');
is((items(answer($again)))[0]{text}, 'next', 'which is answered');
is($again->{connection}->response->{status}, 200, 'and then the one behind');


# ---- a client that hangs up

for my $end (qw(close reset)) {
    $call = begin($one, "/gs?action=receive&host=1014&wait=@{[LONG]}");
    ok(settled('h1014'), "a plain receive is held, and its client: $end");
    $call->{connection}->$end;
    ok(wait_until(sub { !subscribers('h1014') }), 'that is noticed');
    gm_writes(14, "after $end");
    is_deeply([ map { $_->{text} } items($one->gs('receive', host => 1014,
        format => 'json')) ], [ "after $end" ], 'nothing is lost');
}

# .. in the very moment in which a message comes

for my $round (1 .. 20) {
    $call = begin($one, "/gs?action=receive&host=1014&wait=@{[LONG]}");
    wait_until(sub { subscribers('h1014') });
    $call->{connection}->write('');
    $round % 2 ? $call->{connection}->reset : 0;
    gm_writes(14, "round $round");

    my ($text) = map { $_->{text} } $round % 2
        ? came_again($round) : items_of_old(answer($call));
    is($text, "round $round", "a message as the client goes, round $round");
}

sub came_again {
    my @items;

    wait_until(sub {
        return @items = items($two->gs('receive', host => 1014,
            format => 'json'));
    }, SOON);

    return @items;
}

sub items_of_old {
    require MIME::Base64;

    return map { { text => MIME::Base64::decode_base64($_->{msg}) } }
        @{ data($_[0]) };
}


# ---- what is in flight

sub take_on_its_way {
    my ($uri) = @_;

    $fake->on(name => 'EVALSHA', times => 1, hold => 1,
        match => '\b654321\b');
    my $taking = begin($slow, $uri);
    ok($fake->wait_held, 'a plain receive took, its reply is on its way');

    return $taking;
}

for my $case (
    [ 15, '/gs?action=receive&host=1015', \&gm_writes, 'h1015',
        'a host\'s' ],
    [ 16, '/gm?action=receive&gm_account=16', \&player_writes, 'g16',
        'a GM\'s' ],
    [ 16, '/gm?action=receive', \&player_writes, 'gms', 'all GMs\'' ],
) {
    my ($n, $uri, $write, $channel, $label) = @$case;

    $write->($n, 'first');
    my $taking = take_on_its_way($uri);
    $call = begin($one, "$uri&format=json&wait=@{[LONG]}");
    ok(settled($channel) && still_held($call), "$label: another one waits");
    $taking->{connection}->reset;
    $fake->release;
    is_deeply([ map { $_->{text} } items(answer($call)) ], [ 'first' ],
        "$label: what came back wakes it");
    cmp_ok($call->{took}, '<', SOON, "$label: at once");

    $write->($n, 'second');
    $taking = take_on_its_way("$uri&format=json");
    $write->($n, 'third');
    $call = begin($one, "$uri&format=json&wait=@{[LONG]}");
    ok(settled($channel) && still_held($call),
        "$label: another one waits for its turn");
    $fake->release;
    is_deeply([ map { $_->{text} } items(answer($taking)) ], [ 'second' ],
        "$label: the first is handed over");
    is_deeply([ map { $_->{text} } items(answer($call)) ], [ 'third' ],
        "$label: then what is behind it wakes the one that waits");
    cmp_ok($call->{took}, '<', SOON, "$label: at once");
}

# relations in flight

befriends(15, 1501);
my $taking = take_on_its_way('/gs?action=relation&host=1015');
$call = begin($one, "/gs?action=relation&host=1015&wait=@{[LONG]}");
ok(settled('h1015') && still_held($call), 'relation: another one waits');
$taking->{connection}->reset;
$fake->release;
is_deeply([ sort keys %{ data(answer($call), 'apply_data') } ],
    [ 1501 ], 'relation: what came back wakes it');


# ---- two that take from one mailbox

my @readers = map { begin($_, "/gs?action=receive&host=1017&format=json"
    . "&wait=@{[LONG]}") } $one, $two;
ok(wait_until(sub { subscribers('h1017') == 2 }), 'two nginx wait for a host');
my %times;
my $sent = 0;

sub read_both {
    for my $n (0, 1) {
        next if still_held($readers[$n]);

        my $reply = answer($readers[$n]);
        $times{ $_->{text} }++ for items($reply);
        $readers[$n] = begin($n ? $two : $one, '/gs?action=receive'
            . "&host=1017&format=json&wait=@{[LONG]}");
    }

    return keys %times >= $sent;
}

for my $text (1 .. 60) {
    gm_writes(17, $text);
    $sent++;
    ok(0, "message $text does not come") if !wait_until(\&read_both, SOON);
}

gm_writes(17, "burst $_") for 1 .. 40;
$sent += 40;
ok(wait_until(\&read_both, SOON), 'a hundred messages');
is_deeply([ grep { $times{$_} != 1 } sort keys %times ], [],
    'each to one of the two, once');
is(scalar keys %times, 100, 'none is lost');
$_->{connection}->close for @readers;

# two on one connection each to one worker pool: one message, one answer

@readers = map { begin($one, "/gs?action=receive&host=1018&wait=@{[LONG]}") }
    1 .. 6;
ok(settled('h1018'), 'six at one nginx');
gm_writes(18, 'for one of them');
ok(wait_until(sub { grep { !still_held($_) } @readers }), 'one is answered');
ok(settled('h1018'), 'the others looked');
is(scalar(grep { still_held($_) } @readers), 5, 'and wait on');
gm_writes(18, 'for the next');
ok(wait_until(sub { 4 == grep { still_held($_) } @readers }),
    'the next message answers the next');
$_->{connection}->close for @readers;


# ---- many

my @many = map { begin($one, '/gs?action=relation&host=' . (5000 + $_)
    . "&wait=@{[LONG]}") } 1 .. 250;
push @many, map { begin($one, '/gs?action=receive&host=1019&ack='
    . "&format=json&wait=@{[LONG]}") } 1 .. 250;
ok(wait_until(sub { subscribers('h5250') && subscribers('h5001')
    && settled('h1019') }), '500 calls');
is(scalar(grep { still_held($_) } @many), 500, 'are held');
$now = time();
$two->gm('add', gm_account => 19, host => 5000 + $_, uid => 50_000 + $_)
    for 1 .. 250;
gm_writes(19, 'to all');
my @replies = map { answer($_) } @many;
cmp_ok(time() - $now, '<', SOON + 10, 'and answered at once');
is(scalar(grep { $_ && $_->{json}{res} } @replies), 500, 'all of them');
is(scalar(grep { keys %{ data($_, 'apply_data') } == 1 } @replies[ 0 .. 249 ]),
    250, 'with the friendship of each host');
is(scalar(grep { (items($_))[0]{text} eq 'to all' } @replies[ 250 .. 499 ]),
    250, 'with the message of the one');
$_->{connection}->close for @many;


# ---- Redis goes away

# A worker that has not met Redis again yet refuses.

sub connected {
    return wait_until(sub {
        return 2 == grep {
            $_->get('/status')->{json}{stores}[0]{links}{ready} == 2;
        } $one, $two;
    });
}

sub till_it_says {
    my ($request, $event) = @_;

    my @held = map { begin($_, $request) } $one, $two;
    wait_until(sub { subscribers('h1020') == 2 });
    $event->();

    # An answer may be an error: the client calls again.
    my @got;

    wait_until(sub {
        for my $n (0, 1) {
            next if still_held($held[$n]);

            my $reply = answer($held[$n]);
            my $json = $reply->{json} // {};
            push @{ $got[$n] }, $json->{res} ? items($reply)
                : "errno $json->{errno}";
            $held[$n] = begin($n ? $two : $one, $request);
        }

        return 2 == grep { grep { ref } @{ $_ // [] } } @got[ 0, 1 ];
    });

    $_->{connection}->close for @held;

    return @got;
}

my $request = "/gs?action=receive&host=1020&ack=&format=json&wait=@{[LONG]}";

for my $case (
    [ 'killed and started', sub { $redis->restart } ],
    [ 'its connections are cut', sub {
        $redis->cmd('CLIENT', 'KILL', 'TYPE', $_) for qw(pubsub normal) } ],
    [ 'the subscribed ones are cut', sub {
        $redis->cmd('CLIENT', 'KILL', 'TYPE', 'pubsub') } ],
) {
    my ($label, $event) = @$case;
    my $text = "after: $label";

    $now = time();
    my @got = till_it_says($request, sub {
        $event->();
        wait_until(sub { gm_writes(20, $text)->{json}{res} });
    });
    my @texts = map { my %of = map { $_->{text} => 1 } grep { ref }
        @{ $_ // [] }; join(' ', sort keys %of) } @got[ 0, 1 ];
    is($texts[0], $text, "Redis: $label: a call that waits gets what comes");
    is($texts[1], $text, "Redis: $label: at each nginx");
    is_deeply([ grep { !ref && !/^errno -[56]$/ } map { @{ $_ // [] } } @got ],
        [], "Redis: $label: and if it failed, by -5 or -6");
    cmp_ok(time() - $now, '<', SOON, "Redis: $label: soon");
    ok(connected(), "Redis: $label: all workers are connected again");
    my $all = $two->gs('receive', host => 1020, ack => '');
    is_success($two->gs('receive', host => 1020,
        ack => $all->{json}{cursor}), 'which is acknowledged');
}

# away until the end of what a call waits for

$call = begin($one, '/gs?action=receive&host=1020&wait=3');
wait_until(sub { subscribers('h1020') });
$redis->kill_hard;
$reply = answer($call, SOON);
ok($reply && ($reply->{json}{res} || $reply->{json}{errno} =~ /^-[56]$/),
    'Redis is away: the call that is held ends');
cmp_ok($call->{took}, '<', 3 + SOON, 'at the end of its time');
$redis->start;
ok(wait_until(sub { gm_writes(20, 'back')->{json}{res} }), 'Redis is back');
my $came = '';
ok(wait_until(sub {
    $call = begin($one, '/gs?action=receive&host=1020&format=json'
        . "&wait=@{[LONG]}");
    $came .= join(' ', map { $_->{text} } items(answer($call)));
    return $came =~ /back$/;
}), 'and serves calls that wait');

$monitor = Test::Gmchat::Resp->new($redis->address);
$monitored = '';
monitor_begin();


# ---- reload, and the end

ok(connected(), 'all workers are connected to Redis again');
@calls = map { begin($one, "$_&wait=@{[LONG]}") }
    '/gm?action=receive&gm_account=1', '/gm?action=receive&gm_account=2&ack=',
    '/gs?action=receive&host=1002', '/gs?action=relation&host=1003',
    '/gs?action=online&host=1003';
ok(settled('h1003') && settled('h1002') && all_wait($one, 5),
    'five are held');
$now = time();
my @old = $one->reload_begin;
@replies = map { answer($_) } @calls;
cmp_ok(time() - $now, '<', SOON, 'reload: held calls are answered at once');
is(scalar(grep { $_ && $_->{json}{res} } @replies), 5, 'well')
    or diag(map { ($_ // {})->{body} // 'no response' } @replies);
ok(wait_until(sub { $one->reload_done(@old) }), 'then the old workers go');
cmp_ok(time() - $now, '<', 2 * SOON, 'long before the end of their wait');

@calls = map { begin($two, "/gs?action=receive&host=1003&wait=@{[LONG]}") }
    1 .. 20;
ok(settled('h1003') && all_wait($two, 20), 'twenty are held');
$now = time();
ok($two->stop, 'nginx is told to end');
@replies = map { answer($_) } @calls;
is(scalar(grep { $_ && $_->{json}{res} } @replies), 20,
    'all are answered first')
    or diag(map { ($_ // {})->{body} // 'no response' } @replies);
cmp_ok(time() - $now, '<', SOON, 'at once');

# nothing is left behind

ok(wait_until(sub {
    return !@{ $redis->cmd('PUBSUB', 'CHANNELS', '*to:*') };
}), 'nobody listens for anything at the end');
ok(wait_until(sub {
    return $one->get('/status')->{json}{stores}[0]{subscriptions} == 0;
}), 'the status says so as well');

finish();
