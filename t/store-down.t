#!/usr/bin/perl

# Redis is not there: no call hangs, each is told, and service comes back by
# itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();

for my $kind ([ 'a unix socket' ], [ 'TCP', tcp => 1 ]) {
    my ($label, @options) = @$kind;

    my $fake = start_fake(upstream => $redis, @options);
    $fake->down;

    # The time-outs are longer than the test waits: no call may need them.
    my $nginx = start_nginx(redis => $fake,
        allow => [ qr/connect\(\) to unix:.* failed/ ], conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% connect_timeout=60s timeout=60s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF
    $redis->cmd('FLUSHALL');

    my @create = ('create', gm_account => 1, gm_name => 'Ann');
    my $reply = $nginx->gm(@create);
    is_error($reply, -5, qr/\w/, "$label: nginx starts before Redis");
    like($reply->{headers}{'retry-after'}, qr/^\d+$/,
        "$label: it says when to try again");
    is(scalar(grep { ($_->{json}{errno} // 0) == -5 } $nginx->at_once(
        (Test::Gmchat::Nginx::uri('/gs', 'receive', host => 1)) x 50)), 50,
        "$label: fifty calls at once");

    $fake->up;
    ok(wait_until(sub { $nginx->gm(@create)->{json}{res} }),
        "$label: Redis starts, service begins");

    for my $round (1 .. 3) {
        $fake->down;
        ok(wait_until(sub {
            ($nginx->gm('online', gm_account => 1)->{json}{errno} // 0) == -5;
        }), "$label: Redis goes away, calls are told");
        $fake->up;
        ok(wait_until(sub {
            my @replies = map { $nginx->gm('online', gm_account => 1) } 1 .. 8;
            return !grep { !$_->{json}{res} } @replies;
        }), "$label: Redis is back, service on every worker");
    }

    ok(scalar $nginx->{log}->lines(qr/\[error\] .*store .* is back/),
        "$label: the log says that it is back, as loud as that it was lost");
    ok(wait_until(sub { $nginx->gm(@create)->{json}{errno} == 1 }),
        "$label: and what was stored is there");
    is($nginx->gm('fly')->{status}, 404,
        "$label: what needs no store is answered anyway");
}

# nobody answers the connection attempt in time

my $stopped = start_redis(tcp => 1);
$stopped->pause;
my $nginx = start_nginx(redis => $stopped, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% connect_timeout=300ms timeout=300ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
    }
}
EOF

is_error($nginx->gm('accounts'), -5, qr/\w/,
    'a Redis that takes the connection and says nothing');
$stopped->resume;
ok(wait_until(sub { $nginx->gm('accounts')->{json}{res} }),
    'service once it speaks');

# a name that cannot be resolved must not stop the worker, nor the start

my $unnamed = make_nginx(redis => 'redis://no-such-host.invalid',
    allow => [ qr/host not found/ ], conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
    }
}
EOF

my ($status, $said) = $unnamed->check_conf;
ok($status == 0 || $said =~ /no-such-host/,
    'a host without an address is named when the configuration is read');

finish();
