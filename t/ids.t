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

# over time

$nginx->get(send_uri(1, 'after'));
gapless('the next follows those that were taken', $taken[-1],
    map { $_->{id} } poll(ack => ''));
ok($nginx->reload, 'a reload');
$nginx->get(send_uri(2, 'after the reload'));
gapless('the next follows after a reload', $taken[-1],
    map { $_->{id} } poll());

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

finish();
