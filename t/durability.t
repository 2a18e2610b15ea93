#!/usr/bin/perl

# gmchat_durability replicas=: what is answered is with a replica; and what is
# not is neither promised nor told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client
    qw(befriend hold held answer texts_of drain metric stream_of);
use Test::Gmchat::Crowd qw(crowd);
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Nginx;
use Test::Gmchat::Traffic qw(waiters are_woken);
use Test::More;
use Time::HiRes qw(time);

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=5s;
    gmchat_durability %%DURABILITY%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /memory/gm { gmchat gm; gmchat_durability memory; }
        location /memory/gs { gmchat gs; gmchat_durability memory; }
        location /status { gmchat status; }
    }
}
EOF

# A master and a replica; nobody watches them.
my $set = start_sentinels(replicas => 1, sentinels => 0);
my $master = $set->master;
my ($replica) = $set->replicas;

sub bridge {
    my ($redis, $durability, %arg) = @_;

    return start_nginx(redis => $redis, conf => $conf, workers => 1,
        vars => { DURABILITY => $durability }, %arg);
}

sub shorts {
    return metric($_[0], 'gmchat_store_short_total');
}

# Patient, as a slow machine may take its time while all is well.
my $nginx = bridge($master, 'replicas=1 timeout=20s');


# ---- a replica is there

ok(befriend($nginx), 'with a replica: a GM and friends');
is_success($nginx->gs('send', uid => 5, text => 'one'), 'a message');
cmp_ok($master->calls('wait'), '>', 0, 'for which WAIT was asked');
is(join(' ', texts_of($nginx->gm('receive', gm_account => 1,
    format => 'json'))), 'one', 'which is received');
is_success($nginx->gm('del', gm_account => 1, uid => 7), 'a friendship ends');
is(shorts($nginx), 0, 'nothing fell short');
ok(wait_until(sub { $replica->in_sync_with($master) }), 'the replica has it');

my $waits = $master->calls('wait');
is_success($nginx->call('/memory/gs', 'send', uid => 5, text => 'two'),
    'with `memory` in one location: a message');
is(join(' ', texts_of($nginx->call('/memory/gm', 'receive', gm_account => 1,
    format => 'json'))), 'two', 'and it is received');
is($master->calls('wait'), $waits, 'without WAIT');

drain($nginx, '/gs', host => 1001);
drain($nginx, '/gm', gm_account => 1);
$waits = $master->calls('wait');
is_success($nginx->gm('receive', gm_account => 1, ack => ''),
    'an idle poll') for 1 .. 10;
is($master->calls('wait'), $waits, 'waits for no replica');
are_woken(waiters($nginx), 'with a replica');
drain($nginx, '/gs', host => 1001);


# ---- many at once

{
    my ($clients, $each) = (32, 30);
    my @done = (0) x $clients;
    my $accepted = 0;

    $waits = $master->calls('wait');
    crowd(
        address => $nginx->address,
        clients => $clients,
        next    => sub {
            my ($client) = @_;
            return if $done[$client]++ >= $each;
            return format_request('GET', Test::Gmchat::Nginx::uri('/gs',
                'send', uid => 6, text => "$client-$done[$client]"));
        },
        answer  => sub {
            my (undef, $response) = @_;
            $accepted++ if $response && $response->{json}{res};
        },
    );

    my $commits = $master->calls('wait') - $waits;
    is($accepted, $clients * $each, 'many connections: all are accepted');
    cmp_ok($commits * 4, '<', $accepted, 'with few WAIT');
    note("$accepted calls of $clients connections, $commits WAIT");
    is(scalar drain($nginx, '/gm', gm_account => 1), $accepted,
        'and all are received');
}


# ---- the replica hangs

# What would wait does not begin before this is known.

my $hasty = bridge($master, 'replicas=1 timeout=500ms');
my $stream = stream_of($hasty, '/gm?gm_account=1');
$stream->next_event('ready');
my $held = hold($hasty, '/gm', 'receive', gm_account => 1, format => 'json',
    ack => '');

$replica->pause;

