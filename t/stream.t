#!/usr/bin/perl

# action=stream over server-sent events.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(shuffle);
use Test::Gmchat;
use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;
use Time::HiRes qw(time);

my $list = temp_folder() . '/servers';
write_file($list, "127.0.0.1 1001 1002\n");

my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s connect_timeout=10s;
    gmchat_mailbox_max 20000 64m;
    client_max_body_size 1m;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /window { gmchat gs; gmchat_window 5; }
        location /beat { gmchat gs; gmchat_heartbeat 200ms; }
        location /bound { gmchat gs; gmchat_allow_file %%LIST%%; }
        location /slow {
            gmchat gs;
            gmchat_stream_buffer 16k;
            gmchat_window 100000;
            send_timeout 1s;
        }
        location /patient {
            gmchat gs;
            gmchat_stream_buffer 16k;
            gmchat_window 100000;
            send_timeout 4s;
        }
        location /page { gmchat gs; gmchat_origin https://ops.example; }
        location /any { gmchat gs; gmchat_origin *; }
        location /status { gmchat status; }
    }
}
EOC

my $redis = start_redis(args => [ 'appendonly yes', 'appendfsync always' ]);
my ($one, $two) = map { start_nginx(redis => $redis, conf => $conf,
    vars => { LIST => $list }, allow => [ qr/exited on signal 9/ ]) } 1, 2;


sub stream {
    my ($nginx, $uri, %arg) = @_;

    return Test::Gmchat::Sse->new(address => $nginx->address, uri => $uri,
        %arg);
}

sub hosts {
    my ($hosts, %arg) = @_;

    my $at = delete $arg{at} // '/gs';

    return stream(delete $arg{nginx} // $one, "$at?action=stream&host=$hosts",
        %arg);
}

sub gms {
    my ($gms, %arg) = @_;

    return stream(delete $arg{nginx} // $one,
        "/gm?action=stream&gm_account=$gms", %arg);
}

# GM 1 of hosts 1001 to 1030, whose players are 11 to 40.

sub say_to {
    my ($host, @texts) = @_;

    my @replies = map { $two->gm('send', gm_account => 1,
        uid => $host - 990, text => $_) } @texts;

    return $replies[-1];
}

