#!/usr/bin/perl

# Presence that ends by itself: leases of GMs, streams that keep them, and
# hosts that are silent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(any);
use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Sse;
use Test::More;
use Time::HiRes qw(time);

# Seconds: longer than what is to be seen meanwhile takes.
use constant LEASE => 12;

my $redis = start_redis();
my ($one, $two) = map { start_nginx(quiet => 1, redis => $redis,
    conf => <<'EOC') } 1, 2;
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s connect_timeout=10s;
    gmchat_grace 3s;
    gmchat_host_silent 20s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /long { gmchat gm; gmchat_grace 30s; }
    }
}
EOC

sub online_of {
    my ($host, $nginx) = @_;

    return join(' ', sort @{ data(($nginx // $two)->gs('online',
        host => $host)) });
}

sub accounts {
    my %online = map { $_->{gm_account} => $_->{online} ? 1 : 0 }
        items($one->gm('accounts', format => 'json'));

    return \%online;
}

sub stream {
    my ($uri, %arg) = @_;

    return Test::Gmchat::Sse->new(address => $one->address, uri => $uri,
        %arg);
}

sub hold_online {
    my ($host) = @_;

    my $connection = $two->connect;
    $connection->write(format_request('GET', "/gs?action=online&host=$host"
        . '&format=json&wait=50'));

    return $connection;
}

# The list of an `online` event that has another length than before, and when.

sub next_online {
    my ($stream, $seconds) = @_;

    my $event = $stream->next_event('online', $seconds) or return;

    return join(' ', sort @{ $event->{data}{gm_accounts} });
}

# ---- hosts: they are silent from now on, but for what calls and holds

$one->gm('create', gm_account => $_, gm_name => "GM $_") for 1 .. 9;

# GM n has a friend on host 100n; GM 1 one on 1002 as well.
$one->gm('add', gm_account => $_, host => 1000 + $_, uid => $_) for 1 .. 9;
$one->gm('add', gm_account => 1, host => 1002, uid => 100);
$one->gm('offline', gm_account => $_) for 1 .. 9;
$one->gm('add', gm_account => 9, host => $_, uid => $_)
    for 2001 .. 2005, 2007 .. 2011;

sub silent {
    my %silent = map { $_->{host} => $_->{silent} ? 1 : 0 }
        items($one->gm('hosts', format => 'json'));

    return \%silent;
}

sub is_silent {
    my ($uid) = @_;

    my $reply = $one->gm('send', gm_account => 9, uid => $uid, text => 'x');
    is_success($reply, "a message to a player of host $uid is stored");

    return exists $reply->{json}{host_silent} ? $reply->{json}{host_silent}
        : 'none';
}

sub last_polls {
    return { map { $_->{host} => $_->{last_poll} }
        items($one->gm('hosts', format => 'json')) };
}

# Whether a host is heard of before those are noted again that were noted just
# before its stream opened. Of a few tries one may be cut short by a machine
# that had other things to do.

sub at_once {
    my ($host) = @_;

    my ($before, $noted, $opened) = (last_polls());
    wait_until(sub { ($noted = last_polls())->{2003} != $before->{2003} }, 20);
    my $stream = Test::Gmchat::Sse->new(address => $two->address,
        uri => "/gs?action=stream&host=$host");
    wait_until(sub { ($opened = last_polls())->{$host} }, 20);

    return $opened->{2003} == $noted->{2003};
}

is(silent()->{2001}, 1, 'a host that was never heard of is silent');
is(is_silent(2001), JSON::PP::true, 'send says so');

# 2001 polls once, 2002 holds a call, 2003 streams, 2004 is polled on, 2005
# was never heard of.
$one->gs('receive', host => $_) for 2001, 2004;
my $held = $two->connect;
$held->write(format_request('GET', '/gs?action=relation&host=2002&ack='));
$held->response;
my $polled = $two->gs('relation', host => 2002, ack => '');
$held->write(format_request('GET', '/gs?action=relation&host=2002&wait=55&ack='
    . $polled->{json}{cursor}));
my $host_stream = Test::Gmchat::Sse->new(address => $two->address,
    uri => '/gs?action=stream&host=2003,2006');
ok(wait_until(sub {
    my $silent = silent();
    return !grep { $silent->{$_} } 2001 .. 2004;
}, 15), 'hosts that call, hold a call or stream are not silent');
my $heard = time();
is(is_silent(2001), 'none', 'nor does send say so');
ok((any { at_once($_) } 2007 .. 2011),
    'a host is heard of as its stream opens');
is(silent()->{2005}, 1, 'one that never called is');


# ---- leases

