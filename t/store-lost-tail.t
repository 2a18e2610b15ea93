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
    gmchat_redis %%REDIS%% probe=50ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
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

poll(poll('')->{json}{cursor});

# the same under a living connection: Redis was made a replica, took over what
# the other one had, and was made a master again

sub snapshot {
    return { map { $_ => $redis->cmd('DUMP', $_) }
        @{ $redis->cmd('KEYS', '*') } };
}

sub go_back_to {
    my ($snapshot) = @_;

    my $before = $redis->info('master_replid');

    $redis->cmd('MULTI');
    $redis->cmd('FLUSHALL');
    $redis->cmd('RESTORE', $_, 0, $snapshot->{$_}) for keys %$snapshot;
    $redis->cmd('REPLICAOF', '127.0.0.1', '1');
    $redis->cmd('REPLICAOF', 'NO', 'ONE');
    $redis->cmd('EXEC');
    isnt($redis->info('master_replid'), $before, 'Redis has another history');
}

sub made_ready {
    return $nginx->get('/status')->{json}{stores}[0]{connected};
}

say_to_host('both have it');
$first = poll('');
is(texts($first), 'both have it', 'a message that both servers have');
my $snapshot = snapshot();

say_to_host("only one has $_") for 1 .. 3;
$second = poll($first->{json}{cursor});
is(scalar items($second), 3, 'and three that one of them has');

my $links = made_ready();
go_back_to($snapshot);
ok(wait_until(sub { made_ready() > $links }),
    'the link notices by itself');
is($redis->info('role'), 'master', 'though nothing was ever refused');

my @new = map { say_to_host("new $_") } 1 .. 5;
is(scalar(grep { $_->{json}{res} } @new), 5, 'then five new messages');
my ($old_epoch) = $second->{json}{cursor} =~ /^(.+)-/;
is(scalar(grep { $_->{json}{id} =~ /^\Q$old_epoch\E-/ } @new), 0,
    'begin another epoch');

$third = poll($second->{json}{cursor});
ok($third->{json}{reset}, 'a cursor of what was lost: reset');
is(join(' ', grep { /^\d$/ } split(/ /, texts($third))), '1 2 3 4 5',
    'and none of the new messages is skipped');
$third = poll($third->{json}{cursor});
ok(!$third->{json}{reset}, 'the cursor that came with it is good');
is(texts($third), '', 'for an ack');

finish();
