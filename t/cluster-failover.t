#!/usr/bin/perl

# A Redis Cluster whose masters die, hang and are relieved: the replica that
# takes over is found, and the other nodes notice nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend drain metric);
use Test::Gmchat::Cluster;
use Test::Gmchat::Sender;
use Test::Gmchat::Traffic
    qw(waiters are_woken while_sending accepted_and_there);
use Test::More;

my $cluster = start_cluster(masters => 3, replicas => 1,
    node_timeout => 800, args => [ 'cluster-require-full-coverage no' ]);
my $nginx = start_nginx(redis => $cluster, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=200ms wake_timeout=600ms timeout=1s
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

my ($hit, $spared) = $cluster->masters;
my ($group) = $cluster->groups_on($hit);
my ($calm) = $cluster->groups_on($spared);
my $slot = Test::Gmchat::Cluster::slot_of_group($group);

sub switches {
    return metric($nginx, 'gmchat_store_switches_total');
}

# A player of another node's group writes on, and nothing goes wrong there.
# (With cluster-require-full-coverage all nodes would stop for a moment.)

sub beside {
    my ($label, $disturb, %arg) = @_;

    drain($nginx, '/gm', gm_account => 1, group => $calm);

    my $name = $label =~ s/\W+/-/gr;
    my $sender = Test::Gmchat::Sender->new(address => $nginx->address,
        uid => 5, name => "beside-$name", params => [ group => $calm ]);
    my $waiters = waiters($nginx, group => $group);
    my $count = switches();

    while_sending($nginx, $label, $disturb, params => [ group => $group ],
        %arg);

    my $report = $sender->stop;
    is(join(' ', %{ $report->{errors} }), '',
        "$label: no call to another node fails");
    note(sprintf('beside it: %d accepted, none for %.2f s', $report->{count},
        Test::Gmchat::Sender::longest_gap($report)));
    accepted_and_there($nginx, "$label, another node", $sender, $report,
        params => [ group => $calm ]);
    are_woken($waiters, "after $label");
    cmp_ok(switches(), '>', $count, "$label: the switch is counted");
}

ok(befriend($nginx, group => $_), "$_: friends") for $group, $calm;

beside('a master is killed', sub {
    $cluster->wait_complete or die 'not in sync';
    $hit->kill_hard;
    $cluster->wait_failover($slot, $hit) or die 'no failover';
});

$hit->start;
ok($cluster->wait_complete, 'the old master is back, as a replica');

beside('a planned failover', sub {
    my $owner = $cluster->owner($slot);
    $cluster->failover($owner) or die 'no failover';
}, strict => 1);
ok($cluster->wait_complete, 'all agree who is who');

my $owner = $cluster->owner($slot);
beside('a master hangs', sub {
    $owner->pause;
    $cluster->wait_failover($slot, $owner) or die 'no failover';
});

my $new = $cluster->owner($slot);
drain($nginx, '/gm', gm_account => 1, group => $group);
$owner->resume;
my @replies = map { $nginx->gs('send', uid => 5, text => "n$_",
    group => $group) } 1 .. 20;
is(scalar(grep { $_->{json}{res} } @replies), 20,
    'the old master goes on: all calls are accepted');
ok($cluster->wait_complete, 'it becomes a replica');
is($cluster->owner($slot), $new, 'of the new one');
is(join(' ', drain($nginx, '/gm', gm_account => 1, group => $group)),
    join(' ', map { "n$_" } 1 .. 20), 'and they are with the new one');

finish();
