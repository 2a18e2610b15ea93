#!/usr/bin/perl

# Streams of many receivers that end before all of these were read: a cursor
# from then is as good as any. A key of another type stands in one mailbox's
# place, so that this one is not read before the test says so.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(encode_params);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;

use constant {
    FIRST => 1001,      # a host; GMs and players have the same numbers
    N     => 200,       # of hosts and GMs
    FEW   => 20,        # .. of a stream: more than a cursor names all
    BAD   => 1020,      # is not read
    MOST  => 128,       # mailboxes that a cursor names
};

my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOC

my $redis = start_redis();
my ($one, $two) = map { start_nginx(redis => $redis, conf => $conf) } 1, 2;

# Each GM has one player, who is on one host; all of the same number.

for my $n (FIRST .. FIRST + N - 1) {
    is_success($one->gm('create', gm_account => $n, gm_name => "GM $n"));
    is_success($one->gm('add', gm_account => $n, host => $n, uid => $n));
}

my %endpoints = (
    '/gm' => { receiver => 'gm_account', box => 'g', lines => 1 },
    '/gs' => { receiver => 'host', box => 'h', lines => 2 },
);


sub open_stream {
    my ($kind, $at, $list, $id) = @_;

    my %arg = (address => $two->address, uri => "$at?" . encode_params([
        action => 'stream', $endpoints{$at}{receiver} => join(',', @$list) ]));

    return Test::Gmchat::Sse->new(%arg, last_id => $id) if $kind eq 'sse';

    $arg{uri} .= '&' . encode_params([ cursor => $id ]) if defined $id;

    return Test::Gmchat::WebSocket->open(%arg);
}

# To the mailbox of that number.

sub say_to {
    my ($at, $n, @texts) = @_;

    for my $text (@texts) {
        is_success($at eq '/gs'
            ? $one->gm('send', gm_account => $n, uid => $n, text => $text)
            : $one->gs('send', uid => $n, text => $text));
    }
}

sub ack {
    my ($at, $id) = @_;

    is_success($one->call($at, 'ack', cursor => $id));
}

# Somebody else reads the mailbox.

sub take {
    my ($at, $n) = @_;

    my @box = ($endpoints{$at}{receiver} => $n);
    my $all = $one->call($at, 'receive', @box, ack => '', limit => 1000);

    $one->call($at, 'receive', @box, ack => $all->{json}{cursor});
}

sub clean {
    my ($at, @list) = @_;

    for my $n (@list) {
        take($at, $n);
        next if $at eq '/gm';
        my $all = $one->gs('relation', host => $n, ack => '');
        $one->gs('relation', host => $n, ack => $all->{json}{cursor});
    }
}

sub bad_key {
    my ($at) = @_;

    return "gmchat:{default}:box:$endpoints{$at}{box}" . BAD . ':m';
}

sub spoil {
    my ($at) = @_;

    $redis->cmd('RENAME', bad_key($at), 'elsewhere')
        if $redis->cmd('EXISTS', bad_key($at));
    $redis->cmd('SET', bad_key($at), 'no mailbox');
}

sub mend {
    my ($at) = @_;

    $redis->cmd('DEL', bad_key($at));
    $redis->cmd('RENAME', 'elsewhere', bad_key($at))
        if $redis->cmd('EXISTS', 'elsewhere');
}

# Events up to one that the condition knows; fewer if it did not come.

sub events_until {
    my ($stream, $condition) = @_;

    my @events;

    while (my $event = $stream->next_event) {
        push @events, $event;
        last if $condition->($event);
    }

    return @events;
}

sub is_ready {
    my ($event) = @_;

    return $event->{event} eq 'ready';
}

sub texts {
    return join(' ', map { $_->{data}{text} }
        grep { $_->{event} eq 'message' } @_);
}

sub resets {
    my ($at, @events) = @_;

    return join(' ', sort map {
        "$_->{data}{ $endpoints{$at}{receiver} } $_->{data}{of}"
    } grep { $_->{event} eq 'reset' } @events);
}

