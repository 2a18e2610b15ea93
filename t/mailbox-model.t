#!/usr/bin/perl

# The mailboxes against a model: random calls of the scripts themselves, in a
# Redis of their own, and after each call what docs/keys.md promises.
#
# GMCHAT_SEED=n runs that seed alone, GMCHAT_STEPS=n so many steps of it. A
# failure names its seed and shows the calls that led to it. What is past its
# deadline is a matter of real time, so a seed repeats nearly, not exactly.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Storable qw(dclone);

use Test::Gmchat;
use Test::More;

my @seeds = defined $ENV{GMCHAT_SEED} ? $ENV{GMCHAT_SEED} : (4, 5, 7, 10);
my $steps = $ENV{GMCHAT_STEPS} // 1500;

use constant {
    PREFIX  => 'gmchat:{model}:',
    ENTRIES => 20,          # a mailbox's caps: both are met
    BYTES   => 800,
    FOREVER => 600_000,     # ms: nothing of this expires while a test runs
    SHOWN   => 30,
};

my @gms = (1 .. 3);
my @hosts = (11, 12);
my @players = (100 .. 111);
my @mailboxes = ((map { "box:g$_" } @gms),
    (map { ("box:h$_", "rel:h$_") } @hosts));

my $redis = start_redis();
my %sha;

# What the store should hold: a copy of it is kept where the store is saved.
my $world;
# What clients and workers know, whatever becomes of the store:
#   handed     mailbox => cursor => { ids that came along with it }
#   reader     mailbox => the cursors of two who read with ack
#   delivered  "mailbox id" of all that ever was
#   receipts, settled   of plain receives: the open; the newest of the others
my $clients;
my @calls;      # the newest, as text
my %happened;
my $history;    # what the calls give as the store's
my $histories;
my $texts;
my $saved;


# ---- scripts

sub slurp {
    my ($name) = @_;

    open(my $file, '<', $name) or die "$name: $!";
    local $/;

    return scalar <$file>;
}

sub load_scripts {
    my $folder = abs_path("$FindBin::Bin/../src/lua");

    for my $name (qw(create add del gs_send gm_send take take_all read landed
        returned))
    {
        my $text = slurp("$folder/$name.lua");
        $text =~ s{^-- include (\w+)$}{slurp("$folder/include/$1.lua")}gem;
        $sha{$name} = $redis->cmd('SCRIPT', 'LOAD', $text);
    }
}

sub flatten {
    my ($value) = @_;

    return '[' . join(' ', map { flatten($_) } @$value) . ']'
        if ref $value eq 'ARRAY';
    return defined $value ? $value eq '' ? "''" : $value : 'nil';
}

# Mailboxes are named without the prefix.

sub run_script {
    my ($name, $mailbox, @argv) = @_;

    my @keys = (PREFIX, defined $mailbox ? PREFIX . $mailbox : ());

    push @calls, join(' ', $name, $mailbox // (),
        map { $_ eq '' ? "''" : $_ } @argv);
    shift @calls if @calls > SHOWN;

    my $reply = $redis->cmd('EVALSHA', $sha{$name}, 1, @keys, @argv);
    $calls[-1] .= '  -> ' . substr(flatten($reply), 0, 300);
    s/\Q${\PREFIX}\E//g for $calls[-1];

    return $reply;
}

sub note_step {
    push @calls, "# $_[0]";
    shift @calls if @calls > SHOWN;
}

# The store's clock, in ms.

sub clock {
    my $time = $redis->cmd('TIME');

    return $time->[0] * 1000 + int($time->[1] / 1000);
}


# ---- small things

sub pick {
    return $_[ int rand @_ ];
}

sub number {
    return $_[0] =~ /-(\d+)$/ ? $1 : die "'$_[0]' is no id\n";
}

sub must {
    my ($true, $what) = @_;

    die "$what\n" if !$true;
}

sub must_be {
    my ($got, $expected, $what) = @_;

    die "$what: got '$got', expected '$expected'\n" if "$got" ne "$expected";
}

sub ids {
    return join(' ', map { ref $_ eq 'HASH' ? $_->{id} : $_->[0] } @_);
}


# ---- the model of a mailbox

