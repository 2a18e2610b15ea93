#!/usr/bin/perl

# Operators: who acts at a gm endpoint, how roles are given and taken away, by
# what a wish of another site is told from the operator's own, and streams whose
# rights go. What each role may do is in t/operators-rows.t, row by row.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(encode_base64);
use Test::Gmchat;
use Test::Gmchat::Actions qw(action_rows row_label required);
use Test::Gmchat::Client qw(metric);
use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;

my $dir = temp_folder();
write_file("$dir/passwords", "desk:{PLAIN}open\n");

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, vars => { FILES => $dir },
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    gmchat_operator $http_x_operator;
    gmchat_admin root "second admin";
    gmchat_heartbeat 200ms;
    log_format calls '$uri|$gmchat_action|$gmchat_errno|$gmchat_operator';
    access_log %%DIR%%/calls.log calls;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm     { gmchat gm; }
        location /quiet  { gmchat gm; gmchat_heartbeat 1h; gmchat_ping 1h; }
        location /friendly {
            gmchat gm;
            gmchat_origin http://example.com;
        }
        location /other  { gmchat gm; gmchat_group other; }
        location /plain  { gmchat gm; gmchat_operator off; }
        location /gs     { gmchat gs; }
        location /short  {
            gmchat gm;
            gmchat_message_max 300;
            gmchat_operator off;
        }
        location /status { gmchat status; }
        location /fixed {
            gmchat gm;
            gmchat_operator desk;
            gmchat_admin desk;
        }
        location /signed {
            gmchat gm;
            gmchat_operator $remote_user;
            gmchat_admin desk;
            auth_basic desk;
            auth_basic_user_file %%FILES%%/passwords;
        }
    }
}
EOF

# A call of an operator, as the console makes it.

sub by {
    my ($who, $action, @params) = @_;

    return $nginx->post_form('/gm', [ action => $action, @params ],
        headers => [ "X-Operator: $who", 'X-GMChat: 1' ]);
}

sub plain {
    return $nginx->call('/plain', @_);
}

