#!/usr/bin/perl

# Every parameter at its limit and past it, in a query, a form and JSON.

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
    gmchat_message_max 4k;
    large_client_header_buffers 4 256k;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; gmchat_group default client; }
        location /gs { gmchat gs; gmchat_group default client; }
    }
}
EOF

my @forms = (
    [ 'query', sub {
        my ($uri, $params) = @_;
        return $nginx->get("$uri?" . Test::Gmchat::Http::encode_params($params));
    } ],
    [ 'form', sub { return $nginx->post_form(@_) } ],
    [ 'JSON', sub { return $nginx->post_json(@_) } ],
);

my $max = '9223372036854775807';

# A call in each of the three forms.

sub each_form {
    my ($uri, $params, $check) = @_;

    $check->($_->[1]->($uri, $params), $_->[0]) for @forms;
}

sub refused {
    my ($uri, $params, $errno, $name, $label) = @_;

    each_form($uri, $params, sub {
        my ($reply, $form) = @_;
        is_error($reply, $errno, qr/\b$name\b/, "$label ($form)");
    });
}

sub accepted {
    my ($uri, $params, $label) = @_;

    each_form($uri, $params, sub {
        my ($reply, $form) = @_;
        is_success($reply, "$label ($form)");
    });
}

$nginx->gm('create', gm_account => $max, gm_name => 'Max');
$nginx->gm('create', gm_account => 1, gm_name => 'One');
is_bare($nginx->gm('add', gm_account => $max, host => $max, uid => $max),
    'a GM, a host and a uid may be 2^63-1');
is_bare($nginx->gm('add', gm_account => 1, host => 1, uid => 1),
    'or a single digit');

# integers

my %call = (
    gm_account => [ '/gm', { action => 'online' } ],
    host       => [ '/gs', { action => 'receive' } ],
    uid        => [ '/gs', { action => 'send', msg => 'aGk=' } ],
);

for my $name (sort keys %call) {
    my ($uri, $params) = @{ $call{$name} };

    accepted($uri, { %$params, $name => $max }, "$name is 2^63-1");
    refused($uri, { %$params, $name => $_ }, -1, $name, "$name is '$_'")
        for '9223372036854775808', '18446744073709551617',
        '10000000000000000000', '1' x 40, '-1', '+1', '007', '00', '1e3',
        '1.0', ' 1', '1 ', "1\n", '0x1', 'abc', "\x{ff11}";
    refused($uri, { %$params, $name => '' }, [ -1, -2 ], $name,
        "$name is empty");
    refused($uri, $params, -2, $name, "$name is missing");
}

# integers as JSON numbers

for my $number ('-1', '1.0', '1e3', '1E3', '0.5', 'true', 'false', 'null',
    '9223372036854775808', '1' . '0' x 400)
{
    is_error($nginx->post_json('/gm', "{\"action\":\"online\",\"gm_account\":$number}"),
        [ -1, -2, -3 ], qr/\w/,
        'gm_account is the JSON value ' . substr($number, 0, 30));
}

is_success($nginx->post_json('/gm', "{\"action\":\"online\",\"gm_account\":$max}"),
    'gm_account is the JSON number 2^63-1');

# msg and text: bytes of the decoded text

my %send = (action => 'send', uid => 1);

accepted('/gs', { %send, msg => b64('x' x 4096) }, 'a message of 4096 bytes');
refused('/gs', { %send, msg => b64('x' x 4097) }, -3, 'msg',
    'a message of 4097 bytes');
accepted('/gs', { %send, text => 'x' x 4096 }, 'a text of 4096 bytes');
refused('/gs', { %send, text => 'x' x 4097 }, -3, 'text',
    'a text of 4097 bytes');
accepted('/gs', { %send, text => "\x{416}" x 2048 },
    'a text of 2048 characters of two bytes');
refused('/gs', { %send, text => "\x{416}" x 2049 }, -3, 'text',
    'a text of 2049 characters of two bytes');
refused('/gs', { %send, msg => '%%%' }, -3, 'msg', 'a message not in base64');
refused('/gs', { %send, msg => 'a' }, -3, 'msg', 'a single letter is no base64');
refused('/gs', { %send, msg => 'aGk=aGk=' }, -3, 'msg',
    'base64 that goes on after its end');
refused('/gs', { %send, msg => "aGk=\n" }, -3, 'msg',
    'base64 with a line break');
refused('/gs', { %send, msg => 'aGk=,aGk=' }, -3, 'msg',
    'two messages in one');
refused('/gs', { %send, msg => 'aGk=', text => 'hi' }, -3, 'text',
    'both msg and text');
refused('/gs', { %send }, -2, 'msg', 'neither msg nor text');

# msgid

accepted('/gs', { %send, msg => 'aGk=', msgid => 'A' x 64 },
    'a msgid of 64 characters');
accepted('/gs', { %send, msg => 'aGk=', msgid => 'a' },
    'a msgid of one character');
accepted('/gs', { %send, msg => 'aGk=', msgid => 'aZ09_.:-' },
    'every character a msgid may have');
refused('/gs', { %send, msg => 'aGk=', msgid => $_ }, -3, 'msgid',
    "the msgid '" . substr($_, 0, 10) . '\'')
    for 'A' x 65, '', 'a b', 'a/b', 'a{b}', "a\n", "\x{416}", 'a+b';

# limit

my %receive = (action => 'receive', host => 1, ack => '');

accepted('/gs', { %receive, limit => $_ }, "a limit of $_") for 1, 1000;
refused('/gs', { %receive, limit => $_ }, [ -1, -3 ], 'limit',
    "a limit of '$_'") for 0, 1001, -1, 'x', '', '1e2', $max;

# cursors

refused('/gs', { %receive, ack => $_ }, -3, 'ack',
    "ack='" . substr($_, 0, 12) . "' is no cursor")
    for 'x', '1', '-', '-1', 'a b', "a-1\n", 'x' x 5000, 'a-1e3', 'a-x';
refused('/gm', { action => 'history', uid => 1, before => $_ }, -3, 'before',
    "before='$_' is no id") for 'x', '1', '-';

# group

accepted('/gs', { %receive, group => $_ },
    'the group ' . substr($_, 0, 12)) for 'g', 'G' x 64, 'aZ09_.-';
refused('/gs', { %receive, group => $_ }, -3, 'group',
    "the group '" . substr($_, 0, 10) . '\'')
    for 'G' x 65, '', 'a b', 'a{b}', 'a:b', "a\n", "\x{416}";

# format

accepted('/gs', { %receive, format => 'json' }, 'format=json');
refused('/gs', { %receive, format => $_ }, -3, 'format', "format='$_'")
    for 'JSON', 'xml', '';

# names of GMs

accepted('/gm', { action => 'online', gm_account => 1, gm_name => 'x' x 9999 },
    'a name is not looked at where it is no parameter');
refused('/gm', { action => 'create', gm_account => 2, gm_name => 'x' x 9999 },
    -3, 'gm_name', 'a name of 9999 bytes');
refused('/gm', { action => 'create', gm_account => 2 }, -2, 'gm_name',
    'no name');
is_success($nginx->gm('create', gm_account => 3, gm_name => 'x' x 64),
    'a name of 64 bytes');

finish();
