#!/usr/bin/perl

# The checker of the chaos command finds what it is there for: a message that
# was lost, came twice, out of order or under another id; and the command as a
# whole fails with it, and says which message and what was done around it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::ChaosPlan;
use Test::Gmchat::Invariants;
use Test::Gmchat::Process qw(spawn alive reaped);
use Test::More;

# What one sender and one reader of ten messages note: a fault in the middle,
# message 5 tried twice, and a poll whose answer was lost

my @story = (
    (map { "0.$_ accepted g.1.up $_ 100-$_ 0.$_ 1" } 1 .. 4),
    '0.5 fault SIGKILL to the master',
    '0.6 try g.1.up 5 nginx0 errno -6',
    '0.7 accepted g.1.up 5 100-5 0.5 2',
    (map { "0.8$_ accepted g.1.up $_ 100-$_ 0.8 1" } 6 .. 9),
    '0.9 accepted g.1.up 10 200-10 0.9 1',
    '0.3 asks g.g1 - poll nginx0',
    '0.31 delivered g.g1 100-1 g.1.up 1 100-2 g.1.up 2 100-3 g.1.up 3',
    '0.35 asks g.g1 100-3 poll nginx1',
    '0.81 delivered g.g1 100-4 g.1.up 4 100-5 g.1.up 5',
    '0.82 asks g.g1 100-3 poll nginx0',
    '0.85 delivered g.g1 100-4 g.1.up 4 100-5 g.1.up 5 100-6 g.1.up 6',
    '0.9 asks g.g1 100-6 poll nginx0',
    '0.95 delivered g.g1 100-7 g.1.up 7 100-8 g.1.up 8 100-9 g.1.up 9 '
        . '200-10 g.1.up 10',
    '9.9 fault long after',
);

sub checked {
    my (@lines) = @_;

    my $check = Test::Gmchat::Invariants->new;

    $check->take($_) for @lines;
    $check->finish;

    return $check;
}

sub summary {
    my ($check) = @_;

    return join(', ', map { "$_->{kind} $_->{seq}" } $check->complaints);
}

sub changed {
    my ($from, $to) = @_;

    return map { s/\Q$from\E/$to/r } @story;
}

sub trace_of {
    my ($check, @lines) = @_;

    return Test::Gmchat::Invariants::trace(($check->complaints)[0],
        sub { shift @lines });
}

my $good = checked(@story);

is(summary($good), '', 'nothing is found where nothing is wrong');
is_deeply([ @{ $good->figures }{qw(accepted delivered again tries repeats)} ],
    [ 10, 10, 2, 1, 1 ], 'and it is counted');

my @lost = changed(' 100-8 g.1.up 8', '');
my $check = checked(@lost);

is(summary($check), 'lost 8', 'a lost message');
is(trace_of($check, @lost), <<'EOF_TRACE', 'its trace');
lost: message 8 of g.1.up, accepted as 100-8
    0.5 fault SIGKILL to the master
    0.88 accepted g.1.up 8 100-8 0.8 1
EOF_TRACE

my @twice = changed(' 100-7 g.1.up 7', ' 100-5 g.1.up 5 100-7 g.1.up 7');
$check = checked(@twice);

is(summary($check), 'twice 5', 'a message that the cursor covered');
is(trace_of($check, @twice), <<'EOF_TRACE', 'its trace');
twice: message 5 of g.1.up, handed to g.g1 again as 100-5, and it was past 6
    0.3 asks g.g1 - poll nginx0
    0.35 asks g.g1 100-3 poll nginx1
    0.5 fault SIGKILL to the master
    0.6 try g.1.up 5 nginx0 errno -6
    0.7 accepted g.1.up 5 100-5 0.5 2
    0.81 delivered g.g1 100-4 g.1.up 4 100-5 g.1.up 5 (2 at once)
    0.82 asks g.g1 100-3 poll nginx0
    0.85 delivered g.g1 100-4 g.1.up 4 100-5 g.1.up 5 100-6 g.1.up 6 (3 at once)
    0.9 asks g.g1 100-6 poll nginx0
    0.95 delivered g.g1 100-5 g.1.up 5 100-7 g.1.up 7 (5 at once)
EOF_TRACE

my @swapped = changed('100-7 g.1.up 7 100-8 g.1.up 8',
    '100-7 g.1.up 8 100-8 g.1.up 7');
like(summary(checked(@swapped)), qr/^disorder 7\b/, 'two that are swapped');
like(trace_of(checked(@swapped), @swapped),
    qr/^disorder: message 7 of g\.1\.up, handed to g\.g1 after message 8\n/,
    'its trace');

