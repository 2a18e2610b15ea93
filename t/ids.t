#!/usr/bin/perl

# Message ids: ordered and gapless within a mailbox, everywhere the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http;
use Test::More;

my $redis = start_redis();
my $nginx = start_nginx(quiet => 1, redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 1, 2;
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 1 .. 10;
$nginx->gm('add', gm_account => 2, host => 1001, uid => $_) for 11 .. 20;

sub send_uri {
    my ($uid, $text) = @_;

    return Test::Gmchat::Nginx::uri('/gm', 'send',
        gm_account => $uid > 10 ? 2 : 1, uid => $uid, text => $text);
}

sub poll {
    return items($nginx->gs('receive', host => 1001, limit => 1000,
        format => 'json', @_));
}

# Whether ids are those of one epoch, without a gap.

sub gapless {
    my ($label, @ids) = @_;

    my ($epoch, $n) = $ids[0] =~ /^(.+)-(\d+)$/;
    my @expected = map { "$epoch-" . ($n + $_) } 0 .. $#ids;

    is_deeply(\@ids, \@expected, $label);
}

# written by many at once, refused ones among them

my @replies = $nginx->at_once(map { (send_uri($_, "a$_"),
    send_uri(99, 'refused'), send_uri($_, "b$_")) } 1 .. 20);
my @sent = map { $_->{json}{id} } grep { $_->{json}{res} } @replies;
is(scalar @sent, 40, 'forty messages of two GMs to twenty players');

my @polled = map { $_->{id} } poll(ack => '');
gapless('have ids without a gap, in the order of the mailbox', @polled);
is_deeply([ sort @polled ], [ sort @sent ], 'the ids that send gave');

my @taken = map { $_->{id} } poll();
is_deeply(\@taken, \@polled, 'the same to whoever receives');
ok($redis->wait_settled('h1001'), 'which is done with them');

# over time

$nginx->get(send_uri(1, 'after'));
gapless('the next follows those that were taken', $taken[-1],
    map { $_->{id} } poll(ack => ''));
ok($nginx->reload, 'a reload');
$nginx->get(send_uri(2, 'after the reload'));
gapless('the next follows after a reload', $taken[-1],
    map { $_->{id} } poll());
$redis->wait_settled('h1001');

my $repeat = send_uri(3, 'once') . '&msgid=m';
$nginx->get($repeat) for 1 .. 5;
$nginx->get(send_uri(3, 'x'));
gapless('repeats of a msgid leave no gap', map { $_->{id} } poll());

# other mailboxes have their own

$nginx->gs('send', uid => $_, text => 'x') for 1, 11, 2, 12, 3;
my @of_one = map { $_->{id} } items($nginx->gm('receive', gm_account => 1,
    format => 'json'));
my @of_two = map { $_->{id} } items($nginx->gm('receive', gm_account => 2,
    format => 'json'));
is(scalar @of_one, 3, 'three messages to one GM');
gapless('without a gap', @of_one);
is(scalar @of_two, 2, 'two to another, written in between');
gapless('without a gap', @of_two);
$redis->wait_settled($_) for qw(g1 g2);

# many epochs in one mailbox, as of a Redis that was restarted again and again
# while nobody polled: an epoch begins where the store's history is another

sub one_epoch_each {
    my ($key, @sends) = @_;

    for my $n (0 .. $#sends) {
        my $reply = $sends[$n]->();
        is_success($reply, 'a message in an epoch of its own') if $n == 0;
        push @sent, $reply->{json}{id};
        $redis->cmd('HSET', "gmchat:{default}:$key:m", 'history', "other $n");
    }
}

sub epochs {
    return scalar keys %{ { map { /^(.+)-/ ? ($1 => 1) : () } @_ } };
}

for my $case (
    [ 'a host\'s mailbox', 'box:h1003',
        sub { $nginx->gm('send', gm_account => 1, uid => 31, text => 'x') },
        sub { $nginx->gs('receive', host => 1003, format => 'json', @_) } ],
    [ 'a GM\'s mailbox', 'box:g1',
        sub { $nginx->gs('send', uid => 31, text => 'x') },
        sub { $nginx->gm('receive', gm_account => 1, format => 'json', @_) } ],
) {
    my ($label, $key, $send, $receive) = @$case;

    $nginx->gm('add', gm_account => 1, host => 1003, uid => 31);

    for my $limit (1, 7) {
        @sent = ();
        one_epoch_each($key, ($send) x 40);
        is(epochs(@sent), 40, "$label: forty messages in forty epochs");

        my (@read, $reset);
        my $reply = $receive->(ack => '', limit => $limit);

        for my $page (1 .. 40) {
            push @read, map { $_->{id} } items($reply);
            last if !$reply->{json}{more};
            $reply = $receive->(ack => $reply->{json}{cursor},
                limit => $limit);
            $reset ||= $reply->{json}{reset};
        }

        is_deeply(\@read, \@sent,
            "$label: ack brings all of them, $limit at a time");
        ok(!$reset, "$label: each cursor is good");

        my $old = $read[-10];
        $reply = $receive->(ack => $read[-1]);
        is(scalar items($reply), 0, "$label: the last is acknowledged");
        ok(!$reply->{json}{reset}, "$label: and good");
        ok(!$receive->(ack => $old)->{json}{reset},
            "$label: a cursor of an epoch of late may be given back");

        @sent = ();
        one_epoch_each($key, ($send) x 40);
        my @plain;
        wait_until(sub {
            push @plain, map { $_->{id} } items($receive->(limit => $limit));
            return @plain >= 40;
        });
        is_deeply(\@plain, \@sent,
            "$label: so does a plain receive, $limit at a time");

        @sent = ();
        one_epoch_each($key, ($send) x 40);
        $reply = $receive->(ack => $sent[4], limit => 1);
        ok(!$reply->{json}{reset}, "$label: the cursor of the fifth of forty");
        is(join(' ', map { $_->{id} } items($reply)), $sent[5],
            "$label: acknowledges up to it");
        $receive->(ack => $sent[-1]);
    }
}

finish();
