#!/usr/bin/perl

# nginx under valgrind, with the module as it goes to production: calls, held
# calls, streams, clients that are gone, a link that is lost, a reload. No
# memory is used before it has a value or after it was freed, and no block is
# lost when a worker ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Process qw(run_command);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;

# Instead of a build with sanitizers, which valgrind does not get on with.

delete $ENV{GMCHAT_TEST_PRELOAD};
$ENV{GMCHAT_MODULE} =
    "$FindBin::Bin/../build/release/ngx_http_gmchat_module.so";

my $folder = temp_folder();
my ($status, $said) = run_command(
    argv => [ $ENV{CC} || 'cc', '-shared', '-fPIC', '-Wall', '-Werror', '-o',
        "$folder/keep.so", "$FindBin::Bin/lib/keep_modules.c" ],
    output => "$folder/cc.out",
);
is($status, 0, 'what keeps the module in place is built') || diag($said);

# nginx is slow there: nothing here depends on how slow.

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, workers => 1, valgrind => 1,
    preload => "$folder/keep.so", conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% connect_timeout=60s timeout=60s wake_timeout=1m;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /checked { gmchat gm; gmchat_role_check /role; }
        location /desk {
            gmchat gm;
            gmchat_operator $http_x_operator;
            gmchat_admin root;
            gmchat_role_check /role;
        }
        location /status { gmchat status; }
        location = /role { internal; return 200 '{"code":1}'; }
    }
}
EOF

sub serves {
    my ($label) = @_;

    ok(wait_until(sub { $nginx->gm('accounts')->{json}{res} }), $label);
}

