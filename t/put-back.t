#!/usr/bin/perl

# What a reply took that could not be handed over comes again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::More;

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);
my $nginx = start_nginx(redis => $fake, workers => 1, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    gmchat_redeliver 654321ms;
    gmchat_mailbox_max 10000 64m;
    send_timeout 500ms;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

# The same store, without the fake between.
my $direct = start_nginx(redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    gmchat_redeliver 600s;
    gmchat_poll_cache off;      # what the other nginx stores is there at once
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

sub direct_receive {
    return $direct->gs('receive', host => $_[0], format => 'json');
}

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => $_, uid => $_) for 1001 .. 1009;
$nginx->gm('add', gm_account => 1, host => 1010, uid => $_) for 1010, 1011;
$nginx->gs('relation', host => $_) for 1001 .. 1008, 1010;

sub to_host {
    my ($host, @texts) = @_;

    $nginx->gm('send', gm_account => 1, uid => $host, text => $_) for @texts;
}

sub texts {
    return join(' ', map { $_->{text} } items($_[0]));
}

sub host_receive {
    return $nginx->gs('receive', host => $_[0], format => 'json');
}

# A call whose client resets the connection while Redis' answer is held. Of
# what a worker asks Redis, what takes is known by its gmchat_redeliver.

sub call_and_hold {
    my ($uri, %arg) = @_;

    $fake->on(name => 'EVALSHA', times => 1, hold => 1,
        match => $arg{match} // '\b654321\b');

    my $connection = $nginx->connect;
    $connection->write(format_request('GET', $uri));
    ok($fake->wait_held, 'Redis took, the answer is on its way');

    return $connection;
}

sub call_and_reset {
    my ($uri, %arg) = @_;

    my $connection = call_and_hold($uri, %arg);
    $arg{end} ? $connection->close : $connection->reset;
    $arg{between}->() if $arg{between};
    $fake->release;
}

sub to_host_direct {
    $direct->gm('send', gm_account => 1, uid => 1008, text => $_) for @_;
}

# Where a mailbox notes what is in flight.

sub flight_of {
    return "gmchat:{default}:$_[0]:m";
}

# Until what was put back is there: the put-back is a call of its own.

sub comes_again {
    my ($poll, $expected, $label) = @_;

    my $seen = '';

    wait_until(sub {
        $seen .= ($seen ? ' ' : '') . texts($poll->());
        $seen =~ s/ $//;
        return length($seen) >= length($expected);
    });

    is($seen, $expected, $label);
}

# a host's messages

to_host(1001, qw(a b c));
call_and_reset('/gs?action=receive&host=1001');
comes_again(sub { host_receive(1001) }, 'a b c',
    'a host that went away gets its messages at the next poll');
is(texts(host_receive(1001)), '', 'once');

# a client that closes instead

to_host(1007, qw(o p));
call_and_reset('/gs?action=receive&host=1007', end => 1);
comes_again(sub { host_receive(1007) }, 'o p',
    'so does a host that closed its connection');

# and again, with new ones behind them

to_host(1001, qw(d e));
call_and_reset('/gs?action=receive&host=1001');
to_host(1001, 'f');
comes_again(sub { host_receive(1001) }, 'd e f', 'in their order');

# a GM's messages

$nginx->gs('send', uid => 1001, text => $_) for qw(g h);
call_and_reset('/gm?action=receive');
comes_again(sub { $nginx->gm('receive', format => 'json') }, 'g h',
    'the messages to all GMs');
$nginx->gs('send', uid => 1001, text => 'i');
call_and_reset('/gm?action=receive&gm_account=1');
comes_again(sub { $nginx->gm('receive', gm_account => 1,
    format => 'json') }, 'i', 'and to one of them');

# relation

call_and_reset('/gs?action=relation&host=1009');
my $reported;
ok(wait_until(sub {
    $reported = data($nginx->gs('relation', host => 1009), 'apply_data');
    return %$reported;
}), 'a host that went away learns its friendships at the next poll');
is_deeply($reported, { 1009 => [ '1', 'Ann' ] }, 'unchanged');

# with ack nothing is taken, so nothing needs to be put back

to_host(1002, qw(j k));
call_and_reset('/gs?action=receive&host=1002&ack=', match => 'box:h1002');
comes_again(sub { host_receive(1002) }, 'j k', 'with ack likewise');
is(texts(host_receive(1002)), '', 'once');

# another poll while the answer is on its way

to_host(1003, qw(l m n));
call_and_reset('/gs?action=receive&host=1003&limit=2', between => sub {
    is(texts(direct_receive(1003)), '',
        'another poll, on another link, does not get what comes after it');
});
comes_again(sub { host_receive(1003) }, 'l m n',
    'and what was taken before it is put back all the same');

# One nginx may be asked before a worker of the other has said that what it
# took was handed over; what comes next of the same player waits for that.

sub gms_settled {
    my ($label) = @_;

    ok($redis->wait_settled('g1'), "$label: what was taken is done with");
}

# the same of a GM's mailbox: nobody overtakes himself

for my $call ([ 'to all GMs' ], [ 'to one of them', gm_account => 1 ]) {
    my ($label, @of) = @$call;
    my $uri = Test::Gmchat::Nginx::uri('/gm', 'receive', @of);

    $nginx->gs('send', uid => 1010, text => 'first');
    call_and_reset($uri, between => sub {
        $direct->gs('send', uid => $_, text => "second of $_") for 1010, 1011;
        is(texts($direct->gm('receive', @of, format => 'json')),
            'second of 1011',
            "$label: another poll gets what other players wrote alone");
    });
    comes_again(sub { $direct->gm('receive', @of, format => 'json') },
        'first second of 1010', "$label: and a player's own come in order");
    gms_settled($label);

    $nginx->gs('send', uid => 1010, text => 'first');
    my $connection = call_and_hold("$uri&format=json");
    $direct->gs('send', uid => $_, text => "second of $_") for 1010, 1011;
    is(texts($direct->gm('receive', @of, format => 'json')),
        'second of 1011', "$label: likewise");
    $fake->release;
    is(texts($connection->response), 'first', "$label: the first arrives");
    comes_again(sub { $direct->gm('receive', format => 'json') },
        'second of 1010', "$label: and what waited for it comes next");
    is(texts($direct->gm('receive', gm_account => 1, format => 'json')), '',
        "$label: there is no more");
    gms_settled($label);
}

# what waited comes also if the first one is acknowledged meanwhile

$nginx->gs('send', uid => 1010, text => 'first');
my $overtaken = call_and_hold('/gm?action=receive&format=json');
$direct->gs('send', uid => $_, text => "second of $_") for 1010, 1011;
is(texts($direct->gm('receive', format => 'json')), 'second of 1011',
    'one is in flight, one waits for it, one is received');
my $page = $direct->gm('receive', gm_account => 1, ack => '', limit => 1,
    format => 'json');
is(texts($page), 'first', 'an ack reader reads the first');
$direct->gm('receive', gm_account => 1, ack => $page->{json}{cursor},
    limit => 1);
is(texts($direct->gm('receive', format => 'json')), 'second of 1010',
    'and acknowledges it: what waited comes');
$fake->release;
is(texts($overtaken->response), 'first', 'the first arrives late');

# GMs of whom nothing may be taken just now do not hide another

$nginx->gm('create', gm_account => $_, gm_name => "GM $_") for 11 .. 14;
$nginx->gm('add', gm_account => $_, host => 1011, uid => $_ + 2000)
    for 11 .. 14;
$direct->gs('send', uid => $_ + 2000, text => "first to $_") for 11 .. 13;
my $holding = call_and_hold('/gm?action=receive&format=json');
$direct->gs('send', uid => $_ + 2000, text => "second to $_") for 11 .. 14;
my $brought = '';
for my $poll (1 .. 5) {
    $brought .= texts($direct->gm('receive', limit => 1, format => 'json'));
}
is($brought, 'second to 14',
    'more GMs who must wait than the limit: another one\'s come all the same');
$fake->release;
is(texts($holding->response), 'first to 11 first to 12 first to 13',
    'what they wait for arrives');
comes_again(sub { $direct->gm('receive', limit => 1, format => 'json') },
    'second to 11 second to 12 second to 13', 'and what waited');

# and of relation: no host learns an end before a beginning

$nginx->gm('add', gm_account => 1, host => 1010, uid => 1012);
call_and_reset('/gs?action=relation&host=1010', between => sub {
    $direct->gm('del', gm_account => 1, uid => 1012);
    $direct->gm('del', gm_account => 1, uid => 1011);
    is(join(' ', map { "$_->{change} $_->{uid}" } items($direct->gs('relation',
        host => 1010, format => 'json'))), 'remove 1011',
        'another poll learns of other players alone');
});
my @changes;
wait_until(sub {
    push @changes, map { "$_->{change} $_->{uid}" }
        items($direct->gs('relation', host => 1010, format => 'json'));
    return @changes >= 2;
});
is("@changes", 'apply 1012 remove 1012', 'and what became of one in order');

# a reader with ack beside a plain receive of the same mailbox

sub read_on {
    my ($ack, @more) = @_;

    return $direct->gs('receive', host => 1008, ack => $ack, format => 'json',
        @more);
}

sub plain_rest {
    return $direct->gs('receive', host => 1008, format => 'json');
}

my $seen;
to_host(1008, qw(a b));
call_and_reset('/gs?action=receive&host=1008', between => sub {
    to_host_direct('c');
    $seen = read_on('');
    is(texts($seen), 'a b c', 'an ack reader sees what a plain one has taken');
});
ok(wait_until(sub { !$redis->cmd('HEXISTS', flight_of('box:h1008'),
    'flight') }), 'it is put back');
is(texts(read_on($seen->{json}{cursor})), '',
    'what the ack reader acknowledged is gone');
is(texts(plain_rest()), '', 'for both');

to_host(1008, qw(d e));
call_and_reset('/gs?action=receive&host=1008', between => sub {
    $seen = read_on('', limit => 1);
    is(texts($seen), 'd', 'a part of what is in flight');
    is(texts(read_on($seen->{json}{cursor})), 'e', 'may be acknowledged');
});
comes_again(\&plain_rest, 'e', 'put back, the rest is there');
ok(wait_until(sub { texts(read_on('')) eq '' }), 'once');

to_host(1008, qw(f g));
my $late = call_and_hold('/gs?action=receive&host=1008&format=json');
$seen = read_on('');
is(texts($seen), 'f g', 'in flight and seen');
is(texts(read_on($seen->{json}{cursor})), '', 'and acknowledged');
to_host_direct(qw(h i));
$fake->release;
is(texts($late->response), 'f g', 'then it is handed over after all');
is(texts(host_receive(1008)), 'h i', 'what came since is not touched by that');
ok(wait_until(sub { texts(read_on('')) eq '' }), 'and taken once');

to_host(1008, 'j');
$late = call_and_hold('/gs?action=receive&host=1008&format=json');
to_host_direct('k');
$seen = read_on('');
is(texts($seen), 'j k', 'in flight, with one behind it');
$fake->release;
is(texts($late->response), 'j', 'handed over while the ack reader thinks');
is(texts(read_on('')), 'k', 'is gone for it, too') if wait_until(sub {
    return !$redis->cmd('HEXISTS', flight_of('box:h1008'), 'flight');
});
is(texts(read_on($seen->{json}{cursor})), '', 'its cursor acknowledges both');
ok(!read_on($seen->{json}{cursor})->{json}{reset}, 'and is good');

# the connection breaks while a large reply is written

to_host(1004, map { sprintf('%04d', $_) . 'x' x 4000 } 1 .. 300);
my $connection = $nginx->connect(receive_buffer => 4096);
$connection->write(format_request('GET',
    '/gs?action=receive&host=1004&limit=300'));
ok(wait_until(sub { IO::Select->new($connection->{socket})->can_read(0) }),
    'a large reply begins to arrive');
$connection->reset;
my @again;
wait_until(sub {
    push @again, items($nginx->gs('receive', host => 1004, limit => 300,
        format => 'json'));
    return @again >= 300;
});
is(scalar @again, 300, 'a client that reads a part and resets gets all again');
is(join(' ', map { substr($_->{text}, 0, 4) } @again),
    join(' ', map { sprintf('%04d', $_) } 1 .. 300), 'in order');

# a client that does not read

to_host(1005, map { sprintf('%04d', $_) . 'x' x 4000 } 1 .. 300);
$connection = $nginx->connect(receive_buffer => 4096);
$connection->write(format_request('GET',
    '/gs?action=receive&host=1005&limit=300'));
@again = ();
wait_until(sub {
    push @again, items($nginx->gs('receive', host => 1005, limit => 300,
        format => 'json'));
    return @again >= 300;
});
is(scalar @again, 300,
    'a client that never reads: all come again after send_timeout');
$connection->close;

# a cursor covers nothing that was not given with it

$nginx->gm('add', gm_account => 1, host => 1020, uid => $_) for 1020, 1021;
$nginx->gm('send', gm_account => 1, uid => 1020, text => 'first');
call_and_reset('/gs?action=receive&host=1020', between => sub {
    $direct->gm('send', gm_account => 1, uid => 1020, text => 'second');
    $direct->gm('send', gm_account => 1, uid => 1021, text => 'other');
    my $reply = direct_receive(1020);
    is(texts($reply), 'other', 'what nothing holds comes');
    $direct->gs('receive', host => 1020, ack => $reply->{json}{cursor});
});
comes_again(sub { host_receive(1020) }, 'first second',
    'to acknowledge its cursor forgets nothing that was not given');

# what was handed over does not come again

to_host(1006, 'n');
is(texts(host_receive(1006)), 'n', 'a reply that was written');
is(texts(host_receive(1006)), '', 'does not come again');

# the store is away when it is to be told what became of a reply

my $key = 'gmchat:{default}:box:h1007';

for my $case (
    [ 'the connection is cut', close => 1 ],
    [ 'Redis refuses', error => 'BUSY Redis is busy running a script.' ],
) {
    my ($label, %action) = @$case;

    to_host(1007, 'o');
    $fake->on(name => 'EVALSHA', match => "\Q$key\E \\d+-\\d+@", times => 2,
        %action);
    is(texts(host_receive(1007)), 'o', "$label: the reply is there");
    ok(wait_until(sub { $redis->cmd('XLEN', $key) == 0 }),
        "$label: the store is told when it is back");
    is(texts(host_receive(1007)), '', "$label: it does not come again");
    $fake->clear_rules;
}

finish();
