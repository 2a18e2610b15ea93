#!/usr/bin/perl

# The guard over the instructions of a call: what it makes of counts that grew,
# fell or are missing, how callgrind's files are read, and the command itself,
# which sees that a call takes more than it is said to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Callgrind;
use Test::Gmchat::InstructionRows;
use Test::Gmchat::Instructions
    qw(parse_counts format_counts compare_counts);
use Test::Gmchat::Process qw(spawn alive reaped);
use Test::More;

# The comparison

sub verdict {
    my ($before, $now) = @_;

    my ($row) = compare_counts({ 'send nginx' => $before },
        { 'send nginx' => $now });

    return $row->{verdict};
}

is(verdict(10_000, 10_000), 'same', 'unchanged');
is(verdict(10_000, 10_900), 'same', '9 % more');
is(verdict(10_000, 11_000), 'same', '10 % more');
is(verdict(10_000, 11_001), 'more', 'a little more than that');
is(verdict(10_000, 11_100), 'more', '11 % more');
is(verdict(10_000, 9_000), 'same', '10 % less');
is(verdict(10_000, 8_900), 'less', '11 % less');
is(verdict(30, 80), 'same', '50 more, of hardly any');
is(verdict(30, 81), 'more', '51 more, of hardly any');
is(verdict(0, 0), 'same', 'none, and none before');
is(verdict(0, 51), 'more', 'some, and none before');
is(verdict(undef, 100), 'new', 'not counted before');
is(verdict(100, undef), 'new', 'not counted now');

is(join(' ', map { $_->{what} . sprintf('=%.1f', $_->{percent}) }
    compare_counts({ 'b redis' => 200, 'a redis' => 100 },
        { 'a redis' => 112, 'b redis' => 190 })),
    'a redis=12.0 b redis=-5.0', 'each row by itself, in order');

# The file

my $text = <<'EOF';
# a comment

x86_64/gcc-12/nginx-1.22.1/redis-7.0.15 send module 6281
x86_64/gcc-12/nginx-1.22.1/redis-7.0.15 send             redis   162127
other send module 7
EOF
my $kept = parse_counts($text);

is_deeply($kept, {
    'x86_64/gcc-12/nginx-1.22.1/redis-7.0.15' =>
        { 'send module' => 6281, 'send redis' => 162_127 },
    other => { 'send module' => 7 },
}, 'counts by toolchain');
is_deeply(parse_counts(format_counts($kept)), $kept, 'are written as read');
is(format_counts(parse_counts(format_counts($kept))), format_counts($kept),
    'and in one form');

for my $broken ('x send module', 'x send module 12a', 'x send module -3',
    '<<<<<<< HEAD', "x send module 1\nx  send  module  2")
{
    ok(!eval { parse_counts("# head\n$broken\n"); 1 }, "refused: $broken");
    like($@, qr/^line [23] /, 'with the line');
}

# What callgrind writes: names once in full, a call's cost below "calls="

my $folder = temp_folder();

write_file("$folder/dump", <<'EOF');
# callgrind format
version: 1
positions: line
events: Ir
summary: 60


ob=(1) /lib/module.so
fl=(1) /src/a.c
fn=(1) first
10 5
+1 6
cob=(2) /lib/libc.so
cfn=(2) strlen
calls=3 20
* 30
* 4

ob=(2)
fn=(2)
20 30

ob=(1)
fn=(3) second
-3 15
totals: 60
EOF

is_deeply(Test::Gmchat::Callgrind::read_costs("$folder/dump"), {
    total    => 60,
    object   => { '/lib/module.so' => 30, '/lib/libc.so' => 30 },
    function => {
        '/lib/module.so' => { first => 15, second => 15 },
        '/lib/libc.so'   => { strlen => 30 },
    },
}, 'each function without what it calls');
is(Test::Gmchat::Callgrind::read_costs("$folder/dump", 'strlen')->{total}, 30,
    'one of them left out of the total');

write_file("$folder/short", "ob=(1) a\nfn=(1) b\n1 5\ntotals: 6\n");
ok(!eval { Test::Gmchat::Callgrind::read_costs("$folder/short") },
    'a file of which some is missing');
like($@, qr/its sum is 6, and not 5/, 'is not believed');

# The counts of the repository

my @rows = Test::Gmchat::InstructionRows->names;
my $recorded = parse_counts(slurp("$FindBin::Bin/../bench/instructions"));

