#!/usr/bin/perl

# What consoles ask of the bridge: who waits, what is unread and delivered, where
# a player is, canned replies; and that several consoles agree on what is read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;
use Time::HiRes qw(time);

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    gmchat_history 50 1h;
    gmchat_message_max 300;
    gmchat_stream_buffer 16k;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /eu { gmchat gm; gmchat_group eu; }
        location /op {
            gmchat gm;
            gmchat_operator $http_x_operator;
            gmchat_admin Ann;
        }
    }
}
EOF

my $redis = start_redis();
my ($nginx, $node) = map { start_nginx(redis => $redis, conf => $conf) } 1, 2;

sub gm {
    return $nginx->gm(@_, format => 'json');
}

sub friend {
    my ($gm, $uid) = @_;

    return (grep { $_->{uid} eq $uid }
        items(gm('friends', gm_account => $gm)))[0] // {};
}

sub player_says {
    my ($uid, $text) = @_;

    return $nginx->gs('send', uid => $uid, text => $text)->{json}{id};
}

sub gm_says {
    my ($gm, $uid, $text) = @_;

    return $nginx->gm('send', gm_account => $gm, uid => $uid,
        text => $text)->{json}{id};
}

sub has_read {
    my ($gm, $uid, $id) = @_;

    return $nginx->gm('read', gm_account => $gm, uid => $uid, id => $id);
}

sub is_now {
    my ($ms, $label) = @_;

    cmp_ok(abs($ms - time() * 1000), '<', 60_000, $label);
}

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1, 2;
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 5, 6;
$nginx->gm('add', gm_account => 2, host => 1002, uid => 7);


# ---- friends

my $friend = friend(1, 5);
is($friend->{unread}, 0, 'nothing to read');
ok(!exists $friend->{waiting_since}, 'nobody waits');
ok(JSON::PP::is_bool($friend->{silent}) && $friend->{silent},
    'the host never polled: it is silent, true or false');

my @from = map { player_says(5, "from $_") } 1 .. 3;
$friend = friend(1, 5);
is($friend->{unread}, 3, 'three messages to read');
is_now($friend->{waiting_since}, 'since when the player waits');
cmp_ok($friend->{waiting_since}, '<=', $friend->{last}{ts},
    'which is the oldest of them');
ok(!exists $friend->{last}{delivered}, 'the newest is as it was');
is(friend(1, 6)->{unread}, 0, 'another player wrote nothing');

is_bare(has_read(1, 5, $from[1]), 'read up to the second');
is(friend(1, 5)->{unread}, 1, 'one is left');
is_bare(has_read(1, 5, $from[0]), 'the marker never goes back');
is(friend(1, 5)->{unread}, 1, 'it is still one');
is($node->gm('friends', gm_account => 1, format => 'json')
    ->{json}{data}[0]{unread}, 1, 'on each node');
ok(friend(1, 5)->{waiting_since}, 'to read is no answer');
gm_says(1, 5, 'answer');
is(friend(1, 5)->{unread}, 0, 'who answers has read');
ok(!exists friend(1, 5)->{waiting_since}, 'and nobody waits');

$nginx->gs('receive', host => 1001);
ok(wait_until(sub { !friend(1, 5)->{silent} }), 'a host that polls');
$redis->cmd('ZADD', 'gmchat:{default}:hosts', 1, 1001);
ok(friend(1, 5)->{silent}, 'and has not polled for long');
is(ref data($nginx->gm('friends', gm_account => 1)), 'ARRAY',
    'without format=json it is base64 of the same');


# ---- read: what it is refused for

is_error(has_read(9, 5, $from[0]), 2, qr/gm_account/, 'an unknown GM');
is_error(has_read(2, 5, $from[0]), 5, qr/uid/, 'another GM\'s player');
is_error(has_read(1, 99, $from[0]), 5, qr/uid/, 'nobody\'s player');
is_error(has_read(1, 5, $_), -3, qr/^id: /, "'$_' is no id")
    for '', 'x', '1', '1-', "$from[0]-1";
is_error(has_read('x', 5, $from[0]), -1, qr/gm_account/, 'no integer');
is_error($nginx->gm('read', gm_account => 1, uid => 5), -2, qr/^id: /,
    'no id');
is_error($nginx->gm('read', gm_account => 1, id => $from[0]), -2, qr/uid/,
    'no player');
