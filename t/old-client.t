#!/usr/bin/perl

# A client of the existing interface, which knows nothing of what we added:
# it asks by GET, escapes nothing but what breaks a query, and reads the
# fields it knows.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
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

my $json = JSON::PP->new->utf8;

# The old client: a status, and the JSON it decoded from whatever came.

sub ask {
    my ($query) = @_;

    my $reply = $nginx->get($query);
    die "status $reply->{status}" if $reply->{status} != 200;

    return $json->decode($reply->{body});
}

sub read_data {
    my ($reply, $field) = @_;

    return $json->decode(decode_base64($reply->{ $field // 'data' }));
}

sub encode {
    my ($text) = @_;

    utf8::encode($text);

    return encode_base64($text, '');
}

sub decode_all {
    my ($messages) = @_;

    return map { my $text = decode_base64($_); utf8::decode($text); $text }
        split(/,/, $messages);
}

# the ops chat service signs two GMs in

is(ask('/gm?action=create&gm_account=100001&gm_name=Lily')->{res}, 1,
    'create');
is(ask('/gm?action=create&gm_account=100002&gm_name=%E5%B0%8F%E6%98%8E')->{res},
    1, 'create with a Chinese name');
is_deeply([ @{ ask('/gm?action=create&gm_account=100001&gm_name=Lily') }
    {qw(res errno)} ], [ 0, 1 ], 'create again');
is(ask('/gm?action=online&gm_account=100001')->{res}, 1, 'online');

# and makes friends

is(ask('/gm?action=add&gm_account=100001&host=1001&uid=7001')->{res}, 1, 'add');
is(ask('/gm?action=add&gm_account=100002&host=1001&uid=7002')->{res}, 1, 'add');
is_deeply([ @{ ask('/gm?action=add&gm_account=100002&host=1001&uid=7001') }
    {qw(res errno)} ], [ 0, 3 ], 'add of a player who has a GM');

# the game server polls

is_deeply(read_data(ask('/gs?action=relation&host=1001'), 'apply_data'),
    { 7001 => [ '100001', 'Lily' ], 7002 => [ '100002', "\x{5c0f}\x{660e}" ] },
    'relation');
$redis->wait_settled('h1001', 'rel');
is_deeply(read_data(ask('/gs?action=relation&host=1001'), 'remove_data'), [],
    'nothing ended');
is_deeply([ sort @{ read_data(ask('/gs?action=online&host=1001')) } ],
    [ '100001', '100002' ], 'online');
is_deeply(read_data(ask('/gs?action=receive&host=1001')), [], 'no message');

# a conversation

my @said = ("\x{4f60}\x{597d}", 'how are you?', '>>>???', 'a,b', "x\ny");

for my $text (@said) {
    my $msg = encode($text);
    is(ask("/gm?action=send&gm_account=100001&uid=7001&msg=$msg")->{res}, 1,
        'a GM sends');
    is(ask("/gs?action=send&uid=7001&msg=$msg")->{res}, 1, 'a player sends');
}

my $items = read_data(ask('/gs?action=receive&host=1001'));
is(scalar @$items, 1, 'one item');
is($items->[0]{uid}, '7001', 'for the player');
is_deeply([ decode_all($items->[0]{msg}) ], \@said, 'what the GM said');

my $boxes = read_data(ask('/gm?action=receive'));
is_deeply([ keys %$boxes ], [ '100001' ], 'one GM');
is_deeply([ decode_all($boxes->{100001}[0]{msg}) ], \@said,
    'what the player said');
is_deeply(read_data(ask('/gm?action=receive')), {}, 'received');
is_deeply(read_data(ask('/gs?action=receive&host=1001')), [], 'received');

# what it is refused

is_deeply([ @{ ask('/gm?action=send&gm_account=100002&uid=7001&msg=eA==') }
    {qw(res errno)} ], [ 0, 4 ], 'send to the friend of another GM');
is_deeply([ @{ ask('/gs?action=send&uid=9999&msg=eA==') }{qw(res errno)} ],
    [ 0, 5 ], 'send by a player without a GM');
is_deeply([ @{ ask('/gm?action=add&gm_account=5&host=1001&uid=7003') }
    {qw(res errno)} ], [ 0, 2 ], 'add by a GM who is none');
is_deeply([ @{ ask('/gm?action=create&gm_account=abc&gm_name=x') }
    {qw(res errno)} ], [ 0, -1 ], 'an account that is no integer');

my $unknown = $nginx->get('/gm?action=whatever');
is($unknown->{status}, 404, 'an action it made up');
is(substr($unknown->{body}, 0, 10), 'Err action', 'is an Err action');

# the end

is(ask('/gm?action=del&gm_account=100001&uid=7001')->{res}, 1, 'del');
is_deeply([ @{ ask('/gm?action=del&gm_account=100001&uid=7001') }
    {qw(res errno)} ], [ 0, 5 ], 'del again');
my $relation = ask('/gs?action=relation&host=1001');
is_deeply(read_data($relation, 'remove_data'), [ '7001' ], 'relation');
is_deeply(read_data($relation, 'apply_data'), {}, 'nothing new');
is(ask('/gm?action=offline&gm_account=100001')->{res}, 1, 'offline');
is_deeply(ask('/gm?action=offline&gm_account=100001'), { res => 0 },
    'offline again: res 0, and nothing else');
is_deeply(read_data(ask('/gs?action=online&host=1001')), [ '100002' ],
    'online');
is(ask('/gm?action=online&gm_account=100001&_=1699999999')->{res}, 1,
    'a parameter that defeats caches');

finish();
