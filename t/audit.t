#!/usr/bin/perl

# The audit: what operators changed and were refused, who from where, and what
# the GM's streams hear of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::Gmchat;
use Test::Gmchat::Resp;
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;
use Time::HiRes qw(time);

# Entries that the small audit keeps, and calls that fill it. Redis frees by
# the block, which is 100 entries unless it is configured.
use constant { KEPT => 100, CALLS => 350, BLOCK => 100 };

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    gmchat_operator $http_x_operator;
    gmchat_admin root;
    gmchat_mailbox_max 5 64k;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm    { gmchat gm; gmchat_role_check /role; }
        location /away  { gmchat gm; gmchat_role_check /nobody; }
        location /small { gmchat gm; gmchat_group small; gmchat_audit 100; }
        location /plain { gmchat gm; gmchat_operator off; }
        location /gs    { gmchat gs; }
        location /role {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_role%%/exists;
        }
        location /nobody {
            internal;
            proxy_pass http://127.0.0.1:%%PORT_nobody%%;
        }
    }

    # the role service

    server {
        listen 127.0.0.1:%%PORT_role%%;
        location /exists {
            if ($arg_uid = 404) { return 200 '{"code":0}'; }
            return 200 '{"code":1}';
        }
    }
}
EOF

sub by {
    my ($who, $action, @params) = @_;

    return $nginx->post_form('/gm', [ action => $action, @params ],
        headers => [ "X-Operator: $who", 'X-GMChat: 1',
            'X-Real-IP: 192.0.2.9' ]);
}

sub plain {
    return $nginx->call('/plain', @_);
}

sub audit {
    return items(by('root', 'audit', format => 'json', @_));
}

# The newest entry, but for its id and time, which are checked here.

my $last_id = '';

sub is_noted {
    my ($label, %expected) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($entry) = audit(limit => 1);
    my ($id, $ts) = map { delete $entry->{$_} } qw(id ts);

    ok($id ne $last_id && $id =~ /^\Q$ts\E-\d+$/
        && abs($ts / 1000 - time()) < 60,
        "$label: an entry of its own, of now");
    is_deeply($entry, { address => '192.0.2.9', %expected }, $label);
    $last_id = $id;

    return;
}

