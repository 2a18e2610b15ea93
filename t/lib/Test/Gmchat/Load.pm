package Test::Gmchat::Load;

# Chat on a gmchat that may fail: senders that say a message again until it is
# accepted, and readers that acknowledge, in processes of their own, over all
# transports and in both directions. What they saw is in log files that
# Test::Gmchat::Invariants reads.
#
#   my $load = Test::Gmchat::Load->new(
#       dir => folder,              # for the logs
#       addresses => [ '127.0.0.1:8080', ... ],     # /gm and /gs of each
#       groups => [ 'g1', 'g2' ],   # the locations let clients choose
#       players => 15,              # of each group
#       plant => 'lose',            # a fault of ours: lose, double, swap, id
#       homes => [ [ poll => 0 ], .. ],     # other readers than the usual ones
#       each => 250,                # messages of each pair, and no more
#       reader => { roams => 1, .. },       # see Test::Gmchat::LoadReader
#       seed => 7,                  # of what goes by chance
#   );
#   $load->prepare;                 # GMs and friendships
#   $load->start;
#   $load->rate(1000);              # messages a second, and from now on:
#   $load->pump;                    # reads what the processes report
#   $load->figure('accepted');
#   $load->drain(60) or ...;        # all is accepted and received
#   $load->end;
#   my $next = $load->events;       # a line each time, then undef

use strict;
use warnings;

use IO::Handle;
use List::Util qw(sum);
use Time::HiRes qw(time);

use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::LoadProcess;
use Test::Gmchat::Process qw(wait_until alive);

# Of each group: hosts 1001.., GMs 1..; the first is polled, and so on. A
# reader may have mailboxes behind these, that nobody writes to.

use constant BOXES => 5;

my @homes = (
    [ poll => 0 ], [ held => 1 ], [ sse => 2 ], [ websocket => 3, 4 ],
);


sub new {
    my ($class, %arg) = @_;

    return bless({ players => 15, began => time(), processes => [],
        orders => 0, strange => [], homes => \@homes, %arg }, $class);
}


# ---- who takes part

sub host_of { return 1001 + $_[0] % BOXES }
sub gm_of { return 1 + int($_[0] / 3) % BOXES }


# GMs, then friendships: many at once, and each until it is there.

use constant AT_ONCE => 60;

sub prepare {
    my ($self) = @_;

    my (@gms, @friends);

    for my $group (@{ $self->{groups} }) {
        push @gms, map { [ 1, action => 'create', group => $group,
            gm_account => $_, gm_name => "GM$_" ] } 1 .. BOXES;
        push @friends, map { [ 3, action => 'add', group => $group,
            gm_account => gm_of($_), host => host_of($_), uid => $_ ] }
            1 .. $self->{players};
    }

    $self->make_sure(\@gms);
    $self->make_sure(\@friends);
}


# Calls with the errno that says that it is there already.

