#!/usr/bin/perl

# Many at once: one wins, nothing is lost, nothing comes twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my $nginx = start_nginx(quiet => 1, workers => 4, redis => $redis,
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

sub uri {
    return Test::Gmchat::Nginx::uri(@_);
}

# How often each outcome was met.

sub outcomes {
    my %count;

    $count{ $_->{json}{res} ? 'ok' : $_->{json}{errno} // 'none' }++ for @_;

    return \%count;
}

# one account, created by many

is_deeply(outcomes($nginx->at_once((uri('/gm', 'create', gm_account => 1,
    gm_name => 'Ann')) x 100)), { ok => 1, 1 => 99 },
    'of 100 who create an account one does');

# one player, wanted by many

my @gms = (1 .. 200);
$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 2 .. 200;
my @replies = $nginx->at_once(map { uri('/gm', 'add', gm_account => $_,
    host => 1001, uid => 5) } @gms);
is_deeply(outcomes(@replies), { ok => 1, 3 => 199 },
    'of 200 GMs who want a player one gets him');

my ($winner) = grep { $replies[ $_ - 1 ]{json}{res} } @gms;
is_deeply(data($nginx->gs('relation', host => 1001), 'apply_data'),
    { 5 => [ "$winner", $winner == 1 ? 'Ann' : "GM $winner" ] },
    'and the host learns which');
is_deeply([ map { $_->{gm_account} } grep { $_->{friends} }
    @{ data($nginx->gm('accounts')) } ], [ $winner ],
    'and nobody else has a friend');

# one friendship, ended by many

is_deeply(outcomes($nginx->at_once((uri('/gm', 'del',
    gm_account => $winner, uid => 5)) x 100)), { ok => 1, 5 => 99 },
    'of 100 who end a friendship one does');

# add and del in turn

@replies = $nginx->at_once(map { (
    uri('/gm', 'add', gm_account => $_, host => 1001, uid => 6),
    uri('/gm', 'del', gm_account => $_, uid => 6),
) } 1 .. 100);
my @added = grep { $replies[ 2 * $_ ]{json}{res} } 0 .. 99;
my @ended = grep { $replies[ 2 * $_ + 1 ]{json}{res} } 0 .. 99;
my $holds = grep { $_->{friends} } @{ data($nginx->gm('accounts')) };
is(@added - @ended, $holds,
    'friendships begun less friendships ended are those that hold');
cmp_ok($holds, '<=', 1, 'at most one');

# receive while others send: what comes after a message that is on its way
# waits for it, so that polls go on until nothing is left

sub poll_until {
    my ($items, $n, $poll) = @_;

    wait_until(sub {
        push @$items, items($poll->());
        return @$items >= $n;
    });
}

$nginx->gm('add', gm_account => 1, host => 1002, uid => $_) for 10 .. 19;
my @texts = map { "t$_" } 1 .. 200;
my @calls = map { (
    uri('/gm', 'send', gm_account => 1, uid => 10 + $_ % 10, text => "t$_"),
    uri('/gs', 'receive', host => 1002, format => 'json'),
) } 1 .. 200;
my @items = map { items($_) } $nginx->at_once(@calls);
poll_until(\@items, 200, sub {
    $nginx->gs('receive', host => 1002, format => 'json');
});
is_deeply([ sort map { $_->{text} } @items ], [ sort @texts ],
    'of 200 messages and as many receives none is lost, none twice');

$nginx->gs('send', uid => 10 + $_ % 10, text => "t$_") for 1 .. 200;
@items = map { items($_) } $nginx->at_once((uri('/gm', 'receive',
    format => 'json', limit => 7)) x 100);
poll_until(\@items, 200, sub { $nginx->gm('receive', format => 'json') });
is_deeply([ sort map { $_->{text} } @items ], [ sort @texts ],
    '100 receives share what was there');

@calls = map { (
    uri('/gs', 'send', uid => 10 + $_ % 10, text => "t$_"),
    uri('/gm', 'receive', format => 'json'),
    uri('/gm', 'receive', gm_account => 1, format => 'json'),
) } 1 .. 200;
@items = map { items($_) } $nginx->at_once(@calls);
poll_until(\@items, 200, sub { $nginx->gm('receive', format => 'json') });
is_deeply([ sort map { $_->{text} } @items ], [ sort @texts ],
    'receives of all GMs and of one beside each other');

# relation while friendships begin

$nginx->gm('del', gm_account => 1, uid => $_) for 10 .. 19;
$nginx->gs('relation', host => 1002);
@replies = $nginx->at_once(map { (
    uri('/gm', 'add', gm_account => 1, host => 1002, uid => $_),
    uri('/gs', 'relation', host => 1002),
) } 100 .. 199);
my @begun = map { keys %{ data($_, 'apply_data') // {} } } @replies;
push @begun, keys %{ data($nginx->gs('relation', host => 1002), 'apply_data') };
is_deeply([ sort @begun ], [ 100 .. 199 ],
    'every friendship is reported once');

# one msgid, sent by many

$nginx->gs('receive', host => 1002);
@replies = $nginx->at_once((uri('/gm', 'send', gm_account => 1, uid => 100,
    text => 'x', msgid => 'm')) x 100);
my %ids = map { $_->{json}{id} => 1 } @replies;
is(scalar keys %ids, 1, 'a message sent 100 times at once has one id');
is(scalar(grep { !$_->{json}{repeat} } @replies), 1,
    'one of them was the first');
is(scalar items($nginx->gs('receive', host => 1002, format => 'json')), 1,
    'and it is stored once');
ok($redis->wait_settled('h1002'), 'and handed over');

@replies = $nginx->at_once(map { uri('/gm', 'send', gm_account => 1,
    uid => 100, text => "x$_", msgid => 'n') } 1 .. 100);
is_deeply(outcomes(@replies), { ok => 1, -10 => 99 },
    'of 100 different messages with one msgid one is stored');

# cursors under way

$nginx->gs('receive', host => 1002);
ok($redis->wait_settled('h1002'), 'what was taken is done with');
my $received = 0;
my $cursor = '';

for my $round (1 .. 20) {
    my @replies = $nginx->at_once(map { uri('/gm', 'send', gm_account => 1,
        uid => 100 + $_, text => "r$round") } 0 .. 9);
    my ($reply) = $nginx->at_once(uri('/gs', 'receive', host => 1002,
        format => 'json', ack => $cursor));
    $received += items($reply);
    $cursor = $reply->{json}{cursor};
}

is($received, 200, 'a poller with cursors gets every message once');

finish();
