#!/usr/bin/perl

# gmchat_redis redis+sentinel://: the master is the one that the sentinels
# name, now and after a failover.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client
    qw(befriend say_to_host drain metric wait_ready);
use Test::Gmchat::Traffic qw(waiters are_woken while_sending);
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=200ms wake_timeout=600ms timeout=1s
                 connect_timeout=500ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

my $set = start_sentinels(replicas => 2, password => 'secret',
    sentinel_password => 'watch');
my $nginx = start_nginx(redis => $set, conf => $conf);

sub switches {
    return metric($nginx, 'gmchat_store_switches_total');
}

ok(befriend($nginx), 'a bridge that knows sentinels alone serves');
is($set->master->cmd('EXISTS', 'gmchat:{default}:gm:1'), 1,
    'by the master that they name');
is(switches(), 0, 'which is no switch');


# ---- the master dies

my $before = $set->master;
my $waiters = waiters($nginx);
my $count = switches();
while_sending($nginx, 'the master is killed', sub {
    $before->kill_hard;
    $set->wait_promotion($before) or die 'no promotion';
});
are_woken($waiters, 'after the failover');
cmp_ok(switches(), '>', $count, 'the switch is counted');

$before->start;
ok($set->wait_in_sync, 'the old master comes back as a replica');
is($before->role, 'slave', 'as it says itself');
is_success($nginx->gs('send', uid => 5, text => 'x'), 'which disturbs nobody');


# ---- a planned failover: the old master lives

$waiters = waiters($nginx);
my $lost = metric($nginx, 'gmchat_store_lost_total', cause => 'switched');
while_sending($nginx, 'a planned failover', sub {
    $set->failover or die 'no promotion';
});
are_woken($waiters, 'after the planned failover');
cmp_ok(metric($nginx, 'gmchat_store_lost_total', cause => 'switched'), '>',
    $lost, 'the links to the old master were dropped because of the switch');
ok($set->wait_in_sync, 'all are in sync again');


# ---- the old master hangs, and comes back when there is another

$before = $set->master;
$waiters = waiters($nginx);
$count = switches();
while_sending($nginx, 'the master hangs', sub {
    $before->pause;
    $set->wait_promotion($before) or die 'no promotion';
});
ok(wait_until(sub { switches() >= $count + $nginx->{workers} }),
    'every worker knows the new master');

my $stayed = $set->master;
$before->resume;
my @ids = map {
    $nginx->gs('send', uid => 7, text => "n$_")->{json}{id} // 'none'
} 1 .. 20;
is(scalar(grep { $_ eq 'none' } @ids), 0,
    'the old master goes on: all calls are accepted');
ok($set->wait_in_sync, 'it becomes a replica');
is($set->master, $stayed, 'of the new one');
is(join(' ', drain($nginx, '/gm', gm_account => 1)),
    join(' ', map { "n$_" } 1 .. 20), 'and they are with the new one');
are_woken($waiters, 'after the old master woke up');


# ---- a master that is one no more, though no sentinel says so

$_->pause for $set->sentinels;

$stayed->cmd('REPLICAOF', '127.0.0.1', 1);
is_error($nginx->gs('send', uid => 5, text => 'x'), -5, qr/\w/,
    'a master that became a replica: refused');
is_error($nginx->gs('send', uid => 5, text => 'x'), -5, qr/\w/,
    'and refused');
ok(wait_until(sub {
    metric($nginx, 'gmchat_store_links', state => 'ready') == 0;
}), 'every worker notices');
$stayed->cmd('REPLICAOF', 'NO', 'ONE');
ok(wait_ready($nginx), 'it is a master again: every worker knows');
ok(say_to_host($nginx, 'back'), 'and it serves');


# ---- no sentinel is left

$_->kill_hard for $set->sentinels;
my @replies = map { $nginx->gs('send', uid => 5, text => "alone $_") } 1 .. 50;
is(scalar(grep { $_->{json}{res} } @replies), 50,
    'without any sentinel the master is used on');
$stayed->cmd('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
ok(say_to_host($nginx, 'again'), 'also after it closed the connections');

$_->start for $set->sentinels;
ok(wait_until(sub { $set->is_complete }), 'the sentinels are back');
$set->wait_in_sync or die 'not in sync';
$waiters = waiters($nginx);
$before = $set->master;
$set->failover or die 'no promotion';
are_woken($waiters, 'after they came back and switched');
isnt($set->master, $before, 'another master serves');

finish();
