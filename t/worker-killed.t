#!/usr/bin/perl

# A worker that dies between taking and handing over loses nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::More;
use Time::HiRes qw(time);

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);
my $nginx = start_nginx(redis => $fake, workers => 1,
    allow => [ qr/exited on signal 9/ ], conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    gmchat_redeliver 3845ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 5, 6;
$nginx->gm('add', gm_account => 1, host => 1002, uid => 7);

sub texts {
    return join(' ', map { $_->{text} } items($_[0]));
}

# Takes by a plain call, and kills the worker before it has the answer. Of
# what a worker asks Redis, what takes is known by its gmchat_redeliver.

sub take_and_kill {
    my ($uri) = @_;

    $fake->on(name => 'EVALSHA', times => 1, hold => 1,
        match => '\b3845\b');

    my ($old) = $nginx->workers;
    my $connection = $nginx->connect;
    $connection->write(format_request('GET', $uri));
    ok($fake->wait_held, 'Redis took, the answer is on its way');

    kill('KILL', $old);
    ok(!eval { $connection->response }, 'the worker dies: no reply');
    ok(wait_until(sub {
        my @now = $nginx->workers;
        return @now == 1 && $now[0] != $old;
    }), 'the master starts another');
    $fake->clear_rules;
}

sub comes_again {
    my ($call, $expected, $label) = @_;

    my $seen = '';

    wait_until(sub {
        my $texts = texts($call->());
        $seen .= ($seen && $texts ? ' ' : '') . $texts;
        return length($seen) >= length($expected);
    });

    is($seen, $expected, $label);
}

$nginx->gm('send', gm_account => 1, uid => 5, text => $_) for qw(a b);
take_and_kill('/gs?action=receive&host=1001');
$nginx->gm('send', gm_account => 1, uid => 5, text => 'c');
$nginx->gm('send', gm_account => 1, uid => 6, text => 'other');
is(texts($nginx->gs('receive', host => 1001, format => 'json')), 'other',
    'what was written since to another player comes at once');
comes_again(sub { $nginx->gs('receive', host => 1001, format => 'json') },
    'a b c', 'what was in doubt comes again after gmchat_redeliver, in order');

$nginx->gs('send', uid => 5, text => $_) for qw(d e);
take_and_kill('/gm?action=receive');
comes_again(sub { $nginx->gm('receive', format => 'json') }, 'd e',
    'so do the GMs\'');

# a reply that was delivered is not in doubt, however long ago, and whether
# anybody asks meanwhile

$nginx->gm('send', gm_account => 1, uid => 7, text => 'f');
is(texts($nginx->gs('receive', host => 1002, format => 'json')), 'f',
    'a reply that is not asked for again');

my $now = time();
ok(wait_until(sub {
    return 0 if texts($nginx->gs('receive', host => 1001, format => 'json'))
        || texts($nginx->gm('receive', format => 'json'));
    return time() > $now + 4.5;
}), 'what was handed over');
is(texts($nginx->gs('receive', host => 1001, format => 'json')), '',
    'does not come again');
is(texts($nginx->gs('receive', host => 1002, format => 'json')), '',
    'even if nobody asks for longer than gmchat_redeliver');

finish();
