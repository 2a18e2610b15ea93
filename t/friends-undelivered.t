#!/usr/bin/perl

# How many messages of each friend a GM has not received: right whatever way
# they are sent, taken, put back or acknowledged.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::More;

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    gmchat_redeliver 654321ms;
    gmchat_mailbox_max 20 1m;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

# The replies to `$slow` may be held; `$nginx` goes to the same store without
# the fake between.
my $slow = start_nginx(redis => $fake, workers => 1, conf => $conf);
my $nginx = start_nginx(redis => $redis, workers => 1, conf => $conf);

my $box = 'gmchat:{default}:box:g1';

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1, 2;
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 5, 6, 7;
$nginx->gm('add', gm_account => 2, host => 1001, uid => 8);

sub from {
    $nginx->gs('send', uid => $_, text => "from $_") for @_;
}

sub gm_receives {
    return $nginx->gm('receive', format => 'json', @_);
}

sub senders {
    return join(' ', map { $_->{uid} } items($_[0]));
}

# "5:2 6:0 7:1"

sub undelivered {
    my $friends = $nginx->gm('friends', gm_account => 1, format => 'json');

    return join(' ', map { "$_->{uid}:$_->{undelivered}" }
        sort { $a->{uid} <=> $b->{uid} } items($friends));
}

# What a plain receive took is settled by a call of its own.

sub becomes {
    my ($expected, $label) = @_;

    wait_until(sub { undelivered() eq $expected });
    is(undelivered(), $expected, $label);
}

# Calls while Redis' answer to it is held.

sub begin_receive {
    my (@of) = @_;

    $fake->on(name => 'EVALSHA', times => 1, hold => 1,
        match => '\b654321\b');
    my $connection = $slow->connect;
    $connection->write(format_request('GET',
        Test::Gmchat::Nginx::uri('/gm', 'receive', format => 'json', @of)));
    ok($fake->wait_held, 'Redis took, the answer is on its way');

    return $connection;
}

# Whoever counts by looking sees the same.

sub same_as_stored {
    my %stored;

    for my $entry (@{ $redis->cmd('XRANGE', $box, '-', '+') }) {
        my %field = @{ $entry->[1] };
        $stored{ $field{u} }++;
    }

    my %counted = @{ $redis->cmd('HGETALL', "$box:u") };

    return is_deeply(\%counted, \%stored, $_[0]);
}

is(undelivered(), '5:0 6:0 7:0', 'nobody wrote yet');

# plain

from(5, 6, 5, 8);
is(undelivered(), '5:2 6:1 7:0', 'what was sent is counted by player');
$nginx->gs('send', uid => 5, text => 'once', msgid => 'm') for 1 .. 3;
is(undelivered(), '5:3 6:1 7:0', 'a repeat of a msgid is not');
is($nginx->gs('send', uid => 5, msg => 'no base64!')->{status}, 400,
    'nor what was refused');
is(undelivered(), '5:3 6:1 7:0', 'for its form');

my $connection = begin_receive();
is(undelivered(), '5:3 6:1 7:0', 'what is in flight is not delivered yet');
from(7);
$fake->release;
is(senders($connection->response), '5 6 5 5 8', 'it is handed over');
becomes('5:0 6:0 7:1', 'then it is, and what came since is not');
same_as_stored('as in the mailbox');

# put back

$connection = begin_receive(gm_account => 1);
from(7, 5);
$connection->reset;
$fake->release;
wait_until(sub { !$redis->cmd('HEXISTS', "$box:m", 'flight') });
is(undelivered(), '5:1 6:0 7:2', 'what was put back is undelivered still');
same_as_stored('as in the mailbox');

# pages

is(senders(gm_receives(limit => 1)), '7', 'a page');
becomes('5:1 6:0 7:1', 'counts for what it carried');
is(senders(gm_receives(limit => 1, gm_account => 1)), '7', 'and the next');
becomes('5:1 6:0 7:0', 'likewise');
is(senders(gm_receives(limit => 1)), '5', 'and the last');
becomes('5:0 6:0 7:0', 'and nothing is left');
ok(wait_until(sub { !$redis->cmd('EXISTS', "$box:u") }),
    'nor in the store');

# out of the middle

from(5);
$connection = begin_receive();
from(6, 5, 7);
is(senders(gm_receives()), '6 7', 'what is behind one in flight, delivered');
becomes('5:2 6:0 7:0', 'is counted off before it');
same_as_stored('as in the mailbox');
$fake->release;
is(senders($connection->response), '5', 'that one arrives');
becomes('5:1 6:0 7:0', 'and is counted off');
is(senders(gm_receives(gm_account => 1)), '5', 'and the last');
becomes('5:0 6:0 7:0', 'too');

# with ack

from(5, 6, 7, 5);
my $poll = gm_receives(gm_account => 1, ack => '', limit => 3);
is(undelivered(), '5:2 6:1 7:1', 'what was read and not acknowledged');
$poll = gm_receives(gm_account => 1, ack => $poll->{json}{cursor}, limit => 3);
is(undelivered(), '5:1 6:0 7:0', 'what was acknowledged');
same_as_stored('as in the mailbox');
gm_receives(gm_account => 1, ack => $poll->{json}{cursor}) for 1, 2;
is(undelivered(), '5:0 6:0 7:0', 'all acknowledged, twice');
ok(!$redis->cmd('EXISTS', "$box:u"), 'nothing is left in the store');

# acknowledged while in flight, then handed over; and then put back

for my $end (qw(handed_over put_back)) {
    from(5, 6);
    $connection = begin_receive();
    from(7);
    $poll = gm_receives(gm_account => 1, ack => '', limit => 1);
    gm_receives(gm_account => 1, ack => $poll->{json}{cursor});
    is(undelivered(), '5:0 6:1 7:1', "$end: acknowledged while in flight");
    $connection->reset if $end eq 'put_back';
    $fake->release;
    is(senders($connection->response), '5 6', "$end: the reply")
        if $end eq 'handed_over';
    ok(wait_until(sub { !$redis->cmd('HEXISTS', "$box:m", 'flight') }),
        "$end: settled");
    is(undelivered(), $end eq 'put_back' ? '5:0 6:1 7:1' : '5:0 6:0 7:1',
        "$end: nothing is counted off twice");
    same_as_stored("$end: as in the mailbox");
    $poll = gm_receives(gm_account => 1, ack => '');
    gm_receives(gm_account => 1, ack => $poll->{json}{cursor});
    is(undelivered(), '5:0 6:0 7:0', "$end: then all is acknowledged");
}

# a full mailbox, and the end of a friendship

from((5) x 25);
is(undelivered(), '5:20 6:0 7:0', 'what a full mailbox refused is not counted');
$nginx->gm('del', gm_account => 1, uid => 5);
is(undelivered(), '6:0 7:0', 'a player who is a friend no more is not shown');
$nginx->gm('add', gm_account => 1, host => 1002, uid => 5);
is(undelivered(), '5:20 6:0 7:0', 'friends again, his messages still wait');
gm_receives();
becomes('5:0 6:0 7:0', 'until they are received');
ok(wait_until(sub { !$redis->cmd('EXISTS', "$box:u") }),
    'nothing is left in the store');

finish();
