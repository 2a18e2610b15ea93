#!/usr/bin/perl

# The console is for everybody: axe-core finds nothing in any of its views, in both
# themes and languages, on a screen and on a phone, and a keyboard is enough.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Console qw(start_console);
use Test::More;

my $console = start_console();

$console->tell('accessible');
finish();
