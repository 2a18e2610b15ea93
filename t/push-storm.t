#!/usr/bin/perl

# Everything at once: long-polls, event streams and WebSockets on two nginx
# with one Redis; 20,000 messages each way, while workers are killed, nginx
# reloads a hundred times and Redis is restarted. Senders repeat with a msgid,
# readers come back with the cursor of what they handled last, anywhere and
# over whatever transport: nothing is lost, nothing comes twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max min shuffle sum);
use Test::Gmchat;
use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Loop;
use Test::Gmchat::Process;
use Test::More;
use Time::HiRes qw(time);

use constant {
    HOSTS   => 20,
    GMS     => 10,
    PLAYERS => 80,      # four on each host, eight of each GM
    EACH    => 250,     # messages to a player, and as many from it
    RELOADS => 50,      # of each nginx
    KILLS   => 50,
    SECONDS => 100,     # then it is given up
};

my $began = time();
my $seed = $ENV{GMCHAT_SEED} // 20_261_121;
srand($seed);
note("GMCHAT_SEED=$seed");

my $redis = start_redis(args => [ 'appendonly yes', 'appendfsync always' ]);
my @nginx = map { start_one($_) } 'gmchat_window 100;', 'gmchat_window 1000;';

sub start_one {
    my ($line) = @_;

    return start_nginx(redis => $redis, vars => { LINE => $line },
        allow => [ qr/exited on signal 9/ ], conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    access_log off;
    gmchat_redis %%REDIS%%;
    gmchat_mailbox_max 20000 64m;
    %%LINE%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF
}

sub host_of { return 1001 + $_[0] % HOSTS }
sub gm_of { return 1 + $_[0] % GMS }

my $line = $nginx[0]->connect;

sub once {
    return $line->request('GET', Test::Gmchat::Nginx::uri('/gm', @_))->{json};
}

once('create', gm_account => $_, gm_name => "GM$_") for 1 .. GMS;
once('add', gm_account => gm_of($_), host => host_of($_), uid => $_)
    for 0 .. PLAYERS - 1;
$line->close;

# What a child process of this test counts, and what went wrong in it

my (%figures, @faults);
my $says;               # a child's pipe to us
my @peers;              # a child's senders or readers

sub count {
    my ($name, $n) = @_;

    $figures{$name} += $n // 1;
}

sub fault {
    my ($name, $text) = @_;

    count($name);
    print {$says} "fault $name: $text\n" if @faults < 20;
    push @faults, $text;
}

sub somewhere {
    return $nginx[ rand @nginx ]->address;
}

# A client that tries again where a call cannot be made or answered

package Peer;

use parent -norequire, 'Test::Gmchat::Loop';

sub try_again {
    my ($self) = @_;

    main::count('broken');
    $self->hang_up;
    $self->after(0.01 + rand(0.02));
}

sub closed {
    my ($self) = @_;

    $self->try_again;
}

# -5 and -6 are said while Redis is away.

sub refused {
    my ($self, $text) = @_;

    main::fault('strange', $text) if $text !~ /"errno":-[56],/;
    main::count('refused');
}

# Takes an HTTP response with a length: its body.

sub take_body {
    my ($self) = @_;

    return if $self->{in} !~ /\r\n\r\n/;

    my $head = $+[0];
    my ($length) = $self->{in} =~ /\r\nContent-Length: (\d+)/i;
    return if length($self->{in}) < $head + $length;

    my $all = substr($self->{in}, 0, $head + $length, '');
    $self->{closes} = $all =~ /\r\nConnection: close\r/ ? 1 : 0;

    return substr($all, $head);
}

# Frames of a WebSocket; a client's are masked.

sub write_frame {
    my ($self, $opcode, $payload) = @_;

    my $length = length $payload;
    my $mask = pack('N', rand(2 ** 32));
    my $masked = $payload ^ substr($mask x (1 + $length / 4), 0, $length);

    $self->write(pack('C', 0x80 | $opcode)
        . ($length < 126 ? pack('C', 0x80 | $length)
            : pack('Cn', 0x80 | 126, $length))
        . $mask . $masked);
}

sub take_frame {
    my ($self) = @_;

    return if length $self->{in} < 2;

    my ($opcode, $length) = unpack('CC', $self->{in});
    my $from = 2;

    if ($length == 126) {
        return if length $self->{in} < 4;
        $length = unpack('x2n', $self->{in});
        $from = 4;
    }

    return if length $self->{in} < $from + $length;

    return ($opcode & 15,
        substr(substr($self->{in}, 0, $from + $length, ''), $from));
}

# Called with each text frame; false once the connection is over.

sub take_frames {
    my ($self, $text) = @_;

    while (my ($opcode, $payload) = $self->take_frame) {
        if ($opcode == 1) {
            $text->($payload) or return 0;
        } elsif ($opcode == 9) {
            $self->write_frame(10, $payload);
        } elsif ($opcode == 8) {
            $self->goodbye($payload);
            return 0;
        }
    }

    return 1;
}

sub goodbye {
    my ($self, $payload) = @_;

    my $code = length $payload < 2 ? 0 : unpack('n', $payload);

    main::fault('strange', "close code $code") if $code != 1012;
    main::count('goodbyes');
    $self->write_frame(8, substr($payload, 0, 2));
    $self->hang_up;
    $self->after(rand(0.02));
}

sub upgrade {
    my ($uri) = @_;

    return main::format_request('GET', $uri, headers => [
        'Connection: Upgrade', 'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ]);
}

# Takes the answer to that; 1 once frames may be written, 0 before, undef if it
# was refused.

sub take_upgrade {
    my ($self) = @_;

    return 0 if $self->{in} !~ /\r\n\r\n/;

    my $head = $+[0];

    if ($self->{in} =~ m{^HTTP/1\.1 101 }) {
        substr($self->{in}, 0, $head, '');
        return 1;
    }

    my $body = $self->take_body // return 0;
    $self->refused($body);

    return undef;
}

# Writes the messages of one player, or of its GM to it, one by one. A message
# is repeated until it is known to be accepted.

package Sender;

use parent -norequire, 'Peer';

my $permitted = 0;      # messages of all senders
my $begun = 0;
my $limit = main::EACH - 1;

sub idle {
    my ($self) = @_;

    return !$self->{busy} && $self->{n} < $limit;
}

sub go {
    my ($self) = @_;

    return if !$self->idle || $begun >= $permitted;

    $begun++;
    $self->{busy} = 1;
    $self->due;
}

sub due {
    my ($self) = @_;

    if ($self->{socket} || $self->dial(main::somewhere())) {
        $self->say;
    } else {
        $self->try_again;
    }
}

sub params {
    my ($self) = @_;

    my $name = "$self->{uid}-$self->{n}";

    return (action => 'send', uid => $self->{uid}, msgid => $name,
        text => $name,
        $self->{to_player} ? (gm_account => main::gm_of($self->{uid})) : ());
}

sub say {
    my ($self) = @_;

    $self->write(main::format_request('GET', "$self->{endpoint}?"
        . main::encode_params([ $self->params ])));
}

sub readable {
    my ($self) = @_;

    my $body = $self->take_body // return;

    $self->hang_up if $self->{closes};
    $self->answer($body);
}

sub closed {
    my ($self) = @_;

    $self->try_again if $self->{busy};
}

sub answer {
    my ($self, $text) = @_;

    if ($text !~ /"res":1/) {
        $self->refused($text);
        $self->after(0.02);
        return;
    }

    main::count('repeated') if $text =~ /"repeat":true/;
    main::count('accepted');
    $self->{n}++;
    $self->{busy} = 0;
    $self->go;
}

package Sender::WebSocket;

use parent -norequire, 'Sender';

sub say {
    my ($self) = @_;

    if (!$self->{open}) {
        $self->write(Peer::upgrade($self->{endpoint}
            . '?action=stream&host=9999&gm_account=9999'));
        return;
    }

    my %params = $self->params;
    $self->{call}++;
    $self->write_frame(1, '{"call":' . $self->{call} . join('',
        map { qq(,"$_":"$params{$_}") } sort keys %params) . '}');
}

sub hang_up {
    my ($self) = @_;

    $self->{open} = 0;
    $self->SUPER::hang_up;
}

sub readable {
    my ($self) = @_;

    if (!$self->{open}) {
        $self->{open} = $self->take_upgrade;
        return $self->try_again if !defined $self->{open};
        return if !$self->{open};
        $self->say if $self->{busy};
    }

    $self->take_frames(sub {
        my ($text) = @_;

        $self->answer($text) if $text =~ /^\{"re":$self->{call},/;
        return 1;
    });
}

sub goodbye {
    my ($self, $payload) = @_;

    $self->SUPER::goodbye($payload);
    $self->after(60) if !$self->{busy};
}

# Calls of a reader beside its stream

package Acker;

use parent -norequire, 'Peer';

sub ack {
    my ($self, $cursor) = @_;

    $self->{busy} = 1;
    $self->{uri} = "$self->{reader}{endpoint}?"
        . main::encode_params([ action => 'ack', cursor => $cursor ]);
    $self->due;
}

sub due {
    my ($self) = @_;

    if ($self->{socket} || $self->dial(main::somewhere())) {
        $self->write(main::format_request('GET', $self->{uri}));
    } else {
        $self->try_again;
    }
}

sub closed {
    my ($self) = @_;

    $self->try_again if $self->{busy};
}

sub readable {
    my ($self) = @_;

    my $body = $self->take_body // return;

    $self->hang_up if $self->{closes};
    $self->{busy} = 0;
    $self->{reader}->acked($body);
}

# One logical reader of some mailboxes. Its home is long-poll, SSE or
# WebSocket; it is now and then elsewhere.
#   last     by mailbox, the number of the newest entry that it handled
#   at       .. of the newest that its cursor covers
#   known    .. of the newest that it knows to be acknowledged
#   left     .. of `last` when it moved, and so came without a cursor: up to
#            that what it had not acknowledged comes again, and only once
#   knew     .. of `known` then

package Reader;

use parent -norequire, 'Peer';

sub start {
    my ($self) = @_;

    $self->{cursor} = $self->{done} = $self->{poll} = '';
    $self->{$_} = {} for qw(last at known left knew);
    $self->{mode} = $self->{home};
    $self->{acker} = Acker->new(reader => $self);
    $self->due;
}

sub due {
    my ($self) = @_;

    return $self->try_again if !$self->dial(main::somewhere());

    $self->{ended} = 0;
    $self->{text} = '';
    $self->{acks} = undef if $self->{acks} && !$self->{acker}{busy};

    return $self->ask if $self->{mode} eq 'poll';

    main::count('connects');
    $self->{mode} = rand() < 0.5 ? 'sse' : 'websocket' if rand() < 0.3;
    $self->{came} = $self->{cursor};
    $self->open_stream;
}

sub hang_up {
    my ($self, @reset) = @_;

    $self->{open} = 0;
    $self->SUPER::hang_up(@reset);
}

sub open_stream {
    my ($self) = @_;

    my @params = (action => 'stream', $self->receiver
        => join(',', @{ $self->{boxes} }, @{ $self->{empty} }));
    my @headers;

    if ($self->{cursor} ne '' && rand() < 0.5) {
        push @headers, "Last-Event-ID: $self->{cursor}";
        push @params, cursor => $self->{first} // '';
    } else {
        push @params, cursor => $self->{cursor};
    }

    my $uri = "$self->{endpoint}?" . main::encode_params(\@params);
    my $request = $self->{mode} eq 'websocket' ? Peer::upgrade($uri)
        : main::format_request('GET', $uri,
            headers => [ 'Accept: text/event-stream' ]);

    $request =~ s/\r\n\r\n$/join("\r\n", '', @headers, '', '')/e if @headers;
    $self->write($request);
}

sub receiver {
    my ($self) = @_;

    return $self->{endpoint} eq '/gs' ? 'host' : 'gm_account';
}

# Long-poll

sub ask {
    my ($self) = @_;

    $self->write(main::format_request('GET', "$self->{endpoint}?"
        . main::encode_params([ action => 'receive',
            $self->receiver => $self->{boxes}[0], ack => $self->{poll},
            wait => $self->{over} ? 0 : 20, format => 'json',
            limit => 1 + int(rand(200)) ])));
}

sub take_poll {
    my ($self) = @_;

    my $body = $self->take_body // return;
    my $box = $self->{boxes}[0];

    if ($body !~ /^\{"res":1,/) {
        $self->refused($body);
        $self->after(0.02);
        return;
    }

    main::count('polls');
    main::fault('resets', $body) if $body =~ /"reset":true/;
    $self->{known}{$box} = $1 if $self->{poll} =~ /-(\d+)$/;
    $self->take($box, $1, $2) while $body
        =~ /\{"id":"\d+-(\d+)","uid":"\d+","gm_account":"\d+","text":"(.*?)"/g;
    ($self->{poll}) = $body =~ /"cursor":"(.*?)"/;

    return $self->move('stream') if !$self->{over} && rand() < 0.03;
    return $self->due if $self->{closes};
    $self->ask;
}

# To a stream, or back home. Cursors of both are not the same.

sub move {
    my ($self, $to) = @_;

    main::count('moves');
    $self->{mode} = $to eq 'poll' ? 'poll'
        : rand() < 0.5 ? 'sse' : 'websocket';
    $self->{poll} = $self->{cursor} = $self->{done} = '';
    $self->{left} = { %{ $self->{last} } };
    $self->{knew} = { %{ $self->{known} } };
    $self->{at} = {};
    $self->hang_up(rand() < 0.5);
    $self->due;
}

# Streams

sub readable {
    my ($self) = @_;

    return $self->take_poll if $self->{mode} eq 'poll';
    return if !$self->{open} && !$self->take_open;

    my $on = $self->{mode} eq 'sse' ? $self->take_chunks
        : $self->take_frames(sub { $self->take_text($_[0]) });

    $self->look_around if $on;
}

sub take_open {
    my ($self) = @_;

    if ($self->{mode} eq 'websocket') {
        $self->{open} = $self->take_upgrade;

    } elsif ($self->{in} =~ m{^HTTP/1\.1 200 .*?\r\n\r\n}s) {
        substr($self->{in}, 0, $+[0], '');
        $self->{open} = 1;

    } elsif (defined(my $body = $self->take_body)) {
        $self->refused($body);
        $self->{open} = undef;
    }

    $self->try_again if !defined $self->{open};

    return $self->{open};
}

sub take_chunks {
    my ($self) = @_;

    while ($self->{in} =~ /^([0-9a-f]+)\r\n/) {
        my ($head, $size) = ($+[0], hex($1));

        if ($size == 0) {
            main::count('goodbyes');
            main::fault('strange', 'an end without a word')
                if !$self->{ended};
            $self->hang_up;
            $self->after(rand(0.02));
            return 0;
        }

        return 1 if length $self->{in} < $head + $size + 2;
        $self->{text} .= substr($self->{in}, $head, $size);
        substr($self->{in}, 0, $head + $size + 2, '');
        $self->take_lines;
    }

    return 1;
}

sub take_lines {
    my ($self) = @_;

    while ($self->{text} =~ s/^(.*?)\n\n//s) {
        my $block = $1;

        if ($block =~ /^event: (\w+)\n(?:id: (.*)\n)?data: (.*)$/) {
            $self->take_event($1, $2, $3);
        } elsif ($block =~ /^retry: \d+$/) {
            $self->{ended} = 1;
        } elsif ($block !~ /^:/) {
            main::fault('strange', $block);
        }
    }
}

sub take_text {
    my ($self, $text) = @_;

    if ($text =~ /^\{"event":"(\w+)"(?:,"id":"(.*?)")?,"data":(\{.*\})\}$/) {
        $self->take_event($1, $2, $3);
    } elsif ($text =~ /^\{"re":1,/) {
        $self->acked($text);
    } else {
        main::fault('strange', $text);
    }

    return 1;
}

sub take_event {
    my ($self, $name, $id, $data) = @_;

    if ($name eq 'message' || $name eq 'relation') {
        my $receiver = $self->receiver;
        my ($box) = $data =~ /"$receiver":"(\d+)"/;
        my ($n) = $data =~ /"id":"\d+-(\d+)"/;
        my ($text) = $data =~ /"text":"(.*?)"/;

        $self->take($name eq 'message' ? $box : "relation $box", $n, $text);

    } elsif ($name eq 'reset') {
        main::fault('resets', "$data, came back with "
            . ($self->{cursor} || 'no cursor'));

    } elsif ($name eq 'open') {
        $self->{resumed} = 1;
    }

    if (defined $id) {
        $self->{cursor} = $id;
        $self->{first} //= $id;
    }
}

# An entry

sub take {
    my ($self, $box, $n, $text) = @_;

    my $last = $self->{last}{$box} // 0;
    my $at = $self->{at}{$box} // 0;
    my $where = "$self->{mode} of $box: entry $n ($self->{home} reader)";

    $self->{at}{$box} = $n;

    if ($n <= $last) {
        return main::count('again') if $n > $at
            && $n > ($self->{knew}{$box} // 0)
            && $n <= ($self->{left}{$box} // 0);
        return main::fault('twice', "$where after $last, came back with '"
            . ($self->{mode} eq 'poll' ? $self->{poll} : $self->{came}) . "'");
    }

    main::fault('gaps', "$where after $last") if $n != $last + 1;
    $self->{last}{$box} = $n;

    return main::count('relations') if !defined $text;

    my ($uid, $number) = split(/-/, $text);
    my $next = \$main::next[$uid];

    $$next //= 0;
    main::count('received');
    main::fault('disorder', "$where is $text, not the message $$next")
        if $number != $$next;
    $$next = $number + 1;
}

# After what came in one go: acknowledge, leave, or stay

sub look_around {
    my ($self) = @_;

    $self->ack if $self->{cursor} ne $self->{done} && rand() < 0.5;

    return if $self->{over};

    if ($self->{home} eq 'poll' && rand() < 0.01) {
        $self->move('poll');
    } elsif (rand() < 0.002) {
        $self->leave;
    }
}

sub leave {
    my ($self) = @_;

    main::count('left');
    $self->hang_up(rand() < 0.5);
    $self->due;
}

sub ack {
    my ($self) = @_;

    return if $self->{acks} || $self->{cursor} eq $self->{done}
        || $self->{mode} eq 'poll';

    $self->{acks} = { cursor => $self->{cursor}, at => { %{ $self->{at} } } };

    if ($self->{mode} eq 'websocket' && $self->{open} && rand() < 0.7) {
        $self->write_frame(1,
            qq({"call":1,"action":"ack","cursor":"$self->{cursor}"}));
    } else {
        $self->{acker}->ack($self->{cursor});
    }
}

sub acked {
    my ($self, $text) = @_;

    my $acks = delete $self->{acks} or return;

    return $self->refused($text) if $text !~ /"res":1/;

    main::count('acks');
    main::fault('resets', "ack of $acks->{cursor}: $text")
        if $text =~ /"reset":true/;
    $self->{known}{$_} = main::max($self->{known}{$_} // 0, $acks->{at}{$_})
        for keys %{ $acks->{at} };
    $self->{done} = $acks->{cursor} if $self->{mode} ne 'poll';
}

# All that it handled is acknowledged.

sub finished {
    my ($self) = @_;

    return !grep { $_ !~ /^relation/
        && $self->{last}{$_} > ($self->{known}{$_} // 0) }
        keys %{ $self->{last} };
}

package main;

our @next;      # of a child's readers

# Children: each gets orders, a line each, and tells how far it is

my %children;

package Orders;

use parent -norequire, 'Test::Gmchat::Loop';

sub readable {
    my ($self) = @_;

    while ($self->{in} =~ s/^(.*)\n//) {
        $self->{take}->(split(/ /, $1));
        main::count('orders');
    }
}

sub closed {
    POSIX::_exit(0);
}

package main;

sub child {
    my ($name, $prepare, $take, $turn) = @_;

    pipe(my $theirs, my $orders) or die $!;
    pipe(my $reports, $says) or die $!;
    my $pid = fork() // die "fork: $!";

    if ($pid) {
        close($theirs);
        close($says);
        $orders->autoflush(1);
        $reports->blocking(0);
        Test::Gmchat::Process::keep($pid, $name);
        $children{$name} = { orders => $orders, reports => $reports,
            text => '', figures => {}, pid => $pid };
        return;
    }

    close($_->{orders}) for values %children;
    close($orders);
    $says->autoflush(1);
    srand($seed + length $name);
    Orders->new(take => $take)->watch($theirs);

    eval {
        $prepare->();
        live($turn);
    };
    print {$says} "fault died: $@";
    POSIX::_exit(1);
}

sub live {
    my ($turn) = @_;

    my $told = 0;

    while (1) {
        Test::Gmchat::Loop::turn(0.02);
        $turn->();
        next if time() < $told + 0.02;
        $told = time();
        print {$says} join(' ', 'figures', %figures), "\n";
    }
}

# The senders: one for each player and direction, every fourth over a WebSocket

sub order_senders {
    my ($order, $n) = @_;

    $permitted = $n if $order eq 'permit';
    $limit = EACH if $order eq 'last';
    $_->go for List::Util::shuffle(@peers);
}

child('senders', sub {
    for my $n (0 .. 2 * PLAYERS - 1) {
        my $class = $n % 4 ? 'Sender' : 'Sender::WebSocket';
        push @peers, $class->new(uid => $n >> 1, n => 0, to_player => $n & 1,
            endpoint => $n & 1 ? '/gm' : '/gs');
    }
}, \&order_senders, sub { });

# The readers: [ home, mailboxes, mailboxes without messages ]

sub order_readers {
    my ($order) = @_;

    if ($order eq 'resume') {
        for my $reader (grep { $_->{mode} ne 'poll' } @peers) {
            $reader->{resumed} = 0;
            $reader->leave;
        }
    } elsif ($order eq 'end') {
        $_->{over} = 1 for @peers;
        $_->leave for grep { $_->{mode} eq 'poll' } @peers;
    }
}

sub look_after_readers {
    my $now = time();

    $figures{resumed} = grep { $_->{mode} eq 'poll' || $_->{resumed} } @peers;
    $figures{finished} = grep { $_->finished } @peers;

    for my $reader (@peers) {
        next if ($reader->{look} // 0) > $now;
        $reader->{look} = $now + 0.03;
        $reader->ack;
    }
}

sub readers {
    my ($name, $endpoint, @list) = @_;

    child($name, sub {
        for my $item (@list) {
            my ($home, $boxes, $empty) = @$item;
            push @peers, Reader->new(home => $home, boxes => $boxes,
                empty => $empty // [], endpoint => $endpoint);
        }
        $_->start for @peers;
    }, \&order_readers, \&look_after_readers);

    return scalar @list;
}

my %readers = (
    hosts => readers('hosts', '/gs',
        (map { [ poll => [ $_ ] ] } 1001 .. 1006),
        [ sse => [ 1007 ] ], [ sse => [ 1008, 1009 ] ],
        [ sse => [ 1010 .. 1013 ], [ 2001 .. 2020 ] ],
        [ websocket => [ 1014 ] ], [ websocket => [ 1015, 1016 ] ],
        [ websocket => [ 1017 .. 1020 ], [ 2001 .. 2020 ] ]),
    gms => readers('gms', '/gm',
        (map { [ poll => [ $_ ] ] } 1 .. 3),
        [ sse => [ 4 ] ], [ sse => [ 5 .. 7 ], [ 101 .. 120 ] ],
        [ websocket => [ 8 ] ], [ websocket => [ 9, 10 ], [ 101 .. 120 ] ]),
);

# What they report

sub pump {
    for my $child (values %children) {
        sysread($child->{reports}, $child->{text}, 65536,
            length $child->{text});

        while ($child->{text} =~ s/^(.*)\n//) {
            my ($kind, @words) = split(/ /, $1);
            $child->{figures} = {@words} if $kind eq 'figures';
            push @faults, join(' ', @words) if $kind eq 'fault';
        }
    }
}

sub figure {
    my ($name) = @_;

    return sum(0, map { $_->{figures}{$name} // 0 } values %children);
}

sub wait_for {
    my ($condition, $seconds) = @_;

    return wait_until(sub {
        pump();
        return $condition->();
    }, $seconds // max(1, $began + SECONDS - time()));
}

my $orders = 0;

sub order {
    my ($name, $order) = @_;

    $orders++;

    print { $children{$name}{orders} } "$order\n";
}

# The weather: a bit of it, a bit of the messages, and so on

my ($kills, $reloads, $restarts, $longest) = (0, 0, 0, 0);

sub reload {
    my ($nginx) = @_;

    my $start = time();
    my @old = $nginx->reload_begin;

    kill_one($nginx) if rand() < 0.1;
    wait_for(sub { $nginx->reload_done(@old) }) and $reloads++;
    $longest = max($longest, time() - $start);
}

sub kill_one {
    my ($nginx) = @_;

    my @workers = $nginx->workers;

    $kills += kill('KILL', $workers[ rand @workers ]);
}

sub kill_some {
    my ($nginx) = @_;

    my @old = $nginx->workers;
    my %killed = map { $_ => 1 } rand() < 0.3 ? @old : $old[ rand @old ];

    $kills += kill('KILL', keys %killed);
    wait_for(sub {
        my @now = $nginx->workers;
        return @now == $nginx->{workers} && !grep { $killed{$_} } @now;
    });
}

my @weather = shuffle(
    (map { my $nginx = $_; (sub { reload($nginx) }) x RELOADS } @nginx),
    (map { my $nginx = $_; (sub { kill_some($nginx) }) x (KILLS / 2) } @nginx));

splice(@weather, @weather * $_ / 3, 0, sub { $redis->restart; $restarts++ })
    for 2, 1;

my $early = 2 * PLAYERS * (EACH - 1);

for my $n (1 .. @weather) {
    order('senders', 'permit ' . int($early * $n / @weather));
    $weather[ $n - 1 ]->();
    wait_for(sub { figure('accepted') >= int($early * ($n - 1) / @weather) });
    last if time() > $began + SECONDS;
}

my $storm = time() - $began;

# and when it is over, everybody comes back once more and gets one last
# message: what is said again would come before that

ok(wait_for(sub { figure('accepted') == $early }),
    'every message was accepted in the end');
ok(wait_for(sub { figure('received') >= $early }), 'and received');
order($_, 'resume') for keys %readers;
ok(wait_for(sub {
    return figure('orders') == $orders
        && figure('resumed') == sum(values %readers);
}),
    'the readers come back with their cursors');
order('senders', 'last');
order('senders', 'permit ' . 2 * PLAYERS * EACH);
ok(wait_for(sub { figure('received') >= 2 * PLAYERS * EACH }),
    'and get what is sent then');
order($_, 'end') for keys %readers;
ok(wait_for(sub {
    return figure('orders') == $orders
        && figure('finished') == sum(values %readers);
}),
    'all is acknowledged');

my ($sent, $received) = (figure('accepted'), figure('received'));

is($sent, 2 * PLAYERS * EACH, 'as many were accepted as there are');
is($received, $sent, 'as many were received as were accepted');
is($kills >= KILLS, 1, 'workers were killed');
is($reloads, 2 * RELOADS, 'nginx reloaded');
is($restarts, 2, 'Redis was restarted');
cmp_ok($longest, '<', 10, 'old workers went within ten seconds');
is(figure($_), 0, "no $_") for qw(twice gaps disorder resets strange);
is(join("\n", @faults), '', 'nothing to complain of');
is(sum(map { $redis->cmd('XLEN', "gmchat:{default}:box:$_") }
    (map { "h$_" } 1001 .. 1000 + HOSTS), (map { "g$_" } 1 .. GMS)), 0,
    'every mailbox is empty');

note(sprintf('%d accepted (%d repeated, %d refused), %d received, %d lost, '
    . '%d twice, %d out of order, %d resets', $sent, figure('repeated'),
    figure('refused'), $received, max(0, $sent - $received), figure('twice'),
    figure('gaps') + figure('disorder'), figure('resets')));
note(sprintf('%d streams opened, %d moves between poll and stream (%d '
    . 'unacknowledged came again), %d goodbyes, %d broken connections, '
    . '%d left; %d polls, %d acks, %d relations', map { figure($_) }
    qw(connects moves again goodbyes broken left polls acks relations)));
note(sprintf('%d kills, %d reloads (the longest %.1f s), %d restarts of '
    . 'Redis, %.0f seconds', $kills, $reloads, $longest, $restarts, $storm));

close($_->{orders}) for values %children;
wait_until(sub { !grep { Test::Gmchat::Process::alive($_->{pid}) }
    values %children });
finish();
