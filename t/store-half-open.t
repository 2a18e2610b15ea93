#!/usr/bin/perl

# A connection to Redis that is dead without having been closed, as after a
# lost route or a failed-over machine.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend say_to_host);
use Test::More;

my $redis = start_redis();
my $fake = start_fake(upstream => $redis, tcp => 1);
my $nginx = start_nginx(redis => $fake, workers => 1, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=800ms probe=300ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

ok(befriend($nginx), 'a GM and players');

# while nobody calls

for my $round (1 .. 3) {
    my $before = $fake->accepted;
    $fake->freeze;
    ok(wait_until(sub { $fake->accepted > $before }),
        'an idle link that died is noticed by its probe and made anew');
    ok(wait_until(sub { $nginx->gm('online', gm_account => 1)->{json}{res} }),
        'and the next calls work');
}

# while calls wait

$fake->on(name => 'EVALSHA', hold => 1);
my @connections = map { $nginx->connect } 1 .. 5;
$_->write("GET /gm?action=online&gm_account=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    for @connections;
ok($fake->wait_held(5), 'calls wait for Redis');
$fake->freeze;
$fake->clear_rules;
is_deeply([ map { $_->response->{json}{errno} } @connections ], [ (-6) x 5 ],
    'the link dies: each is told that its outcome is unknown');
ok(wait_until(sub { $nginx->gm('online', gm_account => 1)->{json}{res} }),
    'and service goes on');

# what was taken on the dead link comes again

sub receive {
    my ($ack) = @_;

    my $reply;

    wait_until(sub {
        $reply = $nginx->gs('receive', host => 1001, ack => $ack,
            format => 'json');
        return $reply->{json}{res};
    });

    return $reply;
}

ok(say_to_host($nginx, 'x'), 'a message');
my $poll = receive('');
is(scalar items($poll), 1, 'is received');
$fake->freeze;
ok(wait_until(sub {
    my $again = $nginx->gs('receive', host => 1001, ack => '',
        format => 'json');
    return (() = items($again)) == 1;
}), 'a message that was not acknowledged is there after the link died');
receive($poll->{json}{cursor});
is_deeply([ items(receive('')) ], [], 'and can be acknowledged then');

# The deadline of a reply is `timeout`, also on a link that was just made.
# connect_timeout is longer than the test waits for any reply.

my $patient = start_nginx(redis => $fake, workers => 1, conf => <<'EOC');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% connect_timeout=90s timeout=300ms probe=0;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
    }
}
EOC

for my $when ('first link', 'link that was made anew') {
    ok(wait_until(sub {
        return $patient->gm('online', gm_account => 1)->{json}{res};
    }), "service on a $when");
    my $before = $fake->accepted;
    $fake->kick;
    ok(wait_until(sub { $fake->accepted > $before }),
        'the link is closed, and another one made');
    $fake->on(name => 'EVALSHA', freeze => 1);
    my $reply;
    ok(wait_until(sub {
        $reply = eval { $patient->gm('online', gm_account => 1) };
        return !$reply || ($reply->{json}{errno} // 0) == -6;
    }), 'it says nothing any more');
    is_error($reply, -6, qr/msgid/,
        'a call ends after timeout, however long connecting may take');
    $fake->clear_rules;
}

# Redis stands still, every link with it

$redis->pause;
is_error($nginx->gm('online', gm_account => 1), [ -5, -6 ], qr/\w/,
    'a Redis that stands still');
$redis->resume;
ok(wait_until(sub { $nginx->gm('online', gm_account => 1)->{json}{res} }),
    'service when it goes on');

finish();
