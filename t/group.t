#!/usr/bin/perl

# Groups share nothing; which one a call is about, and who may choose.

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
        location /gm        { gmchat gm; }
        location /gs        { gmchat gs; }
        location /choose/gm { gmchat gm; gmchat_group default client; }
        location /choose/gs { gmchat gs; gmchat_group default client; }
        location /eu/gm     { gmchat gm; gmchat_group eu; }
        location /eu/gs     { gmchat gs; gmchat_group eu; }
        location ~ ^/game/(?<game>[^/]+)/gm$ {
            gmchat gm;
            gmchat_group $game;
        }
    }
}
EOF

sub call {
    return $nginx->call(@_);
}

my @create = ('create', gm_account => 1, gm_name => 'Ann');

# the same account in every group

is_bare(call('/gm', @create), 'an account in the default group');
is_bare(call('/eu/gm', @create), 'the same in the group eu');
is_bare(call('/choose/gm', @create, group => 'asia'),
    'the same in a group that the client chose');
is_error(call('/choose/gm', @create), 1, qr/\w/,
    'a client that may choose and does not is in the default group');
is_error(call('/choose/gm', @create, group => 'default'), 1, qr/\w/,
    'which has a name');
is_error(call('/choose/gm', @create, group => 'eu'), 1, qr/\w/,
    'and may choose a group that another location serves');

# friends and messages

call('/gm', 'add', gm_account => 1, host => 1001, uid => 5);
is_bare(call('/eu/gm', 'add', gm_account => 1, host => 1001, uid => 5),
    'a player is the friend of a GM in each group');
call('/gm', 'send', gm_account => 1, uid => 5, text => 'default');
call('/eu/gm', 'send', gm_account => 1, uid => 5, text => 'eu');
is_error(call('/choose/gm', 'send', gm_account => 1, uid => 5, text => 'x',
    group => 'asia'), 4, qr/\w/, 'a friendship of one group holds in no other');
is(data(call('/eu/gs', 'receive', host => 1001))->[0]{msg}, b64('eu'),
    'a host receives the messages of its group');
is(data(call('/gs', 'receive', host => 1001))->[0]{msg}, b64('default'),
    'and they stay apart');
is_deeply(data(call('/choose/gs', 'receive', host => 1001,
    group => 'asia')), [], 'a group without messages');

# who may choose

is_error(call('/gm', @create, group => 'eu'), -7, qr/group/,
    'a client that may not choose is refused');
is_error(call('/gm', @create, group => 'default'), 1, qr/\w/,
    'unless it names the location\'s group');
is_error(call('/eu/gm', 'receive', group => 'default'), -7, qr/group/,
    'also where the location names one');

# a variable

is_error(call('/game/eu/gm', @create), 1, qr/\w/, 'a group out of the URI');
is_bare(call('/game/chess/gm', @create), 'another one');
is_error(call('/choose/gm', @create, group => 'chess'), 1, qr/\w/,
    'is the group of that name');
my $reply = call('/game/a%20b/gm', @create);
is($reply->{json}{res}, 0, 'a value that is no group\'s name is refused');

# in Redis

my @keys = @{ $redis->cmd('KEYS', '*') };
is_deeply([ grep { !/^gmchat:\{(?:default|eu|asia|chess)\}:/ } @keys ], [],
    'every key names its group');

finish();
