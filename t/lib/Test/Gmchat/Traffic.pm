package Test::Gmchat::Traffic;

# Clients that are there while something happens to the store, and the checks
# that it did them no harm.
#
#   my $waiters = waiters($nginx, group => 'eu');
#   while_sending($nginx, 'the master is killed', sub { ... },
#       group => 'eu');
#   are_woken($waiters, 'after it');

use strict;
use warnings;

use Exporter qw(import);
use Test::More ();
use Time::HiRes qw(time);

use Test::Gmchat::Client
    qw(say_to_host hold answer texts_of drain stream_of);
use Test::Gmchat::Http qw(encode_params);
use Test::Gmchat::Process qw(wait_until);
use Test::Gmchat::Sender;

our @EXPORT_OK = qw(waiters are_woken while_sending accepted_and_there);

my $wakeups = 0;


# A held call and a stream of host 1001 (Client's befriend() made it), which
# have nothing to tell.

sub waiters {
    my ($nginx, @params) = @_;

    drain($nginx, '/gs', host => 1001, @params);

    my $uri = '/gs?' . encode_params([ host => 1001, @params ]);
    my $stream;

    # what is refused is tried again, as by drain()
    wait_until(sub {
        $stream = stream_of($nginx, $uri);
        return $stream->{headers};
    }) or die 'a stream that is refused';
    $stream->next_event('ready') or die 'a stream that does not begin';

    return {
        nginx  => $nginx,
        params => \@params,
        stream => $stream,
        call   => hold_host($nginx, @params),
    };
}


sub hold_host {
    my ($nginx, @params) = @_;

    return hold($nginx, '/gs', 'receive', host => 1001, format => 'json',
        ack => '', @params);
}


# While the store is away to a worker, a held call may be told so: its client
# asks again, as this one does. The texts that it got, or what else.

sub texts_told {
    my ($waiters) = @_;

    my $response;

    wait_until(sub {
        $response = answer($waiters->{call}) // {};
        return 1 if (($response->{json} // {})->{errno} // 0) !~ /^-[56]\z/;
        $waiters->{call} = hold_host($waiters->{nginx},
            @{ $waiters->{params} });
        return 0;
    });

    return join(' ', texts_of($response)) || $response->{body} // 'no answer';
}


# A message reaches both, though something happened. They end.

sub are_woken {
    my ($waiters, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $text = 'wake' . ++$wakeups;

    Test::More::ok(say_to_host($waiters->{nginx}, $text,
        @{ $waiters->{params} }), "$label: a message is accepted");
    Test::More::is(texts_told($waiters), $text,
        "$label: the held call is answered with it");

    my $event = $waiters->{stream}->next_event('message');
    Test::More::is($event ? $event->{data}{text} : 'no event', $text,
        "$label: the stream that was open tells it");
    $waiters->{stream}->close;
}


# A player writes all the while. With `strict` nothing may be lost; else what
# was accepted from half a second before $disturb until its end may be, as a
# master may die before a replica has all that it took. The report of the
# sender.

sub while_sending {
    my ($nginx, $label, $disturb, %arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @params = @{ $arg{params} // [] };
    my $name = $label =~ s/\W+/-/gr;

    drain($nginx, '/gm', gm_account => 1, @params);
    my $sender = Test::Gmchat::Sender->new(address => $nginx->address,
        uid => 6, name => $name, params => \@params);
    wait_until(sub { $sender->count > 20 }) or die 'nothing is accepted';

    my $began = time();
    $disturb->();
    my $ended = time();
    Test::More::note(sprintf("%s took %.2f s", $label, $ended - $began));
    my $before = $sender->count;

    Test::More::ok(wait_until(sub { $sender->count > $before + 20 }),
        "$label: calls go on");

    my $report = $sender->stop;
    my $errors = $report->{errors};
    my $after = Test::Gmchat::Sender::first_after($report, $ended);

    Test::More::is(join(' ', grep { !/^-[56]\z/ } sort keys %$errors), '',
        "$label: what failed meanwhile was refused or unknown");
    Test::More::note(sprintf('%s: the next is accepted after %.2f s; none for '
        . '%.2f s; failed: %s', $label, $after // -1,
        Test::Gmchat::Sender::longest_gap($report),
        join(', ', map { "$_: $errors->{$_}" } sort keys %$errors) || 'none'));

    accepted_and_there($nginx, $label, $sender, $report,
        lost => $arg{strict} ? undef : [ $began - 0.5, $ended ],
        params => \@params);

    return $report;
}


# What a sender was told to be stored is in the GM's mailbox (beside what others
# wrote), in its order and once.

sub accepted_and_there {
    my ($nginx, $label, $sender, $report, %arg) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($from, $to) = @{ $arg{lost} // [ 0, 0 ] };
    my @texts = $sender->texts($report);
    my @got = grep { /^\Q$sender->{name}\E-\d+\z/ }
        drain($nginx, '/gm', gm_account => 1, @{ $arg{params} });
    my %got = map { $_ => 1 } @got;
    my %time;
    @time{@texts} = @{ $report->{times} };

    my @lost = grep { !$got{$_} } @texts;
    my @wrong = grep { $time{$_} < $from || $time{$_} > $to } @lost;

    Test::More::is(join(' ', @wrong), '', "$label: nothing is lost"
        . ($arg{lost} ? ' that a replica had' : ''));
    Test::More::note(scalar(@lost) . ' lost with a master') if @lost;
    Test::More::is(join(' ', @got), join(' ', grep { $got{$_} } @texts),
        "$label: nothing comes twice, all in order");
}


1;
