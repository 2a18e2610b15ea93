#!/usr/bin/perl

# gmchat_poll_cache: polls of a mailbox that is known to be empty are answered
# by the worker, and nothing is missed by it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend metric);
use Test::More;
use Time::HiRes qw(time);

my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% %%OPTIONS%%;
    gmchat_group default client;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; %%CACHE%% }
        location /gs { gmchat gs; %%CACHE%% }
        location /asks/gm { gmchat gm; gmchat_poll_cache off; }
        location /asks/gs { gmchat gs; gmchat_poll_cache off; }
        location /status { gmchat status; }
    }
}
EOC

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);

# probe=1h: what is known is known for 5 s, which is longer than a part of this
# test takes

sub bridge {
    my (%arg) = @_;

    return start_nginx(redis => $fake, workers => $arg{workers} // 1,
        conf => $conf, vars => { OPTIONS => $arg{options} // 'probe=1h',
            CACHE => $arg{cache} // '' });
}

my $nginx = bridge();
my $other = bridge();

ok(befriend($nginx), 'GM 1 has players on host 1001');


# ---- what is counted

sub hits {
    my ($nginx) = @_;

    return metric($nginx, 'gmchat_poll_cache_hits_total');
}

# Scripts about a mailbox that reached Redis since forget().

sub asked {
    my ($mailbox) = @_;

    return grep { ($_->[4] // '') =~ /\Q$mailbox\E$/ } $fake->seen('EVALSHA');
}

sub uri {
    return Test::Gmchat::Nginx::uri(@_);
}

# When Redis was last seen to be asked of a mailbox.

my %asked;

# Polls until one is answered without Redis; returns the last reply. With
# `$young` what it says was asked for so many seconds ago at most: the rest of
# the time it stays known.

sub learn_young {
    my ($young, $nginx, $endpoint, $action, @params) = @_;

    my %param = @params;
    my $mailbox = join(' ', $nginx->address, $endpoint, $action,
        map { $param{$_} // '' } qw(host gm_account group));
    my $reply;

    wait_until(sub {
        my ($before, $now) = (hits($nginx), time());
        $reply = $nginx->get(uri($endpoint, $action, @params));

        if (hits($nginx) > $before) {
            return 1 if !defined $young;
            return time() - ($asked{$mailbox} // 0) < $young;
        }

        $asked{$mailbox} = $now;
        return 0;
    }) or die "$endpoint $action @params: always asks";

    return $reply;
}

sub learn {
    return learn_young(undef, @_);
}

sub texts {
    my ($reply) = @_;

    return join(' ', map { $_->{text} // $_->{change} } items($reply));
}

sub subscriptions {
    my ($nginx) = @_;

    return metric($nginx, 'gmchat_store_subscriptions');
}

sub say {
    my ($nginx, $text, @more) = @_;

    return $nginx->gm('send', gm_account => 1, uid => 5, text => $text, @more);
}

my @receive = ('/gs', 'receive', host => 1001, ack => '', format => 'json');


# ---- replies are what Redis would say

$nginx->gs('relation', host => 1001);
$nginx->gs('send', uid => 5, text => 'x');
$nginx->gm('receive', gm_account => 1);
say($nginx, 'x');
$nginx->gs('receive', host => 1001);

for my $call (
    [ '/gs', 'receive', host => 1001 ],
    [ '/gs', 'receive', host => 1001, format => 'json' ],
    [ '/gs', 'receive', host => 1001, ack => '' ],
    [ '/gs', 'receive', host => 1001, ack => '0-0', limit => 1 ],
    [ '/gs', 'relation', host => 1001 ],
    [ '/gs', 'relation', host => 1001, format => 'json', ack => '' ],
    [ '/gs', 'receive', host => 7 ],
    [ '/gs', 'relation', host => 7, ack => '' ],
    [ '/gm', 'receive', gm_account => 1 ],
    [ '/gm', 'receive', gm_account => 1, format => 'json' ],
    [ '/gm', 'receive', gm_account => 1, ack => '' ],
    [ '/gm', 'receive', gm_account => 9, ack => '', format => 'json' ])
{
    my ($endpoint, @rest) = @$call;
    my $known = learn($nginx, $endpoint, @rest);
    my $asked = $nginx->get(uri("/asks$endpoint", @rest));

    is("$known->{status} $known->{body}", "$asked->{status} $asked->{body}",
        "@$call: a reply by heart is Redis' own");
}

my $asked = 0;

for my $call ([ '/gs', 'receive', host => 1001 ],
    [ '/gs', 'relation', host => 1001 ],
    [ '/gm', 'receive', gm_account => 1 ])
{
    learn_young(1, $nginx, @$call);
    $fake->forget;
    $nginx->get(uri(@$call)) for 1 .. 50;
    $asked += asked('h1001') + asked('g1');
}

is($asked, 0, '150 idle polls ask nothing');
$nginx->gm('receive') for 1 .. 5;
is(scalar(grep { $_->[3] && $_->[2] eq '1' && $_->[4] eq '200' }
    $fake->seen('EVALSHA')), 5, 'a receive of all GMs is asked');

$nginx->get(uri('/asks/gs', 'receive', host => 1001)) for 1 .. 5;
is(scalar asked('box:h1001'), 5, 'off: each is asked');

my $calls = sub {
    return metric($nginx, 'gmchat_calls_total', endpoint => 'gs',
        action => 'receive', errno => 0);
};
my $before = $calls->();
$nginx->gs('receive', host => 1001) for 1 .. 10;
is($calls->() - $before, 10, 'polls are counted as ever');


# ---- cursors

my $cursor = learn($nginx, @receive)->{json}{cursor};
like($cursor, qr/^[1-9]\d*-1$/, 'the cursor of an empty mailbox');
my ($epoch) = $cursor =~ /^(\d+)/;

for my $case ([ $cursor, 1, 'its own cursor' ], [ '', 1, 'an empty one' ],
    [ '0-0', 1, '0-0' ], [ "$epoch-0", 0, 'the beginning of the epoch' ],
    [ "$epoch-2", 0, 'one that is ahead', 1 ], [ '5-1', 0, 'a strange one', 1 ])
{
    my ($ack, $known, $label, $reset) = @$case;

    learn_young(1, $nginx, @receive);
    $fake->forget;
    my $reply = $nginx->gs('receive', host => 1001, ack => $ack);
    is(scalar asked('box:h1001'), $known ? 0 : 1,
        "$label: " . ($known ? 'answered by heart' : 'asked'));
    is($reply->{json}{reset} // 0, $reset // 0, "$label: reset");
    is($reply->{json}{cursor}, $cursor, "$label: the cursor");
}

say($nginx, 'a');
my $got = $nginx->get(uri(@receive));
is(texts($got), 'a', 'a message ends it');
is(texts($nginx->get(uri(@receive))), 'a', 'until it is acknowledged');
my @acked = ('/gs', 'receive', host => 1001, format => 'json',
    ack => $got->{json}{cursor});
learn_young(1, $nginx, @acked);
$fake->forget;
is_deeply([ items($nginx->get(uri(@acked))) ], [],
    'a poll that acknowledges again what it did');
is(scalar asked('box:h1001'), 0, 'is known to have nothing to do');


# ---- who writes in this nginx is seen by the next poll, whatever is heard

$fake->on(name => 'MESSAGE', match => 'to:h1001|to:g1', hold => 1);

learn($nginx, @receive);
say($nginx, 'b');
is(texts($nginx->get(uri(@receive))), 'b', 'gm send');
$fake->release;
$nginx->gs('receive', host => 1001);

learn($nginx, '/gm', 'receive', gm_account => 1);
$nginx->gs('send', uid => 5, text => 'c');
is(texts($nginx->gm('receive', gm_account => 1, format => 'json')), 'c',
    'gs send');
$fake->release;

learn($nginx, '/gs', 'relation', host => 1001);
$nginx->gm('add', gm_account => 1, host => 1001, uid => 20);
is(texts($nginx->gs('relation', host => 1001, format => 'json')), 'apply',
    'add');
$fake->release;

learn($nginx, '/gs', 'relation', host => 1001);
$nginx->gm('del', gm_account => 1, uid => 20);
is(texts($nginx->gs('relation', host => 1001, format => 'json')), 'remove',
    'del');

$fake->clear_rules;
$fake->release;


# ---- who writes elsewhere is heard

for my $case (
    [ [ @receive ], sub { say($other, 'd') }, 'd' ],
    [ [ '/gm', 'receive', gm_account => 1, format => 'json' ],
      sub { $other->gs('send', uid => 5, text => 'e') }, 'e' ],
    [ [ '/gs', 'relation', host => 1001, format => 'json' ],
      sub { $other->gm('add', gm_account => 1, host => 1001, uid => 21) },
      'apply' ])
{
    my ($call, $write, $text) = @$case;

    learn_young(1, $nginx, @$call);
    $write->();
    my $began = time();
    my $reply;
    ok(wait_until(sub { items($reply = $nginx->get(uri(@$call))) }),
        "$text: another nginx's");
    is(texts($reply), $text, "$text: is there");
    cmp_ok(time() - $began, '<', 4, "$text: long before it would be too old");
}
$nginx->gs('receive', host => 1001);

# Knowledge of one mailbox is not that of its neighbours.

learn($nginx, @receive);
learn_young(1, $nginx, @receive, group => 'two');
say($nginx, 'f');
is(texts($nginx->get(uri(@receive))), 'f', 'a group has its own');
$fake->forget;
is_deeply([ items($nginx->get(uri(@receive, group => 'two'))) ], [],
    'and the other group');
is(scalar asked('box:h1001'), 0, 'still knows');
$nginx->gs('receive', host => 1001);


# ---- in flight is not empty

say($nginx, 'g');
$fake->on(match => 'box:h1001 \d+-\d+@', error => 'BUSY not now');
is(texts($nginx->gs('receive', host => 1001, format => 'json')), 'g',
    'a plain receive takes');
$fake->forget;
$nginx->gs('receive', host => 1001) for 1 .. 8;
is(scalar asked('box:h1001'), 8, 'until Redis knows that it arrived, each asks');
$fake->clear_rules;
ok(learn($nginx, @receive), 'then it is known again');


# ---- wake-ups that never come: it is too old after the probe's time

my $short = bridge(options => 'probe=1s wake_timeout=60s');
$fake->on(name => 'MESSAGE', match => 'to:h1001', silent => 1);
learn_young(1, $short, @receive);
say($other, 'h');
my $late = time();
ok(wait_until(sub { items($short->get(uri(@receive))) }),
    'a message whose wake-up is lost is there');
cmp_ok(time() - $late, '<', 4, 'within the probe\'s time');
$fake->clear_rules;
$short->gs('receive', host => 1001);

learn($short, @receive);
$redis->cmd('FLUSHALL');
ok(wait_until(sub {
    $short->gs('receive', host => 1001, ack => $cursor)->{json}{reset};
}), 'an emptied store is noticed');
$short->stop;
ok(befriend($nginx), 'and filled again');


# ---- links

for my $case (
    [ 'Redis closes its connections',
      sub { $redis->cmd('CLIENT', 'KILL', 'TYPE', $_) for qw(pubsub normal) } ],
    [ 'the subscribed connection is closed',
      sub { $redis->cmd('CLIENT', 'KILL', 'TYPE', 'pubsub') } ],
    [ 'Redis starts again', sub { $redis->restart } ],
    [ 'nothing travels on any connection that there is',
      sub { $fake->freeze } ])
{
    my ($label, $break) = @$case;

    learn($nginx, @receive);
    $break->();
    ok(wait_until(sub {
        befriend($other) && say($other, 'i')->{json}{res};
    }), "$label: a message is sent");
    my $began = time();
    ok(wait_until(sub {
        texts($nginx->get(uri(@receive))) =~ /i/;
    }), "$label: it is there");
    cmp_ok(time() - $began, '<', 15, "$label: in time");
    wait_until(sub {
        my $reply = $nginx->gs('receive', host => 1001, format => 'json');
        return $reply->{json}{res} && !items($reply);
    }) or die "$label: it does not end";
}

learn($nginx, @receive);
$redis->pause;
ok(wait_until(sub {
    my $errno = $nginx->get(uri(@receive))->{json}{errno} // 0;
    return $errno == -5 || $errno == -6;
}), 'Redis stands still: polls say so, once what was known is too old');
$redis->resume;
ok(wait_until(sub { $nginx->get(uri(@receive))->{json}{res} }),
    'and go on when it does');


# ---- how many are known, and for how long

$_->stop for $nginx, $other;
$nginx = bridge(cache => 'gmchat_poll_cache max=2 inactive=3s;');
my @of = map { [ '/gs', 'receive', host => $_ ] } 1 .. 3;

learn_young(1, $nginx, @$_) for @of[0, 1];
is(subscriptions($nginx), 2, 'two receivers, two subscriptions');
$fake->forget;
$nginx->get(uri(@{ $of[0] }));
is(scalar asked('box:h1'), 0, 'both are known');
learn($nginx, @{ $of[2] });
$fake->forget;
$nginx->get(uri(@{ $of[0] }));
is(scalar asked('box:h1'), 0, 'a third one: who was polled last stays');
$nginx->get(uri(@{ $of[1] }));
is(scalar asked('box:h2'), 1, 'who was not is asked for');

ok(wait_until(sub { subscriptions($nginx) == 0 }, 20),
    'nobody polls: nothing is subscribed any more');
$fake->forget;
$nginx->get(uri(@{ $of[2] })) for 1 .. 2;
is(scalar asked('box:h3'), 2, 'nor known');
is(subscriptions($nginx), 1, 'the second poll in a row that finds nothing '
    . 'subscribes');


# ---- who hears more than it polls is no more woken

$nginx->stop;
$nginx = bridge();
ok(befriend($nginx), 'a bridge of one worker');
$nginx->gs('relation', host => 1001);
learn($nginx, @receive);
say($nginx, "busy $_") for 1 .. 10;
ok(wait_until(sub { subscriptions($nginx) == 0 }, 20),
    'many messages and no poll: Redis does not publish to it');
is(scalar(items($nginx->get(uri(@receive)))), 10, 'they are there');
my @last = items($nginx->get(uri(@receive)));
$nginx->gs('receive', host => 1001, ack => $last[-1]{id});
ok(learn($nginx, @receive), 'when they are not polled in vain it begins again');


# ---- many workers, and reloads

$nginx->stop;
$nginx = bridge(workers => 2);
my $missed = 0;

for my $n (1 .. 200) {
    $nginx->get(uri(@receive)) for 1 .. 12;
    my $sent = say($nginx, "n$n");
    my $got = $nginx->get(uri(@receive));

    $missed++ if texts($got) ne "n$n";
    $nginx->reload if $n % 80 == 0;
    $nginx->gs('receive', host => 1001, ack => $sent->{json}{id});
}

is($missed, 0, 'a poll behind the reply to a send has the message, '
    . 'whichever worker has either');
cmp_ok(hits($nginx), q(>), 200, "though most were answered by heart");

finish();