is(has_read(1, 5, '5-5')->{body}, '{"res":1,"reset":true}',
    'an id that the conversation does not hold');


# ---- delivered

sub history {
    my ($uid) = @_;

    return { map { $_->{text} => exists $_->{delivered}
        ? $_->{delivered} ? 'yes' : 'no' : 'unknown' }
        items(gm('history', uid => $uid)) };
}

gm_says(2, 7, "to $_") for 1, 2;
player_says(7, "from $_") for 1, 2;
is_deeply(history(7), { 'to 1' => 'no', 'to 2' => 'no', 'from 1' => 'no',
    'from 2' => 'no' }, 'nothing was received yet');
my $poll = $nginx->gs('receive', host => 1002, ack => '', limit => 1);
is(history(7)->{'to 1'}, 'no', 'what was given and not acknowledged is not');
$nginx->gs('receive', host => 1002, ack => $poll->{json}{cursor}, limit => 1);
is_deeply([ @{ history(7) }{ 'to 1', 'to 2' } ], [ 'yes', 'no' ],
    'what was acknowledged is');
$nginx->gm('receive', gm_account => 2, limit => 1);
ok(wait_until(sub { history(7)->{'from 1'} eq 'yes' }),
    'what a plain receive carried');
is(history(7)->{'from 2'}, 'no', 'and no more');
like(gm('history', uid => 7, limit => 1)->{body}, qr/"delivered":false/,
    'as true or false');
$nginx->gm('del', gm_account => 2, uid => 7);
is_deeply(history(7), { 'to 1' => 'unknown', 'to 2' => 'unknown',
    'from 1' => 'yes', 'from 2' => 'no' },
    'where the player is nowhere it is not known of the host');
$nginx->gm('add', gm_account => 2, host => 1003, uid => 7);
is(history(7)->{'to 1'}, 'unknown', 'nor at another host');


# ---- player

my ($player) = items(gm('player', uid => 6));
is_now(delete $player->{since}, 'since when a player has its GM');
is_deeply($player, { uid => 6, host => 1001, gm_account => 1,
    gm_name => 'GM 1', silent => JSON::PP::true }, 'and who it is');
is_deeply(gm('player', uid => 99)->{json}{data}, [], 'none has no GM');
is(scalar @{ data($nginx->gm('player', uid => 6)) }, 1,
    'without format=json it is base64');
is_error(gm('player'), -2, qr/uid/, 'no player');
is_error(gm('player', uid => 'x'), -1, qr/uid/, 'no integer');
is($nginx->gs('player', uid => 6)->{status}, 404, 'not for game servers');


# ---- canned replies

sub canned {
    return join ' ', map { "$_->{name}=$_->{text}" } items(gm('canned'));
}

is_deeply(gm('canned')->{json}{data}, [], 'no canned reply yet');
is_bare($nginx->gm('canned_set', name => 'hi', text => 'Hi {player}!'),
    'one is written');
is_bare($nginx->request('POST', '/gm', type => 'application/json',
    body => '{"action":"canned_set","name":"\u4f60\u597d","text":"\u4f60"}'),
    'a name and a text of another script');
is(canned(), "hi=Hi {player}! \x{4f60}\x{597d}=\x{4f60}", 'both are there');
my ($first) = items(gm('canned'));
is_now($first->{ts}, 'with the time');
ok(!exists $first->{operator}, 'nobody was named');
is_bare($nginx->gm('canned_set', name => 'hi', text => 'Hello'), 'another text');
is((items(gm('canned')))[0]{text}, 'Hello', 'takes the place of the first');
is_deeply($nginx->get('/eu?action=canned&format=json')->{json}{data}, [],
    'another group has none of them');
is_bare($nginx->gm('canned_del', name => $_), 'deleted')
    for 'hi', 'hi';
is(canned(), "\x{4f60}\x{597d}=\x{4f60}", 'the other stays');

is_error($nginx->gm('canned_set', name => $_, text => 'x'), -3, qr/^name: /,
    "'$_' is no name") for '', 'a b', 'a/b', '{a}', 'x' x 33;
is_error($nginx->gm('canned_set', name => 'a'), -2, qr/^text: /, 'no text');
is_error($nginx->gm('canned_set', text => 'a'), -2, qr/^name: /, 'no name');
is_error($nginx->gm('canned_set', name => 'a', text => 'x' x 301), -3,
    qr/^text: /, 'a text that is too long for a message');
