#!/usr/bin/perl

# The soak: its detector of growth finds what grows and nothing else, and a
# short run of all of it loses nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max sum);
use Test::Gmchat;
use Test::Gmchat::Growth qw(verdict median);
use Test::Gmchat::Process;
use Test::Gmchat::Usage;
use Test::More;

use constant { KIB => 1024, MIB => 1024 * 1024 };

srand(20_261_121);
my $folder = temp_folder();

# ---- the detector, on planted series: a sample a second

sub series {
    my ($seconds, $value) = @_;

    return [ map { [ $_, $value->($_) ] } 0 .. $seconds - 1 ];
}

sub noise {
    my ($width) = @_;

    return $width * (rand() + rand() + rand() - 1.5);
}

sub grows {
    my ($expected, $label, $seconds, $value) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $verdict = verdict(series($seconds, $value), least => 512 * KIB);

    is("$verdict->{judged} $verdict->{grown}", "1 $expected", $label)
        || diag(explain($verdict));

    return $verdict;
}

# Up to the plateau of a heap: fast at first, then hardly.

sub warm {
    my ($t) = @_;

    return 6 * MIB - 3 * MIB * exp(-$t / 20);
}

grows(0, 'what stays the same', 400, sub { 5 * MIB });
grows(0, 'noise', 400, sub { 5 * MIB + noise(2 * MIB) });
grows(0, 'a warm-up', 400, sub { warm($_[0]) + noise(300 * KIB) });
grows(0, 'peaks', 400,
    sub { 5 * MIB + ($_[0] % 30 < 8 ? 20 * MIB : 0) + noise(300 * KIB) });
grows(0, 'one step to a new high-water mark', 400,
    sub { 5 * MIB + ($_[0] > 220 ? MIB : 0) + noise(300 * KIB) });
grows(0, 'what falls', 400, sub { 9 * MIB - $_[0] * 10 * KIB });

my $leak = grows(1, 'a leak of 4 KiB a second below the noise', 400,
    sub { warm($_[0]) + $_[0] * 4 * KIB + noise(600 * KIB) });
grows(1, 'a leak that comes in lumps', 400,
    sub { 5 * MIB + int($_[0] / 40) * 160 * KIB + noise(300 * KIB) });
grows(1, 'a leak under peaks', 400, sub {
    5 * MIB + $_[0] * 4 * KIB + ($_[0] % 30 < 8 ? 20 * MIB : 0);
});
grows(1, 'one step that is far too high', 400,
    sub { 5 * MIB + ($_[0] > 220 ? 4 * MIB : 0) });
is(sprintf('%.0f', $leak->{an_hour} / (4 * KIB) / 3600 * 10), 10,
    'and how much it is in an hour');

my $fds = verdict(series(400, sub { 80 + int($_[0] / 5) + noise(10) }),
    least => 10);
is($fds->{grown}, 1, 'descriptors that are not given back');
$fds = verdict(series(400, sub { 80 + noise(30) }), least => 10);
is($fds->{grown}, 0, 'descriptors of those who come and go');

is(verdict(series(59, sub { $_[0] * MIB }))->{judged}, 0,
    'below a minute nothing is judged');
is(verdict(series(60, sub { $_[0] * MIB }), least => MIB)->{grown}, 1,
    'from a minute on it is');
is(verdict([])->{judged}, 0, 'nor where there is nothing');
is(median(5, 1, 3) . ' ' . median(4, 1, 3, 2), '3 2.5', 'medians');

# ---- what a process takes

sub newest {
    my ($usage, $role, $kind) = @_;

    my ($series) = grep { $_->{role} eq $role } $usage->series;

    return $series->{points}{$kind}[-1][1];
}

my $usage = Test::Gmchat::Usage->new;
$usage->sample(0, test => $$);
my %before = map { $_ => newest($usage, 'test', $_) } qw(rss pss heap fds);
my $ballast = 'x' x (32 * MIB);
my @open = map { open(my $file, '<', '/dev/null'); $file } 1 .. 7;
$usage->sample(1, test => $$);

for my $kind (qw(rss pss heap)) {
    my $more = newest($usage, 'test', $kind) - $before{$kind};
    ok($more >= 30 * MIB && $more < 80 * MIB, "memory is seen in $kind")
        || diag("$more bytes");
}

is(newest($usage, 'test', 'fds') - $before{fds}, 7, 'and descriptors');
is($usage->sample(2, gone => 2 ** 22 + 1), 0,
    'a process that is gone has no sample');
undef $ballast;

# ---- a short one of all of it, and one in which a message is handed over twice

my $soak = "$FindBin::Bin/../tools/soak";
my %pid;

sub begin {
    my ($name, @more) = @_;

    $pid{$name} = Test::Gmchat::Process::spawn(
        name   => $soak,
        argv   => [ $^X, $soak, '--minutes', 0.3, '--rate', 80,
            '--visitors', 30, '--out', "$folder/$name", @more ],
        output => "$folder/$name.out");
}

# (exit status, what it said)

sub outcome {
    my ($name) = @_;

    wait_until(sub { !Test::Gmchat::Process::alive($pid{$name}) }, 400)
        or die 'the soak does not end';
    open(my $file, '<', "$folder/$name.out") or die $!;
    local $/;

    return (Test::Gmchat::Process::reaped($pid{$name}) >> 8, scalar <$file>);
}

begin('good');
begin('bad', '--plant', 'double');

my ($status, $said) = outcome('good');
my ($messages) = $said =~ /^(\d+) messages accepted/m;

is($status, 0, 'a short soak ends well') || diag($said);
cmp_ok($messages // 0, '>', 400, 'messages were sent');
like($said, qr/, $messages received; lost 0, twice 0, out of order 0,/,
    'and came, once and in order');
like($said, qr/^\[ *\d+ s\] nginx: \d+ reloads$/m, 'nginx reloaded');
like($said, qr/^\[ *\d+ s\] redis: killed and started$/m,
    'Redis was restarted');
like($said, qr/^worker 1 +too short to be judged$/m,
    'it does not claim to know what grows');

my ($plot) = glob("$folder/good/soak-*.svg");
like(do { open(my $file, '<', $plot // '/') or die $!; local $/; <$file> },
    qr/>heap of the workers.*<polyline/s, 'there is a plot');

($status, $said) = outcome('bad');
is($status, 1, 'a message that is handed over twice fails it');
like($said, qr/^failed: \d+ messages twice$/m, 'and is named');

done_testing();
