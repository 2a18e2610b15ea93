#!/usr/bin/perl

# What holds for any call: methods, where parameters come from, unknown
# actions, the reply's headers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
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

my $form = 'application/x-www-form-urlencoded';

# where parameters come from

is_bare($nginx->get('/gm?action=create&gm_account=1&gm_name=Ann'),
    'GET with a query');
is_bare($nginx->request('POST', '/gm?action=create&gm_account=2&gm_name=Bob'),
    'POST with a query and no body');
is_bare($nginx->request('POST', '/gm?action=create&gm_account=3&gm_name=Cy',
    body => ''), 'POST with a query and an empty body');
is_bare($nginx->post_form('/gm',
    { action => 'create', gm_account => 4, gm_name => 'Di' }),
    'POST with a form');
is_bare($nginx->post_json('/gm',
    { action => 'create', gm_account => 5, gm_name => 'Ed' }),
    'POST with JSON, an integer as a number');
is_bare($nginx->post_json('/gm',
    { action => 'create', gm_account => '6', gm_name => 'Flo' }),
    'POST with JSON, an integer as a string');
is_bare($nginx->post_form('/gm?action=create',
    { gm_account => 7, gm_name => 'Gus' }), 'the action in the query, the rest in a form');
is_bare($nginx->post_json('/gm?action=create',
    { gm_account => 8, gm_name => 'Hal' }), 'or in JSON');
is_bare($nginx->request('POST', '/gm', type => "$form; charset=utf-8",
    body => 'action=create&gm_account=9&gm_name=Ida'),
    'a form type with a charset');
is_bare($nginx->request('POST', '/gm',
    type => 'Application/JSON; charset=utf-8',
    body => '{"action":"create","gm_account":10,"gm_name":"Jo"}'),
    'a JSON type with a charset, in any case');
is_bare($nginx->get('/gm?action=create&gm_account=11&gm_name=K%C3%A9+x'),
    'a name with %XX and + in a query');
is_bare($nginx->request('POST', '/gm', type => $form,
    body => 'action=create&gm_account=12&gm_name=K%C3%A9+x'),
    'a name with %XX and + in a form');
is_bare($nginx->get('/gm?action=create&gm_account=13&gm_name=L&_=123&nocache'),
    'names that the action does not know are ignored');
is_bare($nginx->post_json('/gm', { action => 'create', gm_account => 14,
    gm_name => 'M', nocache => '1', flag => JSON::PP::true }),
    'also in JSON');
is_bare($nginx->get('/gm?&action=create&&gm_account=15&gm_name=N&'),
    'empty pairs are nothing');

my %name = map { $_->{gm_account} => $_->{name} }
    @{ data($nginx->gm('accounts')) };
is(scalar keys %name, 15, 'all of these came in');
is($name{11}, "K\x{e9}+x", 'a + in a query stays a +');
is($name{12}, "K\x{e9} x", 'a + in a form is a space');

# given twice

for my $case (
    [ 'in the query', 'GET', '/gm?action=online&gm_account=1&gm_account=1' ],
    [ 'in a form', 'POST', '/gm?action=online',
      type => $form, body => 'gm_account=1&gm_account=2' ],
    [ 'in JSON', 'POST', '/gm?action=online',
      type => 'application/json', body => '{"gm_account":1,"gm_account":1}' ],
    [ 'in the query and a form', 'POST', '/gm?action=online&gm_account=1',
      type => $form, body => 'gm_account=1' ],
    [ 'in the query and JSON', 'POST', '/gm?action=online&gm_account=1',
      type => 'application/json', body => '{"gm_account":1}' ],
) {
    my ($label, @request) = @$case;
    is_error($nginx->request(@request), -3, qr/gm_account/,
        "a parameter given twice, $label");
}

is_error($nginx->get('/gm?action=online&action=online&gm_account=1'), -3,
    qr/action/, 'the action given twice');

# bodies

is_error($nginx->request('POST', '/gm?action=online',
    body => 'gm_account=1'), -3, qr/\w/, 'a body without a type');
is_error($nginx->request('POST', '/gm?action=online', type => 'text/plain',
    body => 'gm_account=1'), -3, qr/\w/, 'a body of another type');
is_error($nginx->post_json('/gm?action=online', '{"gm_account":1'), -3,
    qr/\w/, 'JSON that ends too early');
is_error($nginx->post_json('/gm?action=online', '{"gm_account":1} x'), -3,
    qr/\w/, 'JSON with something behind it');
is_error($nginx->post_json('/gm?action=online', '[1]'), -3, qr/\w/,
    'JSON that is an array');
is_error($nginx->post_json('/gm?action=online', '1'), -3, qr/\w/,
    'JSON that is a number');
is_error($nginx->post_json('/gm?action=online', '{"gm_account":[1]}'), [ -1, -3 ],
    qr/gm_account|body/, 'an array where a value should be');
is_error($nginx->post_json('/gm?action=online', '{"gm_account":{"a":1}}'),
    [ -1, -3 ], qr/gm_account|body/, 'an object where a value should be');

