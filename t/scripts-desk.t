#!/usr/bin/perl

# What the scripts tell the desk: what is unread and who waits for how long, what
# was delivered, where a player is; markers, and canned replies. Called as the
# module calls them, in a Redis of their own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(min);
use Test::Gmchat;
use Test::Gmchat::Resp;
use Test::Gmchat::Scripts;
use Test::More;

use constant {
    PREFIX  => 'gmchat:{desk}:',
    HUGE    => '9223372036854775807',
    FOREVER => 600_000,                 # ms: what a plain receive takes stays
    SILENCE => 15_000,                  # ms
    KEEP    => 200,                     # messages of a conversation
    TTL     => 1000,                    # s
    LOOK    => 50,                      # messages that friends looks at
};

my $redis = start_redis();
my $scripts = Test::Gmchat::Scripts->new(redis => $redis, prefix => PREFIX);
my $listener = Test::Gmchat::Resp->new($redis->address) or die "Redis: $!";
my @mailbox = ('one', 1000, 1_000_000);     # history, entries, bytes

$listener->ask('PSUBSCRIBE', PREFIX . 'to:g*');


# ---- what clients do

sub store {
    return $scripts->store(@_);
}

sub fresh {
    $redis->cmd('FLUSHDB');
    $mailbox[0] = 'one';
    $scripts->run('create', $_, "GM $_") for 1, 2;
    add(1, 1001, 11);
    marks();
}

sub add {
    return $scripts->run('add', @_, @mailbox)->[0];
}

sub del {
    return $scripts->run('del', @_, @mailbox)->[0];
}

# Each returns the message's id.

sub gm_says {
    my ($gm, $uid, $text) = @_;

    return $scripts->run('gm_send', $gm, $uid, b64($text), '', @mailbox, KEEP,
        TTL, SILENCE)->[1];
}

sub player_says {
    my ($uid, $text) = @_;

    return $scripts->run('gs_send', $uid, b64($text), '', @mailbox, KEEP, TTL,
        '')->[1];
}

sub has_read {
    return $scripts->run('mark', @_, TTL);
}

# One friend of a GM, as a hash.

sub friend {
    my ($gm, $uid) = @_;

    my ($ok, @items) = @{ $scripts->run_in('friends', "box:g$gm", $gm,
        SILENCE) };

    while (my ($of, $host, $since, $undelivered, $unread, $waiting, $silent,
        $newest) = splice(@items, 0, 8))
    {
        return { host => $host, undelivered => $undelivered,
            unread => $unread, waiting => $waiting, silent => $silent,
            newest => $newest } if $of eq $uid;
    }

    return {};
}

sub unread {
    return friend(@_)->{unread};
}

# When a message was written, by its id.

sub written {
    my ($uid, $id) = @_;

    for my $entry (@{ store('XRANGE', "conv:$uid", '-', '+') }) {
        my %field = @{ $entry->[1] };
        return $field{t} if $field{i} eq $id;
    }

    return 'never';
}

# { id => delivered } of a conversation.