my @watch = (stream('/gs?action=stream&host=1001'),
    stream('/gs?action=stream&host=1002'));
is(next_online($_), '', 'nobody is online') for @watch;

is_error($one->gm('online', gm_account => 1, lease => $_), [ -1, -2, -3 ],
    qr/lease/, "lease=$_") for 4, 0, 86401, '', 'x', -1, '05', 1e15;
is_error($one->gm('online', gm_account => 77, lease => 5), 2, qr/\w/,
    'a GM that does not exist');
is_deeply([ online_of(1001), online_of(1002) ], [ '', '' ],
    'refusals put nobody online');

my $leased = time();
is_bare($one->gm('online', gm_account => 1, lease => LEASE),
    'online for a while');
is(next_online($watch[0]), '1', 'a stream of the one host hears of it');
is(next_online($watch[1]), '1', 'and of the other');
is_bare($one->gm('online', gm_account => 2, lease => 86400), 'for a day');
is(next_online($watch[1]), '1 2', 'who has two');
is_bare($one->gm('online', gm_account => 3), 'without an end');
is_bare($one->gm('online', gm_account => 4, lease => LEASE),
    'another for as long');
is_bare($one->gm('online', gm_account => 5), 'one without an end');
is_bare($one->gm('online', gm_account => 5, lease => 5), 'gets one: 5 s');
is_bare($one->gm('online', gm_account => 6, lease => 5), 'one with an end');
is_bare($one->gm('online', gm_account => 6), 'loses it');
is_deeply([ online_of(1001), online_of(1002) ], [ '1', '1 2' ],
    'so do polls');
is(accounts()->{1}, 1, 'and the list of accounts');
my $call = hold_online(1001);

# renewed: 4 stays

my $renewed = 0;
my $left = wait_until(sub {
    if (time() > $leased + 2 && !$renewed) {
        is_bare($one->gm('online', gm_account => 4, lease => 60),
            'a lease is renewed while it runs');
        $renewed = 1;
    }

    $watch[0]->pump(0.02);

    return online_of(1001) eq '';
}, 45);
my $took = time() - $leased;
ok($left, 'a lease ends by itself');
cmp_ok($took, '>=', LEASE - 0.1, 'not before it is over');
cmp_ok($took, '<', LEASE + 20, 'and not long after');
is(next_online($watch[0], 20), '', 'a stream hears of it');
is(next_online($watch[1], 20), '2', 'at the other host as well');
my $told = eval { $call->response(20) } // {};
is_deeply($told->{json}{data}, [], 'so does a held call');
cmp_ok(time() - $leased, '<', LEASE + 25, 'by itself, then');
my $accounts = accounts();
is_deeply([ @$accounts{ 1 .. 6 } ], [ 0, 1, 1, 1, 0, 1 ],
    'longer ones, renewed ones and those without an end stay');
is_deeply([ map { online_of($_) } 1003, 1004, 1005, 1006 ],
    [ '3', '4', '', '6' ], 'each at its host');
is($one->gm('offline', gm_account => 1)->{body}, '{"res":0}',
    'one whose lease ended was not online');
is_bare($one->gm('offline', gm_account => 4), 'one that has a lease was');
is(online_of(1004), '', 'and goes at once');
is_bare($one->gm('online', gm_account => 1, lease => LEASE), 'and back');
is(next_online($watch[0]), '1', 'which is told');
is(next_online($watch[1]), '1 2', 'at both hosts');
is_bare($one->gm('offline', gm_account => 1), 'and off');
is(next_online($watch[0]), '', 'is told, too');
is(next_online($watch[1]), '2', 'at both');
$call->close;


# ---- hosts, later, while the call is still held

ok(wait_until(sub { silent()->{2001} }, 30),
    'a host that polled once becomes silent');
cmp_ok(time() - $heard, '<', 60, 'by itself');
my $silent = silent();
is_deeply([ @$silent{ 2001 .. 2005 } ], [ 1, 0, 0, 1, 1 ],
    'one that holds a call or streams does not')
    or diag(sprintf('%.1f s after it was heard of', time() - $heard));
is(is_silent(2001), JSON::PP::true, 'send says that the one is');
is(is_silent(2002), 'none', 'and of the one that holds a call nothing');
is(is_silent(2003), 'none', 'nor of the one that streams');
$one->gs('receive', host => 2001);
ok(wait_until(sub { !silent()->{2001} }), 'a poll is a sign of life');
my $repeat = sub { $one->gm('send', gm_account => 9, uid => 2005, text => 'r',
    msgid => 'r')->{json} };
my $first = $repeat->();
my $second = $repeat->();
ok($second->{repeat} && $second->{host_silent} && $first->{host_silent},
    'a repeat says it, too');
