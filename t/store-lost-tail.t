#!/usr/bin/perl

# Redis comes back without the newest of what it had, as after a failover to a
# replica that lagged: a receiver learns it and skips nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, workers => 1, conf => <<'EOF');
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

sub say_to_host {
    my ($text) = @_;

    return $nginx->gm('send', gm_account => 1, uid => 5, text => $text);
}

sub poll {
    return $nginx->gs('receive', host => 1001, format => 'json', ack => $_[0]);
}

sub texts {
    return join(' ', map { $_->{text} } items($_[0]));
}

sub service_is_back {
    ok(wait_until(sub {
        return $nginx->gm('online', gm_account => 1)->{json}{res};
    }), 'service goes on');
}

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);
my $kept = say_to_host('kept');
my $first = poll('');
is(texts($first), 'kept', 'a message');
$redis->cmd('SAVE');

my $lost = say_to_host('lost');
my $second = poll($first->{json}{cursor});
is(texts($second), 'lost', 'and another, which Redis will forget');

$redis->restart;
service_is_back();

my $new = say_to_host('new');
is_success($new, 'a message after the loss');
isnt($new->{json}{id}, $lost->{json}{id},
    'does not get the id of one that was lost');

my $third = poll($second->{json}{cursor});
ok($third->{json}{reset}, 'a cursor that Redis does not know: reset');
is((split / /, texts($third))[-1], 'new', 'and the new message is not skipped');

my $fourth = poll($third->{json}{cursor});
ok(!$fourth->{json}{reset}, 'the cursor that came with it is good');
is(texts($fourth), '', 'for an ack');

# a cursor of what Redis still has stays good

say_to_host('again');
my $before = poll('');
$redis->cmd('SAVE');
$redis->restart;
service_is_back();
my $after = poll($before->{json}{cursor});
ok(!$after->{json}{reset}, 'a cursor of what was kept is good after a restart');
is(texts($after), '', 'and acknowledges');
say_to_host('end');
is(texts(poll('')), 'end', 'and what follows is delivered');

finish();
