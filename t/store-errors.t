#!/usr/bin/perl

# What Redis may answer besides a result, and what a client sees of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);
my $nginx = start_nginx(redis => $fake, workers => 1, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=2s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

my $n = 0;

sub say_hello {
    $n++;

    return $nginx->gs('send', uid => 5, text => "n$n", msgid => "m$n");
}

# What disturbs the next message alone.

sub disturb {
    my (%action) = @_;

    my $next = 'm' . ($n + 1);
    $fake->on(name => 'EVALSHA', times => 1, match => "\\b$next\\b", %action);
}

sub service_is_back {
    my ($label) = @_;

    $fake->clear_rules;
    ok(wait_until(sub { say_hello()->{json}{res} }), "service after $label");
}

# What came since it was asked last.

my $cursor = '';

sub received {
    my $reply = $nginx->gm('receive', gm_account => 1, format => 'json',
        limit => 1000, ack => $cursor);

    $cursor = $reply->{json}{cursor} // $cursor;

    return map { $_->{text} } items($reply);
}

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);
is_success(say_hello(), 'at first all is well');

# errors after which nothing was stored

for my $error (
    'LOADING Redis is loading the dataset in memory',
    'READONLY You can\'t write against a read only replica.',
    'OOM command not allowed when used memory > \'maxmemory\'.',
    'BUSY Redis is busy running a script.',
    'MASTERDOWN Link with MASTER is down.',
    'NOAUTH Authentication required.',
    'NOPERM this user has no permissions to run the \'evalsha\' command',
    'MISCONF Redis is configured to save RDB snapshots',
    'NOREPLICAS Not enough good replicas to write.',
    'CLUSTERDOWN The cluster is down',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'MOVED 3999 127.0.0.1:6381',
    'ASK 3999 127.0.0.1:6381',
) {
    my ($class) = split(/ /, $error);

    received();
    $fake->on(name => 'EVALSHA', error => $error);
    $fake->on(name => 'EVAL', error => $error);
    my $reply = say_hello();
    my $refused = "n$n";
    is_error($reply, -5, qr/\w/, "$class: not stored");
    like($reply->{headers}{'retry-after'}, qr/^\d+$/,
        "$class: when to try again");
    is_error($nginx->gs('receive', host => 1001), -5, qr/\w/,
        "$class: also for a receive");
    service_is_back($class);
    is(scalar(grep { $_ eq $refused } received()), 0,
        "$class: what was refused is nowhere");
}

# errors that say that the store is not as it should be

for my $error (
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR something new', 'NEWCODE something', '', 'ERR ' . 'x' x 5000)
{
    my $label = $error eq '' ? 'an empty error' : substr($error, 0, 25);

    $fake->on(name => 'EVALSHA', error => $error);
    $fake->on(name => 'EVAL', error => $error);
    is_error(say_hello(), [ -5, -6 ], qr/\w/, "$label: refused or unknown");
    service_is_back($label);
}

# a wrong type in fact

received();
my ($key) = grep { /box:g1$/ } @{ $redis->cmd('KEYS', '*') };
$redis->cmd('RENAME', $key, 'elsewhere');
$redis->cmd('SET', $key, 'no mailbox');
is_error(say_hello(), [ -5, -6 ], qr/\w/, 'a key of another type');
$redis->cmd('RENAME', 'elsewhere', $key);
service_is_back('a key of another type');

# scripts that are not there

received();
disturb(error => 'NOSCRIPT No matching script. Please use EVAL.');
my $reply = say_hello();
is_success($reply, 'NOSCRIPT: loaded and run again, no client notices');
is_deeply([ received() ], [ "n$n" ], 'once');

$fake->on(name => 'EVALSHA', error => 'NOSCRIPT No matching script.');
$fake->on(name => 'EVAL', error => 'NOSCRIPT No matching script.');
is_error(say_hello(), -5, qr/\w/, 'NOSCRIPT to everything: not stored');
service_is_back('NOSCRIPT');

# no answer

for my $case (
    [ 'silence', silent => 1 ],
    [ 'a connection closed instead of an answer', close => 1 ],
    [ 'a connection closed after a byte', cut => 1 ],
    [ 'a connection closed within an answer', cut => 8 ],
    [ 'half-open', freeze => 1 ],
) {
    my ($label, %action) = @$case;

    received();
    disturb(%action);
    $reply = say_hello();
    my $unknown = $n;
    is_error($reply, -6, qr/msgid/, "$label: the outcome is unknown");
    service_is_back($label);

    $reply = undef;
    wait_until(sub {
        $reply = $nginx->gs('send', uid => 5, text => "n$unknown",
            msgid => "m$unknown");
        return $reply->{json}{res};
    });
    is_success($reply, "$label: the same again");
    is(scalar(grep { $_ eq "n$unknown" } received()), 1,
        "$label: is stored once");
}

# several in flight when the connection breaks: each ends

$fake->on(name => 'EVALSHA', hold => 1);
my @connections = map { $nginx->connect } 1 .. 20;
$_->write("GET /gs?action=receive&host=1001&ack= HTTP/1.1\r\nHost: x\r\n\r\n")
    for @connections;
ok($fake->wait_held(20), 'twenty calls wait for Redis');
$fake->clear_rules;
$fake->kick;
my %seen;
$seen{ $_->response->{json}{errno} }++ for @connections;
is_deeply(\%seen, { -6 => 20 }, 'the connection breaks: each is told');
service_is_back('many calls in flight');

# Redis refuses to write, in earnest

$redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
is_error(say_hello(), -5, qr/\w/, 'no memory left');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 0);
service_is_back('no memory left');

