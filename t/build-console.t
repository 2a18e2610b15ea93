#!/usr/bin/perl

# How ./gmchat builds the console: with the packages that are there or that
# npm fetches, once for each state of the sources, and with one sentence where
# it cannot. Of a copy of console/, beside the packages of this checkout.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Process qw(run_command);
use Test::More;

my $root = abs_path("$FindBin::Bin/..");
my $packages = "$root/console/node_modules";
my $copy = temp_folder() . '/checkout';
my $bin = temp_folder() . '/bin';
my $calls = temp_folder() . '/calls';

-d "$packages/esbuild"
    or die "$packages is empty: ./gmchat build fills it\n";

mkdir($_) or die "$_: $!" for $copy, $bin, "$copy/console";
for my $source (glob("$root/console/*")) {
    next if $source =~ m{/(?:node_modules|dist)$};
    run_well('cp', '-r', $source, "$copy/console/");
}
symlink($packages, "$copy/console/node_modules") or die $!;

# What npm is asked is noted; this one fetches nothing.
program('npm', <<"EOS");
echo "npm \$*" >>$calls
case \$1 in
ci) echo 'no such registry' >&2; exit 1 ;;
*) PATH=\${PATH#*:} exec npm "\$@" ;;
esac
EOS

# with the packages that are there

my ($status, $said) = build();

is($status, 0, 'it is built') or diag($said);
like($said, qr/console: building$/m, 'which is said');
ok(-s "$copy/console/dist/$_/index.html", "there is $_") for qw(desk simulator);
is(calls(), "npm run build\n", 'no packages are fetched that are there');

is_deeply([ build() ], [ 0, '' ], 'a second time there is nothing to do');
is(calls(), '', 'and npm is not asked');

append('console/test/text.test.ts', "// more\n");
is_deeply([ build() ], [ 0, '' ], 'a test is no source of the page');

append('console/src/main.tsx', "// more\n");
($status, $said) = build();
like($said, qr/console: building$/m, 'a source that changed: it is built anew');

run_well('rm', '-r', "$copy/console/dist/simulator");
append('console/package.json', "\n");
build();
ok(-s "$copy/console/dist/simulator/index.html", 'and all of it');

is_deeply([ build(GMCHAT_CONSOLE => 0) ], [ 0, '' ],
    'GMCHAT_CONSOLE=0: nothing is done');

# what fails

append('console/src/main.tsx', "import './nowhere.js';\n");
refused('a broken source', qr/the build of the console failed/);
like($said, qr/nowhere\.js/, 'and the reason');
refused('a broken source the second time', qr/the build of the console failed/);

unlink("$copy/console/node_modules") or die $!;
calls();
refused('npm fetches nothing', qr/npm could not fetch the console's packages/);
like($said, qr/no such registry/, 'and the reason');
is(calls(), "npm ci --omit=dev --ignore-scripts --no-audit --no-fund\n",
    'what the build takes, from where npm is set to');

program('node', "echo v16.20.2\n");
refused('an old nodejs', qr/needs nodejs 18 or newer .* is v16\.20\.2/);
program('node', "echo 'no such library' >&2; exit 127\n");
refused('a nodejs that does not run', qr/node cannot be run: no such library/);

done_testing();


# build(environment): (status, what it said), as ./gmchat build would.
sub build {
    my (%env) = @_;

    my ($status, $said) = run_command(output => temp_folder() . '/said',
        env => { GMCHAT_CONSOLE => 1, PATH => "$bin:$ENV{PATH}", %env },
        argv => [ 'bash', '-c', <<'EOS', 'build', $root, $copy ]);
set -euo pipefail
ROOT=$2
for lib in "$1"/tools/lib/*.sh; do . "$lib"; done
mkdir -p "$BUILD"
build_console
EOS

    return ($status, $said);
}


sub refused {
    my ($label, $reason) = @_;

    ($status, $said) = build();
    my @sentences = $said =~ /^gmchat: (.*)$/mg;

    isnt($status, 0, "$label: the status is not 0");
    is(scalar @sentences, 1, "$label: one sentence");
    like("@sentences", $reason, "$label: which says why");
    like("@sentences", qr/GMCHAT_CONSOLE=0/, "$label: and what helps")
        if $label !~ /does not run/;
}


sub program {
    my ($name, $text) = @_;

    write_file("$bin/$name", "#!/bin/sh\n$text");
    chmod(0755, "$bin/$name") or die $!;
}


# What npm was asked since the last time.
sub calls {
    open(my $in, '<', $calls) or return '';
    local $/;
    my $text = <$in>;
    unlink($calls);

    return $text;
}


sub append {
    my ($name, $text) = @_;

    open(my $out, '>>', "$copy/$name") or die "$name: $!";
    print $out $text;
    close($out) or die "$name: $!";
}


sub run_well {
    my (@argv) = @_;
    my ($status, $said) = run_command(argv => \@argv,
        output => temp_folder() . '/said');

    die "@argv: $said" if $status;
}
