#!/usr/bin/perl

# Who may call: nginx's allow and deny, and the server list beside them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $dir = temp_folder();
write_file("$dir/mine", "127.0.0.1\n");
write_file("$dir/others", "192.0.2.0/24\n");
write_file("$dir/passwords", "desk:{PLAIN}open\n");

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, vars => { LISTS => $dir },
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;

        location /gm         { gmchat gm; allow 127.0.0.1; deny all; }
        location /denied     { gmchat gm; deny all; }
        location /listed     { gmchat gm; gmchat_allow_file %%LISTS%%/mine; }
        location /unlisted   { gmchat gm; gmchat_allow_file %%LISTS%%/others; }

        location /both {
            gmchat gm;
            allow 127.0.0.1;
            deny all;
            gmchat_allow_file %%LISTS%%/others;
        }
        location /any {
            gmchat gm;
            satisfy any;
            allow 127.0.0.1;
            deny all;
            gmchat_allow_file %%LISTS%%/others;
        }
        location /any-list {
            gmchat gm;
            satisfy any;
            deny all;
            gmchat_allow_file %%LISTS%%/mine;
        }
        location /none {
            gmchat gm;
            satisfy any;
            deny all;
            gmchat_allow_file %%LISTS%%/others;
        }
        location /password {
            gmchat gm;
            auth_basic desk;
            auth_basic_user_file %%LISTS%%/passwords;
        }
        location /plain {
            gmchat_allow_file %%LISTS%%/others;
            return 200 "not an endpoint";
        }
    }

    # behind a proxy that we trust
    server {
        listen 127.0.0.1:%%PORT_proxied%%;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;

        location /gm       { gmchat gm; allow 192.0.2.7; deny all; }
        location /listed   { gmchat gm; gmchat_allow_file %%LISTS%%/mine; }
        location /others   { gmchat gm; gmchat_allow_file %%LISTS%%/others; }
    }
}
EOF

my $call = '?action=create&gm_account=1&gm_name=Ann';

sub served {
    my ($uri, $label, %arg) = @_;

    is($nginx->get("$uri?action=accounts", %arg)->{status}, 200, $label);
}

sub refused {
    my ($uri, $label, %arg) = @_;

    my $reply = $nginx->get("$uri$call", %arg);
    is_error($reply, -7, qr/has no access/, $label);
    like($reply->{body}, qr/has no access/, "$label: has no access");
    is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8',
        "$label: as JSON");
}

served('/gm', 'an address that nginx allows');
refused('/denied', 'an address that nginx denies');
served('/listed', 'an address of the list');
refused('/unlisted', 'an address that is not in the list');
refused('/both', 'both have a say');
served('/any', 'satisfy any: nginx\'s own suffices');
served('/any-list', 'satisfy any: the list suffices');
refused('/none', 'satisfy any: one of them must');

is($nginx->post_form('/denied', { action => 'create', gm_account => 1,
    gm_name => 'Ann' })->{status}, 403, 'a form is refused as well');
is($nginx->get('/denied?action=fly')->{status}, 403,
    'who has no access does not learn which actions there are');
is(scalar @{ $redis->cmd('KEYS', '*') }, 0, 'nothing of this is stored');

# headers that anyone may write

for my $header ('X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'Client-IP') {
    my $value = $header eq 'Forwarded' ? 'for=192.0.2.7' : '192.0.2.7';
    refused('/unlisted', "$header lets nobody in",
        headers => [ "$header: $value" ]);
    served('/listed', "$header keeps nobody out",
        headers => [ "$header: $value" ]);
}

# realip

my @from = (headers => [ 'X-Forwarded-For: 192.0.2.7' ], port => 'proxied');
served('/gm', 'behind the proxy: the client that nginx allows', @from);
served('/others', 'behind the proxy: the client is in the list', @from);
refused('/listed', 'behind the proxy: the proxy\'s own place does not count',
    @from);
refused('/gm', 'behind the proxy: another client',
    headers => [ 'X-Forwarded-For: 198.51.100.1' ], port => 'proxied');
refused('/others', 'behind the proxy: a client that is not listed',
    headers => [ 'X-Forwarded-For: 198.51.100.1' ], port => 'proxied');

# a password

for my $case ([ 'no password', [] ],
    [ 'a wrong one', [ 'Authorization: Basic ' . b64('desk:shut') ] ])
{
    my ($label, $headers) = @$case;
    my $reply = $nginx->get('/password?action=accounts', headers => $headers);

    is($reply->{status}, 401, "$label: 401, so that a browser asks for it");
    like($reply->{headers}{'www-authenticate'} // '', qr/^Basic realm="desk"/,
        "$label: of which realm");
    is($reply->{json}{errno}, -7, "$label: -7");
    is($reply->{json}{res}, 0, "$label: refused");
    like($reply->{json}{error} // '', qr/has no access/, "$label: and why");
}

is_success($nginx->get('/password?action=accounts',
    headers => [ 'Authorization: Basic ' . b64('desk:open') ]),
    'the right password');

finish();
