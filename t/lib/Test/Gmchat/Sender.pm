package Test::Gmchat::Sender;

# A player in a process of its own, who writes to the GM one message after the
# other. Each has a msgid and is repeated under it until it is accepted.
#
#   my $sender = Test::Gmchat::Sender->new(
#       address => $nginx->address,
#       uid     => 5,
#       name    => 'a',             # messages are a-0, a-1, ...
#       params  => [ group => 'eu' ],       # of each call
#       pace    => 0.005,           # seconds between two messages
#   );
#   $sender->count;                 # accepted until now
#   my $report = $sender->stop;
#   $report->{count}, $report->{errors} ({ errno or 'closed' => how often }),
#   $report->{times} (of each acceptance)

use strict;
use warnings;

use parent 'Test::Gmchat::Servant';

use IO::Select;
use List::Util qw(max);
use Time::HiRes qw(time);

use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Servant::Orders;


sub new {
    my ($class, %arg) = @_;

    my $self = bless({ name => 'a', params => [], pace => 0.005, %arg,
        times => [], errors => {} }, $class);

    $self->launch;

    return $self;
}


sub count {
    my ($self) = @_;

    return $self->ask({ do => 'count' });
}


# No message more. The process ends.

sub stop {
    my ($self) = @_;

    my $report = $self->ask({ do => 'report' });
    close($self->{control});

    return $report;
}


# What the messages up to now are called.

sub texts {
    my ($self, $report) = @_;

    return map { "$self->{name}-$_" } 0 .. $report->{count} - 1;
}


# The longest time between two acceptances, and how long after a moment the
# next one was; seconds.

sub longest_gap {
    my ($report) = @_;

    my $times = $report->{times};

    return max(0, map { $times->[$_] - $times->[ $_ - 1 ] } 1 .. $#$times);
}


sub first_after {
    my ($report, $moment) = @_;

    my ($first) = grep { $_ >= $moment } @{ $report->{times} };

    return defined $first ? $first - $moment : undef;
}


# ---- the child

sub work {
    my ($self, $control) = @_;

    my $orders = Test::Gmchat::Servant::Orders->new($control, $self);
    my $select = IO::Select->new($control);
    my $pause = 0;

    while (1) {
        return if $select->can_read($pause) && !$orders->read;
        $pause = $self->{stopped} ? undef : $self->send_one;
    }
}


sub order_count {
    my ($self) = @_;

    return scalar @{ $self->{times} };
}


sub order_report {
    my ($self) = @_;

    $self->{stopped} = 1;

    return { count => $self->order_count, errors => $self->{errors},
        times => $self->{times} };
}


# Returns how long to wait then.

sub send_one {
    my ($self) = @_;

    my $text = "$self->{name}-" . @{ $self->{times} };
    my $response = eval { $self->request(encode_params([ action => 'send',
        uid => $self->{uid}, text => $text, msgid => $text,
        @{ $self->{params} } ])) };
    my $json = $response ? $response->{json} : undef;

    if ($json && $json->{res}) {
        push @{ $self->{times} }, time();
        return $self->{pace};
    }

    delete $self->{http} if !$response;
    $self->{errors}{ $json ? $json->{errno} : 'closed' }++;

    return 0.02;
}


sub request {
    my ($self, $params) = @_;

    $self->{http} //= Test::Gmchat::Http->new(address => $self->{address});

    return $self->{http}->request('GET', "/gs?$params");
}


1;
