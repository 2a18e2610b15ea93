#!/usr/bin/perl

# gmchat_poll_cache: what is known of a mailbox ends with the server that said
# it, behind Sentinels and in a cluster.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend say_to_host metric);
use Test::More;
use Time::HiRes qw(time);

# What is known is known for 5 s: what comes sooner was not waited for.
use constant SOON => 4;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=1h wake_timeout=900ms timeout=1s
                 connect_timeout=500ms;
    gmchat_group default client;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

sub bridges {
    my ($store) = @_;

    return map { start_nginx(redis => $store, workers => 1, conf => $conf) }
        1 .. 2;
}

sub hits {
    return metric($_[0], 'gmchat_poll_cache_hits_total');
}

sub poll {
    my ($nginx, @params) = @_;

    return $nginx->gs('receive', host => 1001, format => 'json', @params);
}

# Until a poll is answered without the store; what is there is taken.

sub learn {
    my ($nginx, @params) = @_;

    return wait_until(sub {
        my $before = hits($nginx);
        poll($nginx, @params);
        return hits($nginx) > $before;
    });
}

# What the other nginx was told comes soon.

sub is_told {
    my ($label, $one, $other, @params) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(say_to_host($other, $label, @params), "$label: a message is sent");
    my $began = time();
    my @items;
    ok(wait_until(sub { @items = items(poll($one, @params)) }),
        "$label: the next polls have it");
    is($items[0]{text}, $label, "$label: it is that");
    cmp_ok(time() - $began, '<', SOON, "$label: soon");
}


# ---- Sentinels

my $set = start_sentinels(replicas => 1);
my ($one, $other) = bridges($set);

ok(befriend($one), 'two bridges behind Sentinels');
ok(learn($one), 'a poll that is answered by heart');
is_told('no failover', $one, $other);

for my $kind ('planned', 'dead') {
    ok(learn($one), "$kind failover: known before it");
    my $before = $set->master;

    if ($kind eq 'dead') {
        $before->kill_hard;
        ok($set->wait_promotion($before), "$kind failover: a new master");
    } else {
        ok($set->failover, "$kind failover: a new master");
    }

    is_told("$kind failover", $one, $other);
    ok(learn($one), "$kind failover: the new master's word is known, too");
    is_told("$kind failover, afterwards", $one, $other);

    $before->start if $kind eq 'dead';
    ok($set->wait_in_sync, "$kind failover: all are in sync");
}

$_->stop for $one, $other;


# ---- a cluster

my $cluster = start_cluster(masters => 3, replicas => 1);
my ($from, $to) = $cluster->masters;
my ($group) = $cluster->groups_on($from, 1);
my $slot = Test::Gmchat::Cluster::slot_of_group($group);
my @of = (group => $group);

($one, $other) = bridges($cluster);

ok(befriend($one, @of), 'two bridges of a cluster');
ok(learn($one, @of), 'a poll that is answered by heart');
is_told('cluster', $one, $other, @of);

ok(learn($one, @of), 'known before the slot moves');
$cluster->migrate($slot, $from, $to);
is_told('the slot moved', $one, $other, @of);
ok(learn($one, @of), 'the new server\'s word is known, too');
is_told('the slot moved, afterwards', $one, $other, @of);

ok(learn($one, @of), 'known before a failover');
$cluster->failover($to);
is_told('planned failover of a node', $one, $other, @of);

ok(learn($one, @of), 'known before its master dies');
my $owner = $cluster->owner($slot);
$owner->kill_hard;
ok($cluster->wait_failover($slot, $owner), 'it dies, another one has the slot');
is_told('a node died', $one, $other, @of);
ok(learn($one, @of), 'known again');

finish();
