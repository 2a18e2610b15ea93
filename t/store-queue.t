#!/usr/bin/perl

# The queue to Redis has an end: past it a call is refused at once.

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
    client_max_body_size 1m;
    gmchat_message_max 64k;
    server {
        listen 127.0.0.1:%%PORT%%;
        gmchat_redis %%REDIS%% timeout=60s queue=4;
        location /gm { gmchat gm; }
    }
    server {
        listen 127.0.0.1:%%PORT_bytes%%;
        gmchat_redis %%REDIS%% timeout=60s queue=1000,100k;
        location /gm { gmchat gm; }
    }
}
EOF

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);

# Writes a call on a connection of its own while Redis answers nothing.

sub begin {
    my ($port, $text) = @_;

    my $connection = $nginx->connect(port => $port);
    my $body = Test::Gmchat::Http::encode_params({ action => 'send',
        gm_account => 1, uid => 5, text => $text });
    $connection->write(format_request('POST', '/gm', body => $body,
        type => 'application/x-www-form-urlencoded'));

    return $connection;
}

sub answered {
    return grep { IO::Select->new($_->{socket})->can_read(0) } @_;
}

# calls

$fake->on(name => 'EVALSHA', hold => 1);
my @connections = map { begin('', "call $_") } 1 .. 10;
ok(wait_until(sub { $fake->held + answered(@connections) == 10 }),
    'ten calls, a queue of four: the others are answered at once');
my @early = answered(@connections);
is(scalar @early, 6, 'exactly the others');
is_error($_->response, -5, qr/\w/, 'a call past the end of the queue')
    for @early;
$fake->clear_rules;
$fake->release;
my %early = map { $_ => 1 } @early;
my @late = grep { !$early{$_} } @connections;
is(scalar(grep { $_->response->{json}{res} } @late), 4,
    'those in the queue are carried out');
is_success(begin('', 'after')->response, 'and then there is room again');
is(scalar items($nginx->gm('history', uid => 5, format => 'json')), 5,
    'what was refused is nowhere');

# bytes

is_success(begin('bytes', 'first')->response, 'another queue');
$fake->on(name => 'EVALSHA', hold => 1);
@connections = map { begin('bytes', $_ . 'x' x 30_000) } 1 .. 6;
ok(wait_until(sub { $fake->held + answered(@connections) == 6 }),
    'six calls of 30k and more, a queue of 100k');
@early = answered(@connections);
cmp_ok(scalar @early, '>', 0, 'does not take all of them');
is_error($_->response, -5, qr/\w/, 'a call past the bytes of the queue')
    for @early;
cmp_ok(scalar @early, '<', 6, 'some were taken');
$fake->clear_rules;
$fake->release;
%early = map { $_ => 1 } @early;
is(scalar(grep { !$_->response->{json}{res} }
    grep { !$early{$_} } @connections), 0, 'and carried out');

finish();
