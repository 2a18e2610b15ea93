package Test::Gmchat::Sse;

# A client of server-sent events over a bare socket. It reads only when it is
# asked for something, so that a test can be a client that does not read.
#
#   my $stream = Test::Gmchat::Sse->new(
#       address => $nginx->address,
#       uri     => '/gs?action=stream&host=1001',
#       last_id => $id,                 # or cursor => $id
#       body    => 'action=stream&..',  # a POST; `type`: its content type
#       accept  => undef,               # no such header
#       headers => [ 'Origin: ..' ],
#       receive_buffer => bytes,
#   );
#   my $event = $stream->next_event('message');
#   $event->{event}, $event->{id}, $event->{data} (decoded)
#   my $again = $stream->reconnect;     # from the last id that was read

use strict;
use warnings;

use IO::Select;
use JSON::PP ();
use Time::HiRes qw(time);

use Test::Gmchat::Http qw(format_request parse_response);

use constant DEADLINE => 30;


sub new {
    my ($class, %arg) = @_;

    my $self = bless({
        arg      => {%arg},
        http     => Test::Gmchat::Http->new(
            address        => $arg{address},
            receive_buffer => $arg{receive_buffer},
        ),
        text     => '',         # of the body, lines not complete yet
        events   => [],         # complete, not taken yet
        current  => {},         # being read
        comments => 0,
        json     => JSON::PP->new->utf8,
    }, $class);

    $self->{http}->write($self->request_bytes);
    $self->read_head;

    return $self;
}


