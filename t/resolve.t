#!/usr/bin/perl

# Servers by name: nginx' resolver is asked at each connecting, so that an
# address may change.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum);
use Test::Gmchat;
use Test::Gmchat::Client qw(befriend metric wait_ready);
use Test::Gmchat::Cluster;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Resp qw(resp_command);
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::Gmchat::Traffic qw(waiters are_woken);
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    resolver %%DNS%% valid=1s;
    resolver_timeout 500ms;
    gmchat_redis %%REDIS%% connect_timeout=700ms timeout=2s probe=200ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; gmchat_group default client; }
        location /gs { gmchat gs; gmchat_group default client; }
        location /status { gmchat status; }
    }
}
EOF

my $dns = start_dns();
my $gm = 0;

sub bridge {
    my ($url, %arg) = @_;

    return start_nginx(redis => $url, conf => $conf,
        vars => { DNS => $dns->address }, %arg);
}

# A GM that is made in the store, once it serves. Its number.

sub makes_gm {
    my ($nginx, @params) = @_;

    $gm++;

    return wait_until(sub {
        my $made = $nginx->gm('create', gm_account => $gm, gm_name => 'Ann',
            @params)->{json} // {};
        return $made->{res} || ($made->{errno} // 0) == 1;
    }) && $gm;
}

sub has_gm {
    my ($redis, $number) = @_;

    return $redis->cmd('EXISTS', "gmchat:{default}:gm:$number");
}

sub unresolved {
    my ($nginx) = @_;

    return metric($nginx, 'gmchat_store_lost_total', cause => 'resolve');
}


# ---- one store

# Two stores behind one port of two addresses.

my ($here, $there) = map { start_redis(tcp => 1) } 1, 2;
my $port = free_port();
my ($near, $far) = (
    start_proxy(to => "127.0.0.1:$here->{port}", port => $port),
    start_proxy(to => "127.0.0.1:$there->{port}", port => $port,
        host => '127.0.0.2'),
);

my $nginx = bridge("redis://Store.test:$port");

is_error($nginx->gm('create', gm_account => 1, gm_name => 'Ann'), -5, qr/\w/,
    'a name that does not exist: refused');
ok(wait_until(sub { unresolved($nginx) > 0 }), 'counted as "resolve"');
ok(wait_until(sub { $nginx->{log}->lines(qr/\[error\].*store\.test/i) }),
    'and the log names it');

$dns->set('store.test', '127.0.0.1');
ok(makes_gm($nginx), 'served as soon as it does, without a reload');
ok(has_gm($here, $gm), 'at its address');
ok(wait_ready($nginx), 'by each worker');

$dns->set('store.test', '127.0.0.2');
my $asked = $dns->asked('store.test');
ok(makes_gm($nginx), 'another address');
ok(has_gm($here, $gm), 'disturbs no connection');

$near->refuse;
ok(makes_gm($nginx), 'the old address is gone: service goes on');
ok(has_gm($there, $gm), 'at the new one');
cmp_ok($dns->asked('store.test'), '>', $asked, 'for which it asked');
ok(!has_gm($here, $gm), 'and not at the old one');

# several addresses, of both families, of which one serves

$dns->set('store.test', '127.0.0.3', '::1', '127.0.0.2');
for my $round (1 .. 3) {
    $far->kick;
    ok(makes_gm($nginx), "of three addresses the one that serves is found "
        . "($round)");
}

# no answer; of one worker, as each has asked at another time and knows the
# answer for a while

my $single = bridge("redis://Store.test:$port", workers => 1);
ok(makes_gm($single), 'one worker');
$dns->silent(1);
my $before = unresolved($single);
$far->refuse;
$dns->set('store.test', '127.0.0.2');
ok(wait_until(sub { unresolved($single) > $before }),
    'a name server that is silent: counted as "resolve"');
is_error($single->gm('accounts'), -5, qr/\w/, 'calls are refused');
$far->accept;
$before = $dns->asked('store.test');
wait_until(sub { $dns->asked('store.test') > $before });
is_error($single->gm('accounts'), -5, qr/\w/,
    'also when the store is back, and its name server is not');
$dns->silent(0);
ok(makes_gm($_), 'it speaks again: service goes on') for $single, $nginx;

# a name without addresses

$dns->set('store.test');
$before = unresolved($nginx);
ok(wait_until(sub {
    $far->kick;         # until what is known of it is too old
    return unresolved($nginx) > $before;
}), 'a name that has no address: counted as "resolve"');
$dns->set('store.test', '127.0.0.2');
ok(makes_gm($nginx), 'and it has one again');

# a worker may end while it asks

$dns->silent(1);
$far->kick;
ok($nginx->reload, 'a reload while the name server is silent');
$dns->silent(0);
ok(makes_gm($nginx), 'and service goes on');


# ---- TLS: the certificate bears the name

my $dir = temp_folder();
my $authority = make_authority($dir, 'authority');
my $certificate = make_certificate($dir, 'redis', $authority,
    'DNS:secure.test');
my $secure = start_redis(tls => $certificate);

$dns->set('secure.test', '127.0.0.1');
$dns->set('other.test', '127.0.0.1');

my $tls = bridge("rediss://secure.test:$secure->{tls_port} "
    . "ca=$authority->{cert}");
ok(makes_gm($tls), 'TLS to a name that the certificate bears');

my $wrong = bridge("rediss://other.test:$secure->{tls_port} "
    . "ca=$authority->{cert}");
is_error($wrong->gm('accounts'), -5, qr/\w/, 'a name that it does not bear');
ok(wait_until(sub {
    metric($wrong, 'gmchat_store_lost_total', cause => 'tls') > 0;
}), 'is refused by TLS');



# ---- sentinels and their master

sub serves {
    my ($nginx, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(befriend($nginx, group => 'names'), "$label: calls");
    are_woken(waiters($nginx, group => 'names'), $label);
}

# A sentinel that names its master, where it knows an address.

my $set = start_sentinels(replicas => 1, sentinels => 1, quorum => 1);
my ($sentinel) = $set->sentinels;
my $naming = start_fake(tcp => 1, upstream => $sentinel);

sub names {
    my ($host) = @_;

    $naming->clear_rules;
    $naming->on(name => 'SENTINEL', match => '(?i)get-master-addr',
        reply => resp_command($host, $set->master->known_port));
}

$dns->set('watch.test', '127.0.0.1');
$dns->set('master.test', '127.0.0.1');
serves(bridge('redis+sentinel://watch.test:' . $sentinel->known_port
    . '/desk'), 'a sentinel by name');

names('master.test');
# One worker: each hears of another master at its own time.
my $watched = bridge("redis+sentinel://watch.test:$naming->{port}/desk",
    workers => 1);
serves($watched, 'a master by name');

names('nobody.test');
my $lost = unresolved($watched);
ok(wait_until(sub { unresolved($watched) > $lost }),
    'a name that nobody knows: counted as "resolve"');
ok(wait_until(sub { !$watched->gm('accounts')->{json}{res} }),
    'the one before is left');
is_error($watched->gm('accounts'), -5, qr/\w/, 'and calls are refused');
names('master.test');
ok(wait_until(sub { $watched->gm('accounts')->{json}{res} }),
    'until it is another one');


# ---- a cluster whose nodes tell names

my $cluster = start_cluster(masters => 2, replicas => 0,
    args => [ 'cluster-preferred-endpoint-type hostname' ]);
my ($one, $two) = $cluster->masters;
my ($group, $other) = map { scalar $cluster->groups_on($_) } $one, $two;

$dns->set('one.test', '127.0.0.1');
$dns->set('two.test', '127.0.0.1');
$one->cmd('CONFIG', 'SET', 'cluster-announce-hostname', 'one.test');
$two->cmd('CONFIG', 'SET', 'cluster-announce-hostname', 'Two.Test');
ok(wait_until(sub {
    my %hosts = map { $_->[2][0] => 1 } @{ $one->cmd('CLUSTER', 'SLOTS') };
    return join(' ', sort keys %hosts) eq 'Two.Test one.test';
}), 'nodes that tell their names');

my $spread = bridge('redis+cluster://one.test:' . $one->known_port);

for my $name ($group, $other) {
    ok(befriend($spread, group => $name), "$name: a node by name");
    are_woken(waiters($spread, group => $name), "$name: a node by name");
}

cmp_ok($dns->asked('two.test'), '>', 0, 'which was asked for');

# nginx' resolver writes names in small letters: the node is the same still

sub slots_asked {
    return sum(map { $_->calls('cluster|slots') } $one, $two);
}

my $slots = slots_asked();
ok(wait_until(sub { slots_asked() > $slots + 6 }), 'asked again and again');
is(metric($spread, 'gmchat_store_switches_total'), 0,
    'a name with capital letters is no other node');

my $slot = Test::Gmchat::Cluster::slot_of_group($group);
$cluster->migrate($slot, $one, $two);
like(${ $one->try('GET', "{$group}") }, qr/^MOVED $slot Two\.Test:/,
    'a redirect to a name');
ok(befriend($spread, group => $group), 'is followed');

finish();
