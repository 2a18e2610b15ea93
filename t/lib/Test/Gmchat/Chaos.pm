package Test::Gmchat::Chaos;

# A chaos run: servers, two nginx in front of them, a load, and a plan of
# faults; then all heals, the readers take what is left, and it is counted.
#
#   my $run = Test::Gmchat::Chaos->new(
#       topology => 'sentinel', durability => 'replicas=1', seed => 7,
#       seconds => 60,              # how long there are faults; or until
#       messages => .., kills => .., # so many are accepted, masters killed
#       rate => 1000,               # messages a second
#       replicas => 2,              # of the master under sentinels
#       dir => folder for servers, out => folder for logs,
#       root => the checkout, plant => undef, say => sub { ... });
#   $run->run;
#   $run->{outages}, ..{counts}, ..{window}, ..{load}->events(...)

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Test::Gmchat::ChaosFaults;
use Test::Gmchat::ChaosPlan;
use Test::Gmchat::ChaosTopology;
use Test::Gmchat::Load;
use Test::Gmchat::Nginx;
use Test::Gmchat::Process qw(run_command);

use constant {
    STEP  => 0.004,     # seconds between two looks at what is waited for
    HEAL  => 60,        # .. that copies may take to be whole again
    DRAIN => 60,        # .. that readers may take for the rest
    SAY   => 10,        # .. between two words to who looks on
};

