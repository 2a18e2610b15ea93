#!/usr/bin/perl

# Every answer that Redis gives, for every action and for the links themselves,
# is replaced in its turn by an error, by silence, by a cut, and by what no
# Redis would say. The client gets a whole answer of the contract in time, or
# what it waits for; the worker lives, the next call works, and every message
# that was accepted is there exactly once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(insist);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;
use Time::HiRes qw(time);

use constant {
    ENOUGH => 6,        # seconds for an answer, whatever becomes of Redis
    ENDS   => 2,        # of a long row of answers, how many at each end
};

my %fault = (
    'an error'           => { error => 'ERR torture' },
    'a refusal'          => { error => 'LOADING torture' },
    'silence'            => { silent => 1 },
    'silence afterwards' => { hold => 1 },
    'an end before'      => { close => 1 },
    'a cut'              => { cut => 'half' },
    'an integer'         => { instead => ":1\r\n" },
    'nothing'            => { instead => "\$-1\r\n" },
    'no list'            => { instead => "*-1\r\n" },
    'an empty list'      => { instead => "*0\r\n" },
    'too short a list'   => { instead => "*1\r\n\$2\r\nok\r\n" },
    'a deep list'        => { instead => "*1\r\n" x 30 . ":1\r\n" },
    'a huge string'      => { instead => "\$99999999999\r\nx\r\n" },
    'a huge list'        => { instead => "*2147483647\r\n:1\r\n" },
    'no RESP'            => { instead => "\x01garbage\r\n" },
);

# Some lanes side by side: each has a Redis, a fake in front of it and an
# nginx, and is driven by a process of its own.

package Lane;

use Time::HiRes qw(time);

sub new {
    my ($class) = @_;

    my $dir = main::temp_folder();
    main::write_file("$dir/password", 'secret');

    my $redis = main::start_redis(args => [ 'requirepass secret' ],
        auth => [ 'default', 'secret' ]);
    my $fake = main::start_fake(upstream => $redis);
    my $nginx = main::start_nginx(redis => $fake->url . ':1', workers => 1,
        allow => [ qr/\[(?:alert|crit)\].*gmchat/ ],
        vars => { SECRET => "$dir/password" }, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% password_file=%%SECRET%% timeout=150ms
                 connect_timeout=300ms probe=1s wake_timeout=600ms;
    gmchat_redeliver 1500ms;
    gmchat_grace 5s;
    keepalive_timeout 0;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /checked { gmchat gm; gmchat_role_check /role; }
        location = /role { internal; return 200 '{"code":1}'; }
    }
}
EOF

    my $self = bless({
        redis => $redis, fake => $fake, nginx => $nginx,
        n => 0, uid => 1000, sent => {}, got => {}, cursor => {}, said => [],
    }, $class);

    for my $call ((map { [ 'create', gm_account => $_, gm_name => "GM$_" ] } 1, 2),
        [ 'add', gm_account => 1, host => 1001, uid => 5 ])
    {
        main::insist($nginx, 'gm', @$call)
            or die "@$call: not carried out";
    }

    ($self->{worker}) = $nginx->workers;

    return $self;
}

# A remark on what went wrong, told with the check that follows.

sub wrong {
    my ($self, @what) = @_;

    push @{ $self->{wrong} }, "@what";

    return 0;
}

# What a client may be told.

sub is_answer {
    my ($self, $response) = @_;

    my $json = $response && $response->{json};

    return $self->wrong('no answer') if !$response;
    return $self->wrong("no JSON: $response->{status} $response->{body}")
        if !$json || ref $json ne 'HASH' || !defined $json->{res};
    return 1 if $json->{res} == 1 && $response->{status} == 200;

    my $errno = $json->{errno} // 0;
    my $status = { -5 => 503, -6 => 504 }->{$errno};

    return 1 if $status && $status == $response->{status}
        && length $json->{error};

    # as a call that is repeated: the friendship or the account is there

    return 1 if $response->{status} == 200 && $errno >= 0;

    return $self->wrong("$response->{status} $response->{body}");
}

sub call {
    my ($self, $endpoint, @call) = @_;

    my $began = time();
    my $response = eval { $self->{nginx}->call($endpoint, @call) };

    $self->wrong("@call: $@") if $@;
    $self->wrong("@call: late") if time() - $began > main::ENOUGH;
    $self->is_answer($response);
    $self->note_texts($response);

    return $response && $response->{json}{res} ? $response : undef;
}

# A message with a msgid, that can be sent again.

