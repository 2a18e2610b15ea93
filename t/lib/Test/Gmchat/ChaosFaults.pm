package Test::Gmchat::ChaosFaults;

# What a step of Test::Gmchat::ChaosPlan does to the servers.
#
# A fault of the lane `data` is a function of the run and the step that
# returns when it is over (the copies are waited for elsewhere); meanwhile
# $run->wait_for and ->pause keep the rest going. One of the lane `other`
# returns at once, with a function that is true once the step is over.

use strict;
use warnings;

use Time::HiRes qw(time);

use Test::Gmchat::Process qw(alive children_of);

use constant {
    PROMOTION => 45,            # seconds that a failover may take
    START     => 30,            # .. until a server has loaded its data
};

our %DATA = (
    'kill master'    => \&kill_master,
    'restart master' => \&restart_master,
    'stop master'    => \&stop_master,
    'kill replica'   => \&kill_replica,
    'stop replica'   => \&stop_replica,
    'fill memory'    => \&fill_memory,
    'step clock'     => \&step_clock,
    'move slot'      => \&move_slot,
);

our %OTHER = (
    'kill workers'  => \&kill_workers,
    'stop worker'   => \&stop_worker,
    'reload'        => \&reload,
    'flush scripts' => \&flush_scripts,
    'cut'           => \&cut,
    'kill sentinel' => \&kill_sentinel,
    'stop sentinel' => \&stop_sentinel,
);


sub choose {
    my ($step, @list) = @_;

    return $list[ $step->{pick} * @list ];
}


# ---- servers with data

sub kill_master {
    my ($run, $step) = @_;

    my $servers = $run->{servers};
    my $node = choose($step, $servers->masters) or return;
    my @heirs = $servers->heirs($node);
    my @groups = $servers->groups_of($node);
    my $kill = { what => 'kill', at => $run->now, node => $servers->name($node),
        groups => \@groups };

    $run->note('SIGKILL to the master ' . $servers->name($node));
    $node->kill_hard;
    watch_promotion($run, $kill, @heirs) if @heirs;
    $run->pause($step->{length});
    start_again($run, $node);
    $kill->{back} //= $run->now;
    $run->outage($kill);
}


# Returns once it serves.

sub start_again {
    my ($run, $node) = @_;

    my $name = $run->{servers}->name($node);

    $run->{servers}->start_again($node);
    $run->note("$name is started again");
    $run->wait_for(sub { $node->serves }, START)
        or die "$name does not start\n";
    $run->{servers}->tune($node);
    $run->note("$name serves");
}


# Back with what its disk has, before anybody takes its place.

sub restart_master {
    my ($run, $step) = @_;

    my $node = choose($step, $run->{servers}->masters) or return;

    $run->note('SIGKILL to the master ' . $run->{servers}->name($node)
        . ', which is started again at once');
    $node->kill_hard;
    $run->pause(0.1 * $step->{length});
    start_again($run, $node);
}


# Notes when one of these says that it is the master, and goes on to see when it
# can be: clients are told, and there are copies.

sub watch_promotion {
    my ($run, $outage, @heirs) = @_;

    my $heir;

    $run->wait_for(sub {
        ($heir) = grep { $_->role eq 'master' } @heirs;
        return $heir;
    }, PROMOTION) or die "nobody becomes master in place of $outage->{node}\n";

    $outage->{back} = $run->now;
    $outage->{heir} = $run->{servers}->name($heir);
    $run->note("$outage->{heir} is master in place of $outage->{node}");

    my $servers = $run->{servers};

    $run->watch(sub {
        return 0 if !$servers->is_named($heir) || !$servers->has_copies($heir);
        $outage->{able} = $run->now;
        return 1;
    });
}


# Half of the time for so short that nobody may notice, else for so long that
# another one takes its place; then the old one goes on as if it were the
# master still.

sub stop_master {
    my ($run, $step) = @_;

    my $servers = $run->{servers};
    my $node = choose($step, $servers->masters) or return;
    my $name = $servers->name($node);
    my @heirs = $servers->heirs($node);
    my $outage = { what => 'stop', at => $run->now, node => $name,
        groups => [ $servers->groups_of($node) ] };
    my $long = $step->{more} > 0.5;

    $run->note("SIGSTOP to the master $name");
    $node->pause;

    if ($long && @heirs) {
        watch_promotion($run, $outage, @heirs);
        $run->pause(2 * $step->{length});
    } else {
        $run->pause($long ? 1 + 2 * $step->{length}
            : 0.1 + 0.4 * $step->{length});
    }

    $node->resume;
    $run->note("SIGCONT to $name");
    $run->outage($outage) if $outage->{back};
}


sub kill_replica {
    my ($run, $step) = @_;

    my $node = choose($step, $run->{servers}->replicas) or return;
    my $name = $run->{servers}->name($node);

    $run->note("SIGKILL to the replica $name");
    $node->kill_hard;
    $run->pause(2 * $step->{length});
    start_again($run, $node);
}


sub stop_replica {
    my ($run, $step) = @_;

    my $node = choose($step, $run->{servers}->replicas) or return;
    my $name = $run->{servers}->name($node);

    $run->note("SIGSTOP to the replica $name");
    $node->pause;
    $run->pause(0.2 + 3 * $step->{length});
    $node->resume;
    $run->note("SIGCONT to $name");
}


# Redis is as full as it may be; it says OOM to what needs memory.

