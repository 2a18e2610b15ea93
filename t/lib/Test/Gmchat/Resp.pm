package Test::Gmchat::Resp;

# Redis' protocol: finding where a value ends, reading it, writing a command,
# and a small blocking client over these.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(resp_command resp_value resp_connect);

use constant DEADLINE => 30;


sub resp_command {
    my (@words) = @_;

    my $bytes = sprintf("*%d\r\n", scalar @words);

    for my $word (@words) {
        my $copy = "$word";
        utf8::encode($copy) if utf8::is_utf8($copy);
        $bytes .= sprintf("\$%d\r\n", length $copy) . $copy . "\r\n";
    }

    return $bytes;
}


# resp_value($bytes, $from): (value, where it ends), or () while it is not
# complete. An error is a reference to its text.

sub resp_value {
    my ($bytes, $from) = @_;

    my $end = index($$bytes, "\r\n", $from);
    return if $end < 0;

    my $type = substr($$bytes, $from, 1);
    my $line = substr($$bytes, $from + 1, $end - $from - 1);
    $end += 2;

    return ($line, $end) if $type eq '+' || $type eq ':';
    return (\$line, $end) if $type eq '-';
    return resp_bulk($bytes, $line, $end) if $type eq '$';
    return resp_array($bytes, $line, $end) if $type eq '*';

    die "not a Redis reply: $type$line";
}


sub resp_bulk {
    my ($bytes, $length, $from) = @_;

    return (undef, $from) if $length < 0;
    return if length($$bytes) < $from + $length + 2;

    return (substr($$bytes, $from, $length), $from + $length + 2);
}


sub resp_array {
    my ($bytes, $count, $from) = @_;

    return (undef, $from) if $count < 0;

    my @values;

    for (1 .. $count) {
        my ($value, $end) = resp_value($bytes, $from) or return;
        push @values, $value;
        $from = $end;
    }

    return (\@values, $from);
}


# An address is a path or host:port.

sub resp_connect {
    my ($address) = @_;

    if ($address =~ m{^/}) {
        return IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $address);
    }

    return IO::Socket::INET->new(PeerAddr => $address, Proto => 'tcp');
}


sub new {
    my ($class, $address) = @_;

    my $socket = resp_connect($address) or return;

    return bless({ socket => $socket, buffer => '' }, $class);
}


# A reply, or a reference to an error's text. Dies if the connection ends.

sub ask {
    my ($self, @words) = @_;

    my $command = resp_command(@words);
    my $socket = $self->{socket};

    while (length $command) {
        my $sent = syswrite($socket, $command) // die "Redis: $!";
        substr($command, 0, $sent, '');
    }

    return $self->next_value;
}


sub next_value {
    my ($self) = @_;

    my $end = time() + DEADLINE;
    my $select = IO::Select->new($self->{socket});

    while (1) {
        if (my ($value, $length) = resp_value(\$self->{buffer}, 0)) {
            substr($self->{buffer}, 0, $length, '');
            return $value;
        }

        die "Redis does not answer\n" if time() > $end;
        next if !$select->can_read(0.1);

        my $got = sysread($self->{socket}, $self->{buffer}, 65536,
            length $self->{buffer});
        die "Redis closed the connection\n" if !$got;
    }
}


1;
