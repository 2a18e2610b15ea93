#!/usr/bin/perl

# Two tabs and two operators of one account at once, in browsers: they agree on what
# is unread, who is online, who is a friend and what was said; and an operator that
# loses its right while the page is open sees nothing any more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Console qw(start_console);
use Test::More;

my $console = start_console();

$console->tell('two');
finish();