is(texts_of(2005), 'r', 'and what was sent is there');
$_->close for $held, $host_stream;


# ---- streams that keep GMs online

my $keep = stream('/gm?action=stream&gm_account=1&online=1');
$keep->next_event('open');
my $kept = time();
is(next_online($watch[0]), '1', 'a stream with online=1 puts its GM online');
is(next_online($watch[1]), '1 2', 'at all hosts');
my $quiet = stream('/gm?action=stream&gm_account=8');
$quiet->next_event('open');
is(online_of(1008), '', 'one without does not');

# longer than the grace: it is renewed

my $flickered = 0;
wait_until(sub {
    $flickered++ if online_of(1001) ne '1';
    return time() > $kept + 5;
});
is($flickered, 0, 'the GM stays online for longer than gmchat_grace');
is($watch[0]->next_event('online', 0.1), undef, 'and nobody hears otherwise');

my $cut = time();
$keep->reset;
is(next_online($watch[0], 20), '', 'cut: the GM goes');
cmp_ok(time() - $cut, '>=', 1.8, 'after the grace');
cmp_ok(time() - $cut, '<', 15, 'and not long after');
is(next_online($watch[1], 20), '2', 'everywhere');

# back within the grace: no flicker

$keep = stream('/long?action=stream&gm_account=1&online=1');
is(next_online($watch[0]), '1', 'online');
$keep->next_event('open');
$keep->reset;
$keep = stream('/long?action=stream&gm_account=1&online=1');
$keep->next_event('open');
my @old = $one->reload_begin;
ok(wait_until(sub { $one->reload_done(@old) }), 'nginx is reloaded');
$keep = stream('/long?action=stream&gm_account=1&online=1');
$keep->next_event('open');
is(online_of(1001), '1', 'a cut and a reload within the grace');
@watch = (stream('/gs?action=stream&host=1001'),
    stream('/gs?action=stream&host=1002'));
is(next_online($watch[0]), '1', 'are not seen');
$keep->close;
is_bare($one->gm('offline', gm_account => 1), 'who leaves says offline');
is(next_online($watch[0]), '', 'and is gone without a grace');

# offline stays in force while the stream lives

$keep = stream('/gm?action=stream&gm_account=1,7&online=1');
is(next_online($watch[0]), '1', 'a stream of two GMs');
is(online_of(1007), '7', 'has both online');
is_bare($one->gm('offline', gm_account => 1), 'one goes offline by a call');
is(next_online($watch[0]), '', 'which holds');
my $off = time();
my $came_back = 0;
wait_until(sub {
    $came_back++ if online_of(1001) ne '';
    return time() > $off + 3;
});
is($came_back, 0, 'while the stream lives on');
is(online_of(1007), '7', 'and keeps the other');
is_bare($one->gm('online', gm_account => 1), 'until it says online');
is(next_online($watch[0]), '1', 'which is told');
$keep->close;
ok(wait_until(sub { online_of(1007) eq '' }),
    'the stream is closed: the one that it kept goes');
$cut = time();
wait_until(sub { time() > $cut + 4 });
is(online_of(1001), '1', 'the one that said online by a call stays');
is_bare($one->gm('offline', gm_account => 1), 'until it says offline');

# a lease that is longer than the grace is not cut short

is_bare($one->gm('online', gm_account => 1, lease => 60), 'a lease of 60 s');
$keep = stream('/gm?action=stream&gm_account=1&online=1');
$keep->next_event('open');
$cut = time();
wait_until(sub { $keep->pump(0.05); time() > $cut + 2 });
$keep->close;
$cut = time();
wait_until(sub { time() > $cut + 4 });
is(online_of(1001), '1', 'outlives a stream');

# watched later

$keep = stream('/gm?action=stream&gm_account=1&online=1');
my $name = $keep->next_event('open')->{data}{stream};
ok(wait_until(sub {
    return $two->gm('watch', stream => $name, gm_account => 8)->{json}{res};
}), 'a GM is watched later');
ok(wait_until(sub { online_of(1008) eq '8' }), 'and is online then');
is_bare($two->gm('unwatch', stream => $name, gm_account => 8), 'or no longer');
ok(wait_until(sub { online_of(1008) eq '' }), 'and goes');
$keep->close;
$quiet->close;
$_->close for @watch;


# ---- hosts, at the end

ok(wait_until(sub { my $now = silent(); $now->{2002} && $now->{2003} }, 45),
    'who hangs up becomes silent');

sub texts_of {
    return join(' ', map { $_->{text} } items($two->gs('receive',
        host => $_[0], format => 'json')));
}

finish();
