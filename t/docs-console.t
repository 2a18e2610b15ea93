#!/usr/bin/perl

# docs/console.md against the console's source, and links of the pages:
# what they name is there.

use strict;
use warnings;
use utf8;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use FindBin;
use Test::More;

binmode($_, ':encoding(UTF-8)') for Test::More->builder->output,
    Test::More->builder->failure_output;

my $root = abs_path("$FindBin::Bin/..");
my $page = slurp('docs/console.md');

# keys

my %name = (ArrowDown => '↓', ArrowUp => '↑', Escape => 'Esc');
my ($table) = slurp('console/src/keys.ts') =~ /KEYS.*?= \[\n(.*?)^\];/ms;
my ($documented) = $page =~ /^## Keys\n(.*?)^## /ms;

my @keys = map {
    my ($key) = /key: '([^']+)'/;
    (/alt: true/ ? 'Alt+' : '') . ($name{$key} // $key)
} grep { /key:/ } split /\n/, $table;

cmp_ok(scalar @keys, '>', 10, 'the source has keys');
is(join(' ', sort map { /`([^`]+)`/g } $documented =~ /^\| (`.*?`) \|/mg),
    join(' ', sort @keys), 'console.md has each of them, and no other');

# variables of canned replies

my ($variables) = slurp('console/src/store/canned.ts')
    =~ /VARIABLES = \[(.*?)\]/s;

is(join(' ', sort map { /`\{(\w+)\}`/g } $page =~ /^\| (`\{.*?) \|/mg),
    join(' ', sort $variables =~ /'(\w+)'/g),
    'console.md has each variable');

# what the errors say

my ($meaning) = slurp('console/src/errors.ts') =~ /MEANING.*?= \{(.*?)^\};/ms;
my %meaning = $meaning =~ /'(-?\d+)': '(\w+)'/g;
my ($words) = slurp('console/src/i18n/en.ts') =~ /^    errors: \{\n(.*?)^    \}/ms;
my %said;

while ($words =~ /^ +(\w+): ('.*?'(?:\s*\+\s*'.*?')*),\n/msg) {
    my ($word, $text) = ($1, $2);
    $said{$word} = join '', $text =~ /'([^']*)'/g;
}

my %row;

while ($page =~ /^\| (-?\d+(?:, -?\d+)*)(, when adding)? \| (.*?) \|/mg) {
    push @{ $row{$_}{$2 ? 'adding' : 'else'} }, $3 for split /, /, $1;
}

is(join(' ', sort keys %row), join(' ', sort keys %meaning),
    'console.md has each code that the console knows');

for my $errno (grep { $row{$_}{else}[0] ne 'something about the call' }
    sort keys %row)
{
    my $text = $said{ $meaning{$errno} } // '';

    is($row{$errno}{else}[0], $text, "console.md: what it says of $errno");
}
is($row{4}{adding}[0], $said{noPlayer}, 'console.md: and of 4, when adding');

# links

for my $name ('README.md', 'console/README.md',
    map { s{^\Q$root\E/}{}r } glob("$root/docs/*.md"))
{
    my $text = slurp($name);
    my @lost = grep { !leads_somewhere($name, $_) }
        $text =~ /\]\(([^)\s]+)\)/g, $text =~ /<img src="([^"]+)"/g;

    is("@lost", '', "$name: each link and picture is there");
}

done_testing();


sub leads_somewhere {
    my ($from, $link) = @_;
    my ($path, $anchor) = split /#/, $link, 2;

    return 1 if $path =~ /^https?:/;
    my $file = $path eq '' ? $from
        : ($from =~ m{/} ? dirname($from) . '/' : '') . $path;

    return 0 if !-e "$root/$file";
    return 1 if !defined $anchor;

    return grep { anchor_of($_) eq $anchor }
        slurp($file) =~ /^#+ +(.*)$/mg;
}


sub anchor_of {
    my ($title) = @_;

    return lc($title) =~ s/[^\w\- ]//gr =~ tr/ /-/r;
}


sub slurp {
    my ($name) = @_;

    open(my $file, '<:encoding(UTF-8)', "$root/$name") or die "$name: $!";
    local $/;

    return scalar <$file>;
}