sub make_sure {
    my ($self, $calls) = @_;

    my @todo = @$calls;
    my $last = '';

    wait_until(sub {
        my @now = splice(@todo, 0, AT_ONCE);
        my @replies = $self->at_once(@now);

        for my $n (0 .. $#now) {
            next if is_there($replies[$n], $now[$n][0]);
            push @todo, $now[$n];
            $last = ($replies[$n] // {})->{body} // 'no answer';
        }

        return !@todo;
    }, 60) or die "GMs and friendships cannot be made: $last\n";
}


sub is_there {
    my ($reply, $errno) = @_;

    my $json = ($reply // {})->{json} // {};

    return $json->{res} || ($json->{errno} // '') eq $errno;
}


# One such call on a connection of the caller's, until it is done.

sub sure {
    my ($line, $errno, @params) = @_;

    my $reply;

    wait_until(sub {
        $reply = $line->request('GET', '/gm?' . encode_params(\@params));
        return is_there($reply, $errno);
    }) or die "@params: $reply->{body}\n";
}


sub at_once {
    my ($self, @calls) = @_;

    my @lines = map {
        my (undef, @params) = @$_;
        my $line = Test::Gmchat::Http->new(address => $self->{addresses}[0]);

        $line->write(format_request('GET',
            '/gm?' . encode_params(\@params)));
        $line;
    } @calls;
    my @replies = map { scalar $_->response } @lines;

    $_->close for @lines;

    return @replies;
}


sub senders {
    my ($self) = @_;

    my @senders;

    for my $uid (1 .. $self->{players}) {
        for my $group (@{ $self->{groups} }) {
            for my $to_player (0, 1) {
                my $class = @senders % 4 ? 'Test::Gmchat::LoadSender'
                    : 'Test::Gmchat::LoadSender::WebSocket';
                push @senders, [ $class, group => $group, uid => $uid,
                    gm => gm_of($uid), to_player => $to_player,
                    pair => "$group.$uid." . ($to_player ? 'down' : 'up') ];
            }
        }
    }

    return @senders;
}


sub readers {
    my ($self, $endpoint) = @_;

    my $first = $endpoint eq '/gs' ? 1001 : 1;
    my @readers;

    for my $group (@{ $self->{groups} }) {
        for my $home (@{ $self->{homes} }) {
            my ($kind, @boxes) = @$home;
            push @readers, [ 'Test::Gmchat::LoadReader', group => $group,
                endpoint => $endpoint, home => $kind,
                boxes => [ map { $first + $_ } @boxes ],
                %{ $self->{reader} // {} } ];
        }
    }

    return @readers;
}


# ---- the processes

sub start {
    my ($self) = @_;

    my @senders = $self->senders;
    my @half = splice(@senders, 0, @senders / 2);

    $self->fork_one('senders1', senders => \@half);
    $self->fork_one('senders2', senders => \@senders);
    $self->fork_one('hosts', readers => [ $self->readers('/gs') ]);
    $self->fork_one('gms', readers => [ $self->readers('/gm') ]);
}


sub fork_one {
    my ($self, $name, @what) = @_;

    pipe(my $theirs, my $orders) or die $!;
    pipe(my $reports, my $says) or die $!;
    my $pid = fork() // die "fork: $!";

    if ($pid) {
        close($theirs);
        close($says);
        $orders->autoflush(1);
        $reports->blocking(0);
        Test::Gmchat::Process::keep($pid, $name);
        push @{ $self->{processes} }, { name => $name, pid => $pid,
            orders => $orders, reports => $reports, text => '',
            figures => {}, sends => $what[0] eq 'senders' };
        return;
    }

    close($_->{orders}) for @{ $self->{processes} };
    close($orders);
    srand($self->{seed} + @{ $self->{processes} }) if defined $self->{seed};

    eval {
        Test::Gmchat::LoadProcess->new(addresses => $self->{addresses},
            began => $self->{began}, log => "$self->{dir}/$name.log",
            orders => $theirs, reports => $says, plant => $self->{plant},
            each => $self->{each}, @what)->run;
    };
    print {$says} "strange $name died: $@\n";
    POSIX::_exit(1);
}


sub pump {
    my ($self) = @_;

    for my $process (@{ $self->{processes} }) {
        sysread($process->{reports}, $process->{text}, 65536,
            length $process->{text});

        while ($process->{text} =~ s/^(.*)\n//) {
            my ($kind, $rest) = split(/ /, $1, 2);
            $process->{figures} = { split(/ /, $rest) } if $kind eq 'figures';
            push @{ $self->{strange} }, $rest if $kind eq 'strange';
        }

        die "the process '$process->{name}' ended: @{ $self->{strange} }\n"
            if !alive($process->{pid});
    }
}


sub figure {
    my ($self, $name) = @_;

    return sum(0, map { $_->{figures}{$name} // 0 } @{ $self->{processes} });
}


sub order {
    my ($self, $process, @words) = @_;

    print { $process->{orders} } "@words\n";
    $self->{orders}++;
}


# So many messages a second; no more than `most` in all, where that is given.

sub rate {
    my ($self, $rate, $most) = @_;

    my @senders = grep { $_->{sends} } @{ $self->{processes} };

    $self->order($_, 'rate', $rate / @senders,
        int(($most // 1e9) / @senders)) for @senders;
}


# ---- the end

# Sends nothing new, and waits until all that was begun is accepted and
# received, and every reader came back once more with its cursor: what would be
# said again comes then. False where that does not come about in this time,
# or nothing moves for long.

sub drain {
    my ($self, $seconds) = @_;

    $self->rate(0);

    return $self->wait_for($seconds, sub {
        $self->figure('orders') == $self->{orders}
            && !$self->figure('busy')
            && $self->figure('received') >= $self->figure('accepted');
    }) && $self->all_back($seconds);
}


sub all_back {
    my ($self, $seconds) = @_;

    my @readers = grep { !$_->{sends} } @{ $self->{processes} };
    my $count = 2 * @{ $self->{groups} } * @{ $self->{homes} };

    $self->order($_, 'back') for @readers;

    return $self->wait_for($seconds, sub {
        $self->figure('orders') == $self->{orders}
            && $self->figure('back') == $count;
    });
}


# Gives up where nothing is received for a third of the time.

sub wait_for {
    my ($self, $seconds, $condition) = @_;

    my ($end, $moved, $last) = (time() + $seconds, time(), -1);

    return wait_until(sub {
        $self->pump;
        return 1 if $condition->();

        my $now = $self->figure('received') + $self->figure('accepted');

        ($last, $moved) = ($now, time()) if $now != $last;
        return time() > $end || time() > $moved + $seconds / 3 ? -1 : 0;
    }, $seconds + 1) == 1;
}


sub end {
    my ($self) = @_;

    close($_->{orders}) for @{ $self->{processes} };
    wait_until(sub { !grep { alive($_->{pid}) } @{ $self->{processes} } });
}


# Reads all logs, one after the other.

sub events {
    my ($self, @more) = @_;

    my @names = ((map { "$self->{dir}/$_->{name}.log" }
        @{ $self->{processes} }), @more);
    my $file;

    return sub {
        while (1) {
            if (!$file) {
                my $name = shift(@names) // return undef;
                open($file, '<', $name) or die "$name: $!";
            }

            my $line = <$file>;
            return $line if defined $line;
            $file = undef;
        }
    };
}


1;