my @behind = changed('100-7 g.1.up 7 100-8 g.1.up 8',
    '100-8 g.1.up 7 100-7 g.1.up 8');
like(summary(checked(@behind)), qr/^disorder 8\b/,
    'an entry after one that stands behind it');

my @other = map { /delivered/ ? s/100-9 g\.1\.up 9/300-9 g.1.up 9/r : $_ }
    @story;
is(summary(checked(@other)), 'twice 9', "another id than its sender's");

is(summary(checked(map { /delivered .* 200-10/
    ? "$_ 200-11 g.1.up 10" : $_ } @story)), 'twice 10',
    'a message that was stored twice');

# After a reset a reader begins at the start

my @reset = (@story, '1.0 reset g.g1 poll nginx0',
    '1.1 delivered g.g1 100-9 g.1.up 9 200-10 g.1.up 10');

$check = checked(@reset);
is(summary($check), '', 'what comes again after a reset is not twice');
is($check->figures->{after_reset}, 2, 'but counted');
is($check->figures->{resets}, 1, 'and so is the reset');
is(summary(checked(@reset, '1.2 delivered g.g1 100-9 g.1.up 9')), 'twice 9',
    'once');
is(summary(checked(@reset, '1.2 delivered g.g1 300-11 g.1.up 9')), 'twice 9',
    'and under its id');

# The plan is the seed's

sub steps {
    my ($seed, $topology, @lanes) = @_;

    my $plan = Test::Gmchat::ChaosPlan->new(seed => $seed,
        topology => $topology);

    return join("\n", map { my $step = $plan->next_step($_);
        join(' ', map { "$_=$step->{$_}" } sort keys %$step) } @lanes);
}

my @lanes = ('data', 'other', 'data') x 10;

is(steps(7, 'cluster', @lanes), steps(7, 'cluster', @lanes),
    'a seed always gives the same plan');
isnt(steps(7, 'cluster', @lanes), steps(8, 'cluster', @lanes),
    'another seed another one');
is(steps(7, 'single', ('data') x 20), join("\n", grep { /lane=data/ }
    split(/\n/, steps(7, 'single', ('data', 'other') x 20))),
    'whatever the other lane does');

for my $topology (qw(single sentinel cluster)) {
    my $plan = Test::Gmchat::ChaosPlan->new(seed => 1, topology => $topology);

    for my $lane (qw(data other)) {
        my %seen = map { $plan->next_step($lane)->{kind} => 1 } 1 .. 30;
        is(join(', ', sort keys %seen), join(', ', $plan->kinds($lane)),
            "$topology, $lane: each kind comes");
    }
}

# The whole command, and with readers that do wrong

my %planted = (lose => 'lost', double => 'twice', swap => 'disorder',
    id => 'twice');
my $folder = temp_folder();
my %runs = map { $_ => start_chaos($_, '--plant', $_) } keys %planted;

$runs{good} = start_chaos('good');

sub start_chaos {
    my ($name, @options) = @_;

    return spawn(output => "$folder/$name.out", argv => [ $^X,
        "$FindBin::Bin/../tools/chaos", '--seed', 7, '--seconds', 3,
        '--rate', 300, '--out', "$folder/$name", @options ]);
}

# (how it ended, what it said)

sub end_of_chaos {
    my ($name) = @_;

    wait_until(sub { !alive($runs{$name}) }, 120) or die "$name does not end";
    open(my $file, '<', "$folder/$name.out") or die $!;
    local $/;

    return (reaped($runs{$name}) >> 8, scalar <$file>);
}

my ($status, $output) = end_of_chaos('good');

is($status, 0, 'a few seconds of chaos') or diag($output);
like($output, qr/^ +lost +0$/m, 'nothing is lost');
like($output, qr/^ +kill master +[1-9]/m, 'and a master was killed');
ok(-s "$folder/good/chaos.svg", 'there is a picture');
ok(-s "$folder/good/chaos.json", 'and figures');

my $trace = qr/\n(?: +[\d.]+ .*\n)* +[\d.]+ accepted /;

for my $kind (sort keys %planted) {
    ($status, $output) = end_of_chaos($kind);
    is($status, 1, "$kind: the command fails") or diag($output);
    like($output, qr/^seed 7$/m, "$kind: it says the seed");
    like($output, qr/^$planted{$kind}: message \d+ of \S+, .*$trace/m,
        "$kind: and what became of the message");
}

finish();