# a full store can be emptied

sub host_poll {
    return $nginx->gs('receive', host => 1001, format => 'json', @_);
}

sub gm_poll {
    return $nginx->gm('receive', format => 'json', @_);
}

sub texts_of {
    return join(' ', map { $_->{text} } items($_[0]));
}

# All that comes until nothing comes any more.

sub drained {
    my ($poll, @more) = @_;

    return join(' ', map { texts_of($poll->(@more)) } 1 .. 3) =~ s/ +$//r;
}

for my $case (
    [ 'a host, plain', \&host_poll ],
    [ 'all GMs, plain', \&gm_poll ],
    [ 'one GM, plain', \&gm_poll, gm_account => 1 ],
) {
    my ($label, $poll, @of) = @$case;

    drained($poll, @of);
    for my $text (qw(a b c)) {
        $nginx->gm('send', gm_account => 1, uid => 5, text => $text);
        $nginx->gs('send', uid => 5, text => $text);
    }

    my $first = $poll->(@of, limit => 1);
    is(texts_of($first), 'a', "$label: one of three, before");
    $redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
    is_error(say_hello(), -5, qr/\w/, "$label: the store is full");
    is_error($nginx->gm('send', gm_account => 1, uid => 5, text => 'x'), -5,
        qr/\w/, "$label: both ways");
    is(texts_of($poll->(@of, limit => 1)), 'b', "$label: but is polled");
    is(drained($poll, @of), 'c', "$label: to its end, each message once");
    is_error(say_hello(), -5, qr/\w/, "$label: still full");
    $redis->cmd('CONFIG', 'SET', 'maxmemory', 0);
    is_success(say_hello(), "$label: room again");
    is_success($nginx->gm('send', gm_account => 1, uid => 5, text => 'd'),
        "$label: both ways");
    like(drained($poll, @of), qr/^(?:n\d+|d)$/,
        "$label: what was refused is nowhere");
}

drained(\&host_poll);
drained(\&gm_poll);

for my $case (
    [ 'a host, with ack', \&host_poll ],
    [ 'a GM, with ack', \&gm_poll, gm_account => 1 ],
) {
    my ($label, $poll, @of) = @$case;

    for my $text (qw(a b c)) {
        $nginx->gm('send', gm_account => 1, uid => 5, text => $text);
        $nginx->gs('send', uid => 5, text => $text);
    }

    $redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
    my $page = $poll->(@of, ack => '', limit => 2);
    is(texts_of($page), 'a b', "$label: a full store is read");
    $page = $poll->(@of, ack => $page->{json}{cursor});
    is(texts_of($page), 'c', "$label: on");
    $page = $poll->(@of, ack => $page->{json}{cursor});
    is(texts_of($page), '', "$label: to its end");
    ok(!$page->{json}{reset}, "$label: and each cursor is good");
    $redis->cmd('CONFIG', 'SET', 'maxmemory', 0);
    is_success(say_hello(), "$label: room again");
    drained(\&gm_poll, gm_account => 1) if $label =~ /host/;
}

# a fault that lasts is logged, but not for each call

$redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
my $start = time();
my $before = $nginx->{log}->lines(qr/\[error\].*OOM/);
say_hello() for 1 .. 100;
my $lines = $nginx->{log}->lines(qr/\[error\].*OOM/);
cmp_ok($lines - $before, '<=', 1 + (time() - $start) / 10,
    'a fault that lasts is logged once in ten seconds');
cmp_ok($lines, '>=', 1, 'and not never');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 0);
service_is_back('a full store');

$redis->cmd('REPLICAOF', '127.0.0.1', '1');
is_error(say_hello(), -5, qr/\w/, 'Redis became a replica');
$redis->cmd('REPLICAOF', 'NO', 'ONE');
service_is_back('Redis became a replica');

$redis->cmd('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
service_is_back('Redis closed all connections');

finish();