sub texts {
    return join(' ', map { $_->{data}{text} // $_->{data}{msg} } @_);
}

sub next_texts {
    my ($stream, $count) = @_;

    return texts($stream->next_events($count, 'message'));
}

# Whether no event of that name comes before one that is made now.

sub nothing_before {
    my ($stream, $host, $text) = @_;

    say_to($host, $text);
    my @seen = next_texts($stream, 1);

    return "@seen" eq $text;
}

sub ack {
    my ($id, %arg) = @_;

    return ($arg{nginx} // $two)->call($arg{at} // '/gs', 'ack',
        cursor => $id);
}

sub clean {
    my ($host) = @_;

    for my $action (qw(relation receive)) {
        my $all = $two->gs($action, host => $host, ack => '', limit => 1000);
        $two->gs($action, host => $host, ack => $all->{json}{cursor});
    }
}

sub box {
    my ($key) = @_;

    return $redis->cmd('XLEN', "gmchat:{default}:$key");
}

$one->gm('create', gm_account => $_, gm_name => "GM $_") for 1 .. 4;
$one->gm('add', gm_account => 1, host => 990 + $_, uid => $_) for 11 .. 40;
clean($_) for 1001 .. 1030;


# ---- events and their shapes

$one->gm('add', gm_account => 2, host => 1001, uid => 101);
say_to(1001, 'hello');
$one->gm('send', gm_account => 2, uid => 101, msg => '/w==');

my $stream = hosts('1001');
is($stream->{status}, 200, 'a stream');
is($stream->{headers}{'content-type'}, 'text/event-stream', 'its type');
is($stream->{headers}{'cache-control'}, 'no-store', 'is not stored');
is($stream->{headers}{'x-content-type-options'}, 'nosniff', 'nor guessed at');

my $open = $stream->next_event;
is($open->{event}, 'open', 'the first event');
is($open->{id}, undef, 'has no id');
is_deeply([ keys %{ $open->{data} } ], [ 'stream' ], 'it names');
like($open->{data}{stream}, qr/^[0-9a-f]{32}$/, 'the stream');

my @events = $stream->next_events(3);
is_deeply([ map { $_->{event} } @events ], [ qw(relation message message) ],
    'a relation comes before the messages that it leads to');
my $relation = $events[0]{data};
like(delete $relation->{id}, qr/^\d+-\d+$/, 'a relation has an id');
is_deeply($relation, { host => '1001', uid => '101', change => 'apply',
    gm_account => '2', gm_name => 'GM 2' }, 'and is told of as in a poll');
my %message = %{ $events[1]{data} };
my $poll = $two->gs('receive', host => 1001, ack => '', format => 'json');
is_deeply([ map { my %data = %{ $_->{data} }; delete $data{host}; \%data }
    @events[ 1, 2 ] ], [ items($poll) ], 'messages are those of format=json');
is($message{host}, '1001', 'and their host');
is($events[2]{data}{msg}, '/w==', 'no UTF-8: as it was sent');
ok(length $_->{id}, "a $_->{event} has a cursor") for @events;

my $online = $stream->next_event('online');
is_deeply({ %{ $online->{data} }, gm_accounts =>
    [ sort @{ $online->{data}{gm_accounts} } ] },
    { host => '1001', gm_accounts => [ 1, 2 ] }, 'who is online');
$two->gm('offline', gm_account => 2);
is_deeply($stream->next_event('online')->{data}, { host => '1001',
    gm_accounts => [ '1' ] }, 'and that this changed');
$two->gm('online', gm_account => 2);
is_deeply([ sort @{ $stream->next_event('online')->{data}{gm_accounts} } ],
    [ 1, 2 ], 'and back');
$two->gm('del', gm_account => 2, uid => 101);
my $end = $stream->next_event('relation');
is($end->{data}{change}, 'remove', 'a friendship that ends');
is_deeply($stream->next_event('online')->{data}{gm_accounts}, [ '1' ],
    'takes its GM from the list');

say_to(1001, "\x{1F600} line\nbreak");
is($stream->next_event('message')->{data}{text}, "\x{1F600} line\nbreak",
    'any text');

# GM's

my $gm = gms('1,2');
$one->gs('send', uid => 11, text => 'from 11');
my $event = $gm->next_event('message');
like(delete $event->{data}{id}, qr/^\d+-\d+$/, 'a GM\'s message: id');
like(delete $event->{data}{ts}, qr/^\d{13}$/, 'and time');
is_deeply($event->{data}, { gm_account => '1', uid => '11',
    text => 'from 11' }, 'and what a poll says');
is(scalar(grep { $_->{event} =~ /^(?:relation|online)$/ }
    $gm->waiting_events), 0, 'a GM is told no relations');

# ---- acknowledging

is(box('box:g1'), 1, 'a stream acknowledges nothing');
my $again = gms('1');
is(next_texts($again, 1), 'from 11', 'another reader gets it, too');
is_bare(ack($event->{id}, at => '/gm'), 'ack');
is(box('box:g1'), 0, 'acknowledges');
is_bare(ack($event->{id}, at => '/gm'), 'also twice');
is_error($one->gm('ack', cursor => 'x'), -3, qr/cursor/, 'but no such cursor');
is_error($one->gm('ack'), -2, qr/cursor/, 'and not without');
my $strange = $one->gm('ack', cursor => '1:99-99');
ok($strange->{json}{res} && $strange->{json}{reset},
    'a cursor that is not part of the history: reset');
$_->close for $gm, $again;

$stream->close;
$stream = hosts('1001');
is(next_texts($stream, 3), "hello /w== \x{1F600} line\nbreak",
    'what was not acknowledged comes again to who begins without a cursor');

# resume

say_to(1002, map { "m$_" } 1 .. 5);
$stream = hosts('1002');
is(next_texts($stream, 2), 'm1 m2', 'two of five');
my $id = $stream->{last_id};
is(next_texts($stream, 3), 'm3 m4 m5', 'and the rest');
my @rest = qw(m3 m4 m5);

for my $case (
    [ 'Last-Event-ID', $one, last_id => $id ],
    [ 'Last-Event-ID at another nginx', $two, last_id => $id ],
    [ 'cursor=', $one, cursor => $id ],
    [ 'cursor= at another nginx', $two, cursor => $id ],
    [ 'the header before the parameter', $two, last_id => $id,
        cursor => $events[0]{id} ],
) {
    my ($label, $nginx, @how) = @$case;

    my $resumed = hosts('1002', nginx => $nginx, @how);
    is(next_texts($resumed, scalar @rest), "@rest", "resumed by $label");
    push @rest, 'n' . @rest;
    ok(nothing_before($resumed, 1002, $rest[-1]), "$label: and goes on");
    is(scalar(grep { $_->{event} eq 'reset' } $resumed->waiting_events), 0,
        "$label: nothing was missed");
    $resumed->close;
}

clean(1002);
$stream->close;

# several receivers: each has its place

$stream = hosts('1002,1003,1004');
say_to($_, "a$_") for 1002 .. 1004;
is(join(' ', sort split(/ /, next_texts($stream, 3))), 'a1002 a1003 a1004',
    'three hosts in one stream');
$id = $stream->{last_id};
$stream->close;
say_to($_, "b$_") for 1004, 1003;
$stream = hosts('1004,1003,1002', nginx => $two, last_id => $id);
is(join(' ', sort split(/ /, next_texts($stream, 2))), 'b1003 b1004',
    'come back to in any order, at another nginx');
is_bare(ack($stream->{last_id}), 'one ack');
is(join(' ', map { box("box:h$_") } 1002 .. 1004), '0 0 0', 'is for all');
ok(nothing_before($stream, 1002, 'c'), 'and nothing comes twice');
$stream->close;
clean(1002);

# the same receiver twice, blanks, and in a body

$stream = hosts('1002,1002');
say_to(1002, 'twice?');
is(next_texts($stream, 1), 'twice?', 'a host that is named twice');
ok(nothing_before($stream, 1002, 'no'), 'is one');
$stream->close;
clean(1002);
$stream = stream($one, '/gs', body => 'action=stream&host=1002,1003');
say_to(1003, 'posted');
is(next_texts($stream, 1), 'posted', 'a form opens a stream');
$stream->close;
$stream = stream($one, '/gs?action=stream', type => 'application/json',
    body => '{"host":"1003"}');
is(next_texts($stream, 1), 'posted', 'and JSON does');
$stream->close;
clean(1003);


# ---- two readers of one mailbox

my @readers = map { hosts('1005', nginx => $_) } $one, $two, $one;
$_->next_event('online') for @readers;
say_to(1005, map { "r$_" } 1 .. 20);
is(next_texts($_, 20), join(' ', map { "r$_" } 1 .. 20),
    'each of three readers gets everything') for @readers;
my $old = $readers[1]{last_id};
$readers[1]->close;
ack($readers[0]{last_id});
say_to(1005, 's1');
ack($readers[0]{last_id}) if next_texts($readers[0], 1) eq 's1';
is(next_texts($readers[2], 1), 's1', 'also when one acknowledges');
is(box('box:h1005'), 0, 'that is gone');
$again = hosts('1005', nginx => $two, last_id => $old);
$event = $again->next_event('reset');
is_deeply($event->{data}, { host => '1005', of => 'message' },
    'one that comes back to what is gone: reset');
say_to(1005, 's2');
is(next_texts($again, 1), 's2', 'and then goes on');
is(next_texts($_, 1), 's2', 'as all do') for @readers[ 0, 2 ];
$id = $again->{last_id};
$_->close for $again, @readers[ 0, 2 ];
$again = hosts('1005', last_id => $id);
ok(nothing_before($again, 1005, 's3'), 'a cursor of after the reset is good');
is(scalar(grep { $_->{event} eq 'reset' } $again->waiting_events), 0,
    'for a resume');
$again->close;
clean(1005);

# who was given all that is gone misses nothing

$stream = hosts('1005');
say_to(1005, 'given');
is(next_texts($stream, 1), 'given', 'a message');
$id = $stream->{last_id};
$stream->close;
clean(1005);
$stream = hosts('1005', last_id => $id);
ok(nothing_before($stream, 1005, 'next'), 'acknowledged by another since');
is(scalar(grep { $_->{event} eq 'reset' } $stream->waiting_events), 0,
    'is no loss to who had it');
$stream->close;
clean(1005);

# a plain poller beside

$stream = hosts('1005');
$stream->next_event('online');
say_to(1005, 'both');
is(next_texts($stream, 1), 'both', 'a stream beside a plain poller');
is((items($two->gs('receive', host => 1005, format => 'json')))[0]{text},
    'both', 'gets what that one takes');
$stream->close;


# ---- the window

sub window_stream {
    return hosts('1006', at => '/window', @_);
}

for my $case (
    [ 'an ack', sub { ack($_[0]) } ],
    [ 'an ack of another reader', sub {
        my $all = $two->gs('receive', host => 1006, ack => '', limit => 5);
        $two->gs('receive', host => 1006, ack => $all->{json}{cursor}) } ],
    [ 'what a plain poller takes',
        sub { $two->gs('receive', host => 1006, limit => 5) } ],
) {
    my ($label, $ack) = @$case;

    clean(1006);
    $stream = window_stream();
    $stream->next_event('online');
    say_to(1006, map { "w$_" } 1 .. 12);
    is(next_texts($stream, 5), 'w1 w2 w3 w4 w5', "$label: five of twelve");
    is($stream->next_event('message', 0.3), undef,
        "$label: a stream pauses that has as many unacknowledged");
    $ack->($stream->{last_id});
    is(next_texts($stream, 5), 'w6 w7 w8 w9 w10', "$label: goes on");
    is($stream->next_event('message', 0.3), undef, "$label: and pauses");
    $ack->($stream->{last_id});
    is(next_texts($stream, 2), 'w11 w12', "$label: to the end");
    ok(!grep { $_->{event} eq 'reset' } $stream->waiting_events)
        or diag("$label: reset");
    $stream->close;
}

clean(1006);
$stream = window_stream();
$stream->next_event('online');
say_to(1006, map { "w$_" } 1 .. 8);
next_texts($stream, 3);
ack($stream->{last_id});
is(next_texts($stream, 5), 'w4 w5 w6 w7 w8',
    'an ack of a part lets as many on');
say_to(1006, 'w9');
is($stream->next_event('message', 0.3), undef, 'and no more');
$id = $stream->{last_id};
$stream->close;
$stream = window_stream(last_id => $id);
is($stream->next_event('message', 0.3), undef,
    'who comes back with a full window waits');
ack($id);
is(next_texts($stream, 1), 'w9', 'for an ack');
$stream->close;
clean(1006);

# an acknowledgement that nobody heard of: its wake-up was refused

$stream = window_stream();
$stream->next_event('online');
say_to(1006, map { "u$_" } 1 .. 6);
is(next_texts($stream, 5), 'u1 u2 u3 u4 u5', 'a window is full');
$redis->cmd('ACL', 'SETUSER', 'default', 'resetchannels');
$redis->cmd('CLIENT', 'KILL', 'TYPE', 'pubsub');
is_success(ack($stream->{last_id}), 'and acknowledged without a wake-up');
$redis->cmd('ACL', 'SETUSER', 'default', 'allchannels');
is(next_texts($stream, 1), 'u6', 'the stream learns of it all the same');
$stream->close;
clean(1006);

# a mailbox too many: no more than 128 have something unacknowledged

sub many_hosts {
    return join(',', 10_001 .. 11_000);
}

$one->gm('add', gm_account => 3, host => 10_000 + $_, uid => 100_000 + $_)
    for 1 .. 1000;

sub say_to_many {
    my ($n, $text) = @_;

    return $two->gm('send', gm_account => 3, uid => 100_000 + $n,
        text => $text);
}

sub open_many {
    return stream(delete $_[0]{nginx} // $one, '/gs',
        body => 'action=stream&host=' . many_hosts(), %{ $_[0] });
}

$stream = open_many({});
my (%told, $count);

while ($count++ < 1000) {
    my $next = $stream->next_event('relation') or last;
    $told{ $next->{data}{host} }++;
    ack($next->{id}) if $count % 64 == 0;
}

is(scalar(keys %told), 1000, 'a stream of a thousand hosts tells of each');
is(scalar(grep { $_ != 1 } values %told), 0, 'once');
ack($stream->{last_id});
my @order = (shuffle(1 .. 1000))[ 0 .. 199 ];
my %sent = map { ("to $_" => 1) } @order[ 0 .. 99 ];
say_to_many($_, "to $_") for @order[ 0 .. 99 ];
my @got = $stream->next_events(100, 'message');
is_deeply({ map { ($_->{data}{text} => 1) } @got }, \%sent,
    'messages to a hundred of them all arrive');
$id = $stream->{last_id};
cmp_ok(length($id), '<', 8000, 'and a cursor is no longer than a header');
say_to_many($_, "to $_") for @order[ 100 .. 199 ];
is(scalar($stream->next_events(28, 'message')), 28,
    'as many mailboxes as a cursor names');
is($stream->next_event('message', 0.3), undef, 'then the stream pauses');
my $before = $redis->calls('evalsha');
wait_until(sub {
    my $last = $before;

    $stream->pump(0.2);
    $before = $redis->calls('evalsha');
    return $before - $last < 5;
});
is($stream->next_event('message', 1), undef, 'for as long as it takes');
cmp_ok($redis->calls('evalsha') - $before, '<', 20,
    'and does not ask Redis over and over');

# resumed, elsewhere, from the first hundred

my $resumed = open_many({ nginx => $two, last_id => $id });
@got = ();

for (1 .. 100) {
    my $next = $resumed->next_event('message') or last;
    push @got, $next->{data}{text};
    ack($next->{id}) if @got % 20 == 0;
}

is_deeply([ sort @got ], [ sort map { "to $_" } @order[ 100 .. 199 ] ],
    'a resume of a thousand gives each that was not given, once');
is(scalar(grep { $_->{event} eq 'reset' } $resumed->waiting_events), 0,
    'and has no loss to tell of');
ack($resumed->{last_id});
$id = $resumed->{last_id};
$_->close for $stream, $resumed;

$resumed = open_many({ last_id => $id });
say_to_many(7, 'after all');
is(next_texts($resumed, 1), 'after all', 'with all acknowledged it goes on');
is(scalar(grep { $_->{event} eq 'reset' } $resumed->waiting_events), 0,
    'without a reset');
ack($resumed->{last_id});
$id = $resumed->{last_id};
$resumed->close;

# what another one acknowledged meanwhile

say_to_many(500, 'unseen');
my $all = $two->gs('receive', host => 10_500, ack => '');
$two->gs('receive', host => 10_500, ack => $all->{json}{cursor});
$resumed = open_many({ last_id => $id });
$event = $resumed->next_event('reset');
ok($event, 'what another reader acknowledged of one host in the meantime');
$resumed->next_event('ready');
@got = grep { $_->{event} eq 'reset' } $event ? $event : (),
    $resumed->waiting_events;
is(scalar(grep { $_->{data}{host} eq '10500' && $_->{data}{of} eq 'message' }
    @got), 1, 'is a reset of that host');
say_to_many(500, 'seen');
is(next_texts($resumed, 1), 'seen', 'and the stream goes on');
ack($resumed->{last_id});
$id = $resumed->{last_id};
$resumed->close;
$resumed = open_many({ nginx => $two, last_id => $id });
say_to_many(501, 'good again');
is(next_texts($resumed, 1), 'good again', 'whose new cursor');
is(scalar(grep { $_->{event} eq 'reset' } $resumed->waiting_events), 0,
    'is good');
ack($resumed->{last_id});
$resumed->close;


# ---- watch and unwatch

for my $case ([ 'the same nginx', $one ], [ 'another nginx', $two ]) {
    my ($label, $nginx) = @$case;

    clean($_) for 1007, 1008;
    $stream = hosts('1007');
    my $name = $stream->next_event('open')->{data}{stream};
    $stream->next_event('online');

    my $watched;
    ok(wait_until(sub {
        $watched = $nginx->gs('watch', stream => $name, host => '1008,1009');
        return $watched->{json}{res};
    }), "$label: watch");
    is_bare($watched, "$label: says that it is done");
    is_deeply([ sort map { $_->{data}{host} }
        $stream->next_events(2, 'online') ], [ 1008, 1009 ],
        "$label: who is online there");
    say_to(1008, 'watched');
    is(next_texts($stream, 1), 'watched', "$label: and what is written");
    is_bare($nginx->gs('watch', stream => $name, host => 1008),
        "$label: watch again changes nothing");
    is_bare($nginx->gs('unwatch', stream => $name, host => 1008),
        "$label: unwatch");
    my $quiet = wait_until(sub {
        say_to(1008, 'not watched');
        say_to(1007, 'still watched');
        my @now = $stream->next_events(1, 'message');
        push @now, $stream->next_event('message') while @now
            && $now[-1]{data}{host} eq '1008';
        return @now == 1;
    });
    ok($quiet, "$label: ends that");
    $id = $stream->{last_id};
    $stream->close;
    ok(wait_until(sub {
        my $reply = $nginx->gs('watch', stream => $name, host => 1008);
        return ($reply->{json}{errno} // 0) == -3;
    }), "$label: a stream that is gone cannot");
    clean($_) for 1007, 1008;
}

is_error($one->gs('watch', stream => 'x' x 32, host => 1008), -3, qr/stream/,
    'no such stream');
is_error($one->gs('watch', host => 1008), -2, qr/stream/, 'none named');
is_error($one->gs('watch', stream => 'a' x 32), -2, qr/host/, 'no host');
is_error($one->gs('watch', stream => 'a' x 32, host => 'x'), -1, qr/host/,
    'a host that is no integer');


# ---- heartbeats

$stream = hosts('1010', at => '/beat');
ok(wait_until(sub { $stream->pump(0.05); $stream->{comments} >= 4 }),
    'comments come by themselves');
$stream->next_event('online');
say_to(1010, 'between');
is(next_texts($stream, 1), 'between', 'and events between them');
$stream->close;


# ---- refusals

for my $case (
    [ 'no Accept', -3, qr/accept/i, '/gs?action=stream&host=1001',
        accept => undef ],
    [ 'another type', -3, qr/accept/i, '/gs?action=stream&host=1001',
        accept => 'application/json' ],
    [ 'a bad cursor', -3, qr/cursor/, '/gs?action=stream&host=1001',
        cursor => 'nonsense' ],
    [ 'a bad Last-Event-ID', -3, qr/cursor/, '/gs?action=stream&host=1001',
        last_id => '1001' ],
    [ 'a cursor of the other endpoint', -3, qr/cursor/,
        '/gs?action=stream&host=1001', cursor => '1001:1-1' ],
    [ 'no host', -2, qr/host/, '/gs?action=stream' ],
    [ 'an empty host', [ -1, -2, -3 ], qr/host/, '/gs?action=stream&host=' ],
    [ 'a list with a hole', [ -1, -3 ], qr/host/,
        '/gs?action=stream&host=1001,,1002' ],
    [ 'a list with a word', -1, qr/host/, '/gs?action=stream&host=1001,x' ],
    [ 'no GM', -2, qr/gm_account/, '/gm?action=stream' ],
    [ 'online=2', [ -1, -3 ], qr/online/,
        '/gm?action=stream&gm_account=1&online=2' ],
    [ 'a forbidden host', -7, qr/host/,
        '/bound?action=stream&host=1001,1003' ],
    [ 'another Origin', -7, qr/origin/i, '/gs?action=stream&host=1001',
        headers => [ 'Origin: https://evil.example' ] ],
    [ 'no Origin', -7, qr/origin/i, '/gs?action=stream&host=1001',
        headers => [ 'Origin: null' ] ],
    [ 'an Origin that begins as the named one', -7, qr/origin/i,
        '/page?action=stream&host=1001',
        headers => [ 'Origin: https://ops.example.evil' ] ],
) {
    my ($label, $errno, $pattern, $uri, @how) = @$case;

    my $refused = stream($one, $uri, @how);
    is_error($refused->{response}, $errno, $pattern, "$label: refused");
    $refused->close;
}

for my $case (
    [ 'its own', '/gs', 'http://localhost' ],
    [ 'a named one', '/page', 'https://ops.example' ],
    [ 'any', '/any', 'https://evil.example' ],
) {
    my ($label, $at, $origin) = @$case;

    my $allowed = hosts('1001', at => $at, headers => [ "Origin: $origin" ]);
    is($allowed->{status}, 200, "Origin: $label");
    $allowed->close;
}

my $bound = hosts('1001,1002', at => '/bound');
is($bound->{status}, 200, 'hosts that the list binds the address to');
my $name = $bound->next_event('open')->{data}{stream};
is_error($one->call('/bound', 'watch', stream => $name, host => 1003), -7,
    qr/host/, 'which may not watch others');
is_error($one->call('/bound', 'ack', cursor => '1003:1-1:1-1'), -7,
    qr/host/, 'nor acknowledge theirs');
$bound->close;

my $most = stream($one, '/gs', body => 'action=stream&host='
    . join(',', 20_001 .. 24_096));
is($most->{status}, 200, '4096 hosts');
is(scalar($most->next_events(4096, 'online')), 4096, 'are read each');
$most->close;
my $more = stream($one, '/gs', body => 'action=stream&host='
    . join(',', 20_001 .. 24_097));
is_error($more->{response}, -3, qr/host/, '4097 are too many');
$more->close;

$stream = hosts('1001', headers => [ 'Connection: close' ]);
is($stream->{status}, 200, 'Connection: close');
is($stream->next_event('open')->{event}, 'open', 'is a stream as any');
$stream->close;


# ---- the store goes away

clean(1011);
@readers = map { hosts('1011', nginx => $_) } $one, $two;
$_->next_event('online') for @readers;
say_to(1011, 'before');
is(next_texts($_, 1), 'before', 'a message, then Redis is killed')
    for @readers;
$redis->kill_hard;
ok(!$_->eof, 'the stream stays open') for @readers;
$redis->start;
ok(wait_until(sub { (say_to(1011, 'after')->{json} // {})->{res} }),
    'Redis is back');

for my $reader (@readers) {
    my @after = $reader->next_events(1, 'message');
    is((split / /, texts(@after))[0], 'after', 'the stream goes on');
    ok(!$reader->eof, 'is the same as before');
    ok(!grep({ $_->{event} eq 'reset' } $reader->waiting_events),
        'and has no loss to tell of');
}

# its subscribed connections are cut, and messages come in the gap

$redis->cmd('CLIENT', 'KILL', 'TYPE', 'pubsub');
clean(1011);
say_to(1011, map { "gap$_" } 1 .. 20);

for my $reader (@readers) {
    my @seen;

    wait_until(sub {
        push @seen, grep { $_->{data}{text} =~ /^gap/ }
            $reader->next_events(1, 'message', 1);
        return @seen >= 20;
    });
    is(texts(@seen), join(' ', map { "gap$_" } 1 .. 20),
        'what comes while nobody is subscribed is not missed');
}

clean(1011);
$_->close for @readers;

# everything is lost

$stream = hosts('1012');
$stream->next_event('online');
say_to(1012, qw(x y z));
is(next_texts($stream, 3), 'x y z', 'three messages');
my $lost_id = $stream->{last_id};
$redis->cmd('FLUSHALL');
$one->gm('create', gm_account => $_, gm_name => "GM $_") for 1 .. 4;
$one->gm('add', gm_account => 1, host => 990 + $_, uid => $_) for 11 .. 40;
say_to(1012, 'anew');
my @news;
wait_until(sub {
    my $next = $stream->next_event(undef, 20) or return 1;
    push @news, $next->{data}{text} // "reset of $next->{data}{of}"
        if $next->{event} =~ /^(?:reset|message)$/;
    return @news && $news[-1] eq 'anew';
});
like("@news", qr/^(?:reset of relation )?reset of message anew$/,
    'Redis lost everything: reset, then what is new');
$stream->close;
$stream = hosts('1012', last_id => $lost_id);
is($stream->next_event('reset')->{data}{host}, '1012',
    'so it is for who comes back');
is(next_texts($stream, 1), 'anew', 'and gets all there is');
$stream->close;
clean($_) for 1001 .. 1030;


# ---- a client that does not read

sub memory {
    my ($nginx) = @_;

    my $sum = 0;

    for my $pid ($nginx->workers) {
        open(my $file, '<', "/proc/$pid/status") or next;
        /^VmRSS:\s+(\d+)/ and $sum += $1 for <$file>;
    }

    return $sum;
}

my $slow = hosts('1013', at => '/slow', receive_buffer => 4096);
is($slow->next_event('open')->{event}, 'open', 'a client opens a stream');
my $kb = memory($one);
my $now = time();
say_to(1013, map { "$_ " . 'x' x 4000 } 1 .. 1500);
my $grown = memory($one) - $kb;
ok(wait_until(sub { $one->{log}->lines(qr/client of a stream is too slow/) },
    20), 'and reads no more: it is cut after send_timeout');
cmp_ok($grown, '<', 3000, 'what waits for it meanwhile is bounded')
    if !$ENV{GMCHAT_TEST_PRELOAD};

my @numbers;

while (my $next = $slow->next_event('message', 5)) {
    push @numbers, $next->{data}{text} =~ /^(\d+)/;
}

ok($slow->eof && !$slow->{complete}, 'its connection is closed');
cmp_ok(scalar @numbers, '<', 1000, 'before it got all');
$slow = $slow->reconnect(receive_buffer => undef,
    uri => '/patient?action=stream&host=1013');

while (@numbers < 1500) {
    my $next = $slow->next_event('message', 20) or last;
    push @numbers, $next->{data}{text} =~ /^(\d+)/;
}

is(join(' ', @numbers), join(' ', 1 .. 1500),
    'who comes back gets the rest, in order, nothing twice');
ack($slow->{last_id});
is(box('box:h1013'), 0, 'and acknowledges it all');
$slow->close;

# one that reads slowly is not cut

say_to(1013, map { "$_ " . 'y' x 4000 } 1 .. 100);
$slow = hosts('1013', at => '/patient', receive_buffer => 4096);
$slow->next_event('online');
@numbers = ();
$now = time();

while (@numbers < 100) {
    my $next = $slow->next_event('message', 10) or last;
    push @numbers, $next->{data}{text} =~ /^(\d+)/;
    wait_until(sub { time() > $now + 0.06 * @numbers });
}

is(join(' ', @numbers), join(' ', 1 .. 100),
    'one that reads slowly, for longer than send_timeout, gets all');
$slow->close;
clean(1013);


# ---- reload

my @streams = map { hosts('1014', nginx => $one) } 1 .. 10;
push @streams, gms('1,2');
$_->next_event('online') for @streams[ 0 .. 9 ];
say_to(1014, 'before');
is(next_texts($_, 1), 'before', 'a message before the reload')
    for @streams[ 0 .. 9 ];

my $deaf = hosts('1015', receive_buffer => 4096);
$deaf->next_event('open');
say_to(1015, map { 'z' x 4000 } 1 .. 200);
my $deaf_id = $deaf->{last_id};

$now = time();
my @old = $one->reload_begin;
my $ended = 0;

for my $ending (@streams) {
    wait_until(sub { $ending->pump(0.02); $ending->eof || $ending->complete },
        30);
    ok($ending->complete, 'reload: the response ends as it should');
    like($ending->{retry} // 'none', qr/^[0-4]?\d{1,3}$|^5000$/,
        'and says when to come back');
}

ok(wait_until(sub { $one->reload_done(@old) }, 40), 'the old workers go');
cmp_ok(time() - $now, '<', 25,
    'soon, though a client never reads');
say_to(1014, 'after');

for my $ending (@streams[ 0 .. 9 ]) {
    my $back = $ending->reconnect;
    is(next_texts($back, 1), 'after', 'who comes back goes on');
    $back->close;
}

my %retries = map { ($_->{retry} // '') => 1 } @streams;
cmp_ok(scalar(keys %retries), '>', 3, 'not all at the same time');
my $undeaf = hosts('1015');
is(scalar($undeaf->next_events(200, 'message')), 200,
    'nothing is lost to the one that did not read');
$_->close for $deaf, $undeaf, $streams[10];
clean($_) for 1014, 1015;


# ---- a worker is killed

$stream = hosts('1016');
$stream->next_event('online');
my @seen;
my $said = 0;

for my $round (1 .. 3) {
    say_to(1016, 'k' . ++$said) for 1 .. 10;
    push @seen, map { $_->{data}{text} } $stream->next_events(5, 'message');
    my @workers = $one->workers;
    kill('KILL', @workers);
    say_to(1016, 'k' . ++$said) for 1 .. 10;
    ok(wait_until(sub {
        my %old = map { $_ => 1 } @workers;
        my @new = grep { !$old{$_} } $one->workers;
        return @new == 2;
    }), 'the workers are killed, others come');
    ack($stream->{last_id}) if $round == 2;
    $stream = $stream->reconnect;
}

push @seen, map { $_->{data}{text} }
    $stream->next_events(60 - @seen, 'message');
is(join(' ', @seen), join(' ', map { "k$_" } 1 .. 60),
    'who comes back each time gets each once, in order');
ack($stream->{last_id});
$stream->close;


# ---- clients that go as soon as they came

for my $n (1 .. 100) {
    my $client = $one->connect;

    $client->write(format_request('GET', '/gs?action=stream&host='
        . join(',', 1001 .. 1030), headers => [ 'Accept: text/event-stream' ]));
    $n % 2 ? $client->reset : $client->close;
}

my @gone = map { $one->connect } 1 .. 100;
$_->write(format_request('GET', '/gs?action=stream&host='
    . join(',', 1001 .. 1030), headers => [ 'Accept: text/event-stream' ]))
    for @gone;
$_->reset for @gone;
$stream = hosts('1017');
ok(nothing_before($stream, 1017, 'alive'),
    'clients that open streams and are gone at once harm nobody');
$stream->close;


# ---- from one transport to the other

clean(1017);
$stream = hosts('1017');
say_to(1017, map { "t$_" } 1 .. 6);
is(next_texts($stream, 2), 't1 t2', 'two of six as server-sent events');
$id = $stream->{last_id};
$stream->close;

my $socket = Test::Gmchat::WebSocket->open(address => $two->address,
    uri => '/gs?' . encode_params([ action => 'stream', host => 1017,
        cursor => $id ]));
my @on_socket = map { $socket->next_event('message') } 1 .. 2;
is(texts(@on_socket), 't3 t4', 'two more over a WebSocket at another nginx');
$socket->close;
$stream = hosts('1017', last_id => $on_socket[-1]{id});
is(next_texts($stream, 2), 't5 t6', 'and the rest as events again');
is(scalar(grep { $_->{event} eq 'reset' } $stream->waiting_events), 0,
    'nothing was missed');
$stream->close;


# ---- the end

ok(wait_until(sub {
    my $status = $one->get('/status')->{json}{stores}[0];
    return $status->{subscriptions} == 0;
}), 'nobody listens for anything at the end');

finish();