my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    access_log off;
    %%DIRECTIVES%%
    gmchat_mailbox_max 200000 64m;
    gmchat_heartbeat 1s;
    gmchat_ping 2s;

    server {
        listen 127.0.0.1:%%PORT%%;
        gmchat_group default client;
        location = /gm { gmchat gm; }
        location = /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOC


sub new {
    my ($class, %arg) = @_;

    return bless({ rate => 1000, replicas => 2, say => sub { }, %arg,
        counts => {}, outages => [], watched => [], said => 0 }, $class);
}


sub run {
    my ($self) = @_;

    $self->launch;
    $self->{load}->rate($self->{rate});
    $self->{window}[0] = $self->now;
    $self->storm;
    $self->{window}[1] = $self->now;
    $self->calm_down;
    $self->{drained} = $self->{load}->drain(DRAIN);
    $self->{load}->end;
    close($self->{notes});
}


sub now {
    my ($self) = @_;

    return time() - $self->{load}{began};
}


# ---- the beginning

sub launch {
    my ($self) = @_;

    my $clock = $self->build_clock;

    $self->{servers} = Test::Gmchat::ChaosTopology->start($self->{topology},
        dir => $self->{dir}, durability => $self->{durability},
        clock => $clock, replicas => $self->{replicas});
    $self->{nginx} = [ map { $self->start_nginx($_) } 0, 1 ];
    $self->{plan} = Test::Gmchat::ChaosPlan->new(seed => $self->{seed},
        topology => $self->{topology},
        without => [ $clock ? () : 'step clock' ]);
    $self->{load} = Test::Gmchat::Load->new(dir => $self->{out},
        addresses => [ map { $_->address } @{ $self->{nginx} } ],
        groups => [ $self->{servers}->groups ], plant => $self->{plant});

    open($self->{notes}, '>', "$self->{out}/faults.log") or die $!;
    $self->{notes}->autoflush(1);
    $self->{load}->prepare;
    $self->{load}->start;
}


# Undef where there is no compiler: then no clock is set.

sub build_clock {
    my ($self) = @_;

    my $library = "$self->{dir}/step_clock.so";
    my ($status) = run_command(output => "$self->{dir}/gcc.out",
        argv => [ 'gcc', '-O2', '-shared', '-fPIC', '-o', $library,
            "$self->{root}/t/lib/step_clock.c" ]);

    return $status == 0 ? $library : undef;
}


sub start_nginx {
    my ($self, $number) = @_;

    my $dir = "$self->{dir}/nginx$number";
    mkdir($dir) or die "$dir: $!";

    my $nginx = Test::Gmchat::Nginx->new(dir => $dir, root => $self->{root},
        conf => $conf,
        vars => { DIRECTIVES => $self->{servers}->directives });
    $nginx->{number} = $number;

    return $nginx->start;
}


# ---- the storm

sub note {
    my ($self, $text) = @_;

    printf { $self->{notes} } "%.4f fault %s\n", $self->now, $text;
}


sub outage {
    my ($self, $outage) = @_;

    push @{ $self->{outages} }, $outage;
}


sub is_over {
    my ($self) = @_;

    return 1 if $self->{seconds}
        && $self->now - $self->{window}[0] >= $self->{seconds};
    return 0 if !$self->{messages} && !$self->{kills};

    return $self->{load}->figure('accepted') >= ($self->{messages} // 0)
        && ($self->{counts}{'kill master'} // 0) >= ($self->{kills} // 0);
}


# One fault on data after the other, each when all copies are there again: what
# is promised is promised for one at a time. Where nothing but kills is missing
# the rest of the plan is passed over.

sub storm {
    my ($self) = @_;

    while (!$self->is_over) {
        my $step = $self->{plan}->next_step('data');

        next if $self->{messages} && $step->{kind} ne 'kill master'
            && $self->{load}->figure('accepted') >= $self->{messages};

        $self->pause($step->{gap});
        $self->{counts}{ $step->{kind} }++;
        $_->{next} //= $self->now for @{ $self->{outages} };
        $Test::Gmchat::ChaosFaults::DATA{ $step->{kind} }->($self, $step);
        $self->wait_whole;
    }
}


sub wait_whole {
    my ($self) = @_;

    $self->wait_for(sub { $self->{servers}->whole }, HEAL, 0.05)
        or die "the copies are not whole again\n";
    $self->note('whole');
}


# Keeps everything else going until a condition holds; false where it does not
# in this time.

sub wait_for {
    my ($self, $condition, $seconds, $step) = @_;

    my $end = time() + $seconds;

    while (1) {
        my $value = $condition->();
        return $value if $value;
        return 0 if time() > $end;
        $self->breathe($step // STEP);
    }
}


# Calls this, beside all else, until it returns true.

sub watch {
    my ($self, $look) = @_;

    push @{ $self->{watched} }, $look;
}


sub pause {
    my ($self, $seconds) = @_;

    my $end = time() + $seconds;

    $self->breathe(STEP) while time() < $end;
}


sub breathe {
    my ($self, $seconds) = @_;

    sleep($seconds);
    $self->{load}->pump;
    $self->{watched} = [ grep { !$_->() } @{ $self->{watched} } ];
    $self->other_lane if !$self->{calm};

    my $now = $self->now;
    return if $now < $self->{said} + SAY;

    $self->{said} = $now;
    $self->{say}->(sprintf('%d accepted, %d received, %d kills of a master',
        $self->{load}->figure('accepted'), $self->{load}->figure('received'),
        $self->{counts}{'kill master'} // 0));
}


# The other lane: the next step once the one before is over.

sub other_lane {
    my ($self) = @_;

    if ($self->{other_ends}) {
        return if !$self->{other_ends}->();
        $self->{other_ends} = undef;
    }

    my $step = $self->{other_step};
    my $now = time();

    if (!$step) {
        $step = $self->{other_step} = $self->{plan}->next_step('other');
        $step->{due} = $now + $step->{gap};
    }

    return if $step->{due} > $now;

    $self->{other_step} = undef;
    $self->{counts}{ $step->{kind} }++;
    $self->{other_ends}
        = $Test::Gmchat::ChaosFaults::OTHER{ $step->{kind} }->($self, $step);
}


# No new faults, and what was done is undone.

sub calm_down {
    my ($self) = @_;

    $self->{calm} = 1;
    $self->wait_for($self->{other_ends}, HEAL) if $self->{other_ends};
    $self->wait_whole;
}


# Every nginx ends well and logged no disaster: the lines that say otherwise.

sub end_servers {
    my ($self) = @_;

    my @lines;

    for my $nginx (@{ $self->{nginx} }) {
        push @lines, "nginx$nginx->{number} does not end well" if !$nginx->stop;
        push @lines, $nginx->{log}->disasters(qr/exited on signal 9/);
    }

    return @lines;
}


1;
