#!/usr/bin/perl

# GM accounts on the gm endpoint: create, online, offline.

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

sub online {
    my ($account) = @_;

    my $accounts = data($nginx->gm('accounts'));
    my ($found) = grep { $_->{gm_account} eq $account } @$accounts;

    return $found ? $found->{online} : 'no such account';
}

# create

is_bare($nginx->gm('create', gm_account => 7, gm_name => 'Ann'),
    'create makes an account');
ok(online(7), 'a new account is online');
is_error($nginx->gm('create', gm_account => 7, gm_name => 'Bob'), 1, qr/\w/,
    'create refuses an account that exists');
is(data($nginx->gm('accounts'))->[0]{name}, 'Ann',
    'and leaves its name alone');
is_error($nginx->gm('create', gm_account => 'seven', gm_name => 'Ann'), -1,
    qr/gm_account/, 'create refuses an account that is no integer');
is_error($nginx->gm('create', gm_name => 'Ann'), -2, qr/gm_account/,
    'create without an account names what is missing');
is_error($nginx->gm('create', gm_account => 8), -2, qr/gm_name/,
    'create without a name names what is missing');
is(online(8), 'no such account', 'and creates nothing');
is_bare($nginx->gm('create', gm_account => 9, gm_name => "M\x{e9}l \x{4e2d}"),
    'a name may be any UTF-8 text');
is((grep { $_->{gm_account} eq '9' } @{ data($nginx->gm('accounts')) })[0]{name},
    "M\x{e9}l \x{4e2d}", 'and comes back as it was given');

# offline

is_bare($nginx->gm('offline', gm_account => 7), 'offline of an online GM');
ok(!online(7), 'the GM is offline then');
my $again = $nginx->gm('offline', gm_account => 7);
is("$again->{status} $again->{body}", '200 {"res":0}',
    'offline of an offline GM is res 0 without an errno');
my $nobody = $nginx->gm('offline', gm_account => 404);
is("$nobody->{status} $nobody->{body}", '200 {"res":0}',
    'offline of a GM that does not exist likewise');
is_error($nginx->gm('offline', gm_account => 'x'), -1, qr/gm_account/,
    'offline refuses an account that is no integer');
is_error($nginx->gm('offline'), -2, qr/gm_account/,
    'offline without an account names what is missing');

# online

is_bare($nginx->gm('online', gm_account => 7), 'online of an offline GM');
ok(online(7), 'the GM is online then');
is_bare($nginx->gm('online', gm_account => 7), 'online of an online GM');
is_error($nginx->gm('online', gm_account => 404), 2, qr/\w/,
    'online refuses a GM that does not exist');
is(online(404), 'no such account', 'and does not create it');
is_error($nginx->gm('online', gm_account => '7x'), -1, qr/gm_account/,
    'online refuses an account that is no integer');
is_error($nginx->gm('online'), -2, qr/gm_account/,
    'online without an account names what is missing');

finish();
