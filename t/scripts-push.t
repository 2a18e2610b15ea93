#!/usr/bin/perl

# What the scripts do for those who wait and for streams: wake-ups, who is
# online and for how long, reading without taking, acknowledging. Called as the
# module calls them, in a Redis of their own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Resp;
use Test::Gmchat::Scripts;
use Test::More;

use constant {
    PREFIX  => 'gmchat:{push}:',
    HUGE    => '9223372036854775807',   # the largest host and gm_account
    LARGE   => '9007199254740993',      # the first that a double cannot hold
    FOREVER => 600_000,                 # ms: what a plain receive takes stays
    SILENCE => 15_000,                  # ms
};

my $redis = start_redis();
my $listener = Test::Gmchat::Resp->new($redis->address) or die "Redis: $!";
my $history = 'one';
my ($entries_max, $bytes_max) = (1000, 1_000_000);
my $scripts = Test::Gmchat::Scripts->new(redis => $redis, prefix => PREFIX);


# ---- calling scripts

sub run_script {
    return $scripts->run(@_);
}

# Of a mailbox, which is named without the prefix.

sub run_in {
    return $scripts->run_in(@_);
}

sub store {
    return $scripts->store(@_);
}

# How often a script called Redis, by command.

sub cost {
    my (@call) = @_;

    return $scripts->cost(sub { run_in(@call) });
}

sub clock {
    my $time = $redis->cmd('TIME');

    return $time->[0] * 1000 + int($time->[1] / 1000);
}


# ---- what clients do

sub create {
    my (@gms) = @_;

    run_script('create', $_, "GM $_") for @gms;
}

sub add {
    my ($gm, $host, $uid) = @_;

    return run_script('add', $gm, $host, $uid, $history, $entries_max,
        $bytes_max)->[0];
}

sub del {
    my ($gm, $uid) = @_;

    return run_script('del', $gm, $uid, $history, $entries_max,
        $bytes_max)->[0];
}

sub gm_sends {
    my ($gm, $uid, $text, $msgid) = @_;

    return run_script('gm_send', $gm, $uid, b64($text), $msgid // '',
        $history, $entries_max, $bytes_max, 100, 1000, SILENCE);
}

sub gs_sends {
    my ($uid, $text, $msgid) = @_;

    return run_script('gs_send', $uid, b64($text), $msgid // '', $history,
        $entries_max, $bytes_max, 100, 1000, '');
}

