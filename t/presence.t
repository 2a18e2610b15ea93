#!/usr/bin/perl

# online on the gs endpoint: the online GMs with a friend on a host.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my $nginx = start_nginx(quiet => 1, redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

sub online {
    my ($host, @more) = @_;

    my $reply = $nginx->gs('online', host => $host, @more);
    is_success($reply, "host $host asks who is online");

    return [ sort @{ data($reply) } ];
}

is_error($nginx->gs('online', host => 'x'), -1, qr/host/,
    'a host that is no integer');
is_error($nginx->gs('online'), -2, qr/host/, 'no host');
is_deeply(online(1001), [], 'nobody yet');

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1 .. 3;
is_deeply(online(1001), [], 'a GM without friends is none of theirs');

$nginx->gm('add', gm_account => 1, host => 1001, uid => 11);
$nginx->gm('add', gm_account => 1, host => 1001, uid => 12);
$nginx->gm('add', gm_account => 2, host => 1001, uid => 13);
$nginx->gm('add', gm_account => 3, host => 1002, uid => 14);
is_deeply(online(1001), [ '1', '2' ],
    'the online GMs with at least one friend on the host, each once');
is_deeply(online(1002), [ '3' ], 'each host has its own');

$nginx->gm('offline', gm_account => 1);
is_deeply(online(1001), [ '2' ], 'a GM who goes offline is not there');
$nginx->gm('online', gm_account => 1);
is_deeply(online(1001), [ '1', '2' ], 'who comes back is');

$nginx->gm('del', gm_account => 1, uid => 11);
is_deeply(online(1001), [ '1', '2' ], 'one friend left is enough');
$nginx->gm('del', gm_account => 1, uid => 12);
is_deeply(online(1001), [ '2' ], 'without a friend left the GM is not there');

$nginx->gm('add', gm_account => 1, host => 1002, uid => 11);
is_deeply(online(1002), [ '1', '3' ], 'a player who moved brings the GM along');

my $reply = $nginx->gs('online', host => 1002, format => 'json');
is_success($reply, 'format=json');
is(ref $reply->{json}{data}, 'ARRAY', 'data is JSON, not base64 of it');

finish();