my @few = (FIRST .. FIRST + FEW - 1);

for my $at (sort keys %endpoints) {
    clean($at, FIRST .. FIRST + N - 1);
}

for my $case (map { my $at = $_; map { [ $at, $_ ] } qw(sse websocket) }
    sort keys %endpoints)
{
    my ($at, $kind) = @$case;
    my $label = "$at $kind";

    # a stream that was told something, and of whose receivers one is unread

    say_to($at, FIRST, 'a');
    spoil($at);

    my $stream = open_stream($kind, $at, \@few);
    my $online = $at eq '/gs' ? FEW - 1 : 0;
    my ($said, %onlines) = ('');
    my @events = events_until($stream, sub {
        $said = 'a' if $_[0]{event} eq 'message';
        $onlines{ $_[0]{data}{host} }++ if $_[0]{event} eq 'online';
        return $said && keys %onlines == $online;
    });

    is(texts(@events), 'a', "$label: a message");
    is(scalar(grep { is_ready($_) } @events), 0,
        "$label: before all were looked at");
    ok(defined $_->{id} && length $_->{id}, "$label: $_->{event} has a cursor")
        for grep { $_->{event} ne 'open' } @events;
    $stream->close;
    mend($at);

    # comes back with any of its cursors, whether it was given the message

    my $seen = '';
    my %tried;

    for my $event (@events) {
        $seen = $event->{data}{text} if $event->{event} eq 'message';
        next if !defined $event->{id} || $tried{"$event->{id} $seen"}++;

        $stream = open_stream($kind, $at, \@few, $event->{id});
        my @then = events_until($stream, \&is_ready);
        is(resets($at, @then), '', "$label: who comes back missed nothing");
        is(texts(@then), $seen eq 'a' ? '' : 'a',
            "$label: and nothing comes twice");
        $stream->close;
    }

    clean($at, FIRST);
}

# what it was given and acknowledged in such a time is not forgotten: the rest
# was somebody else's

for my $at (sort keys %endpoints) {
    spoil($at);
    say_to($at, FIRST + 1, 'b');

    my $stream = open_stream('sse', $at, \@few);
    my $event = $stream->next_event('message');
    is($event->{data}{text}, 'b', "$at: a message");
    ack($at, $event->{id});
    say_to($at, FIRST + 2, 'c');
    $event = $stream->next_event('message');
    is($event->{data}{text}, 'c', "$at: and another one, after an ack");
    $stream->close;
    say_to($at, FIRST + 1, 'd');
    take($at, FIRST + 1);
    mend($at);

    $stream = open_stream('websocket', $at, \@few, $event->{id});
    my @then = events_until($stream, \&is_ready);
    is(resets($at, @then), FIRST + 1 . ' message',
        "$at: a reset of the one that missed something");
    is(texts(@then), '', "$at: and nothing comes twice");
    $stream->close;
    clean($at, @few);
}

# as many mailboxes as a cursor names, though all is acknowledged: the others
# have to wait for the last to be read

for my $at (sort keys %endpoints) {
    spoil($at);
    say_to($at, $_, "to $_") for grep { $_ != BAD } FIRST .. FIRST + N - 1;

    my $stream = open_stream('sse', $at, [ FIRST .. FIRST + N - 1 ]);
    my @events = $stream->next_events(MOST, 'message');
    is(scalar @events, MOST, "$at: messages of as many as a cursor names");
    ack($at, $events[-1]{id});
    is($stream->next_event('message', 0.5), undef, "$at: and of no more");
    say_to($at, $events[0]{data}{ $endpoints{$at}{receiver} }, 'again');
    is(texts(my $again = $stream->next_event('message')), 'again',
        "$at: but more of the same");
    ack($at, $again->{id});
    mend($at);
    push @events, $stream->next_events(N - 1 - MOST, 'message');
    is_deeply([ sort map { $_->{data}{text} } @events ],
        [ sort map { "to $_" } grep { $_ != BAD } FIRST .. FIRST + N - 1 ],
        "$at: all come when it was read, once");
    ok($stream->next_event('ready'), "$at: and ready");
    $stream->close;
    clean($at, FIRST .. FIRST + N - 1);
}