sub send_text {
    my ($self, $endpoint, @who) = @_;

    my $text = 'm' . ++$self->{n};
    my @call = ($endpoint, 'send', @who, text => $text, msgid => $text);
    my $response = $self->call(@call);

    $self->{sent}{$text} = $response ? undef : \@call;

    return $response;
}

sub to_gm {
    return $_[0]->send_text('/gs', uid => 5);
}

sub to_host {
    return $_[0]->send_text('/gm', gm_account => 1, uid => 5);
}

# Those whose outcome is unknown are sent again until it is known.

sub send_again {
    my ($self) = @_;

    for my $text (grep { $self->{sent}{$_} } keys %{ $self->{sent} }) {
        main::wait_until(sub { $self->call(@{ $self->{sent}{$text} }) })
            or $self->wrong("$text cannot be sent again");
        $self->{sent}{$text} = undef;
    }
}

# What came in a success: each text once.

sub note_texts {
    my ($self, $response) = @_;

    return if !$response || !$response->{json} || !$response->{json}{res};

    for my $item (main::items($response)) {
        $self->{got}{ $item->{text} }++
            if $item->{text} && !defined $item->{dir}
            && exists $item->{ts};
    }
}

sub poll_ack {
    my ($self, $endpoint, $action, @who) = @_;

    my $key = "$endpoint $action";
    my $response = $self->call($endpoint, $action, @who, format => 'json',
        limit => 1000, ack => $self->{cursor}{$key} // '');

    $self->{cursor}{$key} = $response->{json}{cursor} if $response;

    return $response;
}

# The worker is the same, and serves; Redis is let alone by now.

sub recover {
    my ($self) = @_;

    $self->{fake}->clear_rules;
    $self->{fake}->release;

    my $served = main::wait_until(sub {
        return $self->{nginx}->gm('accounts')->{json}{res};
    }) or $self->wrong('no service afterwards');

    $self->send_again;
    $self->wrong('the worker died')
        if join(' ', $self->{nginx}->workers) ne $self->{worker};

    return $served;
}

# Which answers of a row are replaced: all, or of a long one both ends and the
# middle.

sub chosen {
    my ($count) = @_;

    return 1 .. $count if $count <= 4 * main::ENDS;

    return (1 .. main::ENDS, int($count / 2),
        $count - 2 * main::ENDS + 1 .. $count);
}

sub torture {
    my ($self, $label, $food, $scene) = @_;

    my $fake = $self->{fake};

    $self->{disturbed} = 0;
    # An answer may be late where the machine is busy.
    main::wait_until(sub {
        $food->($self);
        $fake->forget;
        return $scene->($self);
    }) or $self->wrong('does not even work undisturbed');
    # An answer that nobody waits for may be on its way yet.
    my $count;
    main::wait_until(sub { $count = $fake->ruled })
        or $self->wrong('asks nothing');
    $self->recover;
    $self->tell("$label: $count answers, undisturbed");
    $self->{disturbed} = 1;

    for my $name (sort keys %fault) {
        for my $n (chosen($count)) {
            $food->($self);
            $fake->on(nth => $n, %{ $fault{$name} });
            $scene->($self);
            $self->recover;
            $_ = "answer $n: $_" for grep { !/^answer \d/ }
                @{ $self->{wrong} // [] };
        }

        $self->tell("$label: $name instead of any of $count answers");
    }
}

# A check, for the process that counts them.

sub tell {
    my ($self, $label) = @_;

    my @wrong = map { s/\s+/ /gr } @{ delete $self->{wrong} // [] };
    print { $self->{out} } join("\t", $label, splice(@wrong, 0, 5)), "\n";
}

# Once everything that was taken and not settled is there again.

sub settle {
    my ($self) = @_;

    my $end = time() + 2;

    main::wait_until(sub {
        my @told = grep { $_ }
            $self->poll_ack('/gs', 'receive', host => 1001),
            $self->call('/gm', 'receive', format => 'json', limit => 1000);
        my @seen = map { main::items($_) } @told;
        return time() > $end && @told == 2 && !@seen;
    }) or $self->wrong('there is always more');

    my @lost = grep { !$self->{got}{$_} } sort keys %{ $self->{sent} };
    my @twice = grep { $self->{got}{$_} > 1 } sort keys %{ $self->{got} };

    $self->wrong("lost: @lost") if @lost;
    $self->wrong("twice: @twice") if @twice;
    $self->tell(sprintf('each of %d messages came once',
        scalar keys %{ $self->{sent} }));
}


# ---- scenes

package main;

my $nothing = sub { };

# A scene that is one call.

sub calls {
    my ($endpoint, @call) = @_;

    return sub { $_[0]->call($endpoint, @call) };
}

sub acks {
    my (@call) = @_;

    return sub { $_[0]->poll_ack(@call) };
}

my @json = (format => 'json', limit => 1000);
my $to_gm = sub { $_[0]->to_gm };
my $to_host = sub { $_[0]->to_host };
my $friend = sub { $_[0]{uid}++ };

sub adds {
    my ($endpoint) = @_;

    return sub {
        my ($lane) = @_;

        return $lane->call($endpoint, 'add', gm_account => 2, host => 1002,
            uid => $lane->{uid});
    };
}

my $added = sub {
    my ($lane) = @_;

    $lane->call('/gm', 'add', gm_account => 2, host => 1002,
        uid => ++$lane->{uid});
};

# A held call, woken by a message or by time: one second.

sub held {
    my ($send, $poll) = @_;

    return sub {
        my ($lane) = @_;

        my $connection = $lane->{nginx}->connect;
        $connection->write(Test::Gmchat::Http::format_request('GET',
            $poll->($lane)));
        $send->($lane);
        my $response = eval { $connection->response(ENOUGH) };
        $connection->close;
        $lane->is_answer($response);
        $lane->note_texts($response);

        return $response;
    };
}

# A stream becomes ready, and what is sent then comes, and nothing twice. One
# that ends, as an answer was none, is opened again.

sub streams {
    my ($open, $send) = @_;

    return sub {
        my ($lane) = @_;

        my $stream = ready_stream($lane, $open)
            or return $lane->wrong('no stream is ready');
        wait_until(sub { $send->($lane) }, ENOUGH)
            or return $lane->wrong('nothing can be sent');

        my $came = message_comes($lane, $stream, "m$lane->{n}");

        if (!$came) {
            $stream = ready_stream($lane, $open);
            $came = $stream && message_comes($lane, $stream, "m$lane->{n}");
        }

        $lane->wrong("m$lane->{n} does not come") if !$came;
        $stream->close if $stream;

        return $came;
    };
}

sub ready_stream {
    my ($lane, $open) = @_;

    return wait_until(sub {
        my $stream = eval { $open->($lane) } or return;
        return next_of($stream, 'ready') ? $stream : undef;
    }, 3 * ENOUGH);
}

# Undef where nothing comes in time, or the stream ends.

sub next_of {
    my ($stream, $name) = @_;

    return scalar eval { $stream->next_event($name, ENOUGH) };
}

sub message_comes {
    my ($lane, $stream, $text) = @_;

    my %seen;

    while (my $event = next_of($stream, 'message')) {
        $lane->wrong("$event->{data}{id} comes twice")
            if $seen{ $event->{data}{id} }++;
        return 1 if $event->{data}{text} eq $text;
    }

    return 0;
}

sub sse {
    my ($uri) = @_;

    return sub {
        return Test::Gmchat::Sse->new(
            address => $_[0]{nginx}->address, uri => $uri);
    };
}

sub websocket {
    my ($uri) = @_;

    return sub {
        return Test::Gmchat::WebSocket->open(
            address => $_[0]{nginx}->address, uri => $uri);
    };
}

# watch and unwatch name a stream. It may have ended meanwhile, as an answer
# that it had was none.

my $watched = sub {
    my ($lane) = @_;

    $lane->{stream}->close if $lane->{stream};
    wait_until(sub {
        $lane->{stream} = ready_stream($lane,
            sse('/gm?action=stream&gm_account=2'));
    }) or return $lane->wrong('no stream is ready');
    $lane->{id} = $lane->{stream}->next_event('open')->{data}{stream};
};

my $watching = sub {
    my ($lane) = @_;

    $watched->($lane);
    changes('watch')->($lane);
};

sub changes {
    my ($action) = @_;

    return sub {
        my ($lane) = @_;

        my $response = $lane->{nginx}->gm($action, stream => $lane->{id},
            gm_account => 1);

        return 1 if $lane->{disturbed} && $response
            && $response->{body} =~ /no such stream/;

        return $lane->is_answer($response);
    };
}

# All connections end and are made again.

my $reconnects = sub {
    my ($lane) = @_;

    $lane->{fake}->kick;

    return wait_until(sub { $lane->to_gm }, ENOUGH + 10);
};

my @lanes = (
    [
        [ 'create', $friend, sub {
            $_[0]->call('/gm', 'create', gm_account => $_[0]{uid},
                gm_name => 'Eve') } ],
        [ 'online', $nothing, calls('/gm', 'online', gm_account => 1) ],
        [ 'offline', calls('/gm', 'online', gm_account => 1),
            calls('/gm', 'offline', gm_account => 1) ],
        [ 'accounts', $nothing, calls('/gm', 'accounts') ],
        [ 'add', $friend, adds('/gm') ],
        [ 'add with the role check', $friend, adds('/checked') ],
        [ 'del', $added, sub {
            $_[0]->call('/gm', 'del', gm_account => 2, uid => $_[0]{uid}) } ],
        [ 'friends', $nothing, calls('/gm', 'friends', gm_account => 1) ],
        [ 'hosts', $nothing, calls('/gm', 'hosts') ],
        [ 'gm send', $nothing, $to_host ],
        [ 'history', $nothing, calls('/gm', 'history', uid => 5) ],
        [ 'player', $nothing, calls('/gm', 'player', uid => 5) ],
        [ 'read', $nothing, calls('/gm', 'read', gm_account => 1, uid => 5,
            id => '1-1') ],
        [ 'canned', $nothing, calls('/gm', 'canned') ],
        [ 'canned_set', $nothing, calls('/gm', 'canned_set', name => 'a',
            text => 'x') ],
        [ 'canned_del', $nothing, calls('/gm', 'canned_del', name => 'a') ],
        [ 'gm ack', $nothing, calls('/gm', 'ack', cursor => '1:') ],
        [ 'gs ack', $nothing, calls('/gs', 'ack', cursor => '1001::') ],
    ],
    [
        [ 'gs send', $nothing, $to_gm ],
        [ 'gm receive of all', $to_gm, calls('/gm', 'receive', @json) ],
        [ 'gm receive of one', $to_gm,
            calls('/gm', 'receive', gm_account => 1, @json) ],
        [ 'gs receive, plain', $to_host,
            calls('/gs', 'receive', host => 1001, @json) ],
        [ 'relation, plain', $added, calls('/gs', 'relation', host => 1002) ],
        [ 'relation with ack', $added,
            acks('/gs', 'relation', host => 1002) ],
        [ 'gs online', $nothing, calls('/gs', 'online', host => 1001) ],
        [ 'watch', $watched, changes('watch') ],
        [ 'unwatch', $watching, changes('unwatch') ],
    ],
    [
        [ 'gs receive with ack', $to_host,
            acks('/gs', 'receive', host => 1001) ],
        [ 'gm receive, held', $nothing, held($to_gm, sub {
            '/gm?action=receive&format=json&gm_account=1&limit=99&wait=1' }) ],
    ],
    [
        [ 'gs receive, held', $nothing, held($to_host, sub {
            '/gs?action=receive&format=json&host=1001&limit=1000&wait=1' }) ],
    ],
    [
        [ 'an event stream of a host', $nothing,
            streams(sse('/gs?action=stream&host=1001'), $to_host) ],
    ],
    [
        [ 'a WebSocket of a GM', $nothing, streams(
            websocket('/gm?action=stream&gm_account=1&online=1'), $to_gm) ],
    ],
    [
        [ 'the link is made', $nothing, $reconnects ],
    ],
);

sub drive {
    my ($lane, $scenes, $out) = @_;

    $lane->{out} = $out;
    $out->autoflush(1);

    for my $scene (@$scenes) {
        my $began = time();
        $lane->torture(@$scene);
        print {$out} sprintf("#\t%s: %.1f s\n", $scene->[0], time() - $began);
    }

    $lane->settle;
}

# All servers first: a pipe that one of them inherits would have no end.

my @running = map { [ Lane->new, $_ ] } @lanes;

for my $running (@running) {
    my ($lane, $scenes) = @$running;

    pipe(my $from, my $to) or die "pipe: $!";
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        eval { drive($lane, $scenes, $to); 1 }
            or print {$to} "a lane goes to its end\t" . $@ =~ s/\s+/ /gr . "\n";
        close($to);
        POSIX::_exit(0);
    }

    close($to);
    push @$running, $from;
}

for my $running (@running) {
    my $from = $running->[2];

    while (defined(my $line = <$from>)) {
        chomp($line);
        my ($label, @wrong) = split(/\t/, $line);

        if ($label eq '#') {
            note("@wrong");
            next;
        }

        is(join("\n", @wrong), '', $label);
    }
}

finish();