sub falls_short {
    my ($call, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = shorts($hasty);
    my $began = time();
    my $reply = $call->();
    my $took = time() - $began;

    is_error($reply, -6, qr/\w/, "$label: unknown");
    cmp_ok($took, '>=', 0.45, "$label: after the time that it may take");
    cmp_ok(shorts($hasty), '>', $before, "$label: counted");
}

falls_short(sub {
    $hasty->gs('send', uid => 5, text => 'unsafe', msgid => 'u1');
}, 'the replica hangs, gs send');
falls_short(sub {
    $hasty->gm('send', gm_account => 1, uid => 5, text => 'unsafe');
}, 'gm send');
falls_short(sub {
    $hasty->gm('create', gm_account => 2, gm_name => 'Bob');
}, 'create');
falls_short(sub {
    $hasty->gm('add', gm_account => 1, host => 1001, uid => 8);
}, 'add');
falls_short(sub { $hasty->gm('del', gm_account => 1, uid => 8) }, 'del');
falls_short(sub { $hasty->gm('receive', gm_account => 1, ack => '') },
    'a reader is not given what is not safe');
falls_short(sub { $hasty->gm('receive', gm_account => 1) },
    'nor is a plain one');
falls_short(sub { $hasty->gs('relation', host => 1001, ack => '') },
    'nor one of relations');

is_success($hasty->gm('accounts'), 'calls that promise nothing are served');
is_success($hasty->gm('online', gm_account => 1), 'also online');
is_success($hasty->gm('history', uid => 5), 'and history');
is_success($hasty->gm('receive', gm_account => 2, ack => ''),
    'and an idle poll');
is_success($hasty->call('/memory/gs', 'send', uid => 6, text => 'quick'),
    'and `memory`');

my $before = shorts($hasty);
ok(wait_until(sub { shorts($hasty) > $before }), 'the stream tries again');
is(scalar(grep { $_->{event} eq 'message' } $stream->waiting_events), 0,
    'and told nothing');

my $early = held($held) ? undef : answer($held);
is(join(' ', $early ? texts_of($early) : ()), '',
    'nor was a held call given anything');

$replica->resume;
is(join(' ', map { $_->{data}{text} } $stream->next_events(2, 'message')),
    'unsafe quick', 'the replica is back: the stream tells all, in order');
$held = hold($nginx, '/gm', 'receive', gm_account => 1, format => 'json',
    ack => '') if $early;
is((texts_of(answer($held) // {}))[0], 'unsafe', 'and the held call, too');

my $again = $nginx->gs('send', uid => 5, text => 'unsafe', msgid => 'u1');
is_success($again, 'the message is repeated');
ok($again->{json}{repeat}, 'and was stored the first time');
is(join(' ', drain($nginx, '/gm', gm_account => 1)), 'unsafe quick',
    'each is received once');
is(join(' ', drain($nginx, '/gs', host => 1001)), 'unsafe',
    'what the GM wrote, too');


# ---- more replicas than there are

my $many = bridge($master, 'replicas=2 timeout=100ms');
is_error($many->gs('send', uid => 5, text => 'x', msgid => 'm2'), -6, qr/\w/,
    'one replica where two are asked for: unknown');
is_success($nginx->gs('send', uid => 5, text => 'x', msgid => 'm2'),
    'which is enough for another bridge');


# ---- what nginx -t says

sub checked {
    my ($redis, $durability) = @_;

    my $nginx = make_nginx(redis => $redis, conf => $conf, workers => 1,
        allow => [ qr/\[emerg\].*gmchat_durability/ ],
        vars => { DURABILITY => $durability });

    return $nginx->check_conf;
}

for my $good ('memory', 'replicas=1', 'replicas=16 timeout=10ms',
    'replicas=1 timeout=1m')
{
    my ($status, $output) = checked($master, $good);
    is($status, 0, "gmchat_durability $good") || diag($output);
}

for my $bad ('', 'disk', 'replicas', 'replicas=', 'replicas=0', 'replicas=17',
    'replicas=x', 'replicas=1 replicas=2', 'replicas=1 timeout=9ms',
    'replicas=1 timeout=61s', 'replicas=1 timeout=x', 'memory timeout=1s',
    'replicas=1 fsync', 'fsync timeout=9ms', 'timeout=1s')
{
    my ($status, $output) = checked($master, $bad);
    isnt($status, 0, "gmchat_durability $bad: refused");
    like($output, qr/\[emerg\].*gmchat_durability|directive "gmchat_durab/,
        'by name');
}

finish();
