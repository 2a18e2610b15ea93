#!/usr/bin/perl

# text instead of msg, and format=json: clients that know no base64.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64);
use Test::Gmchat;
use Test::More;
use Time::HiRes qw(time);

my $redis = start_redis();
# One worker: what a receive took is settled before the next call.
my $nginx = start_nginx(quiet => 1, redis => $redis, workers => 1,
    conf => <<'EOF');
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

$nginx->gm('create', gm_account => 1, gm_name => 'Änn');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);

my @texts = ('', 'x', 'a,b', 'grüße', '中文', '😀', "two\nlines\ttab",
    '"quoted\\"', '</script>', '%41+%', "\x{7f}\x{1}", "\x{2028}",
    'x' x 300);

# text in, base64 out, of any length: the padding takes every form

for my $text (@texts, map { 'y' x $_ } 70 .. 80) {
    is_success($nginx->gs('send', uid => 5, text => $text),
        'a text in a query');
    my $msg = data($nginx->gm('receive'))->{1}[0]{msg};
    is($msg, b64($text), 'is base64 for a client of the old interface');
    unlike($msg, qr/\s/, 'in one line');
}

# in every form

$nginx->get('/gs?action=send&uid=5&text=a+b%2Bc');
$nginx->post_form('/gs', { action => 'send', uid => 5, text => 'a b+c' });
$nginx->request('POST', '/gs', body => 'action=send&uid=5&text=a+b%2Bc',
    type => 'application/x-www-form-urlencoded');
$nginx->post_json('/gs', { action => 'send', uid => 5, text => 'a b+c' });
$nginx->post_json('/gs', '{"action":"send","uid":5,"text":"\u4e2d\ud83d\ude00"}');
is_deeply([ map { $_->{text} } items($nginx->gm('receive', format => 'json')) ],
    [ 'a+b+c', 'a b+c', 'a b+c', 'a b+c', '中😀' ],
    'a text in a query, a form, JSON');

# an object for each message

my $sent_at = time() * 1000;
my @ids = map { $nginx->gs('send', uid => 5, text => $_)->{json}{id} } @texts;
my @items = items($nginx->gm('receive', format => 'json'));
my $now = time() * 1000;

is_deeply([ map { $_->{text} } @items ], \@texts,
    'format=json gives every text as it was');
is_deeply([ map { $_->{id} } @items ], \@ids, 'with the id that send gave');
is(scalar(grep { $_->{uid} eq '5' && $_->{gm_account} eq '1' } @items),
    scalar @texts, 'with who wrote to whom');
is(scalar(grep { $_->{ts} > $sent_at - 60_000 && $_->{ts} < $now + 60_000 }
    @items), scalar @texts, 'with a time in milliseconds');
is(scalar(grep { exists $_->{msg} } @items), 0, 'and without base64');

my $reply = $nginx->gm('receive', format => 'json');
is_deeply($reply->{json}{data}, [], 'nothing is an empty array');

# ids are strings, as everywhere

$nginx->gs('send', uid => 5, text => 'x');
$reply = $nginx->gm('receive', ack => '', gm_account => 1, format => 'json');
like($reply->{body}, qr/"uid":\s*"5"/, 'the uid is a string');
like($reply->{body}, qr/"gm_account":\s*"1"/, 'the account too');
like($reply->{body}, qr/"ts":\s*\d/, 'the time is a number');
$reply = $nginx->gm('receive');
like(decode_base64($reply->{json}{data}), qr/\{"1":\s*\[\{.*"uid":\s*"5"/,
    'strings in the old form too');

# a message that is no text

my $bytes = b64("\xff\xfe");
$nginx->gm('send', gm_account => 1, uid => 5, msg => $bytes);
$nginx->gm('send', gm_account => 1, uid => 5, msg => b64('text'));
@items = items($nginx->gs('receive', host => 1001, format => 'json'));
is($items[0]{msg}, $bytes, 'what does not decode to UTF-8 stays in msg');
ok(!exists $items[0]{text}, 'and has no text');
is($items[1]{text}, 'text', 'what does is text');

finish();
