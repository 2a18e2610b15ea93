#!/usr/bin/perl

# 10,000 messages from 50 clients, Redis killed and restarted in the middle:
# who repeats with a msgid and acknowledges loses nothing, gets nothing twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(insist);
use Test::Gmchat::Crowd qw(crowd);
use Test::Gmchat::Http qw(format_request);
use Test::More;

use constant { CLIENTS => 50, EACH => 200 };

my $redis = start_redis(args => [ 'appendonly yes', 'appendfsync always' ]);
my $nginx = start_nginx(redis => $redis, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    gmchat_mailbox_max 20000 64m;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

is_bare($nginx->gm('create', gm_account => 1, gm_name => 'Ann'), 'a GM');

for my $uid (0 .. CLIENTS - 1) {
    insist($nginx, 'gm', 'add', gm_account => 1, host => 1001, uid => $uid)
        or die "player $uid is not added";
}

my @done = (0) x CLIENTS;       # messages of a client that are stored
my $stored = 0;
my $troubled = 0;
my %strange;
my $restarted = 0;

# The receiver is client 50, beside the senders.

my @received;
my $cursor = '';
my $resets = 0;

sub next_request {
    my ($client) = @_;

    return next_poll() if $client == CLIENTS;

    my $n = $done[$client];
    return if $n >= EACH;

    return format_request('GET', Test::Gmchat::Nginx::uri('/gs', 'send',
        uid => $client, text => "$client-$n", msgid => "n$n"));
}

sub next_poll {
    return if $stored == CLIENTS * EACH && @received >= $stored;

    return format_request('GET', Test::Gmchat::Nginx::uri('/gm', 'receive',
        gm_account => 1, format => 'json', ack => $cursor, limit => 1000));
}

sub take_answer {
    my ($client, $response) = @_;

    my $json = $response ? $response->{json} : undef;

    if (!$json || !$json->{res}) {
        my $errno = $json ? $json->{errno} : 'closed';
        $troubled++;
        $strange{$errno}++ if $errno !~ /^-[56]$/;
        return;
    }

    return take_messages($json) if $client == CLIENTS;

    $done[$client]++;
    $stored++;
}

# What was read is known to be handled once the cursor is given back; what
# comes again, because an ack was lost, has an id that was seen.

my %seen;

sub take_messages {
    my ($json) = @_;

    $resets++ if $json->{reset};

    for my $item (@{ $json->{data} }) {
        push @received, $item->{text} if !$seen{ $item->{id} }++;
    }

    $cursor = $json->{cursor};
}

sub restart_in_the_middle {
    return if $restarted || $stored < CLIENTS * EACH / 3;

    $restarted = 1;
    $redis->restart;
}

crowd(
    address => $nginx->address,
    clients => CLIENTS + 1,
    next    => \&next_request,
    answer  => \&take_answer,
    tick    => \&restart_in_the_middle,
);

ok($restarted, 'Redis was killed and started again in the middle');
is($stored, CLIENTS * EACH, 'every message was accepted in the end');
is_deeply(\%strange, {}, 'a call that failed said -5 or -6');
is($resets, 0, 'no cursor was lost');
is(scalar @received, CLIENTS * EACH, 'as many were received as were sent');

my %of;
push @{ $of{ (split /-/)[0] } }, $_ for @received;
my @wrong = grep {
    my $client = $_;
    join(' ', @{ $of{$client} // [] })
        ne join(' ', map { "$client-$_" } 0 .. EACH - 1);
} 0 .. CLIENTS - 1;
is_deeply(\@wrong, [], 'none lost, none twice, order per player kept');
note(sprintf('%d messages of %d clients accepted, %d received; %d calls were '
    . 'refused or cut meanwhile', $stored, CLIENTS, scalar @received,
    $troubled));

# and a plain receive once Redis was away

wait_until(sub {
    return $nginx->gm('receive', gm_account => 1, ack => $cursor)->{json}{res};
});
ok(wait_until(sub {
    return $nginx->gs('send', uid => 1, text => 'after', msgid => 'after')
        ->{json}{res};
}), 'service goes on');
my @after;
wait_until(sub {
    push @after, map { $_->{text} } items($nginx->gm('receive',
        format => 'json'));
    return @after;
});
is_deeply(\@after, [ 'after' ], 'and delivers');

finish();
