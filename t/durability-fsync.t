#!/usr/bin/perl

# gmchat_durability fsync: what is answered is on the disk. Servers that cannot
# say so are found when the configuration is read, or when they are there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend drain metric);
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=4s connect_timeout=1s;
    gmchat_durability %%DURABILITY%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /memory/gm { gmchat gm; gmchat_durability memory; }
        location /status { gmchat status; }
    }
}
EOF

sub bridge {
    my ($redis, $durability) = @_;

    return start_nginx(redis => $redis, conf => $conf, workers => 1,
        vars => { DURABILITY => $durability });
}

# What nginx -t says: its exit status and output.

sub checked {
    my ($redis, $durability) = @_;

    my $nginx = make_nginx(redis => $redis, conf => $conf, workers => 1,
        allow => [ qr/\[emerg\].*gmchat_durability/ ],
        vars => { DURABILITY => $durability });

    return $nginx->check_conf;
}


# ---- a server as it is

my $disk = start_redis(tcp => 1, args => [ 'appendonly yes',
    'appendfsync everysec' ]);

sub knows_waitaof {
    return defined $disk->cmd('COMMAND', 'INFO', 'WAITAOF')->[0];
}

sub fsync_is_refused {
    my ($status, $output) = checked($disk, 'fsync');
    isnt($status, 0, 'a Redis without WAITAOF: fsync is refused');
    like($output, qr/WAITAOF|7\.2/, 'and told why');

    # A server that cannot be asked: it is found out later.

    $disk->kill_hard;
    ($status, $output) = checked($disk, 'fsync');
    is($status, 0, 'a Redis that is away: fsync is accepted');
    like($output, qr/\[warn\]/, 'with a warning');

    my $nginx = bridge($disk, 'fsync');
    $disk->start;
    ok(wait_until(sub {
        $nginx->call('/memory/gm', 'accounts')->{json}{res};
    }), 'it is there: `memory` is served');
    is_error($nginx->gm('create', gm_account => 1, gm_name => 'Ann'), -5,
        qr/\w/, 'what is to be on the disk is refused');
    is_success($nginx->gm('accounts'), 'what promises nothing is served');
}

sub fsync_is_kept {
    my ($status, $output) = checked($disk, 'fsync timeout=10s');
    is($status, 0, 'a Redis with WAITAOF: fsync') || diag($output);

    my $nginx = bridge($disk, 'fsync timeout=10s');
    ok(befriend($nginx), 'a GM and friends');
    is_success($nginx->gs('send', uid => 5, text => 'kept'), 'a message');
    cmp_ok($disk->calls('waitaof'), '>', 0, 'for which WAITAOF was asked');
    $disk->restart;
    is(join(' ', drain($nginx, '/gm', gm_account => 1)), 'kept',
        'is there after a crash');

    $disk->cmd('CONFIG', 'SET', 'appendonly', 'no');
    is_error($nginx->gs('send', uid => 5, text => 'x'), [ -5, -6 ], qr/\w/,
        'a Redis that writes to no disk any more: not accepted');
    $disk->cmd('CONFIG', 'SET', 'appendonly', 'yes');
    ok(wait_until(sub {
        $nginx->gs('send', uid => 5, text => 'y', msgid => 'y')->{json}{res};
    }), 'and does again');
}

knows_waitaof() ? fsync_is_kept() : fsync_is_refused();


# ---- what WAITAOF says, at run time

# A fake answers it in the place of a server that has it.

my $redis = start_redis(tcp => 1);
my $fake = start_fake(tcp => 1, upstream => $redis);

sub fsyncs {
    my ($reply) = @_;

    $fake->clear_rules;
    $fake->on(name => 'WAITAOF', %$reply);
}

my ($done, $short) = map { { reply => "*2\r\n:$_\r\n:0\r\n" } } 1, 0;

fsyncs($done);
my $nginx = bridge($fake, 'fsync timeout=1s');
ok(befriend($nginx), 'it is on the disk: a GM and friends');
is_success($nginx->gs('send', uid => 5, text => 'safe'), 'and a message');
is(join(' ', drain($nginx, '/gm', gm_account => 1)), 'safe',
    'which is received');
is(metric($nginx, 'gmchat_store_short_total'), 0, 'nothing fell short');

fsyncs($short);
is_error($nginx->gs('send', uid => 5, text => 'unsafe', msgid => 'm'), -6,
    qr/\w/, 'it is not on the disk in time: unknown');
