#!/usr/bin/perl

# A worker that nobody calls asks Redis nothing, apart from its probe.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;
use Time::HiRes qw(time);

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);
my $nginx = start_nginx(quiet => 1, redis => $fake, workers => 2,
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=500ms connect_timeout=20s timeout=20s;
    gmchat_poll_cache max=100 inactive=1s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);
$nginx->gs('receive', host => 1001) for 1 .. 10;

# What a host's poll leaves to be written later is written once, and channels
# are left some time after that nobody listens to any more.
my @quiet_since;
ok(wait_until(sub {
    my @other = grep { $_->[0] ne 'INFO' } $fake->seen;
    push @quiet_since, [ time(), scalar @other ]
        if !@quiet_since || $quiet_since[-1][1] != @other;
    return $quiet_since[-1][0] < time() - 3
        && !@{ $redis->cmd('PUBSUB', 'CHANNELS', '*to:*') };
}), 'after the last call there is silence');

my $start = time();
$fake->forget;
wait_until(sub { $fake->seen('INFO') >= 6 });
my %count;
$count{ $_->[0] }++ for $fake->seen;
my $seconds = time() - $start;

is_deeply([ sort keys %count ], [ 'INFO' ], 'nothing but the probe');
cmp_ok($count{INFO}, '<=', 2 * ($seconds / 0.5 + 2),
    'and that no more often than configured');

$fake->forget;
is($nginx->get('/status/live')->{status}, 200, 'a look at /status/live');
is_deeply([ grep { $_->[0] ne 'INFO' } $fake->seen ], [],
    'does not touch the store');

finish();
