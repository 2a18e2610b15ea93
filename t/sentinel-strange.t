#!/usr/bin/perl

# Sentinels that are dead, lie, know nothing, or must be spoken to with a
# password or over TLS.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend metric wait_ready);
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Resp qw(resp_command);
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::Gmchat::Traffic qw(waiters are_woken);
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=100ms wake_timeout=600ms timeout=1s
                 connect_timeout=500ms;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

my $set = start_sentinels(replicas => 1, down_after => 5000);
my ($master) = $set->master;
my ($replica) = $set->replicas;
my @sentinels = map { $_->host_port } $set->sentinels;

sub bridge {
    my ($hosts, %arg) = @_;

    my $url = 'redis+sentinel://' . join(',', @$hosts) . '/'
        . ($arg{name} // 'desk');

    $url .= " $arg{more}" if $arg{more};

    return start_nginx(redis => $url, conf => $conf);
}

# A sentinel with a fake in front, for lies.

sub fake_sentinel {
    return start_fake(tcp => 1, upstream => ($set->sentinels)[ $_[0] ]);
}

sub names {
    my ($fake, $port) = @_;

    $fake->clear_rules;
    $fake->on(name => 'SENTINEL', match => '(?i)get-master-addr',
        reply => resp_command('127.0.0.1', $port));
}

sub serves {
    my ($nginx, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(befriend($nginx) && wait_ready($nginx), $label);
    are_woken(waiters($nginx), $label);
}

sub refuses {
    my ($nginx, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_error($nginx->gm('accounts'), -5, qr/\w/, "$label: refused");
}


# ---- dead ones

my @dead = map { '127.0.0.1:' . free_port() } 1, 2;
serves(bridge([ @dead, $sentinels[2] ]), 'the first sentinels are dead');
refuses(bridge(\@dead), 'all sentinels are dead');

my $frozen = start_proxy(to => $sentinels[0]);
$frozen->freeze;
serves(bridge([ $frozen->address, $sentinels[1] ]),
    'a sentinel that takes connections and says nothing');


# ---- liars

my $liar = fake_sentinel(0);
names($liar, $replica->known_port);
serves(bridge([ $liar->{address}, @sentinels[ 1, 2 ] ]),
    'one of three names a replica');

my $deceived = bridge([ $liar->{address} ]);
refuses($deceived, 'the only one names a replica');
ok(wait_until(sub {
    metric($deceived, 'gmchat_store_lost_total', cause => 'readonly') > 0;
}), 'the log and the counters tell that it is one');
$liar->clear_rules;
serves($deceived, 'it tells the truth again');

my $rogue = start_redis(tcp => 1);
my $fooled = bridge([ $liar->{address}, @sentinels[ 1, 2 ] ]);
serves($fooled, 'all three agree');
names($liar, $rogue->{port});
my $asked = () = $liar->seen('SENTINEL');
ok(wait_until(sub { $liar->seen('SENTINEL') > $asked + 3 }),
    'one of three names a stranger, and is asked again and again');
serves($fooled, 'which nobody believes');
is($rogue->cmd('DBSIZE'), 0, 'the stranger is given nothing');
serves(bridge([ $liar->{address}, @sentinels[ 1, 2 ] ]),
    'nor does who begins then');
is($rogue->cmd('DBSIZE'), 0, 'as before');


# ---- nonsense for an answer

for my $reply ("*-1\r\n", "*0\r\n", "\$3\r\nfoo\r\n", ":5\r\n",
    "-ERR No such master with that name\r\n",
    resp_command('127.0.0.1'), resp_command('127.0.0.1', 'x'),
    resp_command('127.0.0.1', 0), resp_command('127.0.0.1', 65536),
    resp_command('', 6379), resp_command('x' x 300, 6379))
{
    my $label = substr($reply =~ s/\r\n/ /gr, 0, 30);

    $liar->clear_rules;
    $liar->on(name => 'SENTINEL', match => '(?i)get-master-addr',
        reply => $reply);
    $asked = () = $liar->seen('SENTINEL');
    ok(wait_until(sub { $liar->seen('SENTINEL') > $asked + 1 }),
        "a sentinel that says $label is asked again");
    is_success($fooled->gm('accounts'), "$label: service goes on");
}

$liar->clear_rules;


# ---- no such master

my $nameless = bridge(\@sentinels, name => 'other');
refuses($nameless, 'a master that no sentinel knows');
ok(wait_until(sub { $nameless->{log}->lines(qr/\[error\].*other/) }),
    'the log names it');


# ---- passwords

my $dir = temp_folder();
write_file("$dir/wrong", "wrong\n");

my $locked = start_sentinels(replicas => 0, sentinels => 1, quorum => 1,
    password => 'secret', sentinel_password => 'watch',
    sentinel_args => [ 'user scout on >look -@all +auth +ping +hello +info '
        . '+client +sentinel|get-master-addr-by-name +subscribe '
        . 'allchannels' ]);
write_file("$dir/look", "look\n");

my @hosts = split(/,/, $locked->hosts);
my $secret = 'password_file=' . $locked->secret('password');
my $watch = 'sentinel_password_file=' . $locked->secret('sentinel_password');

serves(bridge(\@hosts, more => "$secret $watch"), 'passwords of both');
serves(bridge(\@hosts, more => "$secret sentinel_user=scout "
    . "sentinel_password_file=$dir/look"),
    'a user with no more rights than it takes');
refuses(bridge(\@hosts, more => $secret), 'none for the sentinel');
refuses(bridge(\@hosts, more => $watch), 'none for the master');
refuses(bridge(\@hosts, more => "$secret sentinel_password_file=$dir/wrong"),
    'a wrong one for the sentinel');


# ---- TLS

my $authority = make_authority($dir, 'authority');
my $stranger = make_authority($dir, 'stranger');
my $certificate = make_certificate($dir, 'redis', $authority,
    'IP:127.0.0.1,DNS:sentinel.test');

my $secure = start_sentinels(replicas => 1, tls => $certificate);
serves(start_nginx(redis => $secure, conf => $conf), 'TLS everywhere');

my @plain = map { "127.0.0.1:$_->{port}" } $secure->sentinels;
my @tls = map { $_->host_port } $secure->sentinels;

sub secure_bridge {
    my ($hosts, $more) = @_;

    return start_nginx(conf => $conf, redis => 'rediss+sentinel://'
        . join(',', @$hosts) . "/desk ca=$authority->{cert} $more");
}

serves(secure_bridge(\@plain, 'sentinel_tls=off'),
    'TLS to the master alone');
serves(secure_bridge(\@tls, 'sentinel_name=sentinel.test'),
    'a name of their own for the sentinels');
refuses(secure_bridge(\@tls, "sentinel_ca=$stranger->{cert}"),
    'sentinels that another authority signed');
refuses(secure_bridge(\@tls, 'sentinel_name=other.test'),
    'sentinels of another name');

my $half = start_sentinels(replicas => 0, sentinels => 1, quorum => 1,
    tls => $certificate, tls_of => 'sentinels');
serves(start_nginx(redis => $half, conf => $conf),
    'TLS to the sentinels alone');

finish();