# methods

for my $method (qw(PUT DELETE PATCH OPTIONS)) {
    my $reply = $nginx->request($method, '/gm?action=online&gm_account=1');
    is($reply->{status}, 405, "$method is no method of an endpoint");
}

# actions

for my $uri ('/gm?action=fly', '/gs?action=create', '/gm?action=relation',
    '/gm?action=', '/gm', '/gs', '/gm?action=CREATE', '/gm?action=create%00')
{
    my $reply = $nginx->get($uri);
    is($reply->{status}, 404, "$uri is no action: 404");
    like($reply->{body}, qr/^Err action/, 'and it says so');
    like($reply->{headers}{'content-type'}, qr{^text/plain}, 'as plain text');
}

is($nginx->post_form('/gm', { action => 'fly' })->{status}, 404,
    'an unknown action in a form');
is($nginx->post_json('/gm', { action => 'fly' })->{status}, 404,
    'an unknown action in JSON');

# the reply

for my $case ([ 'success', '/gm?action=online&gm_account=1' ],
    [ 'refusal', '/gm?action=online&gm_account=404' ],
    [ 'error', '/gm?action=online' ], [ 'unknown action', '/gm?action=fly' ])
{
    my ($label, $uri) = @$case;
    my $reply = $nginx->get($uri);
    my $headers = $reply->{headers};

    is($headers->{'content-type'}, 'application/json; charset=utf-8',
        "$label: the type") if $reply->{status} != 404;
    is($headers->{'cache-control'}, 'no-store', "$label: never cached");
    is($headers->{'x-content-type-options'}, 'nosniff',
        "$label: never guessed at");
}

# one connection

my $connection = $nginx->connect;
my @statuses = map {
    $connection->request('GET', '/gm?action=accounts')->{status},
    $connection->request('POST', '/gm?action=online', type => $form,
        body => 'gm_account=1')->{status},
    $connection->request('GET', '/gm?action=fly')->{status},
    $connection->request('GET', '/gm?action=online')->{status}
} 1 .. 5;
is_deeply(\@statuses, [ (200, 200, 404, 400) x 5 ],
    'calls follow one another on a kept connection');

$connection->write(join('', map {
    "GET /gm?action=online&gm_account=$_ HTTP/1.1\r\nHost: x\r\n\r\n"
} 1 .. 20));
is(scalar(grep { $connection->response->{status} == 200 } 1 .. 20), 20,
    'also when they are sent without waiting');

my $slow = $nginx->connect;
my $body = '{"gm_account":1}';
$slow->write("POST /gm?action=online HTTP/1.1\r\nHost: x\r\n"
    . "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n");
$slow->write($_) for split(//, $body);
is_bare(scalar $slow->response, 'a body that comes a byte at a time');

my $chunked = $nginx->connect;
$chunked->write("POST /gm?action=online HTTP/1.1\r\nHost: x\r\n"
    . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    . "5\r\n{\"gm_\r\nb\r\naccount\":1}\r\n0\r\n\r\n");
is_bare(scalar $chunked->response, 'a body in chunks');

# what stands in an "if" or a "limit_except" is the endpoint around it

my $blocks = start_nginx(redis => $redis, conf => <<'EOC');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /if {
            gmchat gm;
            if ($arg_debug) { set $debug 1; }
            if ($arg_shut) { return 403; }
        }
        location /except { gmchat gm; limit_except GET { allow all; } }
        location /denied { gmchat gm; limit_except GET { deny all; } }
        location /gs     { gmchat gs; if ($arg_debug) { set $debug 1; } }
        location /status { gmchat status; if ($arg_debug) { set $debug 1; } }
    }
}
EOC

my $online = 'action=online&gm_account=1';
is_bare($blocks->get("/if?$online"), 'an "if" that is not taken');
is_bare($blocks->get("/if?$online&debug=1"), 'an "if" that is taken');
is_bare($blocks->post_form('/if?debug=1',
    { action => 'online', gm_account => 1 }), 'also with a form');
is($blocks->get('/if?debug=1&action=relation&host=1')->{status}, 404,
    'it is the gm endpoint there');
is_success($blocks->get('/gs?debug=1&action=relation&host=1'),
    'or the gs endpoint');
is($blocks->get('/status?debug=1')->{status}, 200, 'or the status endpoint');
is_error($blocks->get("/if?$online&shut=1"), -7, qr/\w/,
    'what is refused in an "if" is refused as the contract has it');
is_bare($blocks->get("/except?$online"), 'GET beside a limit_except');
is_bare($blocks->request('POST', "/except?$online"), 'POST within it');
is($blocks->request('PUT', "/except?$online")->{status}, 405,
    'PUT is no method there either');
is_bare($blocks->get("/denied?$online"), 'GET where all else is denied');
is_error($blocks->request('POST', "/denied?$online"), -7, qr/\w/,
    'POST is refused as the contract has it');

finish();