sub is_not_noted {
    my ($label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($entry) = audit(limit => 1);

    return is($entry->{id}, $last_id, "$label: not noted");
}

plain(create => gm_account => 7, gm_name => 'Seven');
is_deeply([ audit() ], [], 'without an operator nothing is noted');


# ---- changes

by('root', 'create', gm_account => 8, gm_name => "E\"ight");
is_noted('create', operator => 'root', action => 'create', gm_account => '8',
    gm_name => 'E"ight', errno => 0);
by('root', 'operator', operator => 'olga', role => 'gm', gm_accounts => '7');
is_noted('operator', operator => 'root', action => 'operator',
    target => 'olga', role => 'gm', gm_accounts => '7', errno => 0);
by('olga', 'add', gm_account => 7, host => 1001, uid => 17);
is_noted('add', operator => 'olga', action => 'add', gm_account => '7',
    host => '1001', uid => '17', errno => 0);
plain(offline => gm_account => 7);
by('olga', 'offline', gm_account => 7);
is_noted('offline of a GM who is not online', operator => 'olga',
    action => 'offline', gm_account => '7', errno => undef);
by('olga', 'online', gm_account => 7, lease => 60);
is_noted('online', operator => 'olga', action => 'online',
    gm_account => '7', errno => 0);
by('olga', 'send', gm_account => 7, uid => 17, text => 'a secret',
    msgid => 'm1');
is_noted('send', operator => 'olga', action => 'send', gm_account => '7',
    uid => '17', errno => 0);
by('olga', 'send', gm_account => 7, uid => 17, text => 'a secret',
    msgid => 'm1');
is_not_noted('a repeated send, which wrote nothing');
unlike($redis->cmd('XRANGE', 'gmchat:{default}:audit', '-', '+') ? join(' ',
        map { @{ $_->[1] } }
            @{ $redis->cmd('XRANGE', 'gmchat:{default}:audit', '-', '+') })
    : '', qr/secret|YSBzZWNyZXQ/, 'no message is in the audit');

by('olga', 'receive', gm_account => 7);
is_not_noted('a receive that got nothing');
$nginx->gs(send => uid => 17, text => 'hello');
my $got = by('olga', 'receive', gm_account => 7, format => 'json');
is(scalar(items($got)), 1, 'one that gets something');
ok($redis->wait_settled('g7'), 'and has it');
is_noted('receive', operator => 'olga', action => 'receive',
    gm_account => '7', errno => 0);


# ---- refusals

by('olga', 'add', gm_account => 7, host => 1001, uid => 17);
is_noted('add of a player who has a GM', operator => 'olga', action => 'add',
    gm_account => '7', host => '1001', uid => '17', errno => 3);
is_error(by('olga', 'add', gm_account => 7, host => 1001, uid => 404), 4,
    qr/role service knows no such/, 'the role service knows nobody');
is_noted('which is noted', operator => 'olga', action => 'add',
    gm_account => '7', host => '1001', uid => '404', errno => 4);
is_error($nginx->post_form('/away', [ action => 'add', gm_account => 7,
    host => 1001, uid => 5 ], headers => [ 'X-Operator: olga', 'X-GMChat: 1',
    'X-Real-IP: 192.0.2.9' ]), -5, qr/role service cannot be reached/,
    'the role service is away');
is_noted('which is noted, too', operator => 'olga', action => 'add',
    gm_account => '7', host => '1001', uid => '5', errno => -5);
by('olga', 'send', gm_account => 7, uid => 18, text => 'x');
is_noted('a player that is not its own', operator => 'olga',
    action => 'send', gm_account => '7', uid => '18', errno => 4);
by('olga', 'send', gm_account => 7, uid => 17, text => 'x') for 1 .. 5;
is_noted('a mailbox that is full', operator => 'olga', action => 'send',
    gm_account => '7', uid => '17', errno => -4);
by('olga', 'create', gm_account => 9, gm_name => 'Nine');
is_noted('no right to a change', operator => 'olga', action => 'create',
    gm_account => '9', gm_name => 'Nine', errno => -7);
by('olga', 'friends', gm_account => 8);
is_noted('no right to a look', operator => 'olga', action => 'friends',
    gm_account => '8', errno => -7);
by('nemo', 'ack', cursor => '7:1-1');
is_noted('nobody\'s', operator => 'nemo', action => 'ack', errno => -7);
by('olga', 'friends', gm_account => 7);
is_not_noted('a look');
$nginx->gs('send', uid => 17, text => 'to be taken');
my $taken = by('olga', 'receive', gm_account => 7, ack => '', format => 'json');
is(by('olga', 'ack', cursor => "7:$taken->{json}{cursor}")->{json}{res}, 1,
    'what came is taken');
is_not_noted('an ack');
by('olga', 'send', gm_account => 'x');
is_not_noted('a call that is refused before');
$nginx->post_form('/gm', [ action => 'offline', gm_account => 7 ],
    headers => ['X-Operator: olga']);
is_not_noted('one without the header');


# ---- frames, and streams that put a GM online

my $stream = Test::Gmchat::WebSocket->open(address => $nginx->address,
    uri => '/gm?action=stream&gm_account=7&online=1',
    headers => [ 'X-Operator: olga', 'X-Real-IP: 192.0.2.9' ]);
my $name = $stream->next_event('open')->{data}{stream};
$stream->next_event('ready');
ok(wait_until(sub { (audit(limit => 1))[0]{id} ne $last_id }),
    'a stream begins');
is_noted('a stream that puts its GM online', operator => 'olga',
    action => 'stream', gm_account => '7', errno => 0);
$stream->call('del', gm_account => 7, uid => 17);
is_noted('a frame', operator => 'olga', action => 'del', gm_account => '7',
    uid => '17', errno => 0);

by('root', 'operator', operator => 'olga', role => 'gm',
    gm_accounts => '7,8');
$last_id = (audit(limit => 1))[0]{id};
plain(offline => gm_account => 8);
is($stream->call('watch', gm_account => 8)->{res}, 1, 'one more GM');
ok(wait_until(sub { (audit(limit => 1))[0]{id} ne $last_id }),
    'is put online');
is_noted('which is noted', operator => 'olga', action => 'stream',
    gm_account => '8', errno => 0);
$stream->call('unwatch', gm_account => 8);
is_not_noted('one that is watched no more');
plain(offline => gm_account => 8);
plain(watch => stream => $name, gm_account => 8);
ok(wait_until(sub { (audit(limit => 1))[0]{id} ne $last_id }),
    'the ops service orders it again');
is_noted('which the operator\'s stream does', operator => 'olga',
    action => 'stream', gm_account => '8', errno => 0);
$stream->leave(1000);
is($stream->close_code, 1000, 'the stream ends');
by('root', 'operator', operator => 'olga', role => 'gm', gm_accounts => '7');
$last_id = (audit(limit => 1))[0]{id};

# One that does not begin does nothing, whoever has a browser ask for it.

sub no_stream {
    my ($errno, $pattern, $label, %arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    plain(offline => gm_account => 7);
    is_error($nginx->get('/gm?action=stream&gm_account=7&online=1'
        . ($arg{query} // ''), headers => [ 'X-Operator: olga',
        'Accept: text/event-stream', @{ $arg{headers} // [] } ]), $errno,
        $pattern, $label);
    is_not_noted($label);
    my ($seven) = grep { $_->{gm_account} == 7 }
        items(plain('accounts', format => 'json'));
    ok(!$seven->{online}, 'and puts nobody online');

    return;
}

no_stream(-7, qr/origin/, 'a stream that another site asks for',
    headers => ['Sec-Fetch-Site: cross-site']);
no_stream(-7, qr/origin/, 'a stream that another site\'s script asks for',
    headers => ['Origin: http://example.com']);
no_stream(-3, qr/cursor/, 'a stream with a cursor of another form',
    query => '&cursor=:');
no_stream(-3, qr/sec-websocket/, 'a handshake of another version',
    headers => [ 'Upgrade: websocket', 'Connection: Upgrade',
        'Sec-WebSocket-Version: 7' ]);


# ---- names and values that look like something else

my $odd = 'a|b, "c\\ {"o":"root"}';
by('root', 'operator', operator => $odd, role => 'gm', gm_accounts => '7');
is_noted('an odd name', operator => 'root', action => 'operator',
    target => $odd, role => 'gm', gm_accounts => '7', errno => 0);
by($odd, 'online', gm_account => 7);
is_noted('who bears it', operator => $odd, action => 'online',
    gm_account => '7', errno => 0);
by($odd, 'create', gm_account => 5, gm_name => '","errno":0,"operator":"x',
    operator => 'root', role => 'admin', host => 7, uid => 8, name => 'x');
is_noted('a call with all that it has no use for', operator => $odd,
    action => 'create', gm_account => '5',
    gm_name => '","errno":0,"operator":"x', errno => -7);
my $odd_stream = Test::Gmchat::Sse->new(address => $nginx->address,
    uri => '/gm?action=stream&gm_account=7',
    headers => ["X-Operator: $odd"]);
$odd_stream->next_event('ready');
by('root', 'dismiss', operator => $odd);
is_noted('its end', operator => 'root', action => 'dismiss',
    target => $odd, errno => 0);
is_deeply($odd_stream->next_event('forbidden')->{data}, { operator => $odd },
    'which its stream hears of');
ok(wait_until(sub { $odd_stream->complete || $odd_stream->eof }),
    'and ends with');


# ---- what others hear

my $listener = Test::Gmchat::Resp->new($redis->address) or die "Redis: $!";
$listener->ask('SUBSCRIBE', 'gmchat:{default}:to:g7');
plain(add => gm_account => 7, host => 1002, uid => 19);
plain(offline => gm_account => 7);
by('olga', 'online', gm_account => 7);
my $sent = by('root', 'send', gm_account => 7, uid => 19, text => 'hello');
by('root', 'send', gm_account => 7, uid => 20, text => 'refused');
by('root', 'del', gm_account => 7, uid => 19);

my @heard = map { $listener->next_value->[2] } 1 .. 3;
is_deeply(\@heard, [ 'x online - -', "x send 19 $sent->{json}{id}",
    'x del 19 -' ], 'a GM\'s streams hear what operators did, and of nothing'
    . ' else');


# ---- a store at its memory cap

$redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
is_error(by('olga', 'friends', gm_account => 8), -7, qr/has no access/,
    'what is forbidden is so without a note');
is_error(by('olga', 'send', gm_account => 7, uid => 18, text => 'x'), 4,
    qr/not a friend/, 'and what is refused is, too');
is_error(by('olga', 'online', gm_account => 7), -5, qr/nothing was stored/,
    'a change finds no room');
is(join(' ', map { $_->{res} } map { $_->{json} } plain('receive',
    gm_account => 7), by('olga', 'offline', gm_account => 7)), '1 1',
    'what frees memory goes on');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 0);


# ---- paging, and the cap

sub small {
    my ($action, @params) = @_;

    return $nginx->post_form('/small', [ action => $action, @params ],
        headers => [ 'X-Operator: root', 'X-GMChat: 1' ]);
}

small('create', gm_account => $_, gm_name => 'x') for 1 .. CALLS;

my $first = small('audit', limit => 30, format => 'json');
my @page = items($first);
is(scalar(@page), 30, 'a page of the audit');
is($first->{json}{more}, JSON::PP::true, 'and there is more');
is_deeply([ map { $_->{gm_account} } @page ],
    [ reverse CALLS - 29 .. CALLS ], 'the newest first');

my $second = small('audit', limit => 1000, before => $page[-1]{id},
    format => 'json');
my @rest = items($second);
is($rest[0]{gm_account}, CALLS - 30, 'the page after it goes on there');
is($second->{json}{more}, JSON::PP::false, 'and is the last');

my $kept = @page + @rest;
ok($kept >= KEPT && $kept <= KEPT + BLOCK, "of its $kept entries");
is_error(small('audit', before => 'x'), -3, qr/^before: /, 'a strange id');
is(by('root', 'audit', before => $_, format => 'json')->{body},
    '{"res":1,"data":[],"more":false}', "nothing is before $_")
    for '1-1', '0-0';

finish();
