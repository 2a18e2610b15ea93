#!/usr/bin/perl

# Receiving with acknowledgement: cursors, limit, more, reset.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my $nginx = start_nginx(quiet => 1, redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

sub prepare {
    $nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1, 2;
    $nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 5, 6;
    $nginx->gm('add', gm_account => 2, host => 1001, uid => 7);
}

sub host_poll {
    my (@more) = @_;

    return $nginx->gs('receive', host => 1001, format => 'json', @more);
}

sub gm_poll {
    my ($gm, @more) = @_;

    return $nginx->gm('receive', gm_account => $gm, format => 'json', @more);
}

sub texts {
    return join(' ', map { $_->{text} } items($_[0]));
}

sub say_to_host {
    is_success($nginx->gm('send', gm_account => 1, uid => 5, text => $_),
        "a GM says $_") for @_;
}

prepare();

# nothing yet

my $empty = host_poll(ack => '');
is_success($empty, 'a mailbox that never had a message');
is_deeply($empty->{json}{data}, [], 'is empty');
ok(exists $empty->{json}{cursor}, 'and has a cursor');
ok(!$empty->{json}{more}, 'and no more');
ok(!$empty->{json}{reset}, 'and no reset');
is_success(host_poll(ack => $empty->{json}{cursor}),
    'its cursor can be given back');

# nothing is taken before it is acknowledged

say_to_host(qw(a b c));
my $poll = host_poll(ack => '');
is(texts($poll), 'a b c', 'what is there');
is(texts(host_poll(ack => '')), 'a b c', 'comes again until acknowledged');
my $old = $nginx->gs('receive', host => 1001, ack => '');
is(data($old)->[0]{msg}, join(',', map { b64($_) } qw(a b c)),
    'also in base64');
ok(exists $old->{json}{cursor}, 'with a cursor');

my $cursor = $poll->{json}{cursor};
my $next = host_poll(ack => $cursor);
is(texts($next), '', 'what was acknowledged does not');
ok(!$next->{json}{reset}, 'the cursor is part of the history');
is(texts(host_poll(ack => '')), '', 'and it is gone for good');
ok(!host_poll(ack => $cursor)->{json}{reset}, 'an ack may be repeated');

say_to_host(qw(d e));
is(texts(host_poll(ack => $cursor)), 'd e',
    'an ack of old things takes nothing of the new');

# a part of it

$poll = host_poll(ack => '', limit => 1);
is(texts($poll), 'd', 'limit bounds what comes');
ok($poll->{json}{more}, 'and more says that there is more');
$poll = host_poll(ack => $poll->{json}{cursor}, limit => 1);
is(texts($poll), 'e', 'the next one');
ok(!$poll->{json}{more}, 'is the last');
is(texts(host_poll(ack => $poll->{json}{cursor})), '', 'all acknowledged');

# a plain receive beside it

say_to_host(qw(f g h));
$poll = host_poll(limit => 2);
is(texts($poll), 'f g', 'a plain receive takes, limited');
ok($poll->{json}{more}, 'and says that there is more');
my $rest = '';
wait_until(sub { $rest = texts(host_poll()) });
is($rest, 'h', 'the rest, as soon as the store knows that the first arrived');
ok(wait_until(sub { texts(host_poll(ack => '')) eq '' }),
    'what was taken is gone');

# a limit that no client gave

say_to_host(map { "m$_" } 1 .. 205);
$poll = host_poll(ack => '');
is(scalar items($poll), 200, 'without a limit 200 messages');
ok($poll->{json}{more}, 'and more');
$poll = host_poll(ack => $poll->{json}{cursor});
is(texts($poll), join(' ', map { "m$_" } 201 .. 205), 'then the rest');
host_poll(ack => $poll->{json}{cursor});

# the mailbox of one GM

$nginx->gs('send', uid => $_, text => "from $_") for 5, 7, 6;
is_error($nginx->gm('receive', ack => ''), -2, qr/gm_account/,
    'ack needs to know whose mailbox it is about');
$poll = gm_poll(1, ack => '');
is(texts($poll), 'from 5 from 6', 'the messages of one GM');
is(texts(gm_poll(1, ack => $poll->{json}{cursor})), '', 'acknowledged');
is(texts(gm_poll(2)), 'from 7', 'a plain receive of one GM takes these alone');
is(texts(gm_poll(2)), '', 'once');
is_error(gm_poll('x', ack => ''), -1, qr/gm_account/,
    'an account that is no integer');

# relation

$poll = $nginx->gs('relation', host => 1001, ack => '', format => 'json');
is(join(' ', map { "$_->{change} $_->{uid}" } items($poll)),
    'apply 5 apply 6 apply 7', 'relation with ack');
$poll = $nginx->gs('relation', host => 1001, ack => '', format => 'json',
    limit => 2);
is(scalar items($poll), 2, 'comes again, limited');
ok($poll->{json}{more}, 'with more');
$poll = $nginx->gs('relation', host => 1001, format => 'json',
    ack => $poll->{json}{cursor});
is(join(' ', map { $_->{uid} } items($poll)), '7', 'what is left');
$poll = $nginx->gs('relation', host => 1001, ack => $poll->{json}{cursor});
is_deeply(data($poll, 'apply_data'), {}, 'all acknowledged');
is_error($nginx->gs('relation', host => 1001, ack => 'nonsense'), -3,
    qr/ack/, 'a cursor of no known form');

# cursors that are not of this history

say_to_host(qw(x y));
$poll = host_poll(ack => '');
(my $ahead = $poll->{json}{cursor}) =~ s/(\d+)$/$1 + 1000/e;
my $reply = host_poll(ack => $ahead);
ok($reply->{json}{reset}, 'a cursor ahead of the mailbox: reset');
is(texts($reply), 'x y', 'and nothing is skipped');

$cursor = $poll->{json}{cursor};
$redis->cmd('FLUSHALL');
prepare();
say_to_host(qw(new));
$reply = host_poll(ack => $cursor);
ok($reply->{json}{reset}, 'a cursor from before the store lost all: reset');
is(texts($reply), 'new', 'and nothing is skipped');
isnt($reply->{json}{cursor}, $cursor, 'the new cursor is another');
$reply = host_poll(ack => $reply->{json}{cursor});
ok(!$reply->{json}{reset}, 'and is good');
is(texts($reply), '', 'for an ack');

$reply = $nginx->gs('relation', host => 1001, ack => $cursor);
ok($reply->{json}{reset}, 'a cursor of another mailbox: reset');
is(scalar keys %{ data($reply, 'apply_data') }, 3, 'and nothing is skipped');

finish();
