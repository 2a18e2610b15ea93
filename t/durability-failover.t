#!/usr/bin/perl

# A failover to a replica: with gmchat_durability replicas= nothing that was
# accepted is lost; with `memory` the newest may be, and nobody is misled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend insist texts_of stream_of);
use Test::Gmchat::Cluster;
use Test::Gmchat::Traffic qw(waiters are_woken while_sending);
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=200ms wake_timeout=600ms timeout=1s
                 connect_timeout=500ms;
    gmchat_durability %%DURABILITY%%;
    gmchat_group default client;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF


# ---- with the replica: nothing is lost

my $set = start_sentinels(replicas => 1);
my $nginx = start_nginx(redis => $set, conf => $conf,
    vars => { DURABILITY => 'replicas=1 timeout=300ms' });

ok(befriend($nginx), 'a bridge that wants a replica');

my $waiters = waiters($nginx);
my $master = $set->master;
while_sending($nginx, 'the master is killed', sub {
    $master->kill_hard;
    $set->wait_promotion($master) or die 'no promotion';
    $master->start;
    $set->wait_in_sync or die 'not in sync';
}, strict => 1);
are_woken($waiters, 'after the failover');

while_sending($nginx, 'a planned failover', sub {
    $set->failover or die 'no promotion';
    $set->wait_in_sync or die 'not in sync';
}, strict => 1);


# ---- a replica more than is waited for: the old master, back before the
# Sentinels have told everybody, still has it, and the two must not confirm

$set = start_sentinels(replicas => 2);
$nginx = start_nginx(redis => $set, conf => $conf,
    vars => { DURABILITY => 'replicas=1 timeout=300ms' });
ok(befriend($nginx), 'a bridge with a replica to spare');

for my $try (1 .. 3) {
    $master = $set->master;
    while_sending($nginx, "the master is killed and is back at once ($try)", sub {
        my @others = $set->replicas;

        $master->kill_hard;
        wait_until(sub { grep { $_->role eq 'master' } @others })
            or die 'no promotion';
        $master->start;
        $set->wait_promotion($master) or die 'nobody named';
        $set->wait_in_sync or die 'not in sync';
    }, strict => 1);

    $master = $set->master;
    while_sending($nginx, "the master hangs, and goes on ($try)", sub {
        my @others = $set->replicas;

        $master->pause;
        wait_until(sub { grep { $_->role eq 'master' } @others })
            or die 'no promotion';
        $master->resume;
        $set->wait_promotion($master) or die 'nobody named';
        $set->wait_in_sync or die 'not in sync';
    }, strict => 1);
}


# ---- the same in a cluster, where each master has a replica of its own

my $cluster = start_cluster(masters => 3, replicas => 1, node_timeout => 800);
my $spread = start_nginx(redis => $cluster, conf => $conf,
    vars => { DURABILITY => 'replicas=1 timeout=300ms' });
my ($hit) = $cluster->masters;
my @groups = map { scalar $cluster->groups_on($_) } $cluster->masters;
my $slot = Test::Gmchat::Cluster::slot_of_group($groups[0]);

ok(befriend($spread, group => $_), "$_: a cluster whose nodes have replicas")
    for @groups;
while_sending($spread, 'a master of a cluster is killed', sub {
    $hit->kill_hard;
    $cluster->wait_failover($slot, $hit) or die 'no failover';
    $hit->start;
    $cluster->wait_complete or die 'not in sync';
}, strict => 1, params => [ group => $groups[0] ]);

# Patient enough for a slow machine, as one of them has to answer in time.

my $patient = start_nginx(redis => $cluster, workers => 1, conf => $conf
    =~ s/timeout=1s\s+connect_timeout=500ms/timeout=9s connect_timeout=9s/r,
    vars => { DURABILITY => 'replicas=1 timeout=2s' });

ok(befriend($patient, group => $_), "$_: a bridge that is more patient")
    for @groups[ 0, 1 ];

my ($alone) = $cluster->replicas_of($cluster->owner($slot));
$alone->pause;
is_error($patient->gs('send', uid => 5, text => 'x', group => $groups[0]), -6,
    qr/\w/, 'a master whose replica hangs: unknown');
is_success($patient->gs('send', uid => 5, text => 'x', group => $groups[1]),
    'and the others are served');
