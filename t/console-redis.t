#!/usr/bin/perl

# Redis goes and comes back while the console is open in a browser: what fails says
# why, and is there once in the end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Console qw(start_console);
use Test::More;

my $console = start_console();

$console->tell('redis');
finish();