sub delivered {
    my ($uid, $before, $limit) = @_;

    my ($ok, $more, $items) = @{ $scripts->run('history', $uid, $before // '',
        $limit // 100) };
    my %delivered;

    while (my ($entry, $flag) = splice(@$items, 0, 2)) {
        my %field = @{ $entry->[1] };
        $delivered{ $field{i} } = $flag;
    }

    return \%delivered;
}

# The markers that were told since the last call, as 'receiver: uid id'.

sub marks {
    my @marks;

    $redis->cmd('PUBLISH', PREFIX . 'to:gend', '');

    while (1) {
        my ($kind, undef, $channel, $payload) = @{ $listener->next_value };

        next if $kind ne 'pmessage';
        $channel =~ s/^\Q${\PREFIX}\Eto://;
        return \@marks if $channel eq 'gend';
        push @marks, "$channel: $1" if $payload =~ /^s (.*)/;
    }
}


# ---- unread, and since when a player waits

fresh();
is_deeply([ @{ friend(1, 11) }{qw(unread waiting newest)} ], [ 0, '', [] ],
    'nobody wrote');

my @from = map { player_says(11, "m$_") } 1 .. 3;
is(unread(1, 11), 3, 'what a player wrote is unread');
is(friend(1, 11)->{waiting}, written(11, $from[0]),
    'it waits since it wrote the first of it');

is_deeply(has_read(1, 11, $from[1]), [ 'ok', 0 ], 'the GM reads');
is_deeply(marks(), [ "g1: 11 $from[1]" ], 'its streams hear of it');
is(unread(1, 11), 1, 'what came after that is unread');
is(friend(1, 11)->{waiting}, written(11, $from[0]),
    'to read is not to answer: the player waits since then');

is_deeply(has_read(1, 11, $from[0]), [ 'ok', 0 ], 'an older message');
is(unread(1, 11), 1, 'changes nothing');
is_deeply(has_read(1, 11, $from[1]), [ 'ok', 0 ], 'nor does the same');
is_deeply(marks(), [], 'and nobody hears of either');

has_read(1, 11, $from[2]);
is(unread(1, 11), 0, 'all is read');
$from[3] = player_says(11, 'm4');
is_deeply([ @{ friend(1, 11) }{qw(unread waiting)} ],
    [ 1, written(11, $from[0]) ], 'until there is more');

my $to = gm_says(1, 11, 'answer');
is_deeply([ @{ friend(1, 11) }{qw(unread waiting)} ], [ 0, '' ],
    'who answers has read, and nobody waits');
$from[4] = player_says(11, 'm5');
is_deeply([ @{ friend(1, 11) }{qw(unread waiting)} ],
    [ 1, written(11, $from[4]) ], 'then it begins again');
is_deeply(has_read(1, 11, $to), [ 'ok', 0 ],
    'a message of the GM itself is read, too');
is(unread(1, 11), 1, 'what came after it is not');
marks();


# ---- what a marker is refused for

is_deeply(has_read(9, 11, $from[4]), [ 'no_gm' ], 'no such GM');
is_deeply(has_read(2, 11, $from[4]), [ 'not_this_gm' ], 'not its player');
is_deeply(has_read(1, 12, $from[4]), [ 'not_this_gm' ], 'nobody\'s player');
is_deeply(has_read(1, 11, $_), [ 'ok', 1 ], "$_ is not in the conversation")
    for '0-0', '5-1', "$from[4]9";
is(unread(1, 11), 1, 'and changes nothing');
is_deeply(marks(), [], 'nobody hears of what changed nothing');

my $life = store('TTL', 'read:g1:11');
ok($life > TTL && $life <= 2 * TTL,
    'a marker lives longer than a conversation in which nothing is said');


# ---- another GM, and friends again

has_read(1, 11, $from[4]);
player_says(11, 'm6');
del(1, 11);
add(2, 1001, 11);
is_deeply([ @{ friend(2, 11) }{qw(unread waiting)} ], [ 0, '' ],
    'what a player wrote to another GM is nothing to this one');
my $other = player_says(11, 'to 2');
is_deeply([ @{ friend(2, 11) }{qw(unread waiting)} ],
    [ 1, written(11, $other) ], 'what it writes now is');
del(2, 11);
add(1, 1001, 11);
is(unread(1, 11), 0, 'what was there before another GM is done with');

player_says(11, "n$_") for 1, 2;
has_read(1, 11, player_says(11, 'n3'));
player_says(11, 'n4');
del(1, 11);
add(1, 1002, 11);
is(unread(1, 11), 1, 'a player who came to another host: as it was');


# ---- as many as there are, and as many as are looked at

for my $run (1, 2, 8, 9, 10, LOOK - 1, LOOK, LOOK + 1, 150) {
    fresh();
    gm_says(1, 11, 'begin');
    my @said = map { player_says(11, $_) } 1 .. $run;
    my $seen = min($run, LOOK);

    is_deeply([ @{ friend(1, 11) }{qw(unread waiting)} ],
        [ $seen, written(11, $said[-$seen]) ], "$run messages: $seen unread");
    has_read(1, 11, $said[int($run / 2)]);
    $seen = min($run - 1 - int($run / 2), LOOK);
    is(unread(1, 11), $seen, "$run messages, half read");
    store('XTRIM', 'conv:11', 'MAXLEN', int($run / 2) || 1);
    is(unread(1, 11), $seen,
        "$run messages, and the conversation was cut behind the marker")
        if $run > 3;
}

fresh();
my @said = map { player_says(11, $_) } 1 .. 5;
has_read(1, 11, $said[1]);
store('XTRIM', 'conv:11', 'MAXLEN', 2);
is(unread(1, 11), 2, 'at most what the conversation holds');
is_deeply(has_read(1, 11, $said[0]), [ 'ok', 1 ],
    'what was cut off is not in it');
store('DEL', 'conv:11');
is_deeply([ @{ friend(1, 11) }{qw(unread waiting newest)} ], [ 0, '', [] ],
    'a conversation whose time is over');

fresh();
$scripts->run('create', HUGE, 'Huge');
add(HUGE, HUGE, HUGE);
my $huge = player_says(HUGE, 'a');
player_says(HUGE, 'b');
is(unread(HUGE, HUGE), 2, 'numbers past 2^53');
has_read(HUGE, HUGE, $huge);
is(unread(HUGE, HUGE), 1, 'have markers of their own');
is_deeply(marks(), [ 'g' . HUGE . ': ' . HUGE . " $huge" ],
    'and are told as they are');


# ---- silent hosts

is(friend(1, 11)->{silent}, 1, 'a host that never polled is silent');
$scripts->run('seen', '1001 0');
is(friend(1, 11)->{silent}, 0, 'one that did is not');
$scripts->run('seen', '1001 0');
store('ZADD', 'hosts', 1, 1001);
is(friend(1, 11)->{silent}, 1, 'until that is long ago');


# ---- where a player is

is_deeply($scripts->run('player', 99, SILENCE), [ 'ok' ],
    'a player without a GM');
my $since = store('HGET', 'player:11', 'since');
is_deeply($scripts->run('player', 11, SILENCE),
    [ 'ok', 11, 1001, 1, 'GM 1', $since, 1 ], 'a player, its GM and its host');
$scripts->run('seen', '1001 0');
is($scripts->run('player', 11, SILENCE)->[6], 0, 'which is not silent now');
del(1, 11);
is_deeply($scripts->run('player', 11, SILENCE), [ 'ok' ],
    'a player whose friendship ended');


# ---- delivered

fresh();
add(1, 1001, 12);
my @to = map { gm_says(1, 11, "to $_") } 1 .. 4;
@from = map { player_says(11, "from $_") } 1 .. 3;
is_deeply(delivered(11), { map { $_ => 0 } @to, @from },
    'nothing is delivered');
$scripts->run_in('read', 'box:h1001', $to[1], 10);
is_deeply(delivered(11), { (map { $_ => 1 } @to[0, 1]),
    map { $_ => 0 } @to[2, 3], @from }, 'what a host acknowledged is');
$scripts->run('ack_gm', "1:$from[0]");
is(delivered(11)->{ $from[0] }, 1, 'and what a GM did');
is(delivered(11)->{ $from[1] }, 0, 'but not more');

my $taken = $scripts->run_in('take', 'box:h1001', 10, FOREVER)->[4];
is(delivered(11)->{ $to[2] }, 0, 'what is in flight is not delivered yet');
$scripts->run('landed', $taken);
is_deeply([ @{ delivered(11) }{@to} ], [ 1, 1, 1, 1 ], 'what landed is');

# out of the middle: 12's message is behind one in flight, and lands first

gm_says(1, 11, 'first');
$taken = $scripts->run_in('take', 'box:h1001', 1, FOREVER)->[4];
my $first = (map { $_->[0] } @{ store('XRANGE', 'box:h1001', '-', '+') })[0];
my $held = gm_says(1, 11, 'held');
my $past = gm_says(1, 12, 'past');
$scripts->run('landed', $scripts->run_in('take', 'box:h1001', 10,
    FOREVER)->[4]);
is(delivered(12)->{$past}, 1, 'what was taken from behind it is delivered');
is_deeply([ @{ delivered(11) }{ $first, $held } ], [ 0, 0 ],
    'and what waits is not');
$scripts->run('landed', $taken);
is_deeply([ @{ delivered(11) }{ $first, $held } ], [ 1, 0 ],
    'until it landed');

# a store that was restarted, and one that lost its tail

my $epoch = gm_says(1, 11, 'old epoch');
$mailbox[0] = 'two';
my $new = gm_says(1, 11, 'new epoch');
is_deeply([ @{ delivered(11) }{ $epoch, $new } ], [ 0, 0 ],
    'of two epochs, neither is');
$scripts->run_in('read', 'box:h1001', $epoch, 10);
is_deeply([ @{ delivered(11) }{ $epoch, $new } ], [ 1, 0 ],
    'the older one is');
store('HDEL', 'box:h1001:m', 'past');
is_deeply([ @{ delivered(11) }{ $epoch, $new } ], [ -1, 0 ],
    'an epoch that the mailbox does not know');

# another host, and none

del(1, 11);
is_deeply([ @{ delivered(11) }{ $new, $from[0], $from[1] } ], [ -1, 1, 0 ],
    'without a friendship nothing is known of a host; of GMs it is');
add(2, 1002, 11);
is(delivered(11)->{$new}, -1, 'nor does another host know of it');
my $moved = gm_says(2, 11, 'moved');
my $back = player_says(11, 'to the other GM');
is_deeply([ @{ delivered(11) }{ $moved, $back, $from[0], $from[1] } ],
    [ 0, 0, 1, 0 ], 'each in its own mailbox');
$scripts->run_in('read', 'box:g2', $back, 10);
is_deeply([ @{ delivered(11) }{ $back, $from[1] } ], [ 1, 0 ],
    'a GM acknowledges for itself');

is_deeply(delivered(11, $from[0]), { map { $_ => -1 } @to },
    'in a page from the middle');
is_deeply(delivered(11, '5-1'), {}, 'before what is not there: nothing');
is(scalar keys %{ delivered(11, $moved, 2) }, 2, 'as many as are asked for');

# before: the walk in pages

fresh();
my @long = map { player_says(11, $_) } 1 .. 215;
for my $n (1, 9, 10, 11, 30, 209, 210, 211) {
    is_deeply([ keys %{ delivered(11, $long[-$n], 1) } ], [ $long[-$n - 1] ],
        "before the last but $n");
}

is_deeply(delivered(11, '5-1'), {}, 'before what a long one does not hold');
is_deeply(has_read(1, 11, '5-1'), [ 'ok', 1 ], 'nor can that be read');

for my $left (210, 209, 60, 10, 9) {
    store('XTRIM', 'conv:11', 'MAXLEN', $left);
    is_deeply(has_read(1, 11, '5-1'), [ 'ok', 1 ], "nor in one of $left");
    is_deeply(delivered(11, $long[-$left]), {}, 'before its first: nothing');
}


# ---- what it costs

fresh();
add(1, 1001, $_) for 12 .. 20;
gm_says(1, $_, 'hi') for 11 .. 20;
is_deeply($scripts->cost(sub { friend(1, 11) }), { exists => 1, time => 1,
    zrange => 1, hmget => 10, hget => 10, xrevrange => 10, zscore => 1 },
    'where the GM wrote last, one look at each friend; one at a host');
player_says($_, 'hi') for 11 .. 20;
is($scripts->cost(sub { friend(1, 11) })->{xrevrange}, 20,
    'where the player did, two');
is_deeply($scripts->cost(sub { delivered(11) }), { xrevrange => 1, hget => 1,
    hmget => 2, xlen => 2 }, 'a page of history looks at two mailboxes, once');
my $contents = $redis->contents;
friend(1, 11);
delivered(11);
$scripts->run('player', 11, SILENCE);
is($redis->contents, $contents, 'who looks changes nothing');


# ---- canned replies

sub canned {
    my ($ok, @items) = @{ $scripts->run('canned') };
    my @canned;

    while (my ($name, $text, $operator, $ts) = splice(@items, 0, 4)) {
        push @canned, "$name=$text/$operator";
        push @canned, "no time: $ts" if $ts !~ /^\d{13}$/;
    }

    return \@canned;
}

is_deeply(canned(), [], 'none yet');
is_deeply($scripts->run('canned_set', 'hi', 'SGk=', ''), [ 'ok' ], 'one');
$scripts->run('canned_set', 'bye', 'QnllIQ==', 'Ann B.');
is_deeply(canned(), [ 'bye=QnllIQ==/Ann B.', 'hi=SGk=/' ], 'by name');
$scripts->run('canned_set', 'hi', '', 'Bo');
is_deeply(canned(), [ 'bye=QnllIQ==/Ann B.', 'hi=/Bo' ],
    'another text under the same name, by somebody else');
is_deeply($scripts->run('canned_del', $_), [ 'ok' ], "$_ is deleted")
    for 'bye', 'bye', 'nothing';
is_deeply(canned(), [ 'hi=/Bo' ], 'the others stay');

$scripts->run('canned_set', "n$_", 'eA==', '') for 1 .. 499;
is(scalar @{ canned() }, 500, 'as many as there may be');
is_deeply($scripts->run('canned_set', 'more', 'eA==', ''), [ 'canned_full' ],
    'no more');
is_deeply($scripts->run('canned_set', 'n7', 'eHg=', ''), [ 'ok' ],
    'but another text for one that is there');
$scripts->run('canned_del', 'n7');
is_deeply($scripts->run('canned_set', 'more', 'eA==', ''), [ 'ok' ],
    'and one in the place of a deleted one');


# ---- a store at its memory cap, and a user who may not publish

my $last = player_says(11, 'last');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 1);
is_deeply($scripts->run('canned_del', 'more'), [ 'ok' ],
    'a full store deletes');
is(unread(1, 11) > 0, 1, 'and is looked at');
$redis->cmd('CONFIG', 'SET', 'maxmemory', 0);

$redis->cmd('ACL', 'SETUSER', 'mute', 'on', 'nopass', '~*', '+@all',
    '-publish');
$redis->cmd('AUTH', 'mute', 'x');
is_deeply(has_read(1, 11, $last), [ 'ok', 0 ], 'who may not publish reads');
is(unread(1, 11), 0, 'all the same');

finish();
