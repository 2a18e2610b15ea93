#!/usr/bin/perl

# The server list: addresses, networks, host bindings, and its changes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::IP;
use Test::Gmchat;
use Test::More;

my $dir = temp_folder();
my $list = "$dir/servers";
write_file($list, "127.0.0.1\n");

# Whether this machine has an IPv6 loopback address.
my $v6 = IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 1)
    ? 'listen [::1]:%%PORT%%;' : '';

(my $conf = <<'EOF') =~ s/%%V6%%/$v6/;
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        %%V6%%
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Client;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; gmchat_allow_file %%LIST%%; }
        location /if {
            gmchat gs;
            gmchat_allow_file %%LIST%%;
            if ($arg_debug) { set $debug 1; }
        }
        location /except {
            gmchat gs;
            gmchat_allow_file %%LIST%%;
            limit_except GET { allow all; }
        }
    }
}
EOF

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, workers => 1,
    vars => { LIST => $list }, conf => $conf);

# A call from an address, which realip takes from a trusted header.

sub from {
    my ($address, @call) = @_;

    @call = ('receive', host => 1001) if !@call;

    return $nginx->get(Test::Gmchat::Nginx::uri('/gs', @call),
        headers => [ "X-Client: $address" ]);
}

sub allowed {
    my (@from) = @_;

    return from(@from)->{status} == 200;
}

# Replaces the list; the marker says that the new one is read.

my $marker = 0;

sub new_list {
    my ($text) = @_;

    $marker++;
    my $here = sprintf('203.0.113.%d', $marker);
    my $before = sprintf('203.0.113.%d', $marker - 1);
    write_file($list, "$text\n$here\n");

    ok(wait_until(sub { allowed($here) && !allowed($before) }),
        "list $marker is picked up without a reload");
}

# addresses and networks

new_list(<<'LIST');
# game servers
192.0.2.1
  192.0.2.2   # indented, with a remark

198.51.100.0/24
10.0.0.0/8
172.16.5.128/25
2001:db8::1
2001:db8:1::/48
fe80::/10
LIST

for my $case (
    [ '192.0.2.1', 1 ], [ '192.0.2.2', 1 ], [ '192.0.2.3', 0 ],
    [ '192.0.2.0', 0 ], [ '198.51.100.0', 1 ], [ '198.51.100.255', 1 ],
    [ '198.51.99.255', 0 ], [ '198.51.101.0', 0 ], [ '10.255.1.2', 1 ],
    [ '11.0.0.0', 0 ], [ '9.255.255.255', 0 ], [ '172.16.5.127', 0 ],
    [ '172.16.5.128', 1 ], [ '172.16.6.0', 0 ], [ '2001:db8::1', 1 ],
    [ '2001:db8::2', 0 ], [ '2001:db8:1::', 1 ],
    [ '2001:db8:1:ffff:ffff:ffff:ffff:ffff', 1 ], [ '2001:db8:2::', 0 ],
    [ 'fe80::1', 1 ], [ 'febf::1', 1 ], [ 'fec0::1', 0 ],
    [ '::ffff:192.0.2.1', 1 ], [ '::ffff:192.0.2.3', 0 ],
) {
    my ($address, $expected) = @$case;
    is(from($address)->{status}, $expected ? 200 : 403,
        "$address is " . ($expected ? 'allowed' : 'refused'));
}

is_error(from('192.0.2.3'), -7, qr/has no access/, 'it has no access');

# host bindings

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => $_, uid => $_)
    for 1001, 1002, 1003;

new_list(<<'LIST');
192.0.2.1 1001
192.0.2.2 1001 1002
192.0.2.0/24 1003
192.0.2.4
2001:db8::1 1001
LIST

for my $action (qw(receive relation online)) {
    is_success(from('192.0.2.1', $action, host => 1001),
        "$action for the host of its line");
    is_error(from('192.0.2.1', $action, host => 1002), -7, qr/host/,
        "$action for another host");
    is_success(from('192.0.2.2', $action, host => $_),
        "$action for each of several hosts") for 1001, 1002;
    is_success(from('192.0.2.4', $action, host => 4711),
        "$action for any host where the line names none");
}

is_success(from('192.0.2.77', 'receive', host => 1003),
    'a network may be bound to a host');
is_error(from('192.0.2.77', 'receive', host => 1001), -7, qr/host/,
    'and speaks for no other');
is_success(from('2001:db8::1', 'receive', host => 1001), 'IPv6 likewise');
is_error(from('2001:db8::1', 'receive', host => 1002), -7, qr/host/,
    'and for no other');

is_success(from('192.0.2.1', 'send', uid => 1001, text => 'x'),
    'send for a player of the host of its line');
is_error(from('192.0.2.1', 'send', uid => 1002, text => 'stolen'), -7,
    qr/host/, 'send for a player of another host');
