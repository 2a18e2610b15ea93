#!/usr/bin/perl

# The console speaks English and Chinese, each whole: in no view is a word missing or
# left in the other language.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Actions qw(action_rows);
use Test::Gmchat::Console qw(start_console);
use Test::More;

# What the bridge calls things is the same in all languages.

my %names = map { $_ => 1 } map { ($_->{name}, map { $_->[0] } @{ $_->{needs} }) }
    action_rows();

for my $language (qw(en zh)) {
    start_console()->tell('languages', GMCHAT_LANGUAGE => $language,
        GMCHAT_NAMES => join(' ', sort keys %names));
}

finish();