sub new_mailbox {
    my ($name) = @_;

    return { name => $name, gm => $name =~ /^box:g(\d+)$/ ? $1 : undef,
        n => 0, bytes => 0, past => [], entries => {}, flight => [] };
}

sub remaining {
    my ($box) = @_;

    my $entries = $box->{entries};

    return map { $entries->{$_} } sort { $a <=> $b } keys %$entries;
}

sub done {
    my ($box) = @_;

    my ($head) = remaining($box);

    return $head ? $head->{n} - 1 : $box->{n};
}

sub freed {
    my ($box) = @_;

    my ($head) = remaining($box);

    return $head ? $head->{before} : $box->{bytes};
}

sub is_full {
    my ($box, $size) = @_;

    return keys %{ $box->{entries} } >= ENTRIES
        || $box->{bytes} - freed($box) + $size > BYTES;
}

sub append {
    my ($box, $id, $size, %fields) = @_;

    my ($epoch, $n) = $id =~ /^(\d+)-(\d+)$/ or die "'$id' is no id\n";

    must_be($n, $box->{n} + 1, "the number of a new entry of $box->{name}");

    if (!defined $box->{epoch}) {
        $box->{epoch} = $epoch;
    } elsif ($box->{history} eq $history) {
        must_be($epoch, $box->{epoch}, 'the epoch in the same history');
    } else {
        must($epoch > $box->{epoch}, 'a new history has a higher epoch');
        push @{ $box->{past} }, [ $box->{epoch}, $box->{n} ];
        $box->{epoch} = $epoch;
        $happened{epoch}++;
    }

    $box->{history} = $history;
    $box->{entries}{$n} = { id => $id, n => $n, size => $size,
        before => $box->{bytes}, fields => \%fields, uid => $fields{u} };
    $box->{n} = $n;
    $box->{bytes} += $size;
    $world->{sent}{"$box->{name} $id"} = 1;
    push @{ $world->{queue}{"$box->{name} $fields{u}"} }, $n;
}

# Epochs that nobody can need any more are forgotten with a removal.