sub fill_memory {
    my ($run, $step) = @_;

    my $node = choose($step, $run->{servers}->masters) or return;
    my $name = $run->{servers}->name($node);
    my $used = $node->info('used_memory');

    $run->note("maxmemory of $name is the $used bytes that it uses");
    $node->cmd('CONFIG', 'SET', 'maxmemory', $used);
    $run->pause(0.5 + 2 * $step->{length});
    $node->cmd('CONFIG', 'SET', 'maxmemory', 0);
    $run->note("maxmemory of $name is off");
}


# It stays so until the next step on that server.

sub step_clock {
    my ($run, $step) = @_;

    my $servers = $run->{servers};
    my $node = choose($step, $servers->data);
    my $seconds = sprintf('%.3f',
        $servers->next_clock($node->{clock} // 0, $step->{more}));

    $node->{clock} = $seconds;
    $run->note('the clock of ' . $servers->name($node) . " is $seconds s off");
    $servers->set_clock($node, $seconds);
    $run->pause(1 + 2 * $step->{length});
}


# A group goes to another master, some hundred keys at a time.

sub move_slot {
    my ($run, $step) = @_;

    my $servers = $run->{servers};
    my $cluster = $servers->{cluster};
    my $group = choose($step, $servers->groups);
    my $slot = $servers->slot($group);
    my $from = $servers->owner($group) or return;
    my @others = grep { $_ != $from } $servers->masters;
    my $to = $others[ $step->{more} * @others ];
    my $moved = 0;

    $run->note("slot $slot (group $group) moves from " . $servers->name($from)
        . ' to ' . $servers->name($to));
    $cluster->migrate_begin($slot, $from, $to);

    $run->wait_for(sub {
        my $n = eval { $cluster->migrate_keys($slot, $from, $to, 300) };

        $moved += $n // 0;

        return defined $n && $n == 0;
    }, 60) or die "slot $slot does not move: $@\n";

    $cluster->migrate_end($slot, $from, $to);
    $run->note("slot $slot has moved, $moved keys");
}


# ---- beside them

sub over { return 1 }


# After so many seconds does the work, and is true once a condition holds.

sub later {
    my ($seconds, $work, $until) = @_;

    my $at = time() + $seconds;
    my $done = 0;

    return sub {
        return 0 if time() < $at;
        $work->() if !$done;
        $done = 1;

        return !$until || $until->();
    };
}


sub kill_workers {
    my ($run, $step) = @_;

    my $nginx = choose($step, @{ $run->{nginx} });
    my @workers = $nginx->workers;

    @workers = $workers[ $step->{length} * @workers ] if $step->{more} > 0.3;
    $run->note("SIGKILL to workers of nginx$nginx->{number}: @workers");
    kill('KILL', @workers);

    return \&over;
}


sub stop_worker {
    my ($run, $step) = @_;

    my $nginx = choose($step, @{ $run->{nginx} });
    my @workers = $nginx->workers;
    my $pid = $workers[ $step->{more} * @workers ];

    $run->note("SIGSTOP to a worker of nginx$nginx->{number}: $pid");
    kill('STOP', $pid);

    return later(0.2 + 3 * $step->{length}, sub {
        kill('CONT', grep { $_ == $pid } children_of($nginx->{pid}));
        $run->note("SIGCONT to $pid");
    });
}


sub reload {
    my ($run, $step) = @_;

    my $nginx = choose($step, @{ $run->{nginx} });
    my $end = time() + 3;

    $run->note("nginx$nginx->{number} reloads");

    my @old = $nginx->reload_begin;

    return sub { return time() > $end || $nginx->reload_done(@old) };
}


# Nothing is asked of a server that is stopped at the time.

sub flush_scripts {
    my ($run, $step) = @_;

    my $node = choose($step, $run->{servers}->masters) or return \&over;

    $run->note('SCRIPT FLUSH on ' . $run->{servers}->name($node));
    $node->ask('SCRIPT', 'FLUSH');

    return \&over;
}


# Connections of nginx to Redis: one in the midst of something, or all.

sub cut {
    my ($run, $step) = @_;

    my $proxy = $run->{servers}->proxy;
    my $way = $step->{pick} > 0.5 ? 'up' : 'down';
    my $bytes = int(3000 * $step->{length});

    if ($step->{more} < 0.3) {
        $run->note('all connections to Redis are cut');
        $proxy->kick;
    } else {
        $run->note("a connection to Redis is cut after $bytes bytes $way");
        $proxy->cut($bytes, $way);
    }

    return \&over;
}


sub kill_sentinel {
    my ($run, $step) = @_;

    my $node = choose($step, $run->{servers}->sentinels);
    my $name = $run->{servers}->name($node);

    $run->note("SIGKILL to $name");
    $node->kill_hard;

    return later(3 * $step->{length}, sub {
        $run->{servers}->start_again($node);
        $run->note("$name is started again");
    }, sub {
        return 0 if !$node->serves;
        $run->{servers}->tune($node);
        return 1;
    });
}


sub stop_sentinel {
    my ($run, $step) = @_;

    my $node = choose($step, $run->{servers}->sentinels);
    my $name = $run->{servers}->name($node);

    $run->note("SIGSTOP to $name");
    $node->pause;

    return later(0.5 + 3 * $step->{length}, sub {
        $node->resume;
        $run->note("SIGCONT to $name");
    });
}


1;
