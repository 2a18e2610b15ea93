#!/usr/bin/perl

# Friendships on the gm endpoint: add and del, as relation reports them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
# One worker: what a relation took is settled before the next call.
my $nginx = start_nginx(quiet => 1, redis => $redis, workers => 1,
    conf => <<'EOF');
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

sub add {
    my ($gm, $host, $uid) = @_;

    return $nginx->gm('add', gm_account => $gm, host => $host, uid => $uid);
}

sub del {
    my ($gm, $uid) = @_;

    return $nginx->gm('del', gm_account => $gm, uid => $uid);
}

sub relation {
    my ($host) = @_;

    my $reply = $nginx->gs('relation', host => $host);

    return { apply => data($reply, 'apply_data'),
        remove => data($reply, 'remove_data') };
}

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('create', gm_account => 2, gm_name => 'Bob');

# add

is_error(add('x', 1001, 5), -1, qr/gm_account/,
    'add refuses an account that is no integer');
is_error(add(1, 'x', 5), -1, qr/host/, 'add refuses a host that is none');
is_error(add(1, 1001, 'x'), -1, qr/uid/, 'add refuses a uid that is none');
is_error($nginx->gm('add', host => 1001, uid => 5), -2, qr/gm_account/,
    'add names a missing account');
is_error($nginx->gm('add', gm_account => 1, uid => 5), -2, qr/host/,
    'add names a missing host');
is_error($nginx->gm('add', gm_account => 1, host => 1001), -2, qr/uid/,
    'add names a missing uid');
is_error(add(404, 1001, 5), 2, qr/\w/, 'add refuses an unknown GM');
is_deeply(relation(1001), { apply => {}, remove => [] },
    'nothing of all this is a friendship');

is_bare(add(1, 1001, 5), 'add makes a friendship');
is_error(add(1, 1001, 5), 3, qr/\w/,
    'add refuses a player who has this GM already');
is_error(add(2, 1001, 5), 3, qr/\w/,
    'add refuses a player who has another GM');
is_error(add(2, 1002, 5), 3, qr/\w/, 'on whatever host');
is_error(add(404, 1001, 5), 2, qr/\w/,
    'an unknown GM is said before a player who is taken');
is_bare(add(1, 1001, 6), 'a GM has several friends');
is_bare(add(1, 1002, 7), 'on several hosts');

is_deeply(relation(1001),
    { apply => { 5 => [ '1', 'Ann' ], 6 => [ '1', 'Ann' ] }, remove => [] },
    'relation reports the friendships of its host');
is_deeply(relation(1002), { apply => { 7 => [ '1', 'Ann' ] }, remove => [] },
    'and each host its own');
is_deeply(relation(1001), { apply => {}, remove => [] }, 'once');

# del

is_error(del(404, 5), 2, qr/\w/, 'del refuses an unknown GM');
is_error(del(2, 5), 5, qr/\w/, 'del refuses a GM who is not the player\'s');
is_error(del(1, 99), 5, qr/\w/, 'del refuses a player who has no GM');
is_error(del('x', 5), -1, qr/gm_account/,
    'del refuses an account that is no integer');
is_error(del(1, 'x'), -1, qr/uid/, 'del refuses a uid that is no integer');
is_error($nginx->gm('del', uid => 5), -2, qr/gm_account/,
    'del names a missing account');
is_error($nginx->gm('del', gm_account => 1), -2, qr/uid/,
    'del names a missing uid');
is_deeply(relation(1001), { apply => {}, remove => [] },
    'a refused del ends nothing');

is_bare(del(1, 5), 'del ends a friendship');
is_error(del(1, 5), 5, qr/\w/, 'once');
is_deeply(relation(1001), { apply => {}, remove => [ '5' ] },
    'relation reports the end to the host of the player');
is_deeply(relation(1002), { apply => {}, remove => [] },
    'and to no other');

# again

is_bare(add(2, 1002, 5), 'the player may get another GM, on another host');
is_deeply(relation(1002), { apply => { 5 => [ '2', 'Bob' ] }, remove => [] },
    'and that host learns it');

finish();
