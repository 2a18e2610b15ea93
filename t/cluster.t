#!/usr/bin/perl

# gmchat_redis redis+cluster://: groups spread over the nodes, and each is what
# it is on a lone Redis.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client
    qw(befriend say_to_host hold answer texts_of metric stream_of);
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Sse;
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::Gmchat::Traffic qw(waiters are_woken);
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=1h wake_timeout=900ms timeout=5s;
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
    password => 'secret');
my $nginx = start_nginx(redis => $cluster, conf => $conf);
my @masters = $cluster->masters;
my @groups = map { scalar $cluster->groups_on($_) } @masters;


# ---- every action, in a group of each node

sub play {
    my ($nginx, $group) = @_;

    my @of = (group => $group, format => 'json');
    my $gm = sub { $nginx->gm(@_, @of) };
    my $gs = sub { $nginx->gs(@_, @of) };

    is_bare($gm->('create', gm_account => 1, gm_name => 'Ann'),
        "$group: gm create");
    is_bare($gm->('add', gm_account => 1, host => 1001, uid => 5),
        "$group: gm add");
    is_bare($gm->('online', gm_account => 1), "$group: gm online");
    is(join(' ', map { $_->{gm_account} } items($gm->('accounts'))), '1',
        "$group: gm accounts");

    my $relation = $gs->('relation', host => 1001, ack => '');
    is(join(' ', map { $_->{uid} } items($relation)), '5',
        "$group: gs relation");
    is_success($gs->('relation', host => 1001,
        ack => $relation->{json}{cursor}), "$group: acknowledged");
    is(join(' ', @{ $gs->('online', host => 1001)->{json}{data} }), '1',
        "$group: gs online");

    is_success($gm->('send', gm_account => 1, uid => 5, text => 'down'),
        "$group: gm send");
    is(join(' ', texts_of($gs->('receive', host => 1001))), 'down',
        "$group: gs receive");
    ok(wait_until(sub { !items($gs->('receive', host => 1001, ack => '')) }),
        "$group: which is settled");
    is_success($gs->('send', uid => 5, text => 'up', msgid => 'm1'),
        "$group: gs send");
    ok($gs->('send', uid => 5, text => 'up', msgid => 'm1')->{json}{repeat},
        "$group: a msgid is known");
    is(join(' ', map { "$_->{uid}:$_->{undelivered}" }
        items($gm->('friends', gm_account => 1))), '5:1',
        "$group: gm friends");
    is(join(' ', texts_of($gm->('receive'))), 'up',
        "$group: gm receive of all");
    ok(wait_until(sub { !items($gm->('receive', gm_account => 1)) }),
        "$group: which took it");
    is(join(' ', map { $_->{text} } items($gm->('history', uid => 5))),
        'up down', "$group: gm history");
    is(join(' ', map { $_->{host} } items($gm->('hosts'))), '1001',
        "$group: gm hosts");

    my $stream = stream_of($nginx, "/gs?host=1002&group=$group");
    my $name = $stream->next_event('open')->{data}{stream};
    $stream->next_event('ready');
    is_bare($gs->('watch', stream => $name, host => 1001),
        "$group: gs watch");
    is($stream->next_event('ready')->{data}{receivers}, 2,
        "$group: which the stream hears");
    $gm->('send', gm_account => 1, uid => 5, text => 'told');
    is($stream->next_event('message')->{data}{text}, 'told',
        "$group: as it hears messages");
    is_success($gs->('ack', cursor => $stream->{last_id}), "$group: gs ack");
    is_bare($gs->('unwatch', stream => $name, host => 1001),
        "$group: gs unwatch");
    $stream->close;

    is_bare($gm->('offline', gm_account => 1), "$group: gm offline");
    is_bare($gm->('del', gm_account => 1, uid => 5), "$group: gm del");
}

play($nginx, $_) for @groups;

for my $n (0 .. $#groups) {
    my @strange = grep { !/^gmchat:\{\Q$groups[$n]\E\}:/ }
        @{ $masters[$n]->cmd('KEYS', '*') };
    is("@strange", '', "$groups[$n] is on its node, and nothing else is");
}

is(metric($nginx, 'gmchat_store_redirects_total'), 0,
    'no call went to a wrong node');


# ---- waiting, on all nodes at once

ok(befriend($nginx, group => $_), "$_: friends") for @groups;

my @waiters = map { waiters($nginx, group => $_) } @groups;
my @gm_calls = map { hold($nginx, '/gm', 'receive', gm_account => 1,
    format => 'json', group => $_) } @groups;
my @gm_streams = map { stream_of($nginx, "/gm?gm_account=1&group=$_") }
    @groups;
