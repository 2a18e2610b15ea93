#!/usr/bin/perl

# How Redis is reached: TCP or a unix socket, password, user, database.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $conf = <<'EOF';
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

my @create = ('create', gm_account => 1, gm_name => 'Ann');

sub plays {
    my ($redis, $url, $label) = @_;

    my $nginx = start_nginx(quiet => 1, redis => $url, conf => $conf);
    is_bare($nginx->gm(@create), "$label: create");
    ok($nginx->reload, "$label: a reload");
    is_bare($nginx->gm('online', gm_account => 1), "$label: online");
}

sub fails {
    my ($url, $label) = @_;

    my $nginx = start_nginx(redis => $url, conf => $conf);
    is_error($nginx->gm(@create), -5, qr/\w/, "$label: not served");
    ok(wait_until(sub { $nginx->{log}->lines(qr/\[(?:warn|error)\]/) }),
        "$label: and the log says so");
    unlike($nginx->{log}->text, qr/secret|wrong/, "$label: without a password");
}

sub password_file {
    my ($text) = @_;

    my $name = temp_folder() . '/password';
    write_file($name, $text);

    return $name;
}

sub keys_of {
    my ($redis, $db) = @_;

    $redis->cmd('SELECT', $db);
    my $keys = $redis->cmd('KEYS', '*');
    $redis->cmd('SELECT', 0);

    return scalar @$keys;
}

# TCP and unix socket, with and without a database

my $redis = start_redis(tcp => 1);
my $socket = "unix:$redis->{socket_path}";

plays($redis, $redis->url, 'TCP');
cmp_ok(keys_of($redis, 0), '>', 0, 'it is in database 0');
plays($redis, $redis->url . '/3', 'TCP, database 3');
cmp_ok(keys_of($redis, 3), '>', 0, 'it is in database 3');
plays($redis, "$socket:5", 'a unix socket, database 5');
cmp_ok(keys_of($redis, 5), '>', 0, 'it is in database 5');
$redis->cmd('FLUSHALL');
plays($redis, $socket, 'a unix socket');
cmp_ok(keys_of($redis, 0), '>', 0, 'it is in database 0');
$redis->cmd('FLUSHALL');
plays($redis, "redis://localhost:$redis->{port}", 'a name instead of an address');
fails($redis->url . '/99', 'a database that Redis does not have');

# a password

my $locked = start_redis(tcp => 1, args => [ 'requirepass secret-1' ],
    auth => [ 'secret-1' ]);

plays($locked, "unix:$locked->{socket_path} password_file="
    . password_file('secret-1'), 'a password');
$locked->cmd('FLUSHALL');
plays($locked, $locked->url . '/2 password_file='
    . password_file("secret-1\n"), 'a password with a line end, and a database');
fails($locked->url . ' password_file=' . password_file('wrong-1'),
    'a wrong password');
fails($locked->url, 'no password where one is asked for');

# a user

my $acl = start_redis(tcp => 1, args => [
    'user bridge on >secret-2 ~gmchat:* &gmchat:* +@all -@dangerous +info',
    'user reader on >secret-3 ~* +@read +@connection',
]);
my $host = "127.0.0.1:$acl->{port}";

plays($acl, "redis://bridge\@$host password_file="
    . password_file('secret-2'), 'a user who may use only our keys');
fails("redis://reader\@$host password_file=" . password_file('secret-3'),
    'a user who may only read');
fails("redis://nobody\@$host password_file=" . password_file('secret-2'),
    'a user who is none');

# a user who may not publish

$acl->cmd('FLUSHALL');
$acl->cmd('ACL', 'SETUSER', 'silent', 'on', '>secret-4', '~gmchat:*',
    'resetchannels', '+@all');
my $silent = start_nginx(redis => "redis://silent\@$host password_file="
    . password_file('secret-4'), conf => $conf);
is_bare($silent->gm(@create), 'a user who may not publish creates');
is_bare($silent->gm('add', gm_account => 1, host => 1001, uid => 5),
    'begins a friendship');
is_success($silent->gm('send', gm_account => 1, uid => 5, text => 'to him'),
    'a GM writes');
is_success($silent->gs('send', uid => 5, text => 'to her'),
    'and a player');
is_deeply([ map { $_->{text} } items($silent->gs('receive', host => 1001,
    format => 'json')) ], [ 'to him' ], 'what a GM wrote is there once');
is_deeply([ map { $_->{text} } items($silent->gm('receive',
    format => 'json')) ], [ 'to her' ], 'and what a player wrote');
is_bare($silent->gm('del', gm_account => 1, uid => 5),
    'and ends the friendship');
is(join(' ', map { $_->{change} } items($silent->gs('relation', host => 1001,
    format => 'json'))), 'apply remove', 'of which the host learns once');

# rights that are taken away while we are connected

my $nginx = start_nginx(redis => "redis://bridge\@$host password_file="
    . password_file('secret-2'), conf => $conf);
is_success($nginx->gm('online', gm_account => 1), 'a user');
$acl->cmd('ACL', 'SETUSER', 'bridge', '-evalsha', '-eval');
is_error($nginx->gm('online', gm_account => 1), -5, qr/\w/,
    'whose rights are taken away');
$acl->cmd('ACL', 'SETUSER', 'bridge', '+evalsha', '+eval');
ok(wait_until(sub { $nginx->gm('online', gm_account => 1)->{json}{res} }),
    'and given back');

finish();
