#!/usr/bin/perl

# Replies of Redis that arrive in two parts, cut at every byte, and byte by
# byte: no client notices.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);
my $nginx = start_nginx(redis => $fake, workers => 1,
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% connect_timeout=20s timeout=20s;
    gmchat_host_silent 1d;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

# the link's set-up too

$fake->on(drip => 1);
$fake->kick;
ok(wait_until(sub {
    $nginx->gm('create', gm_account => 1, gm_name => 'Ann')->{json}
        && $nginx->gm('online', gm_account => 1)->{json}{res};
}), 'a link whose every answer comes a byte at a time');
$fake->clear_rules;

$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 5, 6;
$nginx->gm('send', gm_account => 1, uid => $_, text => "to $_") for 5, 6, 5;
$nginx->gs('send', uid => $_, text => "from $_") for 5, 6, 5;

# Calls that change nothing have the same answer each time.

for my $call (
    [ 'gs', 'receive', host => 1001, ack => '' ],
    [ 'gm', 'receive', gm_account => 1, ack => '', format => 'json' ],
    [ 'gs', 'relation', host => 1001, ack => '' ],
    [ 'gs', 'online', host => 1001 ],
    [ 'gm', 'history', uid => 5 ],
    [ 'gm', 'friends', gm_account => 1 ],
    [ 'gm', 'accounts' ],
    [ 'gm', 'online', gm_account => 404 ],
) {
    my ($endpoint, @call) = @$call;
    my $whole = $nginx->$endpoint(@call)->{body};
    my @other;
    my $longest = length($whole) + 400;
    $longest = 700 if $longest > 700;

    for my $at (1 .. $longest) {
        $fake->on(name => 'EVALSHA', times => 1, split => $at);
        push @other, $at if $nginx->$endpoint(@call)->{body} ne $whole;
    }

    is_deeply(\@other, [], "$endpoint $call[0]: cut in two at every byte");

    $fake->on(name => 'EVALSHA', times => 1, drip => 1);
    is($nginx->$endpoint(@call)->{body}, $whole,
        "$endpoint $call[0]: a byte at a time");
}

# many in one pipeline

$fake->on(name => 'EVALSHA', drip => 1);
my @replies = $nginx->at_once((Test::Gmchat::Nginx::uri('/gm', 'online',
    gm_account => 1)) x 20);
is(scalar(grep { $_->{body} eq '{"res":1}' } @replies), 20,
    'twenty calls at once, a byte at a time');

# several answers in one piece

$fake->clear_rules;
$fake->on(name => 'EVALSHA', hold => 1);
my @connections = map { $nginx->connect } 1 .. 20;
$_->write("GET /gm?action=online&gm_account=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    for @connections;
ok($fake->wait_held(20), 'twenty answers are held');
$fake->release;
is(scalar(grep { $_->response->{body} eq '{"res":1}' } @connections), 20,
    'and come all at once');

finish();
