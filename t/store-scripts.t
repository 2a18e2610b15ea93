#!/usr/bin/perl

# Redis forgets its scripts: no client notices, no message is lost or doubled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Crowd qw(crowd);
use Test::Gmchat::Http qw(format_request);
use Test::More;
use Time::HiRes qw(time);

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=30s connect_timeout=30s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

use constant { CLIENTS => 20, EACH => 100 };

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_)
    for 0 .. CLIENTS - 1;

# each action for itself

my @calls = (
    [ 'gm', 'create', gm_account => 2, gm_name => 'Bob' ],
    [ 'gm', 'add', gm_account => 2, host => 1002, uid => 500 ],
    [ 'gm', 'online', gm_account => 2 ],
    [ 'gm', 'send', gm_account => 2, uid => 500, msg => 'aGk=' ],
    [ 'gs', 'send', uid => 500, msg => 'aGk=' ],
    [ 'gm', 'receive' ],
    [ 'gs', 'receive', host => 1002 ],
    [ 'gs', 'receive', host => 1002, ack => '' ],
    [ 'gm', 'receive', gm_account => 2, ack => '' ],
    [ 'gs', 'relation', host => 1002 ],
    [ 'gs', 'online', host => 1002 ],
    [ 'gm', 'accounts' ],
    [ 'gm', 'friends', gm_account => 2 ],
    [ 'gm', 'history', uid => 500 ],
    [ 'gm', 'hosts' ],
    [ 'gm', 'del', gm_account => 2, uid => 500 ],
    [ 'gm', 'offline', gm_account => 2 ],
);

for my $call (@calls) {
    my ($endpoint, @call) = @$call;
    $redis->cmd('SCRIPT', 'FLUSH');
    is_success($nginx->$endpoint(@call), "$endpoint $call[0] after a flush");
}

# under load

my %next;
my %failed;
my $flushed = 0;
my $flush_at = 0;

crowd(
    address => $nginx->address,
    clients => CLIENTS,
    next    => sub {
        my ($client) = @_;

        my $n = $next{$client}++ // 0;
        return if $n >= EACH;
        return format_request('GET', Test::Gmchat::Nginx::uri('/gs', 'send',
            uid => $client, text => "$client-$n"));
    },
    answer => sub {
        my ($client, $response) = @_;

        $failed{ $response ? $response->{body} : 'closed' }++
            if !$response || !$response->{json}{res};
    },
    tick => sub {
        return if time() < $flush_at;
        $redis->cmd('SCRIPT', 'FLUSH');
        $flushed++;
        $flush_at = time() + 0.01;
    },
);

cmp_ok($flushed, '>', 1, 'the scripts were flushed while clients sent');
is_deeply(\%failed, {}, 'no client noticed');

my @texts;

wait_until(sub {
    push @texts, map { $_->{text} } items($nginx->gm('receive',
        limit => 1000, format => 'json'));
    return @texts >= CLIENTS * EACH;
});

my %of;
push @{ $of{ (split /-/)[0] } }, $_ for @texts;
is_deeply(\%of, { map { my $client = $_; $client =>
    [ map { "$client-$_" } 0 .. EACH - 1 ] } 0 .. CLIENTS - 1 },
    'every message is there once, in the order its sender sent');

finish();
