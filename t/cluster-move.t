#!/usr/bin/perl

# Slots that move from one node to another while calls go on, step by step, and
# slots that nobody has.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client
    qw(befriend say_to_host hold held answer drain metric);
use Test::Gmchat::Cluster;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Nginx;
use Test::Gmchat::Traffic qw(waiters are_woken while_sending);
use Test::More;
use Time::HiRes qw(time);

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=1h wake_timeout=900ms timeout=%%TIMEOUT%%;
    gmchat_group default client;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

my $cluster = start_cluster(masters => 3, replicas => 0,
    args => [ 'cluster-require-full-coverage no' ]);

# One worker: a call of one slot and a call of another meet there.
my ($nginx, $hasty) = map { start_nginx(redis => $cluster, conf => $conf,
    workers => 1, vars => { TIMEOUT => $_ }) } '20s', '1s';

my ($from, $to, $third) = $cluster->masters;
my ($moving, $staying, $empty) = $cluster->groups_on($from, 3);
my ($other) = $cluster->groups_on($third);

sub slot {
    return Test::Gmchat::Cluster::slot_of_group($_[0]);
}

sub keys_of {
    my ($node, $group) = @_;

    return $node->cmd('CLUSTER', 'COUNTKEYSINSLOT', slot($group));
}

# A call whose answer is not waited for.

sub begin_call {
    my ($nginx, $group) = @_;

    my $connection = $nginx->connect;
    $connection->write(format_request('GET', Test::Gmchat::Nginx::uri('/gs',
        'send', uid => 7, text => 'waited', group => $group)));

    return { connection => $connection };
}

sub writes {
    my ($nginx, $group) = @_;

    return $nginx->gs('send', uid => 7, text => 'x', group => $group);
}

sub redirects {
    return metric($nginx, 'gmchat_store_redirects_total');
}

ok(befriend($nginx, group => $_), "$_: friends") for $moving, $staying, $other;
say_to_host($nginx, "before $_", group => $moving) for 1 .. 20;


# ---- a slot with messages in it

my @kept = drain($nginx, '/gs', host => 1001, group => $moving);
is(scalar @kept, 20, 'a slot with messages in it');
say_to_host($nginx, "kept $_", group => $moving) for 1 .. 20;

sub hangs_half_way {
    $cluster->migrate_begin(slot($moving), $from, $to);
    $cluster->migrate_keys(slot($moving), $from, $to, 5);
    cmp_ok(keys_of($from, $moving), '>', 0, 'half of the keys are here');
    cmp_ok(keys_of($to, $moving), '>', 0, 'and half are there');

    my $call = begin_call($nginx, $moving);

    for my $group ($staying, $other) {
        my $began = time();
        is_success(writes($nginx, $group), "$group: another slot is served");
        note(sprintf('in %.1f ms', 1000 * (time() - $began)));
    }

    is_error(writes($hasty, $moving), -5, qr/\w/,
        'a call to the moving slot is refused after `timeout`');
    is_success(writes($hasty, $staying), 'and one to another is not');
    ok(held($call), 'or waits until then');

    $cluster->migrate_keys(slot($moving), $from, $to);
    is(keys_of($from, $moving), 0, 'all keys are there');
    is_success(answer($call) // {}, 'the call that waited is answered');
    is($cluster->owner(slot($moving)), $from,
        'though the slot still belongs to the old node');
    is_success(writes($hasty, $moving), 'and so is the next one');
    is(keys_of($from, $moving), 0, 'which leaves nothing at the old node');

    $cluster->migrate_end(slot($moving), $from, $to);
}

my $waiters = waiters($nginx, group => $staying);
my $redirects = redirects();
while_sending($nginx, 'a slot moves', \&hangs_half_way, strict => 1,
    params => [ group => $moving ]);
is($cluster->owner(slot($moving)), $to, 'the slot moved');
cmp_ok(redirects(), '>', $redirects, 'redirects are counted');
is(join(' ', drain($nginx, '/gs', host => 1001, group => $moving)),
    join(' ', map { "kept $_" } 1 .. 20), 'what was in it is there, in order');
are_woken($waiters, 'a group beside it');

# who waits there meanwhile

$waiters = waiters($nginx, group => $moving);
$cluster->migrate_begin(slot($moving), $to, $third);
cmp_ok($cluster->migrate_keys(slot($moving), $to, $third), '>', 0,
    'it moves on');
$cluster->migrate_end(slot($moving), $to, $third);
are_woken($waiters, 'who waited before it moved');


# ---- an empty slot

$cluster->migrate_begin(slot($empty), $from, $to);
ok(befriend($nginx, group => $empty),
    'a group begins in an empty slot that is moving');
is(keys_of($from, $empty), 0, 'nothing of it at the old node');
cmp_ok(keys_of($to, $empty), '>', 0, 'all at the new one');
$waiters = waiters($nginx, group => $empty);
$cluster->migrate_end(slot($empty), $from, $to);
are_woken($waiters, 'who began to wait while it moved');


# ---- behind the bridge's back

$redirects = redirects();
cmp_ok($cluster->migrate(slot($other), $third, $from), '>', 0,
    'a slot moves while nobody asks for it');
is_success(writes($nginx, $other), 'the next call finds it');

# .. unless the map was asked for in that very moment, for what moved before:
# then it moves there and back

for my $way (map { ([ $from, $third ], [ $third, $from ]) } 1 .. 3) {
    last if redirects() > $redirects
        && $cluster->owner(slot($other)) == $from;

    $cluster->migrate(slot($other), @$way);
    is_success(writes($nginx, $other), 'and when it moved again');
}

cmp_ok(redirects(), '>', $redirects, 'after a redirect');
ok(wait_until(sub {
    my $before = redirects();
    writes($nginx, $other);
    return redirects() == $before;
}), 'those after it need none');

$cluster->migrate(slot($other), @$_) for [ $from, $to ], [ $to, $third ],
    [ $third, $from ];
is_success(writes($nginx, $other), 'and round in a circle');
are_woken(waiters($nginx, group => $other), 'in a circle');


# ---- a slot that nobody has

$waiters = waiters($nginx, group => $moving);
drain($nginx, '/gm', gm_account => 1, group => $moving);
$third->cmd('CLUSTER', 'DELSLOTS', slot($moving));
is_error(writes($hasty, $moving), -5, qr/\w/, 'a slot without a node: refused');
is_success(writes($hasty, $staying), 'other slots are served');

my $call = begin_call($nginx, $moving);
is_success(writes($nginx, $staying), 'also beside a call that waits for it');
ok(held($call), 'as that one does');
$third->cmd('CLUSTER', 'ADDSLOTS', slot($moving));
is_success(answer($call) // {}, 'until the slot has a node again');
is_success(writes($hasty, $moving), 'then calls are served');
are_woken($waiters, 'who waited meanwhile');
is(join(' ', drain($nginx, '/gm', gm_account => 1, group => $moving)),
    'waited x', 'what was refused was not stored, what was accepted once');

finish();
