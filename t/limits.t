#!/usr/bin/perl

# Limits that an operator sets: mailboxes, bodies, rates.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::More;

my $redis = start_redis();
# One worker: what a receive took is settled before the next call.
my $nginx = start_nginx(redis => $redis, workers => 1, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    limit_req_zone $binary_remote_addr zone=calls:1m rate=1r/m;
    limit_req_status 429;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm     { gmchat gm; gmchat_mailbox_max 5 1m; }
        location /gs     { gmchat gs; gmchat_mailbox_max 5 1m; }
        location /bytes  { gmchat gs; gmchat_mailbox_max 1000 10k; }
        location /small  { gmchat gm; client_max_body_size 1k; }
        location /short  { gmchat gs; gmchat_message_max 10; }
        location /rate   { gmchat gm; limit_req zone=calls; }
        location /plain-rate {
            gmchat gm;
            limit_req zone=calls;
            limit_req_status 503;
        }
    }
}
EOF

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => $_, uid => $_) for 1001, 1002;

# entries of a mailbox

sub to_host {
    my ($n, @more) = @_;

    return $nginx->gm('send', gm_account => 1, uid => 1001, text => "t$n",
        @more);
}

is_success(to_host($_, msgid => "m$_"), "message $_ of 5") for 1 .. 5;
my $reply = to_host(6, msgid => 'm6');
is_error($reply, -4, qr/\w/, 'the sixth finds the mailbox full');
like($reply->{headers}{'retry-after'}, qr/^\d+$/, 'and when to try again');
ok(to_host(5, msgid => 'm5')->{json}{repeat},
    'a repeat of one that is in it is answered as ever');
is_success($nginx->gm('send', gm_account => 1, uid => 1002, text => 'x'),
    'another host\'s mailbox is another');

my $poll = $nginx->gs('receive', host => 1001, ack => '', limit => 2);
is_error(to_host(6, msgid => 'm6'), -4, qr/\w/,
    'what was not acknowledged takes its place');
$nginx->gs('receive', host => 1001, ack => $poll->{json}{cursor});
is_success(to_host(6, msgid => 'm6'), 'what was acknowledged does not');
is_success(to_host(7), 'for as many as there were');
is_error(to_host(8), -4, qr/\w/, 'and no more');
is(scalar items($nginx->gs('receive', host => 1001, format => 'json')), 5,
    'the mailbox has what was accepted');
ok(wait_until(sub { to_host(9)->{json}{res} }), 'and is free again');

is_success($nginx->gs('send', uid => 1001, text => "t$_"),
    "message $_ of 5 to a GM") for 1 .. 5;
is_error($nginx->gs('send', uid => 1002, text => 't'), -4, qr/\w/,
    'a GM\'s mailbox is one for all players');
$nginx->gm('receive');
ok(wait_until(sub {
    return $nginx->gs('send', uid => 1002, text => 't')->{json}{res};
}), 'until it is received');

# what is gone makes room, also from behind one that is in flight

my $fake = start_fake(upstream => $redis);
my $slow = start_nginx(redis => $fake, workers => 1, conf => <<'EOC');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    gmchat_redeliver 654321ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOC

sub to_player {
    my ($uid, $text) = @_;

    return $nginx->gm('send', gm_account => 1, uid => $uid, text => $text);
}

$nginx->gm('add', gm_account => 1, host => 1003, uid => $_) for 31, 32;
to_player(31, 'in flight');
$fake->on(name => 'EVALSHA', times => 1, hold => 1, match => '\b654321\b');
my $connection = $slow->connect;
$connection->write(format_request('GET',
    '/gs?action=receive&host=1003&format=json'));
ok($fake->wait_held, 'a message is in flight');
is_success(to_player(32, "t$_"), "another behind it, $_ of 4") for 1 .. 4;
is_error(to_player(32, 'x'), -4, qr/\w/, 'these five are all there may be');
is(scalar items($nginx->gs('receive', host => 1003, format => 'json')), 4,
    'the four are received');
ok(wait_until(sub { to_player(32, 'r1')->{json}{res} }),
    'and make room though the first is still in flight');
is_success(to_player(32, "r$_"), 'for as many') for 2 .. 4;
is_error(to_player(32, 'x'), -4, qr/\w/, 'and no more');
$fake->release;
is(scalar items($connection->response), 1, 'the first arrives');
is(scalar items($nginx->gs('receive', host => 1003, format => 'json')), 4,
    'and the others');

# bytes of a mailbox

$nginx->gm('receive');
my @sent = map { $nginx->call('/bytes', 'send', uid => 1001,
    text => 'x' x 2000) } 1 .. 10;
my @refused = grep { !$_->{json}{res} } @sent;
cmp_ok(scalar @refused, '>', 4, 'ten times 2000 bytes do not fit in 10k');
cmp_ok(scalar @refused, '<', 10, 'but some do');
is_error($_, -4, qr/\w/, 'the others find it full') for @refused;
is(scalar items($nginx->gm('receive', format => 'json')),
    10 - @refused, 'what was accepted is there');
ok(wait_until(sub {
    return $nginx->call('/bytes', 'send', uid => 1001, text => 'x' x 2000)
        ->{json}{res};
}), 'and then there is room');

# bodies

my $form = 'application/x-www-form-urlencoded';
is_error($nginx->request('POST', '/small?action=online', type => $form,
    body => 'gm_account=1&x=' . 'x' x 2000), -11, qr/\w/,
    'a body past client_max_body_size');
my $chunked = $nginx->connect;
$chunked->write("POST /small?action=online HTTP/1.1\r\nHost: x\r\n"
    . "Content-Type: $form\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "7d0\r\n" . 'x' x 2000 . "\r\n0\r\n\r\n");
is_error($chunked->response, -11, qr/\w/, 'also in chunks');
is_bare($nginx->request('POST', '/small?action=online', type => $form,
    body => 'gm_account=1&x=' . 'x' x 1009), 'a body at client_max_body_size');

# messages

is_success($nginx->call('/short', 'send', uid => 1001, text => 'x' x 10),
    'a message at gmchat_message_max');
is_error($nginx->call('/short', 'send', uid => 1001, text => 'x' x 11), -3,
    qr/text/, 'and past it');

# rates

is_success($nginx->call('/rate', 'accounts'), 'the first call of a minute');
$reply = $nginx->call('/rate', 'accounts');
is_error($reply, -9, qr/\w/, 'the second is past the rate');
like($reply->{headers}{'retry-after'}, qr/^\d+$/, 'and when to try again');
is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8',
    'as JSON');
$reply = $nginx->call('/plain-rate', 'accounts');
is_error($reply, -9, qr/\w/,
    'the same where limit_req has its own status, 503');
like($reply->{headers}{'retry-after'}, qr/^\d+$/, 'and when to try again');
is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8',
    'as JSON');

finish();
