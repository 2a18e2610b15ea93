#!/usr/bin/perl

# What a GM desk looks at: accounts, friends, history, hosts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64);
use Test::Gmchat;
use Test::More;
use Time::HiRes qw(time);

my $redis = start_redis();
my $nginx = start_nginx(quiet => 1, redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    gmchat_history 20 30d;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

my $start = time() * 1000;

sub gm {
    return $nginx->gm(@_, format => 'json');
}

sub by {
    my ($name, $reply) = @_;

    return { map { $_->{$name} => $_ } items($reply) };
}

sub recent {
    my ($ms) = @_;

    return $ms > $start - 60_000 && $ms < time() * 1000 + 60_000;
}

# accounts

is_deeply(gm('accounts')->{json}{data}, [], 'no account yet');

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1, 2, 3;
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 5, 6;
$nginx->gm('add', gm_account => 2, host => 1002, uid => 7);
$nginx->gm('offline', gm_account => 2);

my $accounts = by('gm_account', gm('accounts'));
is_deeply([ sort keys %$accounts ], [ 1, 2, 3 ], 'every account');
is($accounts->{1}{name}, 'GM 1', 'its name');
is_deeply([ map { $accounts->{$_}{friends} } 1 .. 3 ], [ 2, 1, 0 ],
    'how many friends');
is_deeply([ map { $accounts->{$_}{online} ? 'on' : 'off' } 1 .. 3 ],
    [ 'on', 'off', 'on' ], 'and whether it is online');
like(gm('accounts')->{body}, qr/"online":\s*true/, 'as true or false');
my $plain = data($nginx->gm('accounts'));
is(ref $plain, 'ARRAY', 'without format=json it is base64 of the same');
is(scalar @$plain, 3, 'with the same accounts');

# friends

is_deeply(gm('friends', gm_account => 3)->{json}{data}, [],
    'a GM without friends');
is_error(gm('friends', gm_account => 404), 2, qr/\w/, 'an unknown GM');
is_error(gm('friends', gm_account => 'x'), -1, qr/gm_account/,
    'an account that is no integer');
is_error(gm('friends'), -2, qr/gm_account/, 'no account');

$nginx->gs('send', uid => 5, text => 'first');
my $last = $nginx->gs('send', uid => 5, text => 'second');
my $friends = by('uid', gm('friends', gm_account => 1));
is_deeply([ sort keys %$friends ], [ 5, 6 ], 'the friends of a GM');
is($friends->{5}{host}, 1001, 'on which host');
ok(recent($friends->{5}{since}), 'since when');
is($friends->{5}{last}{text}, 'second', 'with the newest message');
is($friends->{5}{last}{id}, $last->{json}{id}, 'and its id');
is($friends->{5}{last}{dir}, 'to_gm', 'and its direction');
is($friends->{5}{undelivered}, 2, 'and how many the GM has not received');
is($friends->{6}{undelivered}, 0, 'none from the other');
ok(!$friends->{6}{last}, 'who has no newest message either');

$nginx->gm('send', gm_account => 1, uid => 6, text => 'to six');
$friends = by('uid', gm('friends', gm_account => 1));
is($friends->{6}{last}{text}, 'to six', 'the newest may be the GM\'s own');
is($friends->{6}{last}{dir}, 'to_player', 'in the other direction');
is($friends->{6}{undelivered}, 0, 'which is not for the GM to receive');

my $poll = gm('receive', gm_account => 1, ack => '', limit => 1);
is(by('uid', gm('friends', gm_account => 1))->{5}{undelivered}, 2,
    'what was received and not acknowledged is undelivered');
gm('receive', gm_account => 1, ack => $poll->{json}{cursor});
is(by('uid', gm('friends', gm_account => 1))->{5}{undelivered}, 1,
    'what was acknowledged is not');
$nginx->gm('receive');
ok(wait_until(sub {
    return by('uid', gm('friends', gm_account => 1))->{5}{undelivered} == 0;
}), 'nor is what was taken');

# history

my @said = map { $_ % 2
    ? $nginx->gm('send', gm_account => 2, uid => 7, text => "n$_")
    : $nginx->gs('send', uid => 7, text => "n$_") } 1 .. 10;
my @history = items(gm('history', uid => 7));
is_deeply([ map { $_->{text} } @history ], [ map { "n$_" } reverse 1 .. 10 ],
    'a conversation both ways, newest first');
is_deeply([ map { $_->{dir} } @history ],
    [ ('to_gm', 'to_player') x 5 ], 'who said it');
is_deeply([ map { $_->{id} } @history ],
    [ map { $_->{json}{id} } reverse @said ], 'with the ids that send gave');
is(scalar(grep { $_->{gm_account} eq '2' && recent($_->{ts}) } @history), 10,
    'with the GM and the time');

is_deeply([ map { $_->{text} } items(gm('history', uid => 7, limit => 3)) ],
    [ qw(n10 n9 n8) ], 'limit');
is_deeply([ map { $_->{text} }
    items(gm('history', uid => 7, limit => 3, before => $history[2]{id})) ],
    [ qw(n7 n6 n5) ], 'before an id');
is_deeply([ map { $_->{text} }
    items(gm('history', uid => 7, before => $history[8]{id})) ],
    [ 'n1' ], 'to the beginning');
is_deeply(gm('history', uid => 7, before => $history[9]{id})->{json}{data},
    [], 'and nothing before it');
is_deeply(gm('history', uid => 99)->{json}{data}, [],
    'a player who never said anything');
is(scalar @{ data($nginx->gm('history', uid => 7)) }, 10,
    'without format=json it is base64');
is(scalar items(gm('history', uid => 7)), 10,
    'looking at it takes nothing');

$nginx->gs('receive', host => 1002);
$nginx->gm('receive');
is(scalar items(gm('history', uid => 7)), 10,
    'what was delivered stays in it');
$nginx->gm('del', gm_account => 2, uid => 7);
is(scalar items(gm('history', uid => 7)), 10,
    'also after the friendship ended');

$nginx->gs('send', uid => 5, text => "h$_") for 1 .. 25;
@history = items(gm('history', uid => 5));
is($history[0]{text}, 'h25', 'of a long conversation the newest');
cmp_ok(scalar @history, '>=', 20, 'are kept, as many as are configured');

is_error(gm('history', uid => 'x'), -1, qr/uid/, 'a uid that is no integer');
is_error(gm('history'), -2, qr/uid/, 'no uid');

# hosts

$nginx->gm('send', gm_account => 1, uid => 5, text => "u$_") for 1 .. 4;
my $hosts = by('host', gm('hosts'));
is_deeply([ sort keys %$hosts ], [ 1001, 1002 ], 'every host');
is($hosts->{1001}{players}, 2, 'how many players have a GM');
is($hosts->{1001}{undelivered}, 5, 'how many messages wait for it');
is($hosts->{1002}{players}, 0, 'none of the other, whose friendship ended');
is($hosts->{1001}{last_poll}, 0, 'a host that never asked');

$nginx->gs('receive', host => 1001);
ok(wait_until(sub {
    recent(by('host', gm('hosts'))->{1001}{last_poll});
}), 'a host that asked, and when (a little later)');
ok(wait_until(sub {
    return by('host', gm('hosts'))->{1001}{undelivered} == 0;
}), 'and nothing waits');
is(scalar @{ data($nginx->gm('hosts')) }, 2,
    'without format=json it is base64');

finish();