sub stream_gm {
    my ($gm, $cursor, $limit) = @_;

    return run_in('stream_gm', "box:g$gm", $cursor, $limit // 100);
}

sub stream_gs {
    my ($host, $rel, $box, $limit) = @_;

    return run_script('stream_gs', $host, $rel, $box, $limit // 100);
}

# Of a stream's part: reset, done and position, then the texts or changes.

sub seen {
    my ($part) = @_;

    my ($reset, $done, $position, $entries) = @$part;
    my @what;

    for my $entry (@$entries) {
        my %field = @{ $entry->[1] };
        push @what, $field{m} ? text($field{m}) : "$field{c} $field{u}";
    }

    return [ $reset, $done, $position, @what ];
}

sub text {
    my ($base64) = @_;

    require MIME::Base64;

    return MIME::Base64::decode_base64($base64);
}

# The ids of entries, oldest first.

sub ids {
    my ($mailbox) = @_;

    return map { $_->[0] } @{ store('XRANGE', $mailbox, '-', '+') };
}

sub online {
    my ($host) = @_;

    my (undef, $lapse, @gms) = @{ run_script('host_online', $host) };

    return join(' ', sort @gms);
}

sub lapse {
    return run_script('host_online', $_[0])->[1];
}

sub fresh {
    $redis->cmd('FLUSHDB');
    $history = 'one';
    heard();
}


# ---- what is published

$listener->ask('PSUBSCRIBE', PREFIX . 'to:*');

# Everything since the last call, as 'receiver: payload'.

sub heard {
    my @heard;

    $redis->cmd('PUBLISH', PREFIX . 'to:end', '');

    while (1) {
        my ($kind, undef, $channel, $payload) = @{ $listener->next_value };

        next if $kind ne 'pmessage';
        $channel =~ s/^\Q${\PREFIX}\Eto://;
        return \@heard if $channel eq 'end';
        push @heard, $payload eq '' ? $channel : "$channel: $payload";
    }
}

# Whether that is what was heard; the time in a payload is any time.

sub hears {
    my ($expected, $label) = @_;

    my $now = clock();
    my @heard = map {
        s{ (\d{13}) }{ $1 > $now - 60_000 && $1 <= $now ? ' TS ' : " $1 " }er;
    } @{ heard() };

    is_deeply(\@heard, $expected, $label);
}


# ---- wake-ups of what is sent

fresh();
create(1, 2);
hears([], 'a GM without friends is news to nobody');

add(1, 1001, 11);
my ($apply) = ids('rel:h1001');
hears([ "h1001: r $apply 11 1 TS apply GM 1", 'h1001: o' ],
    'a friendship begins: the host hears of it, and of an online GM');
add(1, 1001, 12);
my (undef, $second) = ids('rel:h1001');
hears([ "h1001: r $second 12 1 TS apply GM 1" ],
    'the second friend puts no GM on the list');
is(add(1, 1001, 12), 'has_gm', 'the same player again');
hears([], 'what is refused wakes nobody');

my $sent = gm_sends(1, 11, 'hello');
hears([ 'h1001: m ' . $sent->[1] . ' 11 1 TS ' . b64('hello') ],
    'a GM writes: the host hears the message');
$sent = gm_sends(1, 11, 'once', 'a');
heard();
gm_sends(1, 11, 'once', 'a');
hears([], 'a repeated msgid wakes nobody');

$sent = gs_sends(11, 'hi');
hears([ "g1: m $sent->[1] 11 1 TS " . b64('hi'), 'gms: m' ],
    'a player writes: the GM hears it, and who receives for all GMs');
$sent = gs_sends(12, 'hi too');
hears([ "g1: m $sent->[1] 12 1 TS " . b64('hi too') ],
    'who receives for all GMs was told already');

$entries_max = 2;
is(gs_sends(12, 'too much')->[0], 'full', 'a mailbox is full');
hears([], 'and nobody is woken');
$entries_max = 1000;

del(1, 11);
hears([ 'h1001: r ' . (ids('rel:h1001'))[2] . ' 11 1 TS remove GM 1' ],
    'a friendship ends; the GM has another friend there');
del(1, 12);
hears([ 'h1001: r ' . (ids('rel:h1001'))[3] . ' 12 1 TS remove GM 1',
    'h1001: o' ], 'with the last one the GM is off the list');

run_script('offline', 2);
heard();
add(2, 1001, 13);
is(scalar(grep { /: o$/ } @{ heard() }), 0,
    'the first friend of a GM who is offline changes no list');
del(2, 13);
is(scalar(grep { /: o$/ } @{ heard() }), 0, 'nor does the last');

run_script('create', 3, 'A name  of spaces ');
add(3, 1002, 31);
hears([ 'h1002: r ' . (ids('rel:h1002'))[0]
    . ' 31 3 TS apply A name  of spaces ', 'h1002: o' ],
    'a name may hold spaces: it is the rest');

fresh();
create(HUGE, LARGE);
add(HUGE, LARGE, HUGE);
add(LARGE, LARGE, LARGE);
heard();
$sent = gm_sends(HUGE, HUGE, 'big');
hears([ 'h' . LARGE . ": m $sent->[1] ${\HUGE} ${\HUGE} TS " . b64('big') ],
    'numbers past 2^53 are told as they are');
$sent = gs_sends(LARGE, 'big');
hears([ 'g' . LARGE . ": m $sent->[1] ${\LARGE} ${\LARGE} TS " . b64('big'),
    'gms: m' ], 'also those of GMs');
is(online(LARGE), LARGE . ' ' . HUGE, 'and are on a list of GMs');
run_script('ack_gm', LARGE . ":$sent->[1]");
hears([ 'g' . LARGE . ": a m $sent->[1]" ], 'and acknowledged');
run_script('ack_gs', LARGE . '::' . (ids('box:h' . LARGE))[0],
    ',' . LARGE . ',');
like(heard()->[0], qr/^h${\LARGE}: a m /, 'hosts too');


# ---- wake-ups of what is done with

fresh();
create(1);
add(1, 1001, $_) for 11, 12;
gs_sends(11, "from 11, $_") for 1 .. 3;
gs_sends(12, 'from 12');
my @ids = ids('box:g1');
heard();

run_in('read', 'box:g1', $ids[1], 10);
hears([ 'gms: m', "g1: a m $ids[1]" ],
    'an ack: other readers hear of it, and what is left may be taken');
run_in('read', 'box:g1', $ids[1], 10);
hears([], 'the same ack again moves nothing');
run_in('read', 'box:g1', $ids[3], 10);
hears([ "g1: a m $ids[3]" ], 'everything is acknowledged');
run_in('read', 'rel:h1001', (ids('rel:h1001'))[1], 10);
like(heard()->[0], qr/^h1001: a r \d+-2$/, 'of relations by their letter');

gs_sends($_, 'again') for 11, 12, 11;
@ids = ids('box:g1');
my $first = run_in('take', 'box:g1', 1, FOREVER)->[4];
my $next = run_in('take', 'box:g1', 1, FOREVER)->[4];
is(store('ZSCORE', 'boxes', 1) > clock(), 1,
    'what is left waits for what is in flight: nothing is to be taken');
heard();
run_script('landed', $next);
hears([ 'gms: m', 'g1: m' ],
    'the second landed before the first: what waited for it may be taken');
run_script('landed', $next);
is(scalar(grep { /^g1:/ } @{ heard() }), 0, 'a stale receipt settles nothing');
run_script('returned', $first);
hears([ 'gms: m', 'g1: m' ], 'returned: it may be taken again');
run_script('returned', $first);
hears([], 'a stale receipt returns nothing');

$first = run_in('take', 'box:g1', 1, FOREVER)->[4];
run_script('landed', $first);
hears([ 'gms: m', "g1: a m $ids[1]" ],
    'landed: all up to the next one that is there is done with');

gm_sends(1, 11, 'to take');
my $relation = run_in('take', 'rel:h1001', 5, FOREVER)->[4];
my $message = run_in('take', 'box:h1001', 5, FOREVER)->[4];
heard();
is($relation, '', 'no relation is left');
run_script('returned', $message);
hears([ 'h1001: m' ], 'returned messages of a host');
del(1, 12);
$relation = run_in('take', 'rel:h1001', 5, FOREVER)->[4];
heard();
run_script('returned', $relation);
hears([ 'h1001: r' ], 'returned relations');
$message = run_in('take', 'box:h1001', 5, FOREVER)->[4];
$relation = run_in('take', 'rel:h1001', 5, FOREVER)->[4];
@ids = ((ids('box:h1001'))[0], (ids('rel:h1001'))[0]);
run_script('landed', "$message $relation");
hears([ "h1001: a m $ids[0]", "h1001: a r $ids[1]" ],
    'one receipt of two mailboxes tells of both');


# ---- who is online, and for how long

fresh();
create(1, 2, 3);
add(1, 1001, 11);
add(1, 1001, 12);
add(1, 1002, 13);
add(2, 1001, 21);
is_deeply({ @{ store('HGETALL', 'gm:1:hosts') } }, { 1001 => 2, 1002 => 1 },
    'the hosts of a GM, with its friends there');
is_deeply({ @{ store('HGETALL', 'host:1001:gms') } }, { 1 => 2, 2 => 1 },
    'the other way round');
del(1, 12);
is(store('HGET', 'gm:1:hosts', 1001), 1, 'a friend less');
del(1, 13);
is_deeply(store('HGETALL', 'gm:1:hosts'), [ 1001, 1 ], 'a host less');
add(1, 1002, 13);
heard();

run_script('online', 1, '');
hears([], 'online, and was');
run_script('offline', 1);
is_deeply([ sort @{ heard() } ], [ 'h1001: o', 'h1002: o' ],
    'offline: each host of the GM hears of it');
is(online(1001), 2, 'and sees it');
is(run_script('offline', 1)->[0], 'not_online', 'offline again');
hears([], 'is no news');
run_script('online', 1, '');
is_deeply([ sort @{ heard() } ], [ 'h1001: o', 'h1002: o' ], 'online again');
is(online(1001), '1 2', 'and seen');
is(lapse(1001), -1, 'without a lease nobody goes by himself');
is_deeply(run_script('host_online', 1003), [ 'ok', -1 ],
    'a host without friends');
is(run_script('online', 9, '')->[0], 'no_gm', 'no such GM');
is(run_script('online', 9, 30)->[0], 'no_gm', 'no such GM, with a lease');
hears([], 'which changes nothing');

# a lease

my $before = clock();
run_script('online', 1, 30);
my $score = store('ZSCORE', 'online', 1);
cmp_ok($score, '>=', $before + 30_000, 'a lease of 30 s');
cmp_ok($score, '<=', clock() + 30_000, 'is no longer');
is_deeply([ sort @{ heard() } ], [ 'h1001: o', 'h1002: o' ],
    'it ends earlier than was known: who waits for its end has to know');
cmp_ok(lapse(1001), '>', 20_000, 'the time until the first lease ends');
cmp_ok(lapse(1001), '<=', 30_000, 'counts down');
run_script('online', 1, 60);
hears([], 'a longer one changes no list');
cmp_ok(lapse(1001), '>', 30_000, 'and counts');
run_script('online', 2, 10);
cmp_ok(lapse(1001), '<=', 10_000, 'the shortest of several');
heard();
run_script('online', 2, '');
is(store('ZSCORE', 'online', 2), 'inf', 'a plain online ends a lease');
hears([], 'without news');

# Ends a GM's lease: the store's clock is Redis', so the score is moved.

sub lapses {
    my ($gm) = @_;

    store('ZADD', 'online', clock() - 1, $gm);
}

lapses(1);
is(online(1001), 2, 'a lease that ended');
is(lapse(1001), -1, 'does not count any more');
hears([], 'it ended by itself');
is(run_script('offline', 1)->[0], 'not_online', 'such a GM is not online');
hears([], 'and no news');
lapses(1);
run_script('online', 1, 30);
is_deeply([ sort @{ heard() } ], [ 'h1001: o', 'h1002: o' ],
    'online after the lease ended');
store('ZADD', 'online', clock() + 40, 1);
cmp_ok(lapse(1001), '<=', 40, 'a lease that ends in a moment');
ok(wait_until(sub { lapse(1001) == -1 }), 'and is over');
is(online(1001), 2, 'together with the GM');

# streams that keep GMs online

run_script('offline', $_) for 1, 2;
heard();
$before = clock();
is_deeply(run_script('appear', '1 2 9', 5000), [ 'ok' ], 'a stream begins');
is_deeply([ sort @{ heard() } ], [ 'h1001: o', 'h1001: o', 'h1002: o' ],
    'its GMs appear');
is(online(1001), '1 2', 'on the list');
is(store('ZSCORE', 'online', 9), undef, 'but none that does not exist');
$score = store('ZSCORE', 'online', 1);
ok($score >= $before + 5000 && $score <= clock() + 5000,
    'for the lease, in milliseconds');
run_script('appear', 1, 1000);
is(store('ZSCORE', 'online', 1), $score, 'a shorter lease takes nothing away');
run_script('appear', 1, 9000);
cmp_ok(store('ZSCORE', 'online', 1), '>', $score, 'a longer one gives');
run_script('online', 1, '');
run_script('appear', 1, 9000);
is(store('ZSCORE', 'online', 1), 'inf', 'a plain online stays');
run_script('stay', 1, 9000);
is(store('ZSCORE', 'online', 1), 'inf', 'also through a renewal');
hears([], 'nobody was told what he knew');

$score = store('ZSCORE', 'online', 2);
run_script('stay', '1 2', 1);
is(store('ZSCORE', 'online', 2), $score, 'a renewal shortens nothing');
run_script('stay', '1 2', 30_000);
cmp_ok(store('ZSCORE', 'online', 2), '>=', $before + 30_000,
    'a renewal lengthens');
lapses(2);
run_script('stay', '1 2 3', 5000);
hears([ 'h1001: o' ], 'a renewal that comes late brings the GM back');
is(online(1001), '1 2', 'on the list');
run_script('offline', 2);
heard();
is_deeply(run_script('stay', '1 2 9', 5000), [ 'ok' ], 'a renewal');
is(store('ZSCORE', 'online', 2), undef, 'an offline stays in force');
is(store('ZSCORE', 'online', 9), undef, 'nobody is made up');
hears([], 'and nobody told');


# ---- hosts that are silent

fresh();
create(1);
add(1, 1001, 11);
add(1, LARGE, 12);
is_deeply(gm_sends(1, 11, 'a', 'a'), [ 'ok', (ids('box:h1001'))[0], 0, 1,
        'h1001' ],
    'a host that never polled is silent; what is sent to it is stored');
run_script('seen', '1001 0');
is(gm_sends(1, 11, 'b')->[3], 0, 'one that polled now is not');
is_deeply([ @{ gm_sends(1, 11, 'a', 'a') }[2, 3] ], [ 1, 0 ],
    'nor when a message is repeated');
is(gm_sends(1, 12, 'c')->[3], 1, 'another one is');

my (undef, @hosts) = @{ run_script('hosts', SILENCE) };
is_deeply([ @hosts[0, 2, 3, 4] ], [ 1001, 1, 2, 0 ], 'hosts says so as well');
is_deeply([ @hosts[5 .. 9] ], [ LARGE, 0, 1, 1, 1 ], 'of each');

for my $case ([ SILENCE - 5000, 0 ], [ SILENCE, 1 ], [ 10 * SILENCE, 1 ]) {
    my ($age, $silent) = @$case;

    store('ZADD', 'hosts', clock() - $age, 1001);
    is(run_script('hosts', SILENCE)->[5], $silent, "hosts, $age ms after");
    is(gm_sends(1, 11, 'd')->[3], $silent, "gm_send, $age ms after");
}

del(1, 11);
is_deeply([ @{ gm_sends(1, 11, 'a', 'a') }[0, 2, 3] ], [ 'ok', 1, 0 ],
    'a repeat for a player who is nowhere: no host is silent');
is_deeply(gm_sends(1, 11, 'other', 'a'), [ 'msgid_reused' ],
    'a msgid with another content');
is_deeply(gm_sends(1, 11, 'a'), [ 'not_friend' ], 'no friend');
is_deeply([ @{ gs_sends(12, 'x') }[0, 2 .. 4] ], [ 'ok', 0, 'g1', undef ],
    'a player does not hear of hosts');


# ---- streams of a GM's mailbox

fresh();
create(1);
is_deeply(stream_gm(1, ''), [ 'ok', 0, [ 0, '0-0', '0-0', [] ] ],
    'no mailbox yet');
is_deeply(stream_gm(1, '0-0'), [ 'ok', 0, [ 0, '0-0', '0-0', [] ] ],
    'from its beginning');
is_deeply(stream_gm(1, '7-0')->[2], [ 0, '0-0', '0-0', [] ],
    'from the beginning of an epoch');
is_deeply(stream_gm(1, '5-1')->[2], [ 1, '0-0', '0-0', [] ],
    'a cursor of a store that was lost');

add(1, 1001, $_) for 11, 12;
gs_sends(11, "m$_") for 1 .. 5;
@ids = ids('box:g1');
my ($epoch) = $ids[0] =~ /^(\d+)-/;
my $contents = $redis->contents;
heard();

is_deeply(seen(stream_gm(1, '')->[2]),
    [ 0, "$epoch-0", "$epoch-0", map { "m$_" } 1 .. 5 ],
    'a stream begins with what is not done with');
is_deeply(seen(stream_gm(1, $_)->[2]),
    [ 0, "$epoch-0", "$epoch-0", map { "m$_" } 1 .. 5 ], "from $_ on")
    for '0-0', "$epoch-0";
is_deeply(seen(stream_gm(1, $ids[2])->[2]),
    [ 0, "$epoch-0", $ids[2], 'm4', 'm5' ], 'after a cursor');
is_deeply(stream_gm(1, $ids[4]), [ 'ok', 0, [ 0, "$epoch-0", $ids[4], [] ] ],
    'nothing after the newest');
is_deeply(seen(stream_gm(1, $ids[0], 2)->[2]),
    [ 0, "$epoch-0", $ids[0], 'm2', 'm3' ], 'up to a limit');
is(stream_gm(1, $ids[0], 2)->[1], 1, 'and there are more');
is(stream_gm(1, $ids[0], 4)->[1], 0, 'exactly the limit: no more');
is(stream_gm(1, $_)->[2][0], 1, "$_ is not part of the history")
    for "$epoch-6", ($epoch - 1) . '-2', ($epoch + 1) . '-2', '5-1',
        "$epoch-99999999999999999999";
is($redis->contents, $contents, 'a stream changes nothing in the store');
hears([], 'and tells nobody');

is_deeply(cost('stream_gm', 'box:g1', $ids[4], 100), { hmget => 1 },
    'where nothing is new a stream asks one thing');
is_deeply(cost('stream_gm', 'box:g2', '', 100), { hmget => 1 },
    'also where there is no mailbox');

run_script('ack_gm', "1:$ids[1]");
is_deeply(seen(stream_gm(1, '')->[2]), [ 0, $ids[1], $ids[1], 'm3', 'm4',
    'm5' ], 'after an ack a stream begins behind it');
is_deeply(seen(stream_gm(1, $ids[1])->[2]), [ 0, $ids[1], $ids[1], 'm3',
    'm4', 'm5' ], 'a cursor at what is done with');
is_deeply(seen(stream_gm(1, $_)->[2]), [ 1, $ids[1], $ids[1], 'm3', 'm4',
    'm5' ], "from $_ on something is gone: reset")
    for $ids[0], '0-0', "$epoch-0";
is_deeply(seen(stream_gm(1, $ids[3])->[2]), [ 0, $ids[1], $ids[3], 'm5' ],
    'a cursor ahead of what is done with');
run_script('ack_gm', "1:$ids[4]");
is_deeply(cost('stream_gm', 'box:g1', '', 100), { hmget => 1 },
    'everything is done with: one question');
is_deeply(stream_gm(1, $ids[1]), [ 'ok', 0, [ 1, $ids[4], $ids[4], [] ] ],
    'a reader who missed it all: reset, and nothing');

# another epoch

$history = 'two';
gs_sends(11, "m$_") for 6, 7;
my ($six, $seven) = ids('box:g1');
unlike($six, qr/^$epoch-/, 'a store with another history begins an epoch');
is_deeply(seen(stream_gm(1, $ids[4])->[2]), [ 0, $ids[4], $ids[4], 'm6',
    'm7' ], 'a cursor of the epoch before goes on');
is_deeply(seen(stream_gm(1, '')->[2]), [ 0, $ids[4], $ids[4], 'm6', 'm7' ],
    'what is done with has its own epoch');
is_deeply(seen(stream_gm(1, $six)->[2]), [ 0, $ids[4], $six, 'm7' ],
    'a cursor of the new epoch');
is_deeply(seen(stream_gm(1, "$epoch-6")->[2]), [ 1, $ids[4], $ids[4], 'm6',
    'm7' ], 'one that the old epoch gave to an entry that was lost');

# a plain receive beside it

my $taken = run_in('take', 'box:g1', 1, FOREVER)->[4];
is_deeply(seen(stream_gm(1, '')->[2]), [ 0, $ids[4], $ids[4], 'm6', 'm7' ],
    'a stream also gives what is in flight');
run_script('landed', $taken);
is_deeply(seen(stream_gm(1, $ids[4])->[2]), [ 1, $six, $six, 'm7' ],
    'what landed elsewhere is gone');


# ---- streams of a host

fresh();
create(1, 2);
is_deeply(stream_gs(1001, '', ''), [ 'ok', 0, [ 0, '0-0', '0-0', [] ],
    [ 0, '0-0', '0-0', [] ], -1, [] ], 'a host that nobody knows');
add(1, 1001, 11);
gm_sends(1, 11, 'm1');
del(1, 11);
add(2, 1001, 11);
gm_sends(2, 11, 'm2');
run_script('online', 2, 30);
my @rel = ids('rel:h1001');
my @box = ids('box:h1001');
my ($rel_epoch) = $rel[0] =~ /^(\d+)/;
my ($box_epoch) = $box[0] =~ /^(\d+)/;
$contents = $redis->contents;
heard();

my ($ok, $more, $rel, $box, $lapse, $gms) = @{ stream_gs(1001, '', '') };
is_deeply([ $ok, $more ], [ 'ok', 0 ], 'a stream of a host');
is_deeply(seen($rel), [ 0, "$rel_epoch-0", "$rel_epoch-0", 'apply 11',
    'remove 11', 'apply 11' ], 'relations');
is_deeply(seen($box), [ 0, "$box_epoch-0", "$box_epoch-0", 'm1', 'm2' ],
    'messages');
is_deeply($gms, [ 2 ], 'the online GMs');
ok($lapse > 20_000 && $lapse <= 30_000, 'and when the first lease ends');

for my $case (
    [ 1, [ 'apply 11' ], [] ],
    [ 2, [ 'apply 11', 'remove 11' ], [] ],
    [ 3, [ 'apply 11', 'remove 11', 'apply 11' ], [] ],
    [ 4, [ 'apply 11', 'remove 11', 'apply 11' ], [ 'm1' ] ])
{
    my ($limit, $relations, $messages) = @$case;

    (undef, $more, $rel, $box, undef, $gms) =
        @{ stream_gs(1001, '0-0', '0-0', $limit) };
    is($more, 1, "limit $limit: there is more");
    is_deeply([ @{ seen($rel) }[3 .. $#{ seen($rel) }] ], $relations,
        "limit $limit: relations come first");
    is_deeply(seen($box), [ 0, "$box_epoch-0", "$box_epoch-0", @$messages ],
        "limit $limit: and messages only behind the last of them");
    is_deeply($gms, [ 2 ], "limit $limit: the GMs are always there");
}

(undef, $more, $rel, $box) = @{ stream_gs(1001, $rel[2], $box[0], 1) };
is_deeply([ $more, seen($rel), seen($box) ], [ 0, [ 0, "$rel_epoch-0",
    $rel[2] ], [ 0, "$box_epoch-0", $box[0], 'm2' ] ], 'after two cursors');
(undef, undef, $rel, $box) = @{ stream_gs(1001, $rel[2], '5-5') };
is_deeply([ $rel->[0], seen($box) ], [ 0, [ 1, "$box_epoch-0",
    "$box_epoch-0", 'm1', 'm2' ] ], 'a reset of one part is of that part');
is($redis->contents, $contents, 'a stream changes nothing in the store');
hears([], 'and tells nobody');

# No order of calls shows a message without the relation that it came of:
# that is what one look is for.

{
    my ($relation, $message) = ($rel[2], $box[1]);
    my $missed = 0;

    for my $player (101 .. 120) {
        add(1, 1001, $player);
        gm_sends(1, $player, "to $player");

        my $limit = 1 + $player % 3;
        my %known;
        my ($rel_at, $box_at, $again) = ($relation, $message, 1);

        while ($again) {
            (undef, $again, $rel, $box) =
                @{ stream_gs(1001, $rel_at, $box_at, $limit) };
            for my $entry (@{ $rel->[3] }) {
                $known{ $entry->[1][3] } = 1;
                $rel_at = $entry->[0];
            }
            for my $entry (@{ $box->[3] }) {
                $missed++ if !$known{ $entry->[1][3] };
                $box_at = $entry->[0];
            }
        }
    }

    is($missed, 0, 'each message comes after its relation, at any limit');
}


# ---- acknowledging a stream

fresh();
create(7, 8, 9);
add($_, 1000 + $_, 10 * $_) for 7, 8, 9;
gs_sends(10 * $_, "first of $_") for 7, 8, 9;
gs_sends(10 * $_, "second of $_") for 7, 8, 9;
gm_sends($_, 10 * $_, "to $_") for 7, 8, 9;
my %box = map { $_ => [ ids("box:g$_") ] } 7, 8, 9;
heard();

is_deeply(run_script('ack_gm', "7:$box{7}[0],8:,9:$box{9}[1]"), [ 'ok', 0 ],
    'an ack of several GMs');
is_deeply([ map { scalar ids("box:g$_") } 7, 8, 9 ], [ 1, 2, 0 ],
    'removes in each what is covered, and nothing for an empty id');
is_deeply([ sort @{ heard() } ], [ "g7: a m $box{7}[0]",
    "g9: a m $box{9}[1]", 'gms: m' ], 'readers of each hear of it');
is_deeply(store('HGETALL', 'box:g9:u'), [], 'no message counts for a player');
is_deeply(store('ZRANGE', 'boxes', 0, -1), [ 7, 8 ],
    'a GM whose mailbox is empty waits for nobody');
is_deeply(run_script('ack_gm', "7:$box{7}[0],9:$box{9}[1],8:0-0"), [ 'ok', 0 ],
    'the same again');
hears([], 'is no news');
is_deeply(run_script('ack_gm', "7:5-5,8:$box{8}[0],10:1-1"), [ 'ok', 1 ],
    'ids that are not of the history: reset');
is_deeply([ map { scalar ids("box:g$_") } 7, 8, 9 ], [ 1, 1, 0 ],
    'but the others count');
is_deeply(run_script('ack_gm', "8:$box{8}[1],*0123456789abcdef"), [ 'ok', 0 ],
    'the check over receivers that are not listed names nobody');
is(scalar ids('box:g8'), 0, 'what is listed before it counts');
is_deeply(run_script('ack_gm', $_), [ 'ok', 0 ], "'$_' acknowledges nothing")
    for '', '*0123456789abcdef', '7:';
is_deeply(run_script('ack_gm', $_), [ 'no_cursor' ], "'$_' is no cursor")
    for "7:$box{7}[1]:", "7:$box{7}[1]:$box{7}[1]", '7', 'x', '7:5', '7:5-',
        "7:$box{7}[1],x", ":$box{7}[1]";
is_deeply(run_script('ack_gs', $_, ''), [ 'no_cursor' ],
    "'$_' is no cursor of hosts")
    for "1007:5-1", "1007:5-1:5-1:", "1007::5", ',1007', '1007:a:';
is(scalar ids('box:g7'), 1, 'nothing of it is acknowledged');
is_deeply(run_script('ack_gm', "10:5-1"), [ 'ok', 1 ],
    'a mailbox that is not there has no history');
is_deeply(run_script('ack_gm', "10:0-0"), [ 'ok', 0 ],
    'but its beginning is its beginning');

my %rel = map { $_ => (ids("rel:h100$_"))[0] } 7, 8, 9;
%box = map { $_ => (ids("box:h100$_"))[0] } 7, 8, 9;
my $cursor = "1007:$rel{7}:$box{7},1008:$rel{8}:,1009::$box{9}";
$contents = $redis->contents;
heard();

is_deeply(run_script('ack_gs', $cursor, $_), [ 'host_forbidden' ],
    "who may speak for '$_' acknowledges for no other host")
    for ',1007,1008,', ',1009,', ',10071008,1009,', ',';
is_deeply(run_script('ack_gs', "$cursor,*0123456789abcdef", ',1007,1008,'),
    [ 'host_forbidden' ], 'nor with a check behind');
is($redis->contents, $contents, 'and changes nothing for its own');
hears([], 'and tells nobody');
is_deeply(run_script('ack_gs', "$cursor,*0123456789abcdef",
    ',1009,1007,1008,'), [ 'ok', 0 ], 'who may speak for all does');
is_deeply([ map { (scalar ids("rel:h100$_"), scalar ids("box:h100$_")) }
    7, 8, 9 ], [ 0, 0, 0, 1, 1, 0 ], 'in both mailboxes, what is named');
hears([ "h1007: a r $rel{7}", "h1007: a m $box{7}", "h1008: a r $rel{8}",
    "h1009: a m $box{9}" ], 'readers hear of each');
is_deeply(run_script('ack_gs', "1008::5-5,1009:$rel{9}:", ''), [ 'ok', 1 ],
    'without a list any host; a reset');
is(scalar ids('rel:h1009'), 0, 'which stops no other');


# a store at its memory cap

gs_sends(70, $_) for 1 .. 3;
gm_sends(7, 70, 'full');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
ok(ref $redis->try('SET', 'more', 1), 'a store takes nothing more');
is_deeply(run_script('ack_gm', '7:' . (ids('box:g7'))[-2]), [ 'ok', 0 ],
    'but acks, which make room');
is_deeply(run_script('ack_gs', '1007::' . (ids('box:h1007'))[0], ''),
    [ 'ok', 0 ], 'from both sides');
is_deeply([ scalar ids('box:g7'), scalar ids('box:h1007') ], [ 1, 0 ],
    'and streams are read');
is_deeply([ @{ seen(stream_gm(7, '')->[2]) }[3] ], [ 3 ], 'as ever');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 0);
heard();


# ---- orders to a stream

is_deeply(run_script('order', 'abc', 'gs', '+', '1001,1002'), [ 'ok' ],
    'somebody listens');
hears([ 'gs:abc: + 1001,1002' ], 'an order');
run_script('order', 'abc', 'gm', '-', LARGE);
hears([ 'gm:abc: - ' . LARGE ], 'another one');
$listener->ask('PUNSUBSCRIBE');
is_deeply(run_script('order', 'abc', 'gs', '+', '1001'), [ 'no_stream' ],
    'nobody listens: there is no such stream');


# ---- a user who may not publish

$redis->cmd('ACL', 'SETUSER', 'mute', 'on', 'nopass', '~*', '+@all',
    '-publish');
$redis->cmd('FLUSHDB');
$redis->cmd('AUTH', 'mute', 'x');
create(1);
add(1, 1001, 11);
gs_sends(11, 'a');
is(gm_sends(1, 11, 'a')->[0], 'ok', 'who may not publish sends');
run_script('offline', 1);
run_script('appear', 1, 5000);
is_deeply(run_script('ack_gm', '1:' . (ids('box:g1'))[0]), [ 'ok', 0 ],
    'acknowledges');
is(scalar ids('box:g1'), 0, 'for good');
$taken = run_in('take', 'box:h1001', 5, FOREVER)->[4];
is_deeply(run_script('landed', $taken), [ 'ok' ], 'and receives');
is(scalar ids('box:h1001'), 0, 'what was sent');
is_deeply(run_script('ack_gs', '1001:' . (ids('rel:h1001'))[0] . ':', ''),
    [ 'ok', 0 ], 'also what else there is');

finish();