$alone->resume;
ok(wait_until(sub {
    $spread->gs('send', uid => 5, text => 'y', msgid => 'y',
        group => $groups[0])->{json}{res};
}), 'as it is when the replica is back');


# ---- with memory: the replica had not all

my $frail = start_sentinels(replicas => 1, password => 'secret');
my $bridge = start_nginx(redis => $frail, conf => $conf,
    vars => { DURABILITY => 'memory' });

ok(befriend($bridge), 'a bridge that wants no replica');
ok(insist($bridge, 'gm', 'add', gm_account => 1, host => 1002, uid => 20),
    'with a player on another host');

sub say {
    my ($uid, $text) = @_;

    my $id;

    wait_until(sub {
        my $reply = $bridge->gm('send', gm_account => 1, uid => $uid,
            text => $text, msgid => "m-$text");
        $id = $reply->{json}{id};
        return $reply->{json}{res};
    }) or die 'not accepted';

    return $id;
}

sub poll {
    my ($host, $ack) = @_;

    my $reply;

    wait_until(sub {
        $reply = $bridge->gs('receive', host => $host, format => 'json',
            ack => $ack);
        return $reply->{json}{res};
    }) or die 'no poll';

    return $reply;
}

# Text and ids of a stream's events up to the one with this text.

sub events_until {
    my ($stream, $text) = @_;

    my @events;

    while (my $event = $stream->next_event) {
        push @events, $event;
        last if $event->{event} eq 'message' && $event->{data}{text} eq $text;
    }

    return @events;
}

sub texts {
    return join(' ', map { $_->{data}{text} }
        grep { $_->{event} eq 'message' } @_);
}

say(5, 'kept');
say(20, 'calm');
my $first = poll(1001, '');
my $calm = poll(1002, '');
is(join(' ', texts_of($first)), 'kept', 'a message that both servers have');

my $stream = stream_of($bridge, '/gs?host=1001,1002');
is(join(' ', sort map { $_->{data}{text} }
    $stream->next_events(2, 'message')), 'calm kept',
    'which a stream was given');
ok($frail->wait_in_sync, 'both have the same');

# The replica cannot come back to its master, and goes on as if it could.

my $old = $frail->master;
my ($replica) = $frail->replicas;
$replica->cmd('CONFIG', 'SET', 'masterauth', 'wrong');
$old->cmd('CLIENT', 'KILL', 'TYPE', 'replica');
ok(wait_until(sub {
    $replica->replication->{master_link_status} eq 'down';
}), 'the replica is cut off');

my @lost = map { say(5, "lost$_") } 1 .. 3;
my $second = poll(1001, $first->{json}{cursor});
is(join(' ', texts_of($second)), 'lost1 lost2 lost3',
    'three messages that it does not have are received');
is(texts(events_until($stream, 'lost3')), 'lost1 lost2 lost3',
    'by the stream as well');

$old->kill_hard;
is($frail->wait_promotion($old), $replica, 'and it becomes the master');

my @new = map { say(5, "new$_") } 1 .. 5;
my %was = map { $_ => 1 } @lost;
is(scalar(grep { $was{$_} } @new), 0,
    'new messages get no id of those that were lost');

my @events = events_until($stream, 'new5');
is(scalar(grep { $_->{event} eq 'reset' && $_->{data}{host} == 1001 }
    @events), 1, 'the stream is told: reset');
is(join(' ', grep { /^new/ } split(/ /, texts(@events))),
    'new1 new2 new3 new4 new5', 'and given every new message');
is(scalar(grep { $_->{event} eq 'reset' && $_->{data}{host} == 1002 }
    @events), 0, 'nothing was lost of the other host: no reset');

my $third = poll(1001, $second->{json}{cursor});
ok($third->{json}{reset}, 'a cursor that is gone: reset');
is(join(' ', grep { /^new/ } texts_of($third)), 'new1 new2 new3 new4 new5',
    'and no new message was trimmed by it');

my $other = poll(1002, $calm->{json}{cursor});
ok(!$other->{json}{reset}, 'a cursor of what was kept is good');
is(join(' ', texts_of($other)), '', 'and acknowledges');

my $fourth = poll(1001, $third->{json}{cursor});
ok(!$fourth->{json}{reset}, 'so is the one that came with the reset');
is(join(' ', texts_of($fourth)), '', 'nothing comes twice');

finish();