is_success(from('192.0.2.1', 'send', uid => 1001, host => 1002, text => 'y'),
    'whatever host it names besides, which send does not know');
is_error(from('192.0.2.1', 'send', uid => 1002, host => 1001,
    text => 'stolen'), -7, qr/host/,
    'nor does naming its own host let it speak for a player of another');
is_success(from('192.0.2.2', 'send', uid => 1002, text => 'x'),
    'who may write through its own');
is_deeply([ sort map { "$_->{uid} $_->{text}" }
    items($nginx->gm('receive', format => 'json')) ],
    [ '1001 x', '1001 y', '1002 x' ], 'what was refused is not stored');

# what stands in an "if" or a "limit_except" of the location is under the list

sub within {
    my ($method, $uri, $address) = @_;

    return $nginx->request($method, "$uri?action=receive&host=1001&debug=1",
        headers => [ "X-Client: $address" ]);
}

for my $case (
    [ 'an "if" that is taken', 'GET', '/if' ],
    [ 'a method that limit_except is about', 'POST', '/except' ],
    [ 'a method that limit_except is not about', 'GET', '/except' ],
) {
    my ($label, @request) = @$case;

    is_success(within(@request, '192.0.2.2'),
        "$label: an address of the list is served");
    is_error(within(@request, '192.0.1.1'), -7, qr/has no access/,
        "$label: another has no access");
    is_error(within(@request, '192.0.2.77'), -7, qr/host/,
        "$label: one of another host speaks for that alone");
}

# a broken list keeps the one before

for my $case (
    [ 'an address that is none', "192.0.2.9\n300.1.2.3\n", 2 ],
    [ 'a network that is none', "192.0.2.9\n\n192.0.2.0/33\n", 3 ],
    [ 'a host that is no number', "192.0.2.9 abc\n", 1 ],
    [ 'a host past 2^63-1', "# x\n192.0.2.9 9223372036854775808\n", 2 ],
    [ 'a line that is HTML', "<html>\n", 1 ],
    [ 'bytes', "192.0.2.9\n\0\xff\n", 2 ],
    [ 'an IPv6 network that is none', "2001:db8::/129\n", 1 ],
) {
    my ($label, $text, $line) = @$case;

    truncate($nginx->{log}{name}, 0);
    write_file($list, $text);
    ok(wait_until(sub {
        allowed('192.0.2.1');
        return $nginx->{log}->lines(qr/servers" .*\bline $line\b/);
    }), "$label: the log names line $line");
    ok(!allowed('192.0.2.9'), "$label: nothing of it counts");
    ok(allowed('192.0.2.1'), "$label: the list before stays");
}

# a list that is gone keeps the one before; one that is empty lets nobody in

unlink($list);
new_list("192.0.2.5\n");
ok(allowed('192.0.2.5'), 'a list that was gone and is there again');
ok(!allowed('192.0.2.1'), 'is the new one');

# many lines

new_list(join("\n", map {
    sprintf('10.%d.%d.%d %d', $_ / 65536, $_ / 256 % 256, $_ % 256, $_ + 1)
} 0 .. 49_999));
is_success(from('10.0.195.79', 'receive', host => 50_000),
    'the last of 50,000 lines');
is_error(from('10.0.195.79', 'receive', host => 1), -7, qr/host/,
    'with its host');
is(from('10.0.195.80')->{status}, 403, 'and none behind it');

# written into, not replaced

open(my $file, '>', $list) or die $!;
print $file "192.0.2.6\n";
close($file);
ok(wait_until(sub { allowed('192.0.2.6') }),
    'a list that is written in place');

# IPv6 on the wire

if ($v6) {
    my $port = $nginx->port;
    my $uri = Test::Gmchat::Nginx::uri('/gs', 'receive', host => 1);
    new_list("::1 1\n");
    is(Test::Gmchat::Http->new(address => "[::1]:$port")
        ->request('GET', $uri)->{status}, 200, 'a client that comes over IPv6');
    new_list("::2 1\n");
    is(Test::Gmchat::Http->new(address => "[::1]:$port")
        ->request('GET', $uri)->{status}, 403, 'and is not in the list');
}

# a reload reads it too

write_file($list, "192.0.2.8\n");
ok($nginx->reload, 'a reload');
ok(allowed('192.0.2.8'), 'has the list of the moment');

# each of several workers

$nginx = start_nginx(redis => $redis, workers => 4,
    vars => { LIST => $list }, conf => $conf);
ok(wait_until(sub { return !grep { !allowed('192.0.2.8') } 1 .. 40 }),
    'four workers have a list');
write_file($list, "192.0.2.9\n");
ok(wait_until(sub {
    return !grep { !allowed('192.0.2.9') || allowed('192.0.2.8') } 1 .. 40;
}), 'and each picks up the next');

finish();