sub forget_epochs {
    my ($box) = @_;

    my $past = $box->{past};
    my $done = done($box);

    return if @$past <= 16 || $past->[0][1] > $done;

    my $newest = @$past - 16;
    $box->{past} = [ map { $past->[$_] }
        grep { $_ >= $newest || $past->[$_][1] > $done } 0 .. $#$past ];
    $happened{'epoch forgotten'}++;
}

sub deliver {
    my ($box, @entries) = @_;

    for my $entry (@entries) {
        my $key = "$box->{name} $entry->{id}";
        my $queue = $world->{queue}{"$box->{name} $entry->{uid}"};

        delete $box->{entries}{ $entry->{n} };
        delete $world->{sent}{$key};
        delete $world->{held}{$key};
        $clients->{delivered}{$key} = 1;
        @$queue = grep { $_ != $entry->{n} } @$queue;
    }
}

sub takeable {
    my ($box, $now) = @_;

    my (%flies, %held, @found);

    for my $range (grep { $_->{deadline} > $now } @{ $box->{flight} }) {
        for my $n ($range->{first} .. $range->{last}) {
            my $entry = $box->{entries}{$n} or next;
            $flies{$n} = 1;
            $held{ $entry->{uid} } = 1;
        }
    }

    return grep { !$flies{ $_->{n} } && !$held{ $_->{uid} } } remaining($box);
}

sub in_history {
    my ($box, $cursor) = @_;

    my ($epoch, $n) = split /-/, $cursor || '0-0';

    return 1 if $n == 0;
    return 0 if !defined $box->{epoch};
    return $n <= $box->{n} if $epoch eq $box->{epoch};

    my ($past) = grep { $_->[0] eq $epoch } @{ $box->{past} };

    return $past && $n <= $past->[1];
}


# ---- what replies give

# Field by field what was sent.

sub check_entries {
    my ($box, $entries) = @_;

    for my $given (@$entries) {
        my ($id, $words) = @$given;
        my $entry = $box->{entries}{ number($id) };

        must($entry && $entry->{id} eq $id, "$id is in $box->{name}");
        must_be(join(' ', @$words[0 .. 3]),
            "b $entry->{before} u $entry->{uid}", "how $id begins");

        my %fields = @$words;
        must($fields{t} =~ /^\d+$/, "$id has a time");
        delete @fields{qw(b t)};
        must_be(join(' ', map { "$_=$fields{$_}" } sort keys %fields),
            join(' ', map { "$_=$entry->{fields}{$_}" }
                sort keys %{ $entry->{fields} }), "what $id says");
    }
}

# No cursor covers what its holder was not given.

sub hand_out {
    my ($box, $cursor, $entries) = @_;

    my %given = map { $_->[0] => 1 } @$entries;
    my $n = number($cursor);

    must($n <= $box->{n}, "the cursor $cursor is not past the mailbox");
    must($given{ $_->{id} }, "the cursor $cursor covers $_->{id}, not given")
        for grep { $_->{n} <= $n } remaining($box);
    must(in_history($box, $cursor), "the cursor $cursor is of the history");

    my $known = $clients->{handed}{ $box->{name} }{$cursor} //= {};
    $known->{$_} = 1 for keys %given;
}

# The end of what a plain receive gave from the first undone on, up to a gap.

sub covered {
    my ($box, $entries) = @_;

    my $n = done($box);

    for my $given (@$entries) {
        last if number($given->[0]) != $n + 1;
        $n++;
    }

    return $n;
}

# '<key> <first>-<last>@<deadline> ...' by mailbox.

sub read_receipt {
    my ($receipt) = @_;

    my (%ranges, $mailbox);

    for my $word (split / /, $receipt) {
        if ($word =~ /^(\d+)-(\d+)\@(\d+)$/) {
            push @{ $ranges{$mailbox} },
                { first => $1, last => $2, deadline => $3 };
        } else {
            ($mailbox) = $word =~ /^\Q${\PREFIX}\E(.*)$/
                or die "a receipt has the word '$word'\n";
            must($world->{box}{$mailbox}, "a receipt of $mailbox");
        }
    }

    return \%ranges;
}

# What a plain receive gave from one mailbox. `now` is the store's.

sub accept_plain {
    my ($box, $entries, $ranges, $now, $patience) = @_;

    check_entries($box, $entries);

    my %in_receipt;
    for my $range (@$ranges) {
        must_be($range->{deadline}, $now + $patience, 'the deadline');
        $in_receipt{$_} = 1 for $range->{first} .. $range->{last};
    }
    must_be(join(' ', sort { $a <=> $b } keys %in_receipt),
        join(' ', map { number($_->[0]) } @$entries),
        'a receipt names what was given, in its order');

    my %seen;

    for my $given (@$entries) {
        my $entry = $box->{entries}{ number($given->[0]) };
        my $key = "$box->{name} $entry->{id}";
        my $player = "$box->{name} $entry->{uid}";

        must(($world->{held}{$key} // 0) <= $now,
            "$entry->{id} is given while another receive has it");
        must_be($entry->{n}, $world->{queue}{$player}[ $seen{$player}++ // 0 ],
            "what player $entry->{uid} wrote first comes first");
        $happened{redelivered}++ if $world->{held}{$key};
        $world->{held}{$key} = $now + $patience;
    }

    @{ $box->{flight} } = grep { $_->{deadline} > $now } @{ $box->{flight} };
    push @{ $box->{flight} }, map { {%$_} } @$ranges;
}

# The store's time of a plain receive: its deadlines tell.

sub time_of_take {
    my ($ranges, $patience, $before) = @_;

    my ($range) = map { @$_ } values %$ranges;
    return $before if !$range;

    my $now = $range->{deadline} - $patience;
    must($now >= $before && $now <= clock(),
        'a deadline counts from the receive');

    return $now;
}

sub keep_receipt {
    my ($receipt, $patience) = @_;

    push @{ $clients->{receipts} },
        { text => $receipt, patience => $patience } if $receipt ne '';
}


# ---- steps

sub some_text {
    return b64('m' . ++$texts . '.' . 'x' x int rand 45);
}

# msgid: mostly none, sometimes one that was there before.

sub some_msgid {
    my ($sender) = @_;

    return '' if rand() < 0.8;
    return pick(map { "$sender$_" } 1 .. 40);
}

# What a send answers, where the friendship allows it.

sub check_sent {
    my ($box, $reply, $msgid, $content, $msg, %fields) = @_;

    my $first = $msgid ne '' && $world->{msgid}{$msgid};

    if ($first) {
        my $same = $first->{content} eq $content;
        must_be(flatten($reply),
            $same ? "[ok $first->{id} 1]" : '[msgid_reused]',
            'a msgid for the second time');
        $happened{ $same ? 'repeat' : 'msgid_reused' }++;
        return;
    }

    if (!$box) {
        must($reply->[0] =~ /^(no_friend_gm|not_friend)$/,
            'nobody writes without a friendship');
        return;
    }

    if (is_full($box, length $msg)) {
        must_be(flatten($reply), '[full]', "$box->{name} is full");
        $happened{ keys %{ $box->{entries} } < ENTRIES
            ? 'full of bytes' : 'full of entries' }++;
        return;
    }

    my ($receiver) = $box->{name} =~ /^box:(.*)/;
    must_be("$reply->[0] " . join(' ', map { $_ // 'none' } @$reply[2 .. 3]),
        "ok 0 $receiver", "$box->{name} has room");
    append($box, $reply->[1], length $msg, %fields, m => $msg);
    $world->{msgid}{$msgid} = { id => $reply->[1], content => $content }
        if $msgid ne '';
    $happened{sent}++;
}

sub step_gs_send {
    my $uid = pick(@players);
    my $bond = $world->{friend}{$uid};
    my $box = $bond && $world->{box}{"box:g$bond->{gm}"};
    my ($msgid, $msg) = (some_msgid("p$uid."), some_text());

    $msg = $world->{msgid}{$msgid}{content}
        if $world->{msgid}{$msgid} && rand() < 0.5;

    my $reply = run_script('gs_send', undef, $uid, $msg, $msgid, $history,
        ENTRIES, BYTES, 50, 1000, '');
    check_sent($box, $reply, $msgid, $msg, $msg, u => $uid);

    return $box;
}

sub step_gm_send {
    my $uid = pick(@players);
    my $bond = $world->{friend}{$uid};
    my $gm = $bond && rand() < 0.95 ? $bond->{gm} : pick(@gms);
    my ($msgid, $msg) = (some_msgid("g$gm."), some_text());
    my $first = $world->{msgid}{$msgid};

    ($uid, $msg) = split / /, $first->{content} if $first && rand() < 0.6;
    $uid = pick(@players) if $first && rand() < 0.2;
    $bond = $world->{friend}{$uid};

    my $box = $bond && $bond->{gm} eq $gm
        && $world->{box}{"box:h$bond->{host}"};
    my $reply = run_script('gm_send', undef, $gm, $uid, $msg, $msgid,
        $history, ENTRIES, BYTES, 50, 1000, 15000);
    splice @$reply, 3, 1 if $reply->[0] eq 'ok';    # whether the host is silent
    check_sent($box, $reply, $msgid, "$uid $msg", $msg, u => $uid, g => $gm);

    return $box;
}

sub relation_changed {
    my ($box, $reply, %fields) = @_;

    my $size = length($fields{a}) + 64;

    if (is_full($box, $size)) {
        must_be(flatten($reply), '[full]', "$box->{name} is full");
        return 0;
    }

    my ($receiver) = $box->{name} =~ /^rel:(.*)/;
    must_be(flatten($reply), "[ok $receiver]", 'a friendship changes');
    my $epoch_and_n = $redis->cmd('HMGET', PREFIX . "$box->{name}:m",
        'epoch', 'n');
    append($box, join('-', @$epoch_and_n), $size, %fields);

    return 1;
}

sub step_add {
    my ($uid, $gm, $host) = @_;

    $uid //= pick(@players);
    $gm //= pick(@gms);
    $host //= pick(@hosts);

    my $box = $world->{box}{"rel:h$host"};
    my $reply = run_script('add', undef, $gm, $host, $uid, $history, ENTRIES,
        BYTES);

    if ($world->{friend}{$uid}) {
        must_be(flatten($reply), '[has_gm]', 'a player has one GM');
    } elsif (relation_changed($box, $reply, u => $uid, c => 'apply',
        g => $gm, a => "GM $gm"))
    {
        $world->{friend}{$uid} = { gm => $gm, host => $host };
    }

    return $box;
}

sub step_del {
    my $uid = pick(@players);
    my $bond = $world->{friend}{$uid};
    my $gm = $bond ? $bond->{gm} : pick(@gms);
    my $reply = run_script('del', undef, $gm, $uid, $history, ENTRIES, BYTES);

    if (!$bond) {
        must_be(flatten($reply), '[not_this_gm]', 'no friendship, no end');
        return;
    }

    my $box = $world->{box}{"rel:h$bond->{host}"};
    delete $world->{friend}{$uid} if relation_changed($box, $reply,
        u => $uid, c => 'remove', g => $gm, a => "GM $gm");

    return $box;
}

# Most players have a GM.

sub step_friendship {
    my $friends = keys %{ $world->{friend} };

    return $friends < @players - 1 ? step_add() : step_del() if rand() < 0.8;
    return rand() < 0.5 ? step_add() : step_del();
}

sub some_limit {
    return pick(1, 1, 2, 3, 5, 10, 200);
}

sub some_patience {
    return pick(4, 25, 60, FOREVER, FOREVER, FOREVER);
}

sub step_take {
    my ($box, $limit, $patience) = @_;

    $box //= $world->{box}{ pick(@mailboxes) };
    $limit //= some_limit();
    $patience //= some_patience();

    my $before = clock();
    my (undef, $cursor, $more, $reset, $receipt, $entries, $idle) = @{ run_script(
        'take', $box->{name}, $limit, $patience) };
    my $ranges = read_receipt($receipt);
    my $now = time_of_take($ranges, $patience, $before);
    my @expected = takeable($box, $now);

    must_be($reset, 0, 'reset of a plain receive');
    must_be($idle // 0, remaining($box) ? 0 : 1, 'idle');
    must_be($more, @expected > $limit ? 1 : 0, 'more');
    must_be(ids(@$entries), ids(splice(@expected, 0, $limit)),
        "what $box->{name} gives");
    hand_out($box, $cursor, $entries);
    must_be(number($cursor), covered($box, $entries),
        'the number of a plain cursor');
    accept_plain($box, $entries, $ranges->{ $box->{name} } // [], $now,
        $patience);
    keep_receipt($receipt, $patience);
    push @{ $clients->{plain}{ $box->{name} } }, $cursor;

    return $box;
}

# Returns whether there is more.

sub take_all {
    my ($limit, $patience) = @_;

    my $before = clock();
    my (undef, $cursor, $more, $reset, $receipt, @given) = @{ run_script(
        'take_all', undef, $limit, $patience) };
    my $ranges = read_receipt($receipt);
    my $now = time_of_take($ranges, $patience, $before);
    my $left = $limit;

    must_be("'$cursor' $reset", "'' 0", 'cursor and reset of all GMs');
    must_be(join(' ', sort keys %$ranges), join(' ',
        sort map { "box:g$given[ 2 * $_ ]" } 0 .. @given / 2 - 1),
        'a receipt names the GMs of whom something was given');

    while (my ($gm, $entries) = splice(@given, 0, 2)) {
        my $box = $world->{box}{"box:g$gm"};
        my @expected = takeable($box, $now);

        must_be(ids(@$entries), ids(splice(@expected, 0, $left)),
            "what the receive of all GMs gives of GM $gm");
        must($more, "more, since GM $gm has more") if @expected;
        $left -= @$entries;
        accept_plain($box, $entries, $ranges->{"box:g$gm"}, $now, $patience);
    }

    keep_receipt($receipt, $patience);

    if (!$more) {
        must_be(ids(takeable($_, $before)), '',
            "what $_->{name} still has after the receive of all GMs")
            for map { $world->{box}{"box:g$_"} } @gms;
    }

    return $more;
}

sub step_take_all {
    take_all(some_limit(), some_patience());
    return;
}

# As long as there is more: that there is nothing left then is checked above.

sub step_sweep {
    my $limit = some_limit();
    my $rounds = 0;

    while (take_all($limit, pick(60, FOREVER))) {
        must(++$rounds < 500, 'the receive of all GMs comes to an end');
    }
    $happened{sweep}++;

    return;
}

# What both outcomes of a receipt do in the model.

sub settle {
    my ($kind, $receipt) = @_;

    run_script($kind, undef, $receipt);

    my $ranges = read_receipt($receipt);
    my $settled = 0;

    for my $name (sort keys %$ranges) {
        my $box = $world->{box}{$name};

        for my $range (@{ $ranges->{$name} }) {
            my ($open) = grep { $_->{last} == $range->{last}
                && $_->{deadline} == $range->{deadline} } @{ $box->{flight} }
                or next;
            my @entries = grep { $_ } map { $box->{entries}{$_} }
                $open->{first} .. $open->{last};

            $settled += @entries;
            @{ $box->{flight} } = grep { $_ != $open } @{ $box->{flight} };

            if ($kind eq 'landed') {
                deliver($box, @entries);
            } else {
                $world->{held}{"$name $_->{id}"} = 0 for @entries;
            }
        }

        forget_epochs($box) if $kind eq 'landed' && defined $box->{epoch};
    }

    return $settled;
}

sub step_settle {
    my $open = $clients->{receipts};
    return if !@$open;

    my ($receipt) = splice(@$open, int rand @$open, 1);
    my $kind = pick(qw(landed landed landed returned never));

    push @{ $clients->{settled} }, $receipt;
    shift @{ $clients->{settled} } if @{ $clients->{settled} } > 20;

    if ($kind eq 'never') {
        $kind = 'returned';
        if ($receipt->{patience} < FOREVER) {
            note_step("nobody settles $receipt->{text}");
            $happened{never}++;
            return;
        }
    }

    $happened{$kind}++ if settle($kind, $receipt->{text});
    return;
}

sub step_stale {
    my $receipt = pick(@{ $clients->{settled} }) or return;

    $happened{ settle(pick(qw(landed returned)), $receipt->{text})
        ? 'late receipt' : 'stale receipt' }++;
    return;
}

# A cursor as clients have them, and such as none should have.

sub some_cursor {
    my ($box, $kind, $reader) = @_;

    my $name = $box->{name};
    my @handed = sort keys %{ $clients->{handed}{$name} };
    my $epoch = $box->{epoch} // 1;

    return $clients->{reader}{$name}[$reader] // '' if $kind eq 'own';
    return pick(@{ $clients->{plain}{$name} // [] }) // '' if $kind eq 'plain';
    return pick(@handed) // '' if $kind eq 'old';
    return pick('', '0-0') if $kind eq 'none';
    return "$epoch-" . ($box->{n} + 1 + int rand 5) if $kind eq 'beyond';
    return pick($epoch - 1, $epoch + 1, 12345) . '-' . (1 + int rand 30)
        if $kind eq 'foreign';

    my $past = pick(@{ $box->{past} }) or return '';

    return "$past->[0]-" . ($past->[1] + 1 + int rand 3);
}

sub read_with_ack {
    my ($box, $cursor, $limit) = @_;

    my (undef, $next, $more, $reset, $receipt, $entries, $idle) = @{ run_script(
        'read', $box->{name}, $cursor, $limit) };
    my $n = number($cursor || '0-0');
    my $known = in_history($box, $cursor);

    must_be($reset, $known ? 0 : 1, "reset, of the cursor '$cursor'");
    must_be($receipt, '', 'the receipt of a read with ack');
    $happened{reset}++ if $reset;

    if ($known && $n > done($box)) {
        my @removed = grep { $_->{n} <= $n } remaining($box);
        my $given = $clients->{handed}{ $box->{name} }{$cursor};

        must($given->{ $_->{id} }
            || $clients->{delivered}{"$box->{name} $_->{id}"},
            "the ack of $cursor removed $_->{id}, which did not come with it")
            for @removed;
        deliver($box, @removed);
        forget_epochs($box);
        $happened{acknowledged} += @removed;
    }

    my @left = remaining($box);

    must_be($idle // 0, @left ? 0 : 1, 'idle');
    must_be($more, @left > $limit ? 1 : 0, 'more');
    must_be(ids(@$entries), ids(splice(@left, 0, $limit)),
        "what $box->{name} shows");
    must_be(number($next), @$entries ? number($entries->[-1][0]) : done($box),
        'the number of the next cursor');
    check_entries($box, $entries);
    hand_out($box, $next, $entries);

    return ($next, $more);
}

sub step_read {
    my $box = $world->{box}{ pick(@mailboxes) };
    my $reader = int rand 2;
    my $kind = pick(qw(own own own plain plain old old none beyond foreign
        past));
    my ($next) = read_with_ack($box, some_cursor($box, $kind, $reader),
        some_limit());

    $clients->{reader}{ $box->{name} }[$reader] = $next;

    return $box;
}

sub step_wait {
    my $now = clock();
    my ($first) = sort { $a <=> $b } grep { $_ >= $now && $_ < $now + 1000 }
        map { $_->{deadline} } map { @{ $_->{flight} } }
        values %{ $world->{box} };

    return if !$first;

    note_step("waits for the deadline $first");
    wait_until(sub { clock() >= $first }) or die "the clock stands still\n";
    $happened{deadline}++;

    return;
}

sub step_history {
    $history = 'history' . ++$histories;
    return;
}

# A store that loses its newest writes comes back under another history.

sub step_save {
    $saved = dclone($world);
    $saved->{keys} = [ map { [ $_, $redis->cmd('DUMP', $_) ] }
        @{ $redis->cmd('KEYS', '*') } ];
    note_step('the store is saved');

    return;
}

sub step_lose {
    return if !$saved || rand() < 0.5;

    $redis->cmd('FLUSHDB');
    $redis->cmd('RESTORE', $_->[0], 0, $_->[1]) for @{ $saved->{keys} };
    $world = dclone($saved);
    delete $world->{keys};
    undef $saved;
    step_history();
    note_step("the store is as it was when it was saved, $history");
    $happened{'store lost its tail'}++;

    return;
}


# ---- what holds after each step

sub check_numbers {
    my ($box) = @_;

    my $key = PREFIX . $box->{name};
    my ($epoch, $n, $done, $bytes, $freed, $past) = map { $_ // '' } @{
        $redis->cmd('HMGET', "$key:m", 'epoch', 'n', 'done', 'bytes',
            'freed', 'past') };

    must_be($redis->cmd('XLEN', $key), scalar keys %{ $box->{entries} },
        "the length of $box->{name}");
    return if !defined $box->{epoch};

    must_be(join(' ', $epoch, $n, $done || 0, $bytes, $freed || 0),
        join(' ', $box->{epoch}, $box->{n}, done($box), $box->{bytes},
            freed($box)), "epoch, n, done, bytes, freed of $box->{name}");
    must_be($past, join('', map { "$_->[0]:$_->[1]," } @{ $box->{past} }),
        "the past epochs of $box->{name}");
}

sub check_counts {
    my ($box) = @_;

    my %counted = @{ $redis->cmd('HGETALL', PREFIX . "$box->{name}:u") };
    my %is;

    $is{ $_->{uid} }++ for values %{ $box->{entries} };
    must_be(join(' ', map { "$_:$counted{$_}" } sort keys %counted),
        join(' ', map { "$_:$is{$_}" } sort keys %is),
        "how many each player has in $box->{name}");
}

sub check_waiting {
    my $now = clock();
    my %score = @{ $redis->cmd('ZRANGE', PREFIX . 'boxes', 0, -1,
        'WITHSCORES') };
    my @boxes = map { $world->{box}{"box:g$_"} } @gms;

    must_be(join(' ', sort keys %score),
        join(' ', map { $_->{gm} } grep { %{ $_->{entries} } } @boxes),
        'the GMs that have something undone');

    for my $box (grep { takeable($_, $now) } @boxes) {
        must($score{ $box->{gm} } <= $now,
            "GM $box->{gm} is looked at, since there is something to take");
    }
}

sub check_all {
    for my $box (map { $world->{box}{$_} } @mailboxes) {
        check_numbers($box);
        check_counts($box) if $box->{gm};

        my $stored = $redis->cmd('XRANGE', PREFIX . $box->{name}, '-', '+');
        must_be(ids(@$stored), ids(remaining($box)),
            "what is stored in $box->{name}");
        check_entries($box, $stored);
    }
    check_waiting();
}


# ---- a seed

my %weight = (
    gs_send => 36, gm_send => 26, friendship => 5, take => 11,
    take_all => 6, sweep => 0.4, settle => 15, stale => 3, read => 14,
    wait => 0.5, save => 0.3, lose => 0.6,
);
my %step = (
    gs_send => \&step_gs_send, gm_send => \&step_gm_send,
    friendship => \&step_friendship, take => \&step_take,
    take_all => \&step_take_all, sweep => \&step_sweep,
    settle => \&step_settle, stale => \&step_stale, read => \&step_read,
    wait => \&step_wait, history => \&step_history, save => \&step_save,
    lose => \&step_lose,
);
my @kinds;

sub begin {
    my ($seed) = @_;

    srand($seed);
    # where the history changes often, nearly each entry has its own epoch
    $weight{history} = pick(1, 3, 40);
    @kinds = map { ($_) x (10 * $weight{$_}) } sort keys %weight;
    $redis->cmd('FLUSHDB');
    undef $saved;
    $histories = $texts = 0;
    @calls = ();
    %happened = ();
    $world = { box => { map { $_ => new_mailbox($_) } @mailboxes } };
    $clients = { receipts => [], settled => [] };
    step_history();
    must_be(flatten(run_script('create', undef, $_, "GM $_")), '[ok]',
        'a GM is created') for @gms;
    step_add($_, pick(@gms), pick(@hosts)) for @players;
}

sub run_steps {
    for my $n (1 .. $steps) {
        my $box = $step{ pick(@kinds) }->();

        if ($box) {
            check_numbers($box);
            check_counts($box) if $box->{gm};
        }
        check_waiting() if $n % 5 == 0;
        check_all() if $n % 20 == 0;
    }
    check_all();
}

# Everybody receives until nothing is left, in one way or the other.

sub drain {
    settle(pick(qw(landed returned)), $_->{text})
        for splice @{ $clients->{receipts} };

    # that something is settled may be among what the store lost: it is still
    # in flight, and who reads with ack sees it

    my $patience = 5 * FOREVER;

    for my $name (@mailboxes) {
        my $box = $world->{box}{$name};

        next if !grep { $_->{deadline} > clock() + 1000 } @{ $box->{flight} };
        must($happened{'store lost its tail'}, "$name has nothing in flight "
            . 'once all receipts are settled');
        $happened{'drained by ack'}++;
        drain_by_ack($box);
    }

    my $now = clock();
    my ($last) = sort { $b <=> $a } grep { $_ < $now + 1000 }
        map { $_->{deadline} } map { @{ $_->{flight} } }
        values %{ $world->{box} };
    wait_until(sub { clock() >= $last }) if $last;

    my $more = 1;
    while ($more) {
        $more = take_all(7, $patience);
        settle('landed', $_->{text}) for splice @{ $clients->{receipts} };
    }

    for my $box (map { $world->{box}{$_} } @mailboxes) {
        must_be(ids(remaining($box)), '', "what $box->{name} did not give")
            if $box->{gm};

        if (rand() < 0.5) {
            drain_by_ack($box);
        } else {
            step_take($box, 200, $patience);
            settle('landed', $_->{text}) for splice @{ $clients->{receipts} };
        }
    }

    check_all();
    must_be(join(', ', sort keys %{ $world->{sent} }), '',
        'what was sent and never delivered');
}

sub drain_by_ack {
    my ($box) = @_;

    my ($cursor, $more) = ('', 1);

    ($cursor, $more) = read_with_ack($box, $cursor, 9) while $more;
    read_with_ack($box, $cursor, 9);
}

sub holds {
    my ($seed, $label, $run) = @_;

    my $held = eval { $run->(); 1 };
    my $why = $@;

    return 1 if ok($held, $label);

    diag("seed $seed: $why");
    diag('the last calls:');
    diag("  $_") for @calls;

    return 0;
}

load_scripts();

for my $seed (@seeds) {
    holds($seed, "seed $seed: $steps random calls, and each mailbox is what "
        . 'its senders and receivers made it',
        sub { begin($seed); run_steps() })
        && holds($seed, "seed $seed: nothing that was sent is lost",
            \&drain);
    note(join(', ', map { "$_ $happened{$_}" } sort keys %happened));
}

finish();
