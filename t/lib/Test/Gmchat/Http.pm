package Test::Gmchat::Http;

# A connection of an HTTP/1.1 client that hides nothing: what is written is
# given byte by byte where a test wants it, and every read has a deadline.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(encode_params format_request parse_response);

use constant DEADLINE => 30;


# new(address => '127.0.0.1:port', receive_buffer => bytes)

sub new {
    my ($class, %arg) = @_;

    my $socket = connect_to(%arg) or die "connect to $arg{address}: $!\n";
    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1);

    return bless({ socket => $socket, buffer => '' }, $class);
}


sub connect_to {
    my (%arg) = @_;

    return v6_socket($arg{address}) if $arg{address} =~ /^\[/;

    my $socket = IO::Socket::INET->new(Proto => 'tcp', Type => 1);
    setsockopt($socket, SOL_SOCKET, SO_RCVBUF, $arg{receive_buffer})
        if $arg{receive_buffer};

    my ($host, $port) = $arg{address} =~ /^(.*):(\d+)$/;
    my $to = Socket::pack_sockaddr_in($port, Socket::inet_aton($host));

    return connect($socket, $to) ? $socket : undef;
}


sub v6_socket {
    my ($address) = @_;

    require IO::Socket::IP;
    my ($host, $port) = $address =~ /^\[(.*)\]:(\d+)$/;

    return IO::Socket::IP->new(PeerHost => $host, PeerPort => $port);
}


# A hash, or a list of pairs where order or repetition matters, or the text
# itself. Values are bytes, or characters that become UTF-8.

sub encode_params {
    my ($params) = @_;

    return '' if !defined $params;
    return $params if !ref $params;

    my @list = ref $params eq 'HASH'
        ? map { ($_, $params->{$_}) } sort keys %$params
        : @$params;
    my @pairs;

    while (my ($name, $value) = splice(@list, 0, 2)) {
        push @pairs, escape($name) . '=' . escape($value);
    }

    return join('&', @pairs);
}


sub escape {
    my ($text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^A-Za-z0-9_.~-])/sprintf('%%%02X', ord $1)/ge;

    return $text;
}


# format_request(method, uri, body => ..., type => ..., headers => [...])

sub format_request {
    my ($method, $uri, %arg) = @_;

    my @lines = ("$method $uri HTTP/1.1", 'Host: localhost');

    push @lines, "Content-Type: $arg{type}" if defined $arg{type};
    push @lines, 'Content-Length: ' . length($arg{body})
        if defined $arg{body};
    push @lines, @{ $arg{headers} // [] };

    return join("\r\n", @lines, '', '') . ($arg{body} // '');
}


sub request {
    my ($self, $method, $uri, %arg) = @_;

    $self->write(format_request($method, $uri, %arg));

    return $self->response($arg{seconds});
}


# Writes what the peer takes; a peer that closed is noticed at the read.

sub write {
    my ($self, $bytes) = @_;

    my $end = time() + DEADLINE;
    my $select = IO::Select->new($self->{socket});
    $self->{socket}->blocking(0);

    while (length $bytes) {
        die "the server does not read\n" if time() > $end;

        # A server may answer and close before it read all of a body.
        $select->can_write(0.1) or next;
        my $sent = syswrite($self->{socket}, $bytes);
        next if !defined $sent && $!{EAGAIN};
        return 0 if !defined $sent;
        substr($bytes, 0, $sent, '');
    }

    return 1;
}


# The next response, or undef if the connection ended before it.

sub response {
    my ($self, $seconds) = @_;

    my $end = time() + ($seconds // DEADLINE);
    my $select = IO::Select->new($self->{socket});
    my $eof = 0;

    while (1) {
        my $response = $self->take_response($eof);

        return $response if $response;
        return if $eof;
        die "no answer from the server\n" if time() > $end;
        $select->can_read(0.1) or next;
        $eof = !$self->fill;
    }
}


# Takes a complete response out of what was read, if there is one.

sub take_response {
    my ($self, $eof) = @_;

    my ($response, $length) = parse_response(\$self->{buffer}, $eof)
        or return;

    substr($self->{buffer}, 0, $length, '');

    return $response;
}


# Reads what is there; false at the connection's end.

sub fill {
    my ($self) = @_;

    $self->{socket}->blocking(0);
    my $got = sysread($self->{socket}, $self->{buffer}, 262144,
        length $self->{buffer});

    return 1 if !defined $got && $!{EAGAIN};

    return $got ? 1 : 0;
}


# (response, its length in bytes) or () while it is not complete.

sub parse_response {
    my ($buffer, $eof) = @_;

    my $end = index($$buffer, "\r\n\r\n");
    return if $end < 0;

    my ($first, @lines) = split(/\r\n/, substr($$buffer, 0, $end));
    my ($status) = $first =~ m{^HTTP/1\.[01] (\d{3})}
        or die "not HTTP: $first\n";
    my %headers;

    for my $line (@lines) {
        my ($name, $value) = split(/:\s*/, $line, 2);
        $headers{ lc $name } = $value;
    }

    my ($body, $length) = parse_body($buffer, $end + 4, \%headers, $eof)
        or return;

    my $response = {
        status  => $status,
        headers => \%headers,
        body    => $body,
        json    => scalar decode($body, $headers{'content-type'} // ''),
    };

    return ($response, $length);
}


sub parse_body {
    my ($buffer, $from, $headers, $eof) = @_;

    my $length = $headers->{'content-length'};

    if (defined $length) {
        return if length($$buffer) < $from + $length;
        return (substr($$buffer, $from, $length), $from + $length);
    }

    return parse_chunks($buffer, $from)
        if ($headers->{'transfer-encoding'} // '') eq 'chunked';
    return if !$eof;

    return (substr($$buffer, $from), length $$buffer);
}


sub parse_chunks {
    my ($buffer, $from) = @_;

    my $body = '';

    while (1) {
        my $end = index($$buffer, "\r\n", $from);
        return if $end < 0;

        my $size = hex(substr($$buffer, $from, $end - $from));
        $from = $end + 2;
        return if length($$buffer) < $from + $size + 2;

        $body .= substr($$buffer, $from, $size);
        $from += $size + 2;
        return ($body, $from) if $size == 0;
    }
}


sub decode {
    my ($body, $type) = @_;

    return if $type !~ m{^application/json};

    return eval { JSON::PP->new->utf8->allow_nonref->decode($body) };
}


# Ends the connection with a TCP reset, as a client does that died.

sub reset {
    my ($self) = @_;

    setsockopt($self->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0));
    CORE::close($self->{socket});
}


sub close {
    my ($self) = @_;

    CORE::close($self->{socket});
}


# Whether the server closed the connection, after what is still unread.

sub closed {
    my ($self) = @_;

    return 0 if !IO::Select->new($self->{socket})->can_read(0);

    return !$self->fill;
}


1;
