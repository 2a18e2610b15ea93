#!/usr/bin/perl

# msgid: a message that is sent again is stored once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
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
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 5, 6;
$nginx->gm('add', gm_account => 2, host => 1001, uid => 7);

sub undelivered {
    return map { "$_->{uid}: $_->{text}" }
        items($nginx->gs('receive', host => 1001, ack => '',
            format => 'json'));
}

# gm send

my @call = ('send', gm_account => 1, uid => 5, text => 'hello');
my $first = $nginx->gm(@call, msgid => 'm1');
is_success($first, 'a message with a msgid');
ok(!$first->{json}{repeat}, 'is no repeat');

my $second = $nginx->gm(@call, msgid => 'm1');
is_success($second, 'the same again');
is($second->{json}{id}, $first->{json}{id}, 'is answered with the first id');
ok($second->{json}{repeat}, 'and said to be a repeat');
is_deeply([ undelivered() ], [ '5: hello' ], 'and stored once');

is_error($nginx->gm('send', gm_account => 1, uid => 5, text => 'other',
    msgid => 'm1'), -10, qr/msgid/, 'the same msgid with another text');
is_error($nginx->gm('send', gm_account => 1, uid => 6, text => 'hello',
    msgid => 'm1'), -10, qr/msgid/, 'the same msgid to another player');
is_deeply([ undelivered() ], [ '5: hello' ], 'stores nothing');

my $third = $nginx->gm(@call, msgid => 'm2');
isnt($third->{json}{id}, $first->{json}{id}, 'another msgid is another message');
is_success($nginx->gm(@call), 'and so is one without');
is_success($nginx->gm(@call), 'twice');
is(scalar(undelivered()), 4, 'all of these are stored');

my $other = $nginx->gm('send', gm_account => 2, uid => 7, text => 'hello',
    msgid => 'm1');
is_success($other, 'a msgid is its sender\'s: another GM may use it');
ok(!$other->{json}{repeat}, 'and it is no repeat');

# gs send

my $mine = $nginx->gs('send', uid => 5, text => 'help', msgid => 'm1');
is_success($mine, 'a player may use a GM\'s msgid');
ok(!$mine->{json}{repeat}, 'and it is no repeat');
my $repeat = $nginx->gs('send', uid => 5, text => 'help', msgid => 'm1');
is($repeat->{json}{id}, $mine->{json}{id}, 'a player\'s repeat');
ok($repeat->{json}{repeat}, 'is said to be one');
ok(!$nginx->gs('send', uid => 6, text => 'help', msgid => 'm1')
    ->{json}{repeat}, 'another player\'s is not');
is_error($nginx->gs('send', uid => 5, text => 'HELP', msgid => 'm1'), -10,
    qr/msgid/, 'with another text it is refused');
is(scalar items($nginx->gm('receive', gm_account => 1, ack => '',
    format => 'json')), 2, 'each is stored once');

# later

$nginx->gs('receive', host => 1001);
ok($redis->wait_settled('h1001'), 'it is delivered');
$repeat = $nginx->gm(@call, msgid => 'm1');
is($repeat->{json}{id}, $first->{json}{id},
    'a repeat after the message was delivered has the first id');
is_deeply([ undelivered() ], [], 'and is not delivered again');

my @keys = grep { /:sent:/ } @{ $redis->cmd('KEYS', '*') };
ok(@keys >= 5, 'what was sent is remembered');
is_deeply([ grep { $_ <= 86000 || $_ > 86400 }
    map { $redis->cmd('TTL', $_) } @keys ], [], 'for 24 hours');

finish();
