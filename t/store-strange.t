#!/usr/bin/perl

# A Redis that answers what no Redis would: the call fails, the worker lives.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend);
use Test::More;

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);

# A broken invariant is logged as an alert, by intention.
my $nginx = start_nginx(redis => $fake, workers => 1,
    allow => [ qr/\[(?:alert|crit)\].*gmchat/ ], conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=400ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

sub say_hello {
    return $nginx->gs('send', uid => 5, text => 'hello');
}

ok(befriend($nginx), 'GM 1 has players on host 1001');
ok(wait_until(sub { say_hello()->{json}{res} }), 'at first all is well');

my ($worker) = $nginx->workers;
my @replies = (
    "+OK\r\n", ":1\r\n", ":-1\r\n", ":99999\r\n", "\$-1\r\n", "*-1\r\n",
    "*0\r\n", "\$0\r\n\r\n", "*1\r\n:1\r\n", "*1\r\n:0\r\n",
    "*2\r\n:1\r\n:1\r\n", "*2\r\n:1\r\n*0\r\n", "*2\r\n:0\r\n\$-1\r\n",
    "*3\r\n+a\r\n+b\r\n+c\r\n", "*1\r\n*1\r\n*1\r\n*0\r\n",
    "*2\r\n:0\r\n*2\r\n\$1\r\nx\r\n\$-1\r\n",
    "*8\r\n" . ":0\r\n" x 8, "*8\r\n" . "\$1\r\nx\r\n" x 8,
    "*2\r\n-ERR inside\r\n:1\r\n",
);
my @garbage = (
    "garbage\r\n", "\0\0\0\0\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
    "\$x\r\n", "\$99999999999999999999\r\n", "*99999999999\r\n",
    "\$5\r\nab\r\n", "\$2\r\nabcd\r\n", "*1\r\n" x 50, "\r\n\r\n",
);

for my $bytes (@replies, @garbage) {
    (my $shown = substr($bytes, 0, 40)) =~ s/\r\n/ /g;
    $shown =~ s/[^ -~]/?/g;

    for my $call ([ 'gs', 'send', uid => 5, text => 'x' ],
        [ 'gs', 'receive', host => 1001 ], [ 'gm', 'receive' ],
        [ 'gs', 'relation', host => 1001 ], [ 'gm', 'accounts' ],
        [ 'gm', 'online', gm_account => 1 ])
    {
        my ($endpoint, @call) = @$call;
        $fake->on(name => 'EVALSHA', times => 1, reply => $bytes);
        my $reply = $nginx->$endpoint(@call);
        ok($reply && $reply->{json}, "$endpoint $call[0]: an answer after $shown");
        $fake->clear_rules;
    }

    ok(wait_until(sub { say_hello()->{json}{res} }), 'and service goes on');
}

# more answers than questions

$fake->on(name => 'EVALSHA', times => 1, reply => "+a\r\n+b\r\n+c\r\n");
ok(say_hello()->{json}, 'three answers to one call');
ok(wait_until(sub { say_hello()->{json}{res} }), 'and service goes on');

# while the link is set up

for my $bytes (@garbage[0 .. 4], "+OK\r\n", ":1\r\n", "\$-1\r\n", "*0\r\n",
    "-ERR no\r\n", "-LOADING x\r\n", "-NOAUTH x\r\n", "-NOPERM x\r\n")
{
    (my $shown = substr($bytes, 0, 30)) =~ s/[^ -~]/?/g;

    for my $name (qw(INFO SCRIPT)) {
        $fake->on(name => $name, times => 1, reply => $bytes);
        $fake->kick;
        ok(wait_until(sub { say_hello()->{json}{res} }),
            "$name answered by $shown: service in the end");
        $fake->clear_rules;
    }
}

is_deeply([ $nginx->workers ], [ $worker ], 'the worker is the same all along');

finish();
