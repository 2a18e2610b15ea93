#!/usr/bin/perl

# Ten thousand event streams, as many WebSockets and as many held calls come
# and go, half of them with a reset; then a hundred reloads. What they took is
# given back: memory, descriptors, processes, connections and subscriptions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(min sum);
use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Loop;
use Test::Gmchat::Process qw(children_of);
use Test::More;
use Time::HiRes qw(time);

use constant {
    WAVE    => 500,
    ROUNDS  => 5,       # of four waves of each kind; up to MOST, as one wave
    MOST    => 12,      # may take more than those before it, once
    RELOADS => 100,
};

# kB. Memory that is free again is kept back by a sanitizer: as little as it can.

use constant GROWN => $ENV{GMCHAT_TEST_PRELOAD} ? 2048 : 512;

my $began = time();
my $redis = start_redis();

# One worker: what it has at most, of a wave, is the same each time.

my $nginx = start_nginx(redis => $redis, workers => 1,
    asan => 'quarantine_size_mb=0:thread_local_quarantine_size_kb=0',
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    access_log off;
    gmchat_redis %%REDIS%% timeout=30s connect_timeout=30s;
    gmchat_grace 5s;
    server {
        listen 127.0.0.1:%%PORT%% backlog=1024;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

$nginx->gm('create', gm_account => $_, gm_name => "GM$_") for 1 .. 50;

# A client that comes and goes

package Visitor;

use parent -norequire, 'Test::Gmchat::Loop';

my %sign = (
    sse       => qr/^event: ready/m,
    websocket => qr/"event":"ready"/,
    held      => qr/^never/,
);

my ($settled, $gone) = (0, 0);

sub come {
    my ($self, $kind, $n) = @_;

    my $who = $n % 2 ? 'host=' . (1 + $n) : 'gm_account=' . (1 + $n);
    my $endpoint = $n % 2 ? '/gs' : '/gm';
    my $uri = $kind eq 'held' ? "$endpoint?action=receive&$who&ack=&wait=55"
        : "$endpoint?action=stream&$who" . ($n % 4 ? '' : '&online=1');
    my @headers = $kind eq 'sse' ? 'Accept: text/event-stream'
        : $kind eq 'held' ? ()
        : ('Connection: Upgrade', 'Upgrade: websocket',
            'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==');

    $self->{kind} = $kind;
    $self->{settled} = 0;
    $self->dial($nginx->address) or die "connect: $!";
    $self->write(main::format_request('GET', $uri, headers => \@headers));
}

sub readable {
    my ($self) = @_;

    if (!$self->{settled} && $self->{in} =~ $sign{ $self->{kind} }) {
        $self->{settled} = 1;
        $settled++;
    }

    $self->hang_up if $self->{in} =~ /come back in \d+ ms$/;
}

sub closed {
    $gone++;
}

# Politely: with a closing handshake where there is such a thing.

sub go {
    my ($self, $politely) = @_;

    return $self->write(pack('CCNn', 0x88, 0x82, 0, 1000))
        if $politely && $self->{kind} eq 'websocket';

    $self->hang_up(!$politely);
    $gone++;
}

package main;

sub until_true {
    my ($condition, $label) = @_;

    my $end = time() + Test::Gmchat::Process::deadline();

    while (!$condition->()) {
        return fail($label) if time() > $end;
        Test::Gmchat::Loop::turn(0.01);
    }

    return 1;
}

sub wave {
    my ($kind) = @_;

    my @visitors = map { Visitor->new } 1 .. WAVE;
    my $run = $redis->calls('evalsha');

    ($settled, $gone) = (0, 0);
    $visitors[$_]->come($kind, $_) for 0 .. $#visitors;
    until_true(sub {
        return $kind eq 'held' ? $redis->calls('evalsha') >= $run + WAVE
            : $settled == WAVE;
    }, "a wave of $kind is served") or return;
    $visitors[$_]->go($_ & 2) for 0 .. $#visitors;
    until_true(sub { $gone == WAVE }, "a wave of $kind goes");
}

# What is taken

sub descriptors {
    my ($pid) = @_;

    return scalar(my @all = glob("/proc/$pid/fd/*"));
}

sub private_memory {
    my ($pid) = @_;

    open(my $file, '<', "/proc/$pid/status") or return 0;

    return (map { /^RssAnon:\s+(\d+)/ } <$file>)[0];
}

sub subscriptions {
    my $status = $nginx->get('/status')->{json};

    return sum(map { $_->{subscriptions} // 0 } @{ $status->{stores} });
}

sub waiting {
    return join(' ', map { "$_->[0] $_->[1]" } sort { $a->[0] cmp $b->[0] }
        map { [ $_, $nginx->get('/status')->{json}{waiting}{$_} ] }
        qw(longpoll sse websocket));
}

sub taken {
    my @workers = $nginx->workers;

    return join(', ', 'workers ' . @workers,
        'descriptors ' . join(' ', map { descriptors($_) }
            $nginx->{pid}, @workers),
        'Redis connections ' . $redis->info('connected_clients'),
        'channels ' . @{ $redis->cmd('PUBSUB', 'CHANNELS', '*') });
}

# Channels stay for some seconds, in case that somebody comes back.

sub rest {
    return wait_until(sub {
        return $redis->cmd('CLIENT', 'LIST', 'TYPE', 'pubsub') eq '';
    });
}

# Once those who were there are gone.

sub is_taken {
    my ($expected, $label) = @_;

    my $seen;
    wait_until(sub { ($seen = taken()) eq $expected });

    return is($seen, $expected, $label);
}

wave($_) for qw(sse websocket held);
ok(rest(), 'the connection for wake-ups ends when nobody waits');

my $before = taken();
# held calls whose clients leave right behind their request

my $open = descriptors($nginx->workers);

for my $n (0 .. 99) {
    my $visitor = Visitor->new;
    $visitor->come('held', $n);
    $visitor->go($n & 2);
}

# All were accepted before this one is. One connection is for wake-ups.

$nginx->get('/status');
ok(wait_until(sub { descriptors($nginx->workers) <= $open + 1 }),
    'a call is not held for who left already');

my @memory;

sub grown {
    return min(@memory[-2, -1]) - $memory[-4];
}

for my $round (1 .. MOST) {
    for my $kind (qw(sse websocket held)) {
        wave($kind) for 1 .. 4;
    }
    rest();
    push @memory, private_memory($nginx->workers);
    last if $round >= ROUNDS && grown() <= GROWN;
}

my $waves = time() - $began;

note("kB of the worker after each round: @memory");
is(subscriptions() >= 0, 1, 'status says how many channels are subscribed');
is_taken($before, 'descriptors, connections and channels are what they were');
is(subscriptions(), 0, 'no channel is subscribed');
is(waiting(), 'longpoll 0 sse 0 websocket 0', 'nobody waits');
cmp_ok(grown(), '<=', GROWN,
    'memory is what it was six thousand of each kind before');

for my $n (1 .. RELOADS) {
    my @visitors = map { Visitor->new } 1 .. 6;

    ($settled, $gone) = (0, 0);
    $visitors[$_]->come((qw(sse websocket held))[ $_ % 3 ], $_)
        for 0 .. $#visitors;
    until_true(sub { $settled == 4 }, 'streams before a reload') or last;

    my @old = $nginx->reload_begin;
    until_true(sub { $nginx->reload_done(@old) }, 'a reload') or last;
    $_->hang_up for @visitors;
}

is_taken($before, 'and are so after a hundred reloads');
note(sprintf('%d of each kind in %.0f s; %d reloads in %.0f s',
    @memory * 4 * WAVE, $waves, RELOADS, time() - $began - $waves));

finish();
