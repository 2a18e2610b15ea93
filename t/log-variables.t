#!/usr/bin/perl

# Variables for the access log, and that no message need stand in it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my $nginx = start_nginx(quiet => 1, redis => $redis,
    allow => [ qr/access forbidden by rule/ ], conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    log_format calls '$uri|$status|$gmchat_action|$gmchat_errno|'
                     '$gmchat_group|$gmchat_store_time';
    access_log %%DIR%%/calls.log calls;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; gmchat_group default client; }
        location /gs { gmchat gs; gmchat_group eu; }
        location /denied { gmchat gm; deny all; }
        location /other { return 200 "x"; }
    }
}
EOF

sub lines {
    open(my $file, '<', "$nginx->{dir}/calls.log") or return ();
    chomp(my @lines = <$file>);

    return @lines;
}

my $count = 0;

# The log's line of a call, and what it must be.

sub logged {
    my ($expected, $label, @call) = @_;

    $nginx->call(@call);
    $count++;
    wait_until(sub { lines() >= $count });
    like((lines())[ $count - 1 ], $expected, $label);
}

my $time = qr/\d+\.\d+/;

logged(qr/^\/gm\|200\|create\|(?:0|-|)\|default\|$time$/, 'a success',
    '/gm', 'create', gm_account => 1, gm_name => 'Ann');
logged(qr/^\/gm\|200\|create\|1\|default\|$time$/, 'a refusal of the store',
    '/gm', 'create', gm_account => 1, gm_name => 'Ann');
logged(qr/^\/gm\|200\|create\|-1\|[^|]*\|-?$/,
    'a refused parameter: no store time', '/gm', 'create', gm_account => 'x');
logged(qr/^\/gm\|400\|create\|-2\|[^|]*\|-?$/, 'a missing one',
    '/gm', 'create');
logged(qr/^\/gm\|200\|accounts\|(?:0|-|)\|asia\|$time$/,
    'the group that the client chose', '/gm', 'accounts', group => 'asia');
logged(qr/^\/gs\|200\|receive\|(?:0|-|)\|eu\|$time$/,
    'the group of the location', '/gs', 'receive', host => 1);
logged(qr/^\/gm\|404\|[^|]*\|-8\|[^|]*\|-?$/, 'no such action',
    '/gm', 'fly');
logged(qr/^\/denied\|403\|[^|]*\|-7\|[^|]*\|-?$/, 'no access',
    '/denied', 'accounts');
logged(qr/^\/other\|200\|-?\|-?\|-?\|-?$/, 'no endpoint: nothing to say',
    '/other', 'create');

# a message is nobody's business

$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);
my $secret = 'for-your-eyes-only';
$nginx->gm('send', gm_account => 1, uid => 5, text => $secret);
$nginx->gm('send', gm_account => 1, uid => 5, msg => b64($secret));
$nginx->gm('send', gm_account => 1, uid => 99, text => $secret);
$nginx->gm('send', gm_account => 1, uid => 5, text => $secret,
    msgid => 'not valid');
$nginx->gm('receive');
ok($nginx->stop, 'nginx writes its logs out');
my $encoded = b64($secret);
is(scalar(grep { /$secret|$encoded/ } lines()), 0,
    'a log in this format holds no message');
unlike($nginx->{log}->text, qr/$secret|$encoded/, 'nor does error.log');

finish();
