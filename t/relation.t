#!/usr/bin/perl

# relation on the gs endpoint: what it reports, once, in the last state.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
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

    is_bare($nginx->gm('add', gm_account => $gm, host => $host,
        uid => $uid), "GM $gm and player $uid of host $host are friends");
}

sub del {
    my ($gm, $uid) = @_;

    is_bare($nginx->gm('del', gm_account => $gm, uid => $uid),
        "GM $gm and player $uid are no longer friends");
}

sub relation {
    my ($host, @more) = @_;

    return $nginx->gs('relation', host => $host, @more);
}

sub changes {
    my ($reply) = @_;

    return { apply => data($reply, 'apply_data'),
        remove => [ sort { $a <=> $b } @{ data($reply, 'remove_data') } ] };
}

is_error(relation('x'), -1, qr/host/, 'a host that is no integer');
is_error($nginx->gs('relation'), -2, qr/host/, 'no host');

my $reply = relation(1001);
is_success($reply, 'a host nobody ever heard of');
is_deeply(changes($reply), { apply => {}, remove => [] },
    'has nothing to learn');

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1, 2;

# several changes of one player

add(1, 1001, 5);
del(1, 5);
is_deeply(changes(relation(1001)), { apply => {}, remove => [ 5 ] },
    'begun and ended since the last call: it ended');

add(1, 1001, 5);
del(1, 5);
add(2, 1001, 5);
is_deeply(changes(relation(1001)),
    { apply => { 5 => [ '2', 'GM 2' ] }, remove => [] },
    'begun, ended and begun with another: the last one stands');

del(2, 5);
add(1, 1001, 5);
is_deeply(changes(relation(1001)),
    { apply => { 5 => [ '1', 'GM 1' ] }, remove => [] },
    'ended and begun anew: it holds');

# a player who moves to another host

del(1, 5);
add(1, 1002, 5);
is_deeply(changes(relation(1001)), { apply => {}, remove => [ 5 ] },
    'the old host learns the end');
is_deeply(changes(relation(1002)),
    { apply => { 5 => [ '1', 'GM 1' ] }, remove => [] },
    'the new host learns the beginning');

# many players, a limit

add(2, 1003, $_) for 10 .. 19;
$reply = relation(1003, limit => 4);
is(scalar keys %{ data($reply, 'apply_data') }, 4,
    'limit bounds what one call reports');
ok($reply->{json}{more}, 'more says that there is more');
my %seen = %{ data($reply, 'apply_data') };

for (1 .. 5) {
    last if !$reply->{json}{more};
    $reply = relation(1003, limit => 4);
    %seen = (%seen, %{ data($reply, 'apply_data') });
}

is_deeply([ sort keys %seen ], [ 10 .. 19 ],
    'asking again at once brings the rest');
ok(!$reply->{json}{more}, 'and more is false at the end');

# as JSON

del(2, 10);
add(2, 1003, 20);
my @items = items(relation(1003, format => 'json'));
is_deeply([ map { { %$_, id => 'id' } } @items ], [
    { id => 'id', uid => '10', change => 'remove', gm_account => '2',
      gm_name => 'GM 2' },
    { id => 'id', uid => '20', change => 'apply', gm_account => '2',
      gm_name => 'GM 2' },
], 'format=json gives an object for each change, in order');
like($items[0]{id}, qr/^.+-\d+$/, 'with its id');

is_error(relation(1003, format => 'xml'), -3, qr/format/,
    'another format is refused');

finish();