sub errno {
    my ($response) = @_;

    return ($response->{json} // {})->{errno} // 0;
}

for my $gm (7, 8) {
    is_bare(plain(create => gm_account => $gm, gm_name => "GM $gm"),
        "there is GM $gm");
}

plain(add => gm_account => 7, host => 1001, uid => 17);
plain(add => gm_account => 8, host => 1001, uid => 18);


# ---- who acts

for my $case ([ 'nobody', [] ], [ 'an empty name', ['X-Operator:'] ],
    [ 'a name too long', [ 'X-Operator: ' . 'x' x 129 ] ],
    [ 'a name that is no UTF-8', [ "X-Operator: a\xff" ] ],
    [ 'a name with a tab', ["X-Operator: a\tb"] ],
    [ 'a name that a terminal obeys', ["X-Operator: a\xc2\x9b2Jb"] ])
{
    my ($label, $headers) = @$case;
    is_error($nginx->get('/gm?action=me', headers => $headers), -7,
        qr/^operator: has no access: nobody is named/, $label);
}


my $me = $nginx->get('/signed?action=me&format=json',
    headers => [ 'Authorization: Basic ' . encode_base64('desk:open', '') ]);

sub is_me {
    my ($response, $operator, $role, $gms, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is_deeply([ items($response) ], [ { operator => $operator,
        role => $role, gm_accounts => $gms, message_max => 4096 } ], $label);
}

is_me($me, 'desk', 'admin', [], 'who signs in is the operator');
is_me($nginx->get('/fixed?action=me&format=json'), 'desk', 'admin', [],
    'a name without variables is that of all who call');
is_me(plain('me', format => 'json'), '', 'none', [],
    'where nobody is named, me says so');
is_me(by('nemo', 'me', format => 'json'), 'nemo', 'none', [],
    'a name that the group does not know');
is_me(by('second admin', 'me', format => 'json'), 'second admin', 'admin', [],
    'a name with a space that gmchat_admin has');
is((items($nginx->get('/short?action=me&format=json')))[0]{message_max}, 300,
    'how long a message may be at another location');
$redis->cmd('HSET', 'gmchat:{default}:operators', 'ruin', 'ruin');
is_me(by('ruin', 'me', format => 'json'), 'ruin', 'none', [],
    'an entry of another form is no role');
is_error(by('ruin', 'accounts'), -7, qr/there is no role/, 'nor does it allow');
$redis->cmd('HDEL', 'gmchat:{default}:operators', 'ruin');
is_error(by('nemo', 'accounts'), -7, qr/has no access: there is no role/,
    'and what it may do');


# ---- operators, operator, dismiss

my $wang = '王芳';
my $wang_bytes = $wang;
utf8::encode($wang_bytes);

is_bare(by('root', 'operator', operator => 'olga', role => 'gm',
    gm_accounts => '7'), 'an admin makes an operator');
is_bare(by('root', 'operator', operator => $wang, role => 'gm',
    gm_accounts => '7,8'), 'one with a Chinese name');
is_bare(by('root', 'operator', operator => 'otto', role => 'gm',
    gm_accounts => '8'), 'one for the other GM');
is_bare(by('root', 'operator', operator => 'vera', role => 'viewer'),
    'a viewer');
is_bare(by('root', 'operator', operator => 'anna', role => 'admin'),
    'an admin');
is_deeply([ items(by('anna', 'operators', format => 'json')) ], [
    { operator => 'anna', role => 'admin', gm_accounts => [] },
    { operator => 'olga', role => 'gm', gm_accounts => ['7'] },
    { operator => 'otto', role => 'gm', gm_accounts => ['8'] },
    { operator => 'vera', role => 'viewer', gm_accounts => [] },
    { operator => $wang, role => 'gm', gm_accounts => [ '7', '8' ] },
], 'who there is, as the new admin sees it');
is_me(by($wang_bytes, 'me', format => 'json'), $wang, 'gm', [ '7', '8' ],
    'and as one of them does');
is_error(by('root', 'operator', operator => 'olga', role => 'gm',
    gm_accounts => '7,9'), 2, qr/no such account/, 'a GM that is not there');
is_error(by('root', 'operator', operator => 'olga', role => 'boss'), -3,
    qr/^role: must be admin, gm or viewer/, 'a role that is not there');
is_error(by('root', 'operator', operator => '', role => 'gm'), -3,
    qr/^operator: must have 1 to 128 bytes/, 'no name');
is_error(by('root', 'dismiss', operator => 'nemo'), -3,
    qr/^operator: there is no operator/, 'dismissing nobody');
is_deeply([ map { $_->{gm_account} }
        items(by('olga', 'accounts', format => 'json')) ], ['7'],
    'a GM\'s operator sees the accounts that are its own');
is_deeply([ map { $_->{gm_account} }
        items(by('vera', 'accounts', format => 'json')) ], [ '7', '8' ],
    'a viewer sees all');
is(errno($nginx->get('/other?action=accounts',
    headers => ['X-Operator: olga'])), -7, 'a role is of one group');


# ---- a call that changes something is by POST, with a header

# What each parameter is in a call about GM 7, or its player.

my %value = (gm_account => 7, gm_name => 'New', host => 1001, uid => 17,
    msg => 'eA==', cursor => '7:1-1', stream => '0' x 32, operator => 'olga',
    role => 'gm', gm_accounts => 7, ack => '', name => 'hello', id => '1-1',
    text => 'hello');

sub params_of {
    my ($row) = @_;

    return map { ($_ => $value{$_} // die "no value for $_") } required($row);
}

my @rows = grep { $_->{endpoint} eq 'gm' } action_rows();
cmp_ok(scalar(grep { $_->{change} } @rows), '>=', 12, 'rows that change');

for my $row (grep { $_->{change} } @rows) {
    my @call = (action => $row->{name}, params_of($row));
    my $before = $redis->contents;
    my $get = $nginx->get('/gm?' . encode_params(\@call),
        headers => [ 'X-Operator: root', 'X-GMChat: 1' ]);
    is("$get->{status} $get->{headers}{allow} "
        . (($get->{json} // {})->{error} // ''),
        '405 POST method: use POST, for this changes something',
        row_label($row) . ' by GET');
    is_error($nginx->post_form('/gm', \@call,
        headers => ['X-Operator: root']), -7, qr/needs the header X-GMChat/,
        'and without the header');
    is($redis->contents, $before, 'which change nothing');
}


# ---- lists, and a player without a GM

sub refused_to_otto {
    my ($label, $action, @params) = @_;

    return is_error(by('otto', $action, @params), -7,
        qr/^operator: has no access/, $label);
}

sub opens_stream {
    my ($who, @params) = @_;

    return $nginx->get('/gm?' . encode_params([ action => 'stream', @params ]),
        headers => [ "X-Operator: $who", 'Accept: text/event-stream' ]);
}

plain(add => gm_account => 7, host => 1001, uid => 17);
refused_to_otto('one of two in a cursor', 'ack', cursor => '8:1-1,7:1-1');
refused_to_otto('the history of a player without a GM', 'history',
    uid => 99);
is_error(opens_stream('otto', gm_account => '8,7'), -7, qr/has no access/,
    'a stream of two, of which one is its own');
is(errno(by('otto', 'history', uid => 18)), 0, 'its own player\'s history');
is(errno(by('vera', 'history', uid => 99)), 0, 'a viewer looks at any');
is_error(opens_stream('vera', gm_account => 7, online => 1), -7,
    qr/a viewer changes nothing/, 'a viewer puts no GM online by a stream');

# What a worker knows of an empty mailbox is not for those without a right.

plain(receive => gm_account => 7) for 1 .. 5;
refused_to_otto('a poll that the store need not be asked for', 'receive',
    gm_account => 7);


# ---- streams whose rights go

sub sse {
    my ($who, $uri) = @_;

    my $stream = Test::Gmchat::Sse->new(address => $nginx->address,
        uri => $uri, headers => ["X-Operator: $who"]);
    $stream->next_event('ready');

    return $stream;
}

sub websocket {
    my ($who, $uri) = @_;

    return Test::Gmchat::WebSocket->open(address => $nginx->address,
        uri => $uri, headers => ["X-Operator: $who"]);
}

my $by_event = sse('olga', '/quiet?action=stream&gm_account=7');
my $by_frame = websocket('olga', '/quiet?action=stream&gm_account=7');
my $others = sse('otto', '/quiet?action=stream&gm_account=8');
$by_frame->next_event('ready');
is($by_frame->call('accounts', format => 'json')->{data}[0]{gm_account}, '7',
    'a frame is its operator\'s');
is($by_frame->call('history', uid => 18)->{errno}, -7,
    'with the operator\'s rights');
is($by_frame->call('watch', gm_account => '8')->{errno}, -7,
    'and does not watch another GM');
is($by_frame->call('send', gm_account => 7, uid => 17, text => 'hello')->{res},
    1, 'a frame needs no header');

is_bare(by('root', 'operator', operator => 'olga', role => 'gm',
    gm_accounts => '8'), 'the GM is given to nobody');
is_deeply($by_event->next_event('forbidden')->{data},
    { operator => 'olga' }, 'the stream is told');
ok(wait_until(sub { $by_event->complete || $by_event->eof }), 'and ends');
ok($by_frame->next_event('forbidden'), 'the WebSocket, too');
is($by_frame->close_code, 4403, 'with a code of its own');
$nginx->gs(send => uid => 18, text => 'for otto');
is($others->next_event('message')->{data}{text}, 'for otto',
    'the other operator\'s stream goes on');
is_error($nginx->get('/gm?action=stream&gm_account=7', headers => [
    'X-Operator: olga', 'Accept: text/event-stream' ]), -7,
    qr/has no access to this GM/, 'and it does not come back');

# Nobody publishes: the stream's beat finds out.

my $unheard = sse('otto', '/gm?action=stream&gm_account=8');
$redis->cmd('HDEL', 'gmchat:{default}:operators', 'otto');
ok($unheard->next_event('forbidden'), 'rights that went unheard');
ok(wait_until(sub { $unheard->complete || $unheard->eof }),
    'end a stream as well');
by('root', 'operator', operator => 'otto', role => 'gm', gm_accounts => '8');

# The ops service, which has all rights, orders receivers for a stream.

my $ordered = Test::Gmchat::Sse->new(address => $nginx->address,
    uri => '/gm?action=stream&gm_account=8', headers => ['X-Operator: otto']);
my $name = $ordered->next_event('open')->{data}{stream};
is_bare(plain(watch => stream => $name, gm_account => 7), 'an order');
$nginx->gs(send => uid => 17, text => 'not for otto');
$nginx->gs(send => uid => 18, text => 'again for otto');
my @seen;

while (@seen < 5 && !grep { $_ eq 'again for otto' } @seen) {
    push @seen, ($ordered->next_event('message') // {})->{data}{text} // '';
}

is(join(', ', grep { $_ ne 'for otto' } @seen), 'again for otto',
    'gives an operator nothing of another GM');


# A call that waits is judged when it is answered, not when it came.

my $held = $nginx->connect;
$held->write(format_request('POST', '/gm',
    type => 'application/x-www-form-urlencoded',
    headers => [ 'X-Operator: otto', 'X-GMChat: 1' ],
    body => encode_params([ action => 'receive', gm_account => 8, ack => '',
        wait => 50, format => 'json' ])));
my $first = $held->response;
is(scalar(items($first)), 2, 'what is there is given at once');
$held->write(format_request('POST', '/gm',
    type => 'application/x-www-form-urlencoded',
    headers => [ 'X-Operator: otto', 'X-GMChat: 1' ],
    body => encode_params([ action => 'receive', gm_account => 8,
        ack => $first->{json}{cursor}, wait => 50, format => 'json' ])));
ok(wait_until(sub { metric($nginx, 'gmchat_parked') == 1 }),
    'a call waits, and gave its request back');
by('root', 'dismiss', operator => 'otto');
$nginx->gs(send => uid => 18, text => 'too late for otto');
is_error($held->response, -7, qr/there is no role/,
    'and is refused by the rights of then');
$held->close;
by('root', 'operator', operator => 'otto', role => 'gm', gm_accounts => '8');


# ---- other sites

for my $site (qw(cross-site same-site)) {
    is_error($nginx->get('/gm?action=stream&gm_account=8&online=1',
        headers => [ 'X-Operator: otto', 'Accept: text/event-stream',
            "Sec-Fetch-Site: $site" ]), -7, qr/origin/,
        "a stream that a page of a $site has a browser open");
}

my $own = sse('otto', '/gm?action=stream&gm_account=8');
ok($own, 'one that says nothing of a site');

# Calls alike: what such a page sends the browser for is not even noted.

sub audited {
    return $redis->cmd('XLEN', 'gmchat:{default}:audit');
}

my $noted = audited();

for my $site (qw(cross-site same-site)) {
    my @said = ('X-Operator: otto', "Sec-Fetch-Site: $site");
    is_error($nginx->get('/gm?action=friends&gm_account=7',
        headers => \@said), -7, qr/origin/, "a look by a page of a $site");
    is_error($nginx->post_form('/gm', [ action => 'friends',
        gm_account => 8 ], headers => \@said), -7, qr/origin/, 'a form of it');
    is_error($nginx->post_form('/gm', [ action => 'offline', gm_account => 8 ],
        headers => [ @said, 'X-GMChat: 1', 'Origin: http://example.com' ]), -7,
        qr/origin/, 'and a script');
    is_success($nginx->get('/friendly?action=friends&gm_account=8',
        headers => [ @said, 'Origin: http://example.com' ]),
        'a script of a site that gmchat_origin names');
    is_error($nginx->get('/friendly?action=friends&gm_account=7',
        headers => \@said), -7, qr/origin/, 'which says so');
}

is(audited(), $noted, 'of which nothing is noted');
is_success($nginx->get('/gm?action=friends&gm_account=8', headers => [
    'X-Operator: otto', "Sec-Fetch-Site: $_" ]), "a look by $_")
    for qw(same-origin none);
is_success($nginx->get('/plain?action=accounts', headers => [
    'Sec-Fetch-Site: cross-site' ]), 'where nobody is named nothing is asked');


# ---- the log

sub logged {
    open(my $file, '<', "$nginx->{dir}/calls.log") or return '';
    local $/;

    return scalar <$file>;
}

by("a\"b\\|c,d", 'accounts');
ok(wait_until(sub { logged() =~ $_ }), "the log has $_")
    for qr{^/gm\|accounts\|-7\|a\\x22b\\x5C\|c,d$}m,
    qr{^/gm\|accounts\|-7\|nemo$}m, qr{^/gm\|operators\|0\|anna$}m,
    qr{^/plain\|create\|0\|-$}m;


# ---- a Redis that forgot the scripts, and a cluster

$redis->cmd('SCRIPT', 'FLUSH');
is(errno(by('root', 'accounts')), 0, 'a script that Redis forgot');

my $cluster = start_cluster(masters => 2, replicas => 0);
my $spread = start_nginx(redis => $cluster, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    gmchat_group x client;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm {
            gmchat gm;
            gmchat_operator $http_x_operator;
            gmchat_admin root;
        }
        location /gs { gmchat gs; }
    }
}
EOF

for my $group (map { scalar $cluster->groups_on($_) } $cluster->masters) {
    my $call = sub {
        my ($who, $action, @params) = @_;
        return $spread->post_form('/gm', [ action => $action, @params,
            group => $group ],
            headers => [ "X-Operator: $who", 'X-GMChat: 1' ]);
    };

    is_bare($call->('root', 'create', gm_account => 7, gm_name => 'x'),
        "$group: an admin acts in a cluster");
    is_bare($call->('root', 'operator', operator => 'olga', role => 'gm',
        gm_accounts => 7), 'and gives a role');

    my $stream = Test::Gmchat::Sse->new(address => $spread->address,
        uri => "/gm?action=stream&gm_account=7&group=$group",
        headers => ['X-Operator: olga']);
    $stream->next_event('ready');
    is_bare($call->('olga', 'add', gm_account => 7, host => 1, uid => 5),
        'whose operator acts');
    is($stream->next_event('desk')->{data}{action}, 'add',
        'which its stream hears of');
    is(join(' ', map { $_->{action} }
        items($call->('root', 'audit', format => 'json'))),
        'add operator create', 'and the audit has');
    is_bare($call->('root', 'dismiss', operator => 'olga'),
        'the role is taken away');
    ok($stream->next_event('forbidden'), 'which the stream hears of, too');
}


# ---- the configuration

sub conf_says {
    my ($lines, $pattern, $label) = @_;

    my $conf = "%%MAIN%%\nhttp {\n%%PATHS%%\ngmchat_redis %%REDIS%%;\n"
        . "server {\nlisten 127.0.0.1:%%PORT%%;\n$lines\n}\n}\n";
    my ($status, $said) = make_nginx(redis => $redis, conf => $conf,
        allow => [qr/\[emerg\].* in \S+nginx\.conf:\d+/])->check_conf;

    return like("$status $said", $pattern, $label);
}

conf_says('location /gs { gmchat gs; gmchat_operator x; }',
    qr/^(?!0 ).*"gmchat_operator" names nobody at a "gmchat gs"/s,
    'game servers have no operators');
conf_says('gmchat_operator x; location /gs { gmchat gs; }', qr/^0 /,
    'but may stand beside them');
conf_says('location /gm { gmchat gm; gmchat_operator x; gmchat_operator y; }',
    qr/^(?!0 ).*duplicate/s, 'one operator');
conf_says('location /gm { gmchat gm; gmchat_admin ""; }',
    qr/^(?!0 ).*must have 1 to 128 bytes/s, 'an admin without a name');
conf_says('location /gm { gmchat gm; gmchat_audit 99; }',
    qr/^(?!0 ).*100 to 10000000/s, 'an audit of nothing');
conf_says('gmchat_audit 200; location /gm { gmchat gm; gmchat_audit 100; }',
    qr/^0 /, 'an audit of a location\'s own');

finish();