sub texts {
    my (@items) = @_;

    return join(' ', map { $_->{text} // $_->{data}{text} } @items);
}

serves('nginx serves under valgrind');

# calls

is_bare($nginx->gm('create', gm_account => 1, gm_name => 'Ann'), 'create');
is_bare($nginx->call('/checked', 'add', gm_account => 1, host => 1001,
    uid => 5), 'add, with the role check');
is_success($nginx->post_json('/gm', { action => 'send', gm_account => 1,
    uid => 5, text => "to the host $_" }), "a message, by JSON: $_")
    for 1 .. 30;
is_success($nginx->post_form('/gs', [ action => 'send', uid => 5,
    text => "to the GM $_", msgid => "m$_" ]), "a message, by a form: $_")
    for 1 .. 30;
is(scalar items($nginx->gs('receive', host => 1001, format => 'json',
    ack => '')), 30, 'with ack');
is(scalar items($nginx->gs('receive', host => 1001, format => 'json')), 30,
    'plain');
is(scalar @{ data($nginx->gm('receive'))->{1} }, 3, 'of all GMs, base64');
is_success($nginx->gm(@$_), "@$_") for [ 'history', uid => 5 ], [ 'hosts' ],
    [ 'friends', gm_account => 1 ], [ 'online', gm_account => 1 ],
    [ 'player', uid => 5 ], [ 'canned_set', name => 'a', text => 'x' ],
    [ 'canned' ], [ 'read', gm_account => 1, uid => 5, id => '1-1' ];
is_success($nginx->gs($_, host => 1001), "gs $_") for qw(relation online);
is_error($nginx->gm('send', gm_account => 'x'), -1, qr/\w/, 'no integer');
is_error($nginx->post_json('/gm', '{"action":'), -3, qr/JSON/, 'no JSON');
is($nginx->get("/status$_")->{status}, 200, "status$_")
    for '', '/metrics', '/live', '/ready';

# held calls

sub hold {
    my $connection = $nginx->connect;
    $connection->write(format_request('GET',
        '/gm?action=receive&gm_account=1&format=json&wait=55'));
    ok(wait_until(sub {
        return $nginx->get('/status')->{json}{waiting}{longpoll};
    }), 'a call is held');

    return $connection;
}

sub to_gm {
    return $nginx->gs('send', uid => 5, text => $_[0]);
}

my $held = hold();
ok(wait_until(sub { $nginx->get('/status')->{json}{parked} }),
    'without its request');
to_gm('news');
is(texts(items($held->response)), 'news', 'and woken');
hold()->reset;
ok(wait_until(sub {
    return !$nginx->get('/status')->{json}{waiting}{longpoll};
}), 'one whose client is gone ends');

# streams

my $stream = Test::Gmchat::Sse->new(address => $nginx->address,
    uri => '/gs?action=stream&host=1001,1002');
ok($stream->next_event('ready'), 'an event stream');
my $socket = Test::Gmchat::WebSocket->open(address => $nginx->address,
    uri => '/gm?action=stream&gm_account=1&online=1');
ok($socket->next_event('ready'), 'a WebSocket');
ok($socket->call('send', gm_account => 1, uid => 5, text => "s$_")->{res},
    'a call in a frame') for 1 .. 10;
is(texts($stream->next_events(10, 'message')),
    join(' ', map { "s$_" } 1 .. 10), 'reaches the other');
to_gm('back');
is(texts($socket->next_event('message')), 'back', 'and back');

# operators: calls, refusals, a call that waits, streams that put a GM online, are
# told to watch another one, and lose their rights

sub by {
    my ($who, $action, @params) = @_;

    return $nginx->post_form('/desk', [ action => $action, @params ],
        headers => [ "X-Operator: $who", 'X-GMChat: 1' ]);
}

is_bare(by('root', @$_), "root: @$_") for
    [ 'create', gm_account => 2, gm_name => 'Bea' ],
    [ 'operator', operator => 'olga', role => 'gm', gm_accounts => '1,2' ];
is_bare(by('olga', 'add', gm_account => 2, host => 1001, uid => 6),
    'olga: add, with the role check');
is_error(by('olga', 'add', gm_account => 2, host => 1001, uid => 6), 3,
    qr/has a GM/, 'which is refused the second time');
is_success(by('olga', @$_), "olga: @$_") for [ 'me' ], [ 'accounts' ],
    [ 'friends', gm_account => 2 ], [ 'history', uid => 5 ],
    [ 'player', uid => 7 ];
is_error(by('olga', 'hosts'), -7, qr/for admins/, 'olga: no hosts');
is_error(by('nemo', 'ack', cursor => '1:1-1'), -7, qr/no role/, 'nemo: no ack');
is_error($nginx->get('/desk?action=me', headers => ['X-Operator: ']), -7,
    qr/nobody is named/, 'nobody');

my $desk = Test::Gmchat::WebSocket->open(address => $nginx->address,
    uri => '/desk?action=stream&gm_account=1&online=1',
    headers => ['X-Operator: olga']);
ok($desk->next_event('ready'), 'a WebSocket of an operator');
is($desk->call('watch', gm_account => 2)->{res}, 1, 'one more GM');
is($desk->call('watch', gm_account => 9)->{errno}, -7, 'none of another');
ok($desk->call('add', gm_account => 2, host => 1001, uid => 8)->{res},
    'add in a frame');
my $look = Test::Gmchat::Sse->new(address => $nginx->address,
    uri => '/desk?action=stream&gm_account=2', headers => ['X-Operator: olga']);
ok($look->next_event('ready'), 'an event stream of an operator');
$desk->ask('receive', gm_account => 2, wait => 50);
is_bare(by('root', 'dismiss', operator => 'olga'), 'root: dismiss');
ok($_->next_event('forbidden'), 'the stream is told') for $look, $desk;
is($desk->close_code, 4403, 'and ends');
is_success(by('root', 'audit', format => 'json'), 'root: audit');

# the link is lost, with all of these there

$redis->cmd('CLIENT', 'KILL', 'TYPE', $_, 'SKIPME', 'yes')
    for qw(normal pubsub);
serves('the link is back');
to_gm('again');
is(texts($socket->next_event('message')), 'again', 'the streams go on');

# one goes by itself, one with its worker

$stream->reset;
ok($nginx->reload, 'a reload, in which the worker ends');
$socket->close;
serves('the next worker serves');

finish();
