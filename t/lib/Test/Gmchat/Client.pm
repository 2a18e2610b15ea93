package Test::Gmchat::Client;

# What clients of the bridge do, for tests of what is behind it: the sample
# locations /gm, /gs and /status stand for it.

use strict;
use warnings;

use Exporter qw(import);
use IO::Select;
use Time::HiRes qw(time);

use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Nginx;
use Test::Gmchat::Process qw(wait_until);
use Test::Gmchat::Sse;

our @EXPORT_OK = qw(befriend insist say_to_host hold held answer texts_of drain
    metric wait_ready stream_of);

my $said = 0;


# GM 1 with the players 5, 6 and 7 on host 1001; false while it is refused.

sub befriend {
    my ($nginx, @params) = @_;

    return insist($nginx, 'gm', 'create', gm_account => 1, gm_name => 'Ann',
            @params)
        && !grep { !insist($nginx, 'gm', 'add', gm_account => 1, host => 1001,
            uid => $_, @params) } 5 .. 7;
}


# insist($nginx, 'gm', 'add', gm_account => 1, ...): a call that is made again
# until it is done, or was by one that nobody heard of: the account or the
# friendship is there (1 and 3). What is sent needs a msgid.

sub insist {
    my ($nginx, $endpoint, @call) = @_;

    return wait_until(sub {
        my $json = $nginx->$endpoint(@call)->{json} // {};

        return $json->{res} || ($json->{errno} // 0) =~ /^[13]\z/;
    });
}


# A message of the GM to player 5, repeated until it is accepted.

sub say_to_host {
    my ($nginx, $text, @params) = @_;

    my $msgid = "say-$$-" . ++$said;

    return wait_until(sub {
        $nginx->gm('send', gm_account => 1, uid => 5, text => $text,
            msgid => $msgid, @params)->{json}{res};
    });
}


# A call that waits: hold($nginx, '/gm', 'receive', gm_account => 1, ...)

sub hold {
    my ($nginx, $endpoint, $action, @params) = @_;

    my $connection = $nginx->connect;
    $connection->write(format_request('GET',
        Test::Gmchat::Nginx::uri($endpoint, $action, wait => 50, @params)));

    return { connection => $connection, began => time() };
}


# Nothing to read yet.

sub held {
    my ($call) = @_;

    return !IO::Select->new($call->{connection}{socket})->can_read(0);
}


# Its answer, or undef if none came so soon.

sub answer {
    my ($call, $seconds) = @_;

    my $response = eval { $call->{connection}->response($seconds) };

    $call->{connection}->close;

    return $response;
}


sub texts_of {
    my ($response) = @_;

    my $data = ($response->{json} // {})->{data};

    return ref $data eq 'ARRAY' ? map { $_->{text} } @$data : ();
}


# All that a mailbox has, acknowledged until it has no more:
# drain($nginx, '/gm', gm_account => 1). What is refused is tried again.

sub drain {
    my ($nginx, $endpoint, @params) = @_;

    my ($cursor, @texts) = ('');

    wait_until(sub {
        my $reply = $nginx->call($endpoint, 'receive', format => 'json',
            limit => 1000, ack => $cursor, @params);
        my $json = $reply->{json} // {};

        return 0 if !$json->{res};
        $cursor = $json->{cursor};
        push @texts, texts_of($reply);

        return !@{ $json->{data} };
    }) or die 'a mailbox that has no end';

    return @texts;
}


# A figure of /status/metrics, summed over all labels but those given:
# metric($nginx, 'gmchat_store_lost_total', cause => 'switched')

sub metric {
    my ($nginx, $name, %label) = @_;

    my $sum = 0;

    for my $line (split(/\n/, $nginx->get('/status/metrics')->{body})) {
        my ($labels, $value) = $line =~ /^\Q$name\E(?:\{(.*)\})? (\S+)$/
            or next;
        my %has = ($labels // '') =~ /(\w+)="([^"]*)"/g;

        $sum += $value if !grep { ($has{$_} // '') ne $label{$_} } keys %label;
    }

    return $sum;
}


# Until every worker has its link to a store.

sub wait_ready {
    my ($nginx) = @_;

    return wait_until(sub {
        return metric($nginx, 'gmchat_store_links', state => 'ready')
            == $nginx->{workers};
    });
}


# stream_of($nginx, '/gs?host=1001')

sub stream_of {
    my ($nginx, $uri) = @_;

    return Test::Gmchat::Sse->new(address => $nginx->address,
        uri => "$uri&action=stream");
}


1;
