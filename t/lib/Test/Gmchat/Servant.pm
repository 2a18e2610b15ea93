package Test::Gmchat::Servant;

# A process of its own that serves a test and takes its orders while it runs:
# what a fake Redis, a name server and a proxy have in common. A class below
# has
#
#   sub work { my ($self, $control) = @_; ... }
#
# which is the child's whole life: it reads orders from `control`, a line of
# JSON { do => name, ... } each, and writes { answer => value } for each
# (Test::Gmchat::Servant::Orders does so), and ends with the connection.

use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);

use Test::Gmchat::Process;


sub launch {
    my ($self) = @_;

    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC)
        or die "socketpair: $!";

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        close($ours);
        $self->serve($theirs);
    }

    close($theirs);
    Test::Gmchat::Process::keep($pid, ref $self);
    $self->{pid} = $pid;
    $self->{control} = $ours;
    $self->{json} = JSON::PP->new->latin1->canonical;
}


# The parent's END blocks are not the child's.

sub serve {
    my ($self, $control) = @_;

    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    open(STDOUT, '>', '/dev/null');

    my $ended = eval { $self->work($control); 1 };

    print STDERR ref($self) . ": $@" if !$ended;
    POSIX::_exit($ended ? 0 : 1);
}


# An order's answer.

sub ask {
    my ($self, $order) = @_;

    my $line = $self->{json}->encode($order) . "\n";
    my $answer = '';

    while (length $line) {
        my $sent = syswrite($self->{control}, $line)
            // die ref($self) . " is gone\n";
        substr($line, 0, $sent, '');
    }

    while ($answer !~ /\n\z/) {
        sysread($self->{control}, $answer, 65536, length $answer)
            or die ref($self) . " is gone\n";
    }

    return $self->{json}->decode($answer)->{answer};
}


1;
