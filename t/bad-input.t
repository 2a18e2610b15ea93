#!/usr/bin/perl

# Input no honest client sends: an error that names the parameter, nothing
# stored, nothing lost, nothing in the log above a warning.

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
    client_max_body_size 2m;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; gmchat_group default client; }
        location /gs { gmchat gs; gmchat_group default client; }
    }
    server {
        listen 127.0.0.1:%%PORT_long%%;
        large_client_header_buffers 4 2m;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

my $form = 'application/x-www-form-urlencoded';
my $json = 'application/json';

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);
$nginx->gm('send', gm_account => 1, uid => 5, text => 'not to be lost');
$nginx->gs('send', uid => 5, text => 'nor this');

my $before = $redis->contents;

sub unchanged {
    my ($label) = @_;

    my $now = $redis->contents;
    ok($now eq $before, "nothing stored: $label");
    $before = $now;
}

sub query {
    my ($query, $errno, $name, $label) = @_;

    is_error($nginx->get($query), $errno, qr/$name/, "query: $label");
    unchanged($label);
}

sub form_body {
    my ($body, $errno, $name, $label) = @_;

    is_error($nginx->request('POST', '/gm', type => $form, body => $body),
        $errno, qr/$name/, "form: $label");
    unchanged($label);
}

sub json_body {
    my ($body, $errno, $name, $label) = @_;

    is_error($nginx->request('POST', '/gm', type => $json, body => $body),
        $errno, qr/$name/, "JSON: $label");
    unchanged($label);
}

# zero bytes

query('/gm?action=create&gm_account=2%00&gm_name=B', -1, 'gm_account',
    'a zero byte behind an integer');
query('/gm?action=create&gm_account=2&gm_name=B%00b', -3, 'gm_name',
    'a zero byte in a name');
query('/gs?action=send&uid=5&text=a%00b', -3, 'text', 'a zero byte in a text');
query('/gs?action=send&uid=5&msg=aGk%00=', -3, 'msg',
    'a zero byte in base64');
query('/gs?action=send&uid=5&msg=aGk=&msgid=a%00b', -3, 'msgid',
    'a zero byte in a msgid');
query('/gm?action=receive&group=a%00b', -3, 'group', 'a zero byte in a group');
query('/gm?action=create&gm_account%00=2&gm_name=B', -2, 'gm_account',
    'a zero byte in a parameter\'s name');
form_body("action=create&gm_account=2\0&gm_name=B", -1, 'gm_account',
    'a plain zero byte behind an integer');
form_body("action=create&gm_account=2&gm_name=B\0b", -3, 'gm_name',
    'a plain zero byte in a name');
json_body('{"action":"create","gm_account":2,"gm_name":"B\u0000b"}', -3,
    '\w', 'an escaped zero byte in a name');
json_body('{"action":"create","gm_account":"2\u0000","gm_name":"B"}',
    [ -1, -3 ], '\w', 'an escaped zero byte behind an integer');
json_body("{\"action\":\"create\",\"gm_account\":2,\"gm_name\":\"B\0b\"}", -3,
    '\w', 'a plain zero byte');
json_body('{"action":"create","gm_account":2,"gm_name":"B","a\u0000b":1}',
    -3, '\w', 'an escaped zero byte in a key');

is($nginx->get("/gm?action=create&gm_account=2&gm_name=\0")->{status}, 400,
    'a plain zero byte in a request line');
unchanged('a plain zero byte in a request line');

# not UTF-8

for my $bytes ('%FF', '%C3', '%C3%28', '%C0%AF', '%ED%A0%80', '%F8%88%80%80%80',
    '%F4%90%80%80', '%80')
{
    query("/gm?action=create&gm_account=2&gm_name=a$bytes", -3, 'gm_name',
        "a name with the bytes $bytes");
    query("/gs?action=send&uid=5&text=a$bytes", -3, 'text',
        "a text with the bytes $bytes");
    form_body("action=create&gm_account=2&gm_name=$bytes", -3, 'gm_name',
        "a name with the bytes $bytes");
}

json_body("{\"action\":\"create\",\"gm_account\":2,\"gm_name\":\"\xff\"}", -3,
    '\w', 'a byte that is not UTF-8');
json_body('{"action":"create","gm_account":2,"gm_name":"\ud800"}', -3, '\w',
    'half a surrogate pair');

# escapes that are none

query('/gm?action=create&gm_account=2&gm_name=B%', -3, 'gm_name',
    '% at the end');
query('/gm?action=create&gm_account=2&gm_name=B%4', -3, 'gm_name',
    'half an escape at the end');
query('/gm?action=create&gm_account=2&gm_name=B%4x', -3, 'gm_name',
    'an escape that is none');
query('/gm?gm_name=B&action=create&gm_account=2%', [ -1, -3 ], 'gm_account',
    '% behind an integer');
form_body('action=create&gm_account=2&gm_name=B%', -3, 'gm_name',
    '% at the end');
form_body('action=create&gm_account=2&gm_name=%zz', -3, 'gm_name',
    'an escape that is none');

# numbers