$_->next_event('ready') for @gm_streams;

for my $n (0 .. $#groups) {
    ok(wait_until(sub {
        my $count = $masters[$n]->cmd('PUBSUB', 'SHARDNUMSUB',
            "gmchat:{$groups[$n]}:to:h1001");
        return $count->[1] > 0;
    }), "$groups[$n]: its node publishes on sharded channels");
    are_woken($waiters[$n], "$groups[$n]: a host");

    is_success($nginx->gs('send', uid => 5, text => "to-gm-$n",
        group => $groups[$n]), "$groups[$n]: a player writes");
    is(join(' ', texts_of(answer($gm_calls[$n]))), "to-gm-$n",
        "$groups[$n]: the GM's held call is answered");
    is($gm_streams[$n]->next_event('message')->{data}{text}, "to-gm-$n",
        "$groups[$n]: and the stream tells it");
}

$_->close for @gm_streams;


# ---- the nodes of the url

my @dead = map { '127.0.0.1:' . free_port() } 1, 2;
my $login = "password_file=$cluster->{dir}/password";
my $half = start_nginx(conf => $conf, redis => "redis+cluster://$dead[0],"
    . $masters[1]->host_port . ",$dead[1] $login");

for my $group (@groups) {
    ok(befriend($half, group => $group),
        "$group: of three nodes in the url one is enough");
}

my $none = start_nginx(conf => $conf,
    redis => "redis+cluster://$dead[0],$dead[1] $login");
is_error($none->gm('accounts'), -5, qr/\w/, 'with none, calls are refused');

my $lone = start_redis(tcp => 1);
my $plain = start_nginx(conf => $conf,
    redis => "redis+cluster://127.0.0.1:$lone->{port}");
is_error($plain->gm('accounts'), -5, qr/\w/,
    'a Redis that is no cluster: refused');
ok(wait_until(sub { $plain->{log}->lines(qr/\[error\].*cluster/i) }),
    'and the log says why');


# ---- nodes that say no host: the one that was asked, another port

$_->cmd('CONFIG', 'SET', 'cluster-preferred-endpoint-type',
    'unknown-endpoint') for @masters;
is($masters[0]->cmd('CLUSTER', 'SLOTS')->[0][2][0], undef,
    'nodes that do not say where they are');

my $managed = start_nginx(conf => $conf,
    redis => 'redis+cluster://' . $masters[2]->host_port . " $login");

for my $group (@groups) {
    my $waiters = befriend($managed, group => $group)
        && waiters($managed, group => $group);
    are_woken($waiters, "$group, without a host");
}

# a slot that moved is told by ":port" alone; who is subscribed hears of it
# sooner, as who has just asked for the map does

my $asker = start_nginx(
    conf => $conf =~ s/(?=gmchat_redis)/gmchat_poll_cache off; /r,
    redis => 'redis+cluster://' . $masters[2]->host_port
        . " $login probe=1m");
ok(befriend($asker, group => $groups[0]), 'one that only asks');

my ($from, $to) = @masters;
my $slot = Test::Gmchat::Cluster::slot_of_group($groups[0]);
$cluster->migrate($slot, $from, $to);
like(${ $from->try('GET', "{$groups[0]}") }, qr/^MOVED $slot :\d+$/,
    'a slot that moved, without a host');
ok(say_to_host($asker, 'moved', group => $groups[0]),
    'is found where it is');
ok(say_to_host($managed, 'moved', group => $groups[0]),
    'also by who is subscribed');
ok(say_to_host($nginx, 'moved', group => $groups[0]),
    'also by who knew the hosts before');

# .. unless the map was asked for in that very moment, as by a worker that is
# not ready yet: then it moves once more

sub redirected {
    return metric($asker, 'gmchat_store_redirects_total') > 0;
}

for my $again (1 .. 5) {
    last if redirected();

    ($from, $to) = ($to, $from);
    $cluster->migrate($slot, $from, $to);
    say_to_host($asker, "moved again, $again", group => $groups[0])
        or die 'a slot that moved again is not found';
}

ok(redirected(), 'as a redirect, which is counted');


# ---- TLS

my $dir = temp_folder();
my $authority = make_authority($dir, 'authority');
my $secure = start_cluster(masters => 2, replicas => 0,
    tls => make_certificate($dir, 'redis', $authority, 'IP:127.0.0.1'));
my $tls = start_nginx(redis => $secure, conf => $conf);

for my $group (map { scalar $secure->groups_on($_) } $secure->masters) {
    ok(befriend($tls, group => $group), "$group: over TLS");
    are_woken(waiters($tls, group => $group), "$group: over TLS");
}

finish();
