#!/usr/bin/perl

# send and receive, both ways, as the existing interface has them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64);
use Test::Gmchat;
use Test::More;

my $redis = start_redis();
# One worker: what a receive took is settled before the next call.
my $nginx = start_nginx(quiet => 1, redis => $redis, workers => 1,
    conf => <<'EOF');
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

sub to_player {
    my ($gm, $uid, $text) = @_;

    return $nginx->gm('send', gm_account => $gm, uid => $uid,
        msg => b64($text));
}

sub to_gm {
    my ($uid, $text) = @_;

    return $nginx->gs('send', uid => $uid, msg => b64($text));
}

sub texts {
    my ($items) = @_;

    return [ map { my $item = $_; {
        uid => $item->{uid},
        msg => join(',', map { decode_base64($_) } split(/,/, $item->{msg})),
    } } @$items ];
}

sub host_receives {
    my ($host) = @_;

    return texts(data($nginx->gs('receive', host => $host)));
}

sub gms_receive {
    my $data = data($nginx->gm('receive'));

    return { map { $_ => texts($data->{$_}) } keys %$data };
}

for my $gm (1, 2) {
    $nginx->gm('create', gm_account => $gm, gm_name => "GM $gm");
}

$nginx->gm('add', gm_account => 1, host => 1001, uid => $_) for 11, 12;
$nginx->gm('add', gm_account => 2, host => 1002, uid => 21);

# nothing yet

is_deeply(gms_receive(), {}, 'nothing for the GMs is an empty object');
is_deeply(host_receives(1001), [], 'nothing for a host is an empty array');

# from a GM to players

is_success(to_player(1, 11, 'hello'), 'a GM writes to a friend');
is_error(to_player(1, 21, 'x'), 4, qr/\w/,
    'but not to the friend of another GM');
is_error(to_player(1, 99, 'x'), 4, qr/\w/, 'nor to a player without a GM');
is_error(to_player(404, 11, 'x'), 4, qr/\w/, 'a GM that is none has none');
to_player(1, 12, 'to twelve');
to_player(2, 21, 'to twenty-one');
to_player(1, 11, 'again');

is_deeply([ sort { $a->{uid} <=> $b->{uid} } @{ host_receives(1001) } ],
    [ { uid => '11', msg => 'hello,again' },
      { uid => '12', msg => 'to twelve' } ],
    'a host receives what was written to its players, joined by commas');
is_deeply(host_receives(1001), [], 'once');
is_deeply(host_receives(1002), [ { uid => '21', msg => 'to twenty-one' } ],
    'and each host its own');

# from players to their GMs

my $sent = to_gm(11, 'help');
is_success($sent, 'a player writes to his GM');
like($sent->{json}{id}, qr/^.+-\d+$/, 'and learns the id of the message');
is_error(to_gm(99, 'x'), 5, qr/\w/, 'a player without a GM cannot');
to_gm(21, 'one');
to_gm(12, 'two');
to_gm(11, 'please');

my $received = gms_receive();
is_deeply([ sort { $a->{uid} <=> $b->{uid} } @{ $received->{1} } ],
    [ { uid => '11', msg => 'help,please' }, { uid => '12', msg => 'two' } ],
    'receive brings what was written to a GM');
is_deeply($received->{2}, [ { uid => '21', msg => 'one' } ],
    'and to every other GM, in one reply');
is(scalar keys %$received, 2, 'and nothing else');
is_deeply(gms_receive(), {}, 'once');

# ten to an item

to_player(1, 11, "n$_") for 1 .. 25;
is_deeply([ map { $_->{msg} } @{ host_receives(1001) } ],
    [ join(',', map { "n$_" } 1 .. 10), join(',', map { "n$_" } 11 .. 20),
      join(',', map { "n$_" } 21 .. 25) ],
    'an item carries ten messages, more stand in further items, in order');

to_gm(12, "m$_") for 1 .. 11;
is_deeply([ map { $_->{msg} } @{ gms_receive()->{1} } ],
    [ join(',', map { "m$_" } 1 .. 10), 'm11' ], 'also for a GM');

# base64 is carried as it is

is_error($nginx->gm('send', gm_account => 1, uid => 11, msg => 'a b'), -3,
    qr/msg/, 'what is not base64 is refused');
is_success($nginx->gm('send', gm_account => 1, uid => 11, msg => ''),
    'an empty message is one');
is(data($nginx->gs('receive', host => 1001))->[0]{msg}, '',
    'and arrives empty');
my $plus = b64("\x{fb}\x{ef}\x{be}>>>\x{ff}");
like($plus, qr/\+.*\//, 'a message with + and / in its base64');
$nginx->get("/gs?action=send&uid=11&msg=$plus");
is(data($nginx->gm('receive'))->{1}[0]{msg}, $plus,
    'is carried as it is, also by a client that does not escape it');

# a friendship that ends before the poll

to_player(1, 12, 'still for you');
to_gm(12, 'still for her');
is_bare($nginx->gm('del', gm_account => 1, uid => 12), 'a friendship ends');
is_error(to_player(1, 12, 'x'), 4, qr/\w/, 'no new message to the player');
is_error(to_gm(12, 'x'), 5, qr/\w/, 'none to the GM');
is_bare($nginx->gm('add', gm_account => 2, host => 1002, uid => 12),
    'and the player gets another GM, on another host');
is_deeply(host_receives(1002), [], 'which gets nothing of what was said');
is_deeply(host_receives(1001), [ { uid => '12', msg => 'still for you' } ],
    'what was accepted before is delivered to the host it was for');
is_deeply(gms_receive(), { 1 => [ { uid => '12', msg => 'still for her' } ] },
    'and to the GM it was for');

# a GM who always has more than one poll brings

to_gm(11, "busy $_") for 1 .. 10;
to_gm(21, 'waiting');
my (%polls, $poll);

for $poll (1 .. 6) {
    my $data = data($nginx->gm('receive', limit => 3));
    $polls{$_} //= $poll for keys %$data;
    to_gm(11, 'busier') for 1 .. 5;
}

is($polls{1}, 1, 'a receive of all GMs brings the longest waiting first');
cmp_ok($polls{2} // 99, '<=', 3,
    'and does not let a busy GM hold up the others');

for $poll (1 .. 20) {
    last if !$nginx->gm('receive', limit => 1000)->{json}{more};
}

# parameters

is_error($nginx->gm('send', gm_account => 'x', uid => 11, msg => ''), -1,
    qr/gm_account/, 'gm send: the account must be an integer');
is_error($nginx->gm('send', gm_account => 1, uid => 'x', msg => ''), -1,
    qr/uid/, 'gm send: the uid must be an integer');
is_error($nginx->gm('send', uid => 11, msg => ''), -2, qr/gm_account/,
    'gm send: no account');
is_error($nginx->gm('send', gm_account => 1, msg => ''), -2, qr/uid/,
    'gm send: no uid');
is_error($nginx->gm('send', gm_account => 1, uid => 11), -2, qr/msg/,
    'gm send: no message');
is_error($nginx->gs('send', uid => 'x', msg => ''), -1, qr/uid/,
    'gs send: the uid must be an integer');
is_error($nginx->gs('send', msg => ''), -2, qr/uid/, 'gs send: no uid');
is_error($nginx->gs('send', uid => 11), -2, qr/msg/, 'gs send: no message');
is_error($nginx->gs('receive', host => 'x'), -1, qr/host/,
    'gs receive: the host must be an integer');
is_error($nginx->gs('receive'), -2, qr/host/, 'gs receive: no host');

finish();