ok(scalar keys %$recorded, 'there are counts in bench/instructions');
is(join("\n", sort keys %{ $recorded->{$_} }),
    join("\n", sort map { ("$_ module", "$_ nginx", "$_ redis") } @rows),
    "of each row, with $_") for sort keys %$recorded;

# The command, with the module as it goes to production and the two rows that
# are soon done

$ENV{GMCHAT_MODULE} =
    "$FindBin::Bin/../build/release/ngx_http_gmchat_module.so";

my $counts = "$folder/counts";
my $runs = 0;

sub slurp {
    my ($name) = @_;

    open(my $file, '<', $name) or die "$name: $!";
    local $/;

    return scalar(<$file>) // '';
}

# (exit code, what it said)

sub instructions {
    my (@options) = @_;

    my $output = "$folder/out." . ++$runs;
    my $pid = spawn(name => 'instructions', output => $output,
        argv => [ "$FindBin::Bin/../tools/instructions", '--counts', $counts,
            '--only', 'return,relation-idle', @options ]);

    wait_until(sub { !alive($pid) }, 600) or die 'instructions does not end';

    return (reaped($pid) >> 8, slurp($output));
}

# As if so many instructions had been counted before.

sub pretend {
    my ($toolchain, $what, $count) = @_;

    my $before = parse_counts(slurp($counts));

    $before->{$toolchain}{$what} = $count;
    write_file($counts, format_counts($before));
}

my ($status, $said) = instructions('--update', '--keep', "$folder/kept");
is($status, 0, 'counts are written') || diag($said);
ok(-s "$folder/kept/relation-idle.$_.callgrind", "callgrind's file of $_ stays")
    for qw(nginx redis);

my ($toolchain, $counted) = %{ parse_counts(slurp($counts)) };
cmp_ok($counted->{'relation-idle nginx'}, '>', $counted->{'return nginx'},
    'a poll takes more than return 200');
cmp_ok($counted->{'relation-idle nginx'}, '>',
    $counted->{'relation-idle module'}, 'of which some is not the module');
is($counted->{'return redis'}, 0, 'return 200 takes nothing of Redis');

($status, $said) = instructions();
is($status, 0, 'a second count is like the first') || diag($said);
unlike($said, qr/  (?:more|less|new)$/m, 'and says so');

my $module = $counted->{'relation-idle module'};
my $redis = $counted->{'relation-idle redis'};

pretend($toolchain, 'relation-idle module', int($module / 1.2));
pretend($toolchain, 'relation-idle redis', int($redis / 1.2));
($status, $said) = instructions();
is($status, 1, 'a module that got slower by a fifth fails') || diag($said);
like($said, qr/^relation-idle +module +\d+ +\d+ +\+(?:19|20)\.\d %  more$/m,
    'which row, and by how much');
like($said, qr/^relation-idle\ module:\ \d+\ before,\ \d+\ now.*\n
    (?:\ +\d+\ \ \S+\ \(ngx_http_gmchat_module\.so\)\n){10}/mx,
    'and what it takes most for');
like($said, qr/^relation-idle redis: .*\n +\d+  .* \(\S+\)$/m,
    'as does what is slower in Redis');
like($said, qr/^instructions: 2 counts grew by more than 10 %$/m,
    'in one sentence');

pretend($toolchain, 'relation-idle module', $module);
pretend($toolchain, 'relation-idle redis', int($redis * 1.2));
($status, $said) = instructions();
is($status, 0, 'what got faster by a fifth does not fail') || diag($said);
like($said, qr/^relation-idle +redis .*  less\n.*--update/ms,
    'and wants to be written down');

write_file($counts, slurp($counts) =~ s{^\w+(?=/gcc-)}{vax}gmr);
($status, $said) = instructions();
is($status, 0, 'another toolchain has nothing to compare with') || diag($said);
like($said, qr/has no counts for \Q$toolchain\E: nothing was/,
    'which is said');
like($said, qr/^relation-idle +nginx +- +\d+/m, 'beside the counts');

write_file($counts, "nonsense\n");
($status, $said) = instructions();
isnt($status, 0, 'a broken file fails');
like($said, qr/\Q$counts\E: line 1 is no count: nonsense/, 'and is named');

unlink($counts);
($status, $said) = instructions();
isnt($status, 0, 'a missing file, too');
like($said, qr/\Q$counts\E: No such file/, 'by its name');

done_testing();
