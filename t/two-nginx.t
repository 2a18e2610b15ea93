#!/usr/bin/perl

# Two nginx on one Redis are one bridge.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::More;

my $redis = start_redis();
my @nodes = map { start_nginx(quiet => 1, redis => $redis, conf => <<'EOF') } 1, 2;
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
my ($one, $two) = @nodes;

is_bare($one->gm('create', gm_account => 1, gm_name => 'Ann'),
    'an account made at one');
is_error($two->gm('create', gm_account => 1, gm_name => 'Ann'), 1, qr/\w/,
    'is there at the other');
is_bare($two->gm('add', gm_account => 1, host => 1001, uid => 5),
    'a friendship made at the other');
is_deeply(data($one->gs('relation', host => 1001), 'apply_data'),
    { 5 => [ '1', 'Ann' ] }, 'is reported at the one');
is_deeply(data($two->gs('relation', host => 1001), 'apply_data'), {},
    'and then at neither');

my $sent = $one->gm('send', gm_account => 1, uid => 5, text => 'hello',
    msgid => 'm');
my $again = $two->gm('send', gm_account => 1, uid => 5, text => 'hello',
    msgid => 'm');
is($again->{json}{id}, $sent->{json}{id}, 'a repeat is known at both');
ok($again->{json}{repeat}, 'as a repeat');

my $poll = $one->gs('receive', host => 1001, ack => '', format => 'json');
is(($poll->{json}{data}[0] // {})->{id}, $sent->{json}{id},
    'a message has one id at both');
my $next = $two->gs('receive', host => 1001, format => 'json',
    ack => $poll->{json}{cursor});
ok(!$next->{json}{reset}, 'a cursor of one is good at the other');
is_deeply($next->{json}{data}, [], 'and acknowledges');

# polls at both

my @texts = map { "t$_" } 1 .. 200;
$nodes[ $_ % 2 ]->gm('send', gm_account => 1, uid => 5, text => "t$_")
    for 1 .. 200;
my @connections = map { $nodes[ $_ % 2 ]->connect } 1 .. 40;
$_->write("GET /gs?action=receive&host=1001&limit=11&format=json HTTP/1.1\r\n"
    . "Host: x\r\n\r\n") for @connections;
my @items = map { items($_->response) } @connections;
wait_until(sub {
    push @items, items($one->gs('receive', host => 1001, format => 'json'));
    return @items >= 200;
});
is_deeply([ sort map { $_->{text} } @items ], [ sort @texts ],
    'polls at both share the messages, none lost, none twice');

my @ids = sort { $a <=> $b } map { $_->{id} =~ /-(\d+)$/; $1 } @items;
is_deeply(\@ids, [ $ids[0] .. $ids[0] + 199 ],
    'which were numbered without a gap');

# one of them goes

ok($redis->wait_settled('h1001'), 'all that was taken is settled');
ok($one->stop, 'one nginx stops');
is_success($two->gm('send', gm_account => 1, uid => 5, text => 'still'),
    'the other serves on');
$one->start;
is(data($one->gs('receive', host => 1001))->[0]{msg}, b64('still'),
    'and the first when it is back');

finish();