for my $number (qw(1e3 007 -1 9223372036854775808)) {
    query("/gm?action=create&gm_name=B&gm_account=$number", -1, 'gm_account',
        "the account $number");
    form_body("action=create&gm_name=B&gm_account=$number", -1, 'gm_account',
        "the account $number");
    json_body("{\"action\":\"create\",\"gm_name\":\"B\",\"gm_account\":\"$number\"}",
        -1, 'gm_account', "the account \"$number\"");
    json_body("{\"action\":\"create\",\"gm_name\":\"B\",\"gm_account\":$number}",
        [ -1, -3 ], '\w', "the account $number");
}

# newlines

query('/gm?action=create&gm%0A_account=2&gm_name=B', -2, 'gm_account',
    'a newline in a parameter\'s name');
query('/gm?action=create&gm_account=2%0A&gm_name=B', -1, 'gm_account',
    'a newline behind an integer');
query('/gm?action=create&gm_account=2%0D%0ADEL%20x&gm_name=B', -1,
    'gm_account', 'a command of Redis behind an integer');
query('/gs?action=send&uid=5&msg=aGk=&msgid=a%0Ab', -3, 'msgid',
    'a newline in a msgid');
query('/gm?action=receive&group=a%0Ab', -3, 'group', 'a newline in a group');
form_body("action=create&gm_account\n=2&gm_name=B", -2, 'gm_account',
    'a newline in a parameter\'s name');
json_body('{"action":"create","gm_account\n":2,"gm_name":"B"}', -2,
    'gm_account', 'a newline in a key');

# sizes

my $long = 'x' x 1_048_576;

is($nginx->get("/gm?action=create&gm_account=2&gm_name=$long")->{status}, 414,
    'a query of 1 MB where nginx takes no such request line');
unchanged('a query of 1 MB');
is_error($nginx->get("/gm?action=create&gm_account=2&gm_name=$long",
    port => 'long'), -3, qr/gm_name/, 'a query of 1 MB where it does');
unchanged('a query of 1 MB');
is_error($nginx->get("/gs?action=send&uid=5&msg=$long", port => 'long'), -3,
    qr/msg/, 'a message of 1 MB');
unchanged('a message of 1 MB');
is_error($nginx->get('/gm?action=online&' . '&' x 1_000_000, port => 'long'),
    -2, qr/gm_account/, 'a query of a million &');
is_error($nginx->get('/gm?action=online&' . 'a=&' x 300_000, port => 'long'),
    [ -2, -3 ], qr/\w/, 'a query of 300,000 parameters');
is_error($nginx->get('/gm?action=create&gm_account=2&gm_name='
    . '%' x 1_000_000, port => 'long'), -3, qr/gm_name/,
    'a query of a million %');
unchanged('a million %');
form_body("action=create&gm_account=2&gm_name=$long", -3, 'gm_name',
    'a name of 1 MB');
form_body('a=&' x 300_000 . 'action=online', [ -2, -3 ], '\w',
    '300,000 parameters');
json_body("{\"action\":\"create\",\"gm_account\":2,\"gm_name\":\"$long\"}", -3,
    'gm_name', 'a name of 1 MB');
is($nginx->get("/gm?action=$long", port => 'long')->{status}, 404,
    'an action of 1 MB');

# JSON

json_body('{"a":' x 10_000 . '1' . '}' x 10_000, -3, '\w', 'depth 10,000');
json_body('[' x 10_000 . ']' x 10_000, -3, '\w', 'arrays of depth 10,000');
json_body('[' x 1_000_000, -3, '\w', 'a million brackets');
json_body('{"action":"create","gm_account":2,"gm_name":"B","x":' . '[' x 5000
    . ']' x 5000 . '}', -3, '\w', 'an ignored name of depth 5000');
json_body('{"action":"create","gm_account":2,"gm_name":{"a":1}}', -3,
    'gm_name|body', 'an object as a name');
json_body($_, -3, '\w', "the body '$_'")
    for '{', '}', '{"action"', '""', 'null', 'true', '1e999', '{"a":1,}',
    '{\'a\':1}', '{"action":"create" "gm_account":2}', "\xef\xbb\xbf{}x";

# bodies

is_error($nginx->request('POST', '/gm?action=online', body => 'gm_account=1'),
    -3, qr/\w/, 'a body without a type');
is_error($nginx->request('POST', '/gm?action=online', type => '',
    body => 'gm_account=1'), -3, qr/\w/, 'a body with an empty type');
is_error($nginx->request('POST', '/gm?action=online', type => 'x' x 4000,
    body => 'gm_account=1'), -3, qr/\w/, 'a body with a long type');
is_error($nginx->request('POST', '/gm?action=online',
    type => 'multipart/form-data; boundary=x', body => "--x--\r\n"), -3,
    qr/\w/, 'a body in parts');

my $cut = $nginx->connect;
$cut->write("POST /gm?action=online HTTP/1.1\r\nHost: x\r\n"
    . "Content-Type: $form\r\nContent-Length: 100\r\n\r\ngm_account=1");
$cut->reset;
unchanged('a client that goes away in the middle of its body');

# nothing was lost either

is_deeply([ map { $_->{text} } items($nginx->gs('receive', host => 1001,
    ack => '', format => 'json')) ], [ 'not to be lost' ],
    'the host\'s message is still there');
is_deeply([ map { $_->{text} } items($nginx->gm('receive', gm_account => 1,
    ack => '', format => 'json')) ], [ 'nor this' ],
    'and the GM\'s');

finish();