is_bare($nginx->gm('canned_set', name => "n$_", text => 'x' x 300), "text $_")
    for 1 .. 3;
$redis->cmd('HSET', 'gmchat:{default}:canned', map { ("m$_", "1\n\neA==") }
    1 .. 496);
is_error($nginx->gm('canned_set', name => 'more', text => 'x'), -3, qr/500/,
    'there may be 500');
is(scalar items(gm('canned')), 500, 'and there are');


# ---- several consoles

sub sse {
    my ($at, $gms, %arg) = @_;

    my $stream = Test::Gmchat::Sse->new(address => $at->address,
        uri => "/gm?action=stream&gm_account=$gms", %arg);
    $stream->next_event('ready');

    return $stream;
}

my $one = sse($nginx, 1);
my $two = Test::Gmchat::WebSocket->open(address => $node->address,
    uri => '/gm?action=stream&gm_account=1,2');
$two->next_event('ready');
my $else = sse($node, 2);

my $id = player_says(6, 'news');
$_->next_event('message') for $one, $two;
my $cursor = $one->{last_id};
is_bare(has_read(1, 6, $id), 'one console reads');

for my $stream ($one, $two) {
    my $event = $stream->next_event('read');

    is_deeply($event->{data}, { gm_account => 1, uid => 6, id => $id },
        'each hears of it');
    ok(!exists $event->{id}, 'without a cursor');
}

is($one->{last_id}, $cursor, 'the cursor stays');
has_read(1, 6, $id);
my $reply = $two->call('read', gm_account => 2, uid => 7,
    id => player_says(7, 'more'));
is($reply->{res}, 1, 'a frame reads');
is($else->next_event('read')->{data}{uid}, 7, 'the GM\'s streams hear of it');
ok(!grep({ $_->{event} eq 'read' } $one->waiting_events),
    'not those of another GM, and nothing that was no news');

my $answer = gm_says(1, 6, 'ok');
$redis->cmd('PUBLISH', 'gmchat:{default}:to:g1', $_)
    for "x send 6 $answer", 'x online - -', 'x canned', 'x NO';
is_deeply([ map { $_->{data} } $one->next_events(3, 'desk') ], [
    { gm_account => 1, action => 'send', uid => 6, id => $answer },
    { gm_account => 1, action => 'online' },
    { gm_account => 1, action => 'canned' } ], 'what operators did');
is($one->{last_id}, $cursor, 'moves no cursor either');

# the same by operators themselves

sub operator {
    my ($name, %params) = @_;

    return $nginx->post_form('/op', { %params, format => 'json' },
        headers => [ "X-Operator: $name", 'X-GMChat: 1' ]);
}

is_bare(operator('Ann', action => 'operator', operator => 'Bo', role => 'gm',
    gm_accounts => 1), 'a GM operator');
$id = player_says(6, 'to both');
is_error(operator('Bo', action => 'read', gm_account => 2, uid => 7,
    id => $id), -7, qr/has no/, 'reads for no account but its own');
is_bare(operator('Bo', action => 'read', gm_account => 1, uid => 6,
    id => $id), 'and for that');
is($one->next_event('read')->{data}{id}, $id, 'the GM\'s streams hear of it');
$answer = operator('Bo', action => 'send', gm_account => 1, uid => 6,
    text => 'from Bo')->{json}{id};
is_deeply($one->next_event('desk')->{data}, { gm_account => 1,
    action => 'send', uid => 6, id => $answer }, 'and of what it writes');
ok(!grep({ $_->{event} eq 'desk' } $one->waiting_events),
    'to read is told as that alone');
is_bare(operator('Bo', action => 'canned_set', name => 'n1', text => 'hm'),
    'a GM operator writes canned replies');
is_deeply([ map { $_->{operator} } grep { $_->{name} eq 'n1' }
    items(gm('canned')) ], [ 'Bo' ], 'and is named with them');
is((items(operator('Bo', action => 'player', uid => 6)))[0]{host}, 1001,
    'it finds its players');
is_error(operator('Bo', action => 'player', uid => 7), -7, qr/has no/,
    'and no others');

# a player writes: who only looks sees what the GM's operator sees, and marks
# nothing as read

is_bare(operator('Ann', action => 'operator', operator => 'Vi',
    role => 'viewer'), 'a viewer');