sub request_bytes {
    my ($self) = @_;

    my $arg = $self->{arg};
    my $uri = $arg->{uri};
    my @headers = @{ $arg->{headers} // [] };
    my $accept = exists $arg->{accept} ? $arg->{accept} : 'text/event-stream';

    push @headers, "Accept: $accept" if defined $accept;
    push @headers, "Last-Event-ID: $arg->{last_id}" if defined $arg->{last_id};

    if (defined $arg->{cursor}) {
        $uri .= ($uri =~ /\?/ ? '&' : '?') . 'cursor='
            . Test::Gmchat::Http::escape($arg->{cursor});
    }

    return format_request('GET', $uri, headers => \@headers)
        if !defined $arg->{body};

    return format_request('POST', $uri, headers => \@headers,
        body => $arg->{body},
        type => $arg->{type} // 'application/x-www-form-urlencoded');
}


# Until the header is there. What is no stream is a response as any other.

sub read_head {
    my ($self) = @_;

    my $buffer = \$self->{http}{buffer};
    my $end = time() + DEADLINE;

    while ($$buffer !~ /\r\n\r\n/) {
        die "no answer to the opening of a stream\n" if time() > $end;
        next if $self->read_some(0.1);
        die "the connection ended instead of a stream\n" if $self->{eof};
    }

    my ($head) = $$buffer =~ /\A(.*?)\r\n\r\n/s;

    if ($head !~ m{^Content-Type: text/event-stream}mi) {
        $self->{response} = $self->whole_response;
        $self->{status} = $self->{response}{status};
        return;
    }

    ($self->{status}) = $head =~ m{^HTTP/1\.1 (\d{3})};
    $self->{headers} = headers_of($head);
    substr($$buffer, 0, length($head) + 4, '');
}


sub headers_of {
    my ($head) = @_;

    my (undef, @lines) = split(/\r\n/, $head);

    return { map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines };
}


sub whole_response {
    my ($self) = @_;

    my $end = time() + DEADLINE;

    while (1) {
        my ($response) = parse_response(\$self->{http}{buffer}, $self->{eof});

        return $response if $response;
        die "an answer that does not end\n" if $self->{eof} || time() > $end;
        $self->read_some(0.1);
    }
}


# Reads what is there, waiting for it so long; false if there was nothing.

sub read_some {
    my ($self, $seconds) = @_;

    return 0 if $self->{eof};
    return 0 if !IO::Select->new($self->socket)->can_read($seconds);

    $self->{eof} = 1 if !$self->{http}->fill;

    return !$self->{eof};
}


sub socket {
    my ($self) = @_;

    return $self->{http}{socket};
}


# Reads what is there and takes it apart; false if there was nothing.

sub pump {
    my ($self, $seconds) = @_;

    my $got = $self->read_some($seconds // 0);

    $self->take_chunks if $self->{headers};

    return $got;
}


sub take_chunks {
    my ($self) = @_;

    my $buffer = \$self->{http}{buffer};

    while (!$self->{complete} && $$buffer =~ /\A([0-9A-Fa-f]+)\r\n/) {
        my ($from, $size) = ($+[0], hex $1);

        last if length($$buffer) < $from + $size + 2;
        die "a chunk that does not end\n"
            if substr($$buffer, $from + $size, 2) ne "\r\n";

        $self->{text} .= substr($$buffer, $from, $size);
        substr($$buffer, 0, $from + $size + 2, '');
        $self->{complete} = 1 if $size == 0;
    }

    $self->take_line($1) while $self->{text} =~ s/\A([^\n]*)\n//;
}


sub take_line {
    my ($self, $line) = @_;

    my $current = $self->{current};

    return $self->take_event if $line eq '';
    return $self->{comments}++ if $line =~ /^:/;

    my ($name, $value) = $line =~ /^(event|id|data|retry): (.*)\z/s
        or die "a line that is none of server-sent events: $line\n";

    die "$name stands twice in an event\n" if defined $current->{$name};
    $current->{$name} = $value;
    $self->{retry} = $value if $name eq 'retry';
}


sub take_event {
    my ($self) = @_;

    my $event = $self->{current};
    $self->{current} = {};

    return if !defined $event->{data};

    $event->{data} = $self->{json}->decode($event->{data});
    push @{ $self->{events} }, $event;
}


# The next event (of that name: others before it stay to be taken); undef if
# none came in time. The last id is that of the last event taken.

sub next_event {
    my ($self, $name, $seconds) = @_;

    my $end = time() + ($seconds // DEADLINE);

    while (1) {
        my $event = $self->take_named($name);

        return $event if $event;
        return if time() > $end;
        next if $self->pump(0.05);
        return if $self->{eof};
    }
}


sub take_named {
    my ($self, $name) = @_;

    my $events = $self->{events};

    for my $n (0 .. $#$events) {
        next if defined $name && ($events->[$n]{event} // '') ne $name;

        my ($event) = splice(@$events, $n, 1);
        $self->{last_id} = $event->{id} if defined $event->{id};

        return $event;
    }

    return;
}


# So many events, of that name if given; fewer if they did not come in time.

sub next_events {
    my ($self, $count, $name, $seconds) = @_;

    my $end = time() + ($seconds // DEADLINE);
    my @events;

    while (@events < $count) {
        my $event = $self->next_event($name, $end - time()) or last;
        push @events, $event;
    }

    return @events;
}


# Whatever came and was not taken yet.

sub waiting_events {
    my ($self) = @_;

    1 while $self->pump(0);

    return @{ $self->{events} };
}


# The response ended as it should; `eof`: the connection did, somehow.

sub complete {
    my ($self) = @_;

    $self->pump(0);

    return $self->{complete};
}


sub eof {
    my ($self) = @_;

    $self->pump(0);

    return $self->{eof};
}


# Another stream that goes on where this one was; options as of new().

sub reconnect {
    my ($self, %arg) = @_;

    my %old = %{ $self->{arg} };
    delete @old{qw(last_id cursor)};

    $self->close;
    $arg{last_id} = $self->{last_id} if !exists $arg{cursor};

    return ref($self)->new(%old, %arg);
}


sub close {
    my ($self) = @_;

    $self->{http}->close if !$self->{closed}++;
}


sub reset {
    my ($self) = @_;

    $self->{http}->reset if !$self->{closed}++;
}


1;