# added later: until it was read, cursors are good for those before, and also
# when it goes again

for my $case ([ 'mended', sub { mend($_[0]) } ],
    [ 'dropped', sub {
        my ($at, $name) = @_;
        is_success($one->call($at, 'unwatch', stream => $name,
            $endpoints{$at}{receiver} => BAD));
    } ])
{
    my ($label, $cure) = @$case;

    for my $at (sort keys %endpoints) {
        my $stream = open_stream('sse', $at,
            [ grep { $_ != BAD } FIRST .. FIRST + FEW ]);
        my $name = $stream->next_event('open')->{data}{stream};
        ok($stream->next_event('ready'), "$at: ready");
        spoil($at);
        is_success($one->call($at, 'watch', stream => $name,
            $endpoints{$at}{receiver} => BAD));
        say_to($at, FIRST, 'e');
        my $between = $stream->next_event('message');
        is($between->{data}{text}, 'e', "$at: events go on");
        $cure->($at, $name);
        my $ready = $stream->next_event('ready');
        ok($ready, "$at, $label: ready");
        $stream->close;
        mend($at) if $label eq 'dropped';

        for my $then ([ $between, 0 ], [ $ready, $label eq 'mended' ]) {
            my ($event, $all) = @$then;

            my @list = grep { $_ != BAD || $all } FIRST .. FIRST + FEW;
            $stream = open_stream('sse', $at, \@list, $event->{id});
            is(resets($at, events_until($stream, \&is_ready)), '',
                "$at, $label: $event->{event}: comes back, missed nothing");
            $stream->close;
        }

        say_to($at, FIRST + 1, 'f');
        clean($at, FIRST .. FIRST + FEW);
        $stream = open_stream('sse', $at,
            [ grep { $_ != BAD } FIRST .. FIRST + FEW ], $between->{id});
        my $reset = $stream->next_event('reset');
        ok($reset, "$at, $label: a reset where something was missed");
        $stream->close;

        # cut while it is told of that: it is told again

        $stream = open_stream('sse', $at,
            [ grep { $_ != BAD } FIRST .. FIRST + FEW ], $reset->{id});
        like(resets($at, events_until($stream, \&is_ready)),
            qr/\b@{[ FIRST + 1 ]} message\b.*\b@{[ FIRST + FEW ]} message\b/,
            "$at, $label: who did not hear all of it hears all of it again");
        $stream = $stream->reconnect;
        is(resets($at, events_until($stream, \&is_ready)), '',
            "$at, $label: who heard it does not");
        $stream->close;
    }
}

# a host's relations find no room, and its messages are read all the same

for my $n (FIRST .. FIRST + N - 1) {
    is_success($one->gm('del', gm_account => $n, uid => $n));
    is_success($one->gm('add', gm_account => $n, host => $n, uid => $n));
    say_to('/gs', $n, "to $n");
}

my $stream = open_stream('sse', '/gs', [ FIRST .. FIRST + N - 1 ]);
my %count;

for (1 .. 3 * N) {
    my $event = $stream->next_event or last;

    redo if $event->{event} !~ /^(?:relation|message)$/;
    $count{ $event->{event} }++;
    ack('/gs', $event->{id}) if $_ % 32 == 0;
}

is_deeply(\%count, { relation => 2 * N, message => N },
    'all of many hosts comes, with an ack now and then');
$stream->close;

ok(wait_until(sub {
    $two->get('/status')->{json}{stores}[0]{subscriptions} == 0;
}), 'nobody listens for anything at the end');

finish();