my $looks = Test::Gmchat::Sse->new(address => $nginx->address,
    uri => '/op?action=stream&gm_account=1', headers => ['X-Operator: Vi']);
$looks->next_event('ready');
$id = player_says(6, 'to all who look');
my $told;

do { $told = $looks->next_event('message') }
    while $told && $told->{data}{id} ne $id;
is($told->{data}{text}, 'to all who look', 'its stream has the message');

sub seen_by {
    my ($name) = @_;

    my ($seen) = grep { $_->{uid} eq 6 } items(operator($name,
        action => 'friends', gm_account => 1));

    return join ' ', map { $seen->{$_} // 'none' } qw(unread waiting_since);
}

like(seen_by('Vi'), qr/^1 \d+$/, 'a viewer sees one to read');
is(seen_by('Bo'), seen_by('Vi'), 'and so does the GM\'s operator');
is_error(operator('Vi', action => 'read', gm_account => 1, uid => 6,
    id => $id), -7, qr/a viewer changes nothing/, 'a viewer marks nothing');
is(seen_by('Bo'), seen_by('Vi'), 'so it is still there');
operator('Bo', action => 'read', gm_account => 1, uid => 6, id => $id);
is($looks->next_event('read')->{data}{id}, $id, 'the viewer hears who does');
like(seen_by('Vi'), qr/^0 \d+$/, 'and that nothing is left to read');
$looks->close;

# a game server's stream passes over what is not for it

my $host = Test::Gmchat::Sse->new(address => $nginx->address,
    uri => '/gs?action=stream&host=1003');
$host->next_event('ready');
$redis->cmd('PUBLISH', 'gmchat:{default}:to:h1003', $_)
    for "s 7 $id", "x send 7 $id";
gm_says(2, 7, 'last');
is($host->next_event('message')->{data}{text}, 'last', 'a host hears');
is(join(' ', grep { /read|desk/ } map { $_->{event} } $host->waiting_events),
    '', 'and nothing else');

# a call that waits is not answered for it

my $held = $nginx->connect;
$held->write(format_request('GET', '/gm?action=receive&gm_account=2&wait=20&ack='
    . gm('receive', gm_account => 2, ack => '')->{json}{cursor}));
$redis->cmd('PUBLISH', 'gmchat:{default}:to:g2', "s 7 $id") for 1 .. 5;
$id = player_says(7, 'awaited');
like($held->response->{body}, qr/"cursor":"\Q$id\E"/,
    'a held call waits for messages alone');


# ---- what was missed

$redis->cmd('CLIENT', 'KILL', 'TYPE', 'pubsub');
ok($_->next_event('ready'), 'the link was lost: ready comes again')
    for $one, $two, $else;
$id = player_says(6, 'after');
has_read(1, 6, $id);

for my $stream ($one, $two) {
    my $event;

    do { $event = $stream->next_event('read') }
        while $event && $event->{data}{id} ne $id;
    ok($event, 'and events come as before');
}

ok(!grep({ $_->{event} eq 'ready' } $one->waiting_events,
    $host->waiting_events), 'ready comes once, and to GMs alone');

# a client that does not read

my $slow = sse($nginx, 1, receive_buffer => 4096);
my ($marks, $heard, $came, $again) = (0, 0, 0, 0);

for (1 .. 50) {
    $redis->cmd('PUBLISH', 'gmchat:{default}:to:g1', 's 6 1-' . ++$marks)
        for 1 .. 100;
    $heard += () = $one->next_events(100, 'read');
}

is($heard, $marks, 'who reads is told of each');
ok(wait_until(sub {
    while (my $event = $slow->next_event(undef, 0.2)) {
        $again++ if $event->{event} eq 'ready';
        $came++ if $event->{event} eq 'read';
    }
    return $again;
}), 'who did not read is told that something was missed');
$redis->cmd('PUBLISH', 'gmchat:{default}:to:g1', 's 6 2-1');

# its worker may still be busy with what came before
my $then;

while ($then = $slow->next_event('read')) {
    last if $then->{data}{id} eq '2-1';
    $came++;
}

cmp_ok($came, '<', $marks, 'for something was');
ok($then, 'then all is as before');
is(scalar(grep { $_->{event} eq 'ready' } $slow->waiting_events), 0,
    'it was told once');

$_->close for $one, $else, $host, $slow;
$two->leave;

finish();