is_error($nginx->gm('receive', gm_account => 1, ack => ''), -6, qr/\w/,
    'nor is it given to a reader');
cmp_ok(metric($nginx, 'gmchat_store_short_total'), '>=', 2, 'both counted');
is_success($nginx->gm('accounts'), 'what promises nothing is served');

fsyncs($done);
ok($nginx->gs('send', uid => 5, text => 'unsafe', msgid => 'm')->{json}{repeat},
    'repeated when the disk is quick: it was stored');
is(join(' ', drain($nginx, '/gm', gm_account => 1)), 'unsafe', 'once');

for my $strange ({ silent => 1 }, { close => 1 }, { error => 'ERR x' },
    { reply => ":0\r\n" }, { reply => "*0\r\n" }, { reply => "\$-1\r\n" })
{
    my $label = join(' ', %$strange) =~ s/\r\n/ /gr;

    fsyncs($strange);
    is_error($nginx->gs('send', uid => 5, text => 'x'), [ -5, -6 ], qr/\w/,
        "an answer that is none ($label): not accepted");
    fsyncs($done);
    ok(wait_until(sub {
        $nginx->gs('send', uid => 5, text => 'y')->{json}{res};
    }), "$label: and goes on with a good one");
}


# ---- how it is asked when the configuration is read

sub is_asked {
    my ($url, $label) = @_;

    my ($status, $output) = checked($url, 'fsync');
    isnt($status, 0, "$label: asked") || diag($output);
    like($output, qr/\[emerg\].*WAITAOF/, "$label: and refused");
}

sub cannot_be_asked {
    my ($url, $label) = @_;

    my ($status, $output) = checked($url, 'fsync');
    is($status, 0, "$label: nginx starts") || diag($output);
    like($output, qr/\[warn\].*WAITAOF/, "$label: with a warning");
}

# All of these write to no disk, or have no WAITAOF.

my $dir = temp_folder();
my $authority = make_authority($dir, 'authority');
my $stranger = make_authority($dir, 'stranger');
my $certificate = make_certificate($dir, 'redis', $authority,
    'IP:127.0.0.1,DNS:redis.test');

write_file("$dir/wrong", "wrong\n");

my $dead = '127.0.0.1:' . free_port();
my $unix = start_redis();
my $set = start_sentinels(replicas => 0, sentinels => 2, password => 'secret',
    sentinel_password => 'watch', tls => $certificate);
my $cluster = start_cluster(masters => 1, replicas => 0);
my $login = 'password_file=' . $set->secret('password');
my $secure = 'rediss://' . $set->master->host_port;
(my $some_dead = $set->url) =~ s{//}{//$dead,};

is_asked($unix->url, 'a socket');
is_asked($redis->url, 'a port');
is_asked("$secure $login ca=$authority->{cert}", 'TLS and a password');
is_asked("$secure $login ca=$authority->{cert} name=redis.test",
    'TLS under another name');
is_asked("$secure $login verify=off", 'TLS without a check');
is_asked($set->url, 'sentinels');
is_asked($some_dead, 'sentinels, the first is dead');
is_asked($cluster->url, 'a cluster');
is_asked("redis+cluster://$dead," . ($cluster->nodes)[0]->host_port,
    'a cluster, the first node is dead');

cannot_be_asked("redis://$dead", 'nobody there');
cannot_be_asked("$secure password_file=$dir/wrong ca=$authority->{cert}",
    'a wrong password');
cannot_be_asked("$secure $login ca=$stranger->{cert}",
    'a certificate that another authority signed');
cannot_be_asked("$secure $login ca=$authority->{cert} name=other.test",
    'a certificate of another name');
cannot_be_asked($redis->url =~ s/redis:/rediss:/r . ' verify=off',
    'TLS with a server that speaks none');
cannot_be_asked($set->url =~ s{/desk}{/other}r, 'a master of another name');

my $frozen = start_proxy(to => "127.0.0.1:$redis->{port}");
$frozen->freeze;
cannot_be_asked($frozen->url, 'a server that says nothing');

for my $reply ({ close => 1 }, { reply => "foo\r\n" }, { reply => ":1\r\n" },
    { error => 'LOADING Redis is loading the dataset in memory' }, { cut => 5,
    reply => "*2\r\n:1\r\n:0\r\n" })
{
    fsyncs($reply);
    cannot_be_asked($fake->url, join(' ', %$reply) =~ s/\r\n/ /gr);
}

finish();
