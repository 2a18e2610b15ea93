#!/usr/bin/perl

# tools/coverage on a program of which is known what runs.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Process qw(run_command);
use Test::More;

my $tool = abs_path("$FindBin::Bin/../tools/coverage");
my $folder = temp_folder();
my $runs = 0;

sub run {
    return run_command(argv => [@_], output => "$folder/out." . ++$runs);
}

sub run_well {
    my ($status, $said) = run(@_);
    die "@_: $said" if $status;
}

# Two programs that share a file: what either takes is taken.

mkdir("$folder/src");
mkdir("$folder/build");
mkdir("$folder/lua-free-tests");
write_file("$folder/src/part.h", <<'EOF');
static int half(int n) { return n > 9 ? n / 2 : n; }
EOF
write_file("$folder/src/part.c", <<'EOF');
#include "part.h"
int judge(int n, int m);
int judge(int n, int m)
{
    if (n > 1 && m > 1) {
        return half(n);
    }

    if (n < 0) {
        n = -n;
    }

    return n;
}
EOF

for my $number (1, 2) {
    my $call = $number == 1 ? 'judge(2, 2)' : 'judge(2, 1)';

    write_file("$folder/lua-free-tests/main$number.c", <<"EOF");
int judge(int n, int m);
int main(void) { return $call == 99; }
EOF
    mkdir("$folder/build/$number");
    chdir("$folder/build/$number") or die $!;
    run_well('gcc', '--coverage', '-O0', '-c', "$folder/src/part.c");
    run_well('gcc', '--coverage', '-O0', '-o', 'main', 'part.o',
        "$folder/lua-free-tests/main$number.c");
}

chdir('/');

my ($status, $said) = run($tool, '--branches', 0, $folder, "$folder/build");
like($said, qr/^src\/part\.c +6 +0 +0\.0% +6 +0 +0\.0%$/m,
    'before anything ran, nothing is covered');

run_well("$folder/build/1/main");

($status, $said) = run($tool, '--branches', 0, $folder, "$folder/build");
like($said, qr/^src\/part\.c +6 +3 +50\.0% +6 +2 +33\.3%$/m,
    'what one call of a function covers');
like($said, qr/^src\/part\.h +1 +1 +100\.0% +2 +1 +50\.0%$/m,
    'a header is a file as well');

run_well("$folder/build/2/main");

($status, $said) = run($tool, $folder, "$folder/build");
is($status, 0, 'without limits it does not judge');
like($said, qr/^src\/part\.c +6 +5 +83\.3%$/m,
    'two programs together, and lines alone');
like($said, qr/^total +7 +6 +85\.7%$/m, 'the sum');
unlike($said, qr/main\d\.c/, 'tests do not count');

($status, $said) = run($tool, '--lines', 85.7, '--branches', 62.5, $folder,
    "$folder/build");
is($status, 0, 'enough is enough');
like($said, qr/^total +7 +6 +85\.7% +8 +5 +62\.5%$/m, 'both sums');

($status, $said) = run($tool, '--lines', 86, '--branches', 0, $folder,
    "$folder/build");
is($status, 1, 'a line too few fails');
like($said, qr/^coverage: 85\.7 % of the lines, at least 86 % are wanted$/m,
    'and says so');

($status, $said) = run($tool, '--branches', 63, $folder, "$folder/build");
is($status, 1, 'a branch too few fails');
like($said, qr/^coverage: 62\.5 % of the branches, at least 63 % are wanted$/m,
    'and says so');

($status, $said) = run($tool, '--missing', $folder, "$folder/build");
is(join('', $said =~ /^(src.*:.*\n)/mg), <<'EOF', 'what is missing, by line');
src/part.c:5: branches 1 0 1 1: if (n > 1 && m > 1) {
src/part.c:9: branches 0 1: if (n < 0) {
src/part.c:10: never run: n = -n;
src/part.h:1: branches 0 1: static int half(int n) { return n > 9 ? n / 2 : n; }
EOF

($status, $said) = run($tool, $folder, "$folder/src");
isnt($status, 0, 'where there are no counters there is no table');
($status, $said) = run($tool, $folder);
like($said, qr/^usage: /, 'without folders it says what it takes');

done_testing();
