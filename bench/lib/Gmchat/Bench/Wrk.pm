package Gmchat::Bench::Wrk;

# One run of wrk, as figures.

use strict;
use warnings;

use POSIX qw(ceil);

use Test::Gmchat::Process qw(spawn wait_until alive reaped);

# What is behind a script of one's own. wrk's own latencies, in microseconds.
# A script that runs out of requests calls no_more(): what wrk says of the
# duration does not hold then.

my $LUA = <<'EOF';
local ffi = require 'ffi'
ffi.cdef [[
    typedef struct { long seconds, nanoseconds; } gmchat_time;
    int clock_gettime(int clock, gmchat_time *now);
]]

local function seconds()
    local now = ffi.new('gmchat_time')
    ffi.C.clock_gettime(1, now)
    return tonumber(now.seconds) + tonumber(now.nanoseconds) / 1e9
end

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    began = seconds()
    lasted = 0
end

function no_more()
    if lasted == 0 then
        lasted = seconds() - began
    end
    wrk.thread:stop()
end

function done(summary, latency, requests)
    local time = threads[1]:get('lasted')
    if time == 0 then
        time = summary.duration / 1e6
    end
    local errors = summary.errors
    io.write(string.format('figures %d %.6f %d %d %d %d\n', summary.requests,
        time, latency:percentile(50), latency:percentile(99),
        latency:percentile(99.9), errors.connect + errors.read
        + errors.write + errors.status + errors.timeout))
end
EOF

# Where a run is cut short: its time begins with the first answer.

my $TELL = <<'EOF';
local told = false

function response()
    if not told then
        told = true
        io.open(BEGUN, 'w'):close()
    end
end
EOF

my $runs = 0;


# run(url, dir, connections => 32, seconds, script => Lua, row => for messages):
# { requests, seconds, rps, p50, p99, p999 }. Dies of anything but answers with
# a status below 400.

sub run {
    my (%arg) = @_;

    my $name = "$arg{dir}/wrk-" . ++$runs;
    my $row = $arg{row} // $arg{url};
    my $cut = $arg{seconds} != int($arg{seconds});

    open(my $file, '>', "$name.lua") or die "$name.lua: $!\n";
    print $file $LUA, $cut ? ("BEGUN = '$name.begun'\n", $TELL) : (),
        $arg{script} // '';
    close($file) or die "$name.lua: $!\n";

    my $pid = spawn(name => 'wrk', output => "$name.out", argv => [ 'wrk',
        '-t1', '-c', $arg{connections} // 32, '-d', ceil($arg{seconds}) . 's',
        '-s', "$name.lua", $arg{url} ]);

    cut($pid, "$name.begun", $arg{seconds}) if $cut;

    my $said = eval { ended($pid, 'wrk', "$name.out") } // die "$row: $@";
    my ($requests, $seconds, $p50, $p99, $p999, $errors) =
        $said =~ /^figures (\d+) (\S+) (\d+) (\d+) (\d+) (\d+)$/m
        or die "$row: wrk said:\n$said\n";

    die "$row: $errors of the requests failed:\n$said\n" if $errors;
    die "$row: nothing was answered\n" if !$requests;
    unlink("$name.lua", "$name.out", "$name.begun");

    return { requests => $requests, seconds => $seconds,
        rps => $requests / $seconds, p50 => $p50, p99 => $p99,
        p999 => $p999 };
}


# wrk knows whole seconds only: for a part of one it is told to end.

sub cut {
    my ($pid, $begun, $seconds) = @_;

    wait_until(sub { -e $begun || !alive($pid) });
    kill('INT', $pid) if !wait_until(sub { !alive($pid) }, $seconds);
}


# What a command that has to succeed wrote. It may take a while.

sub command {
    my ($output, @argv) = @_;

    return ended(spawn(name => $argv[0], argv => \@argv, output => $output),
        $argv[0], $output);
}


sub ended {
    my ($pid, $name, $output) = @_;

    wait_until(sub { !alive($pid) }, 600) or die "$name does not end\n";
    open(my $file, '<', $output) or die "$output: $!\n";
    local $/;
    my $said = scalar(<$file>) // '';

    die "$name failed:\n$said\n" if reaped($pid) != 0;

    return $said;
}


1;
