#!/usr/bin/perl

# A GM's whole day in a browser: signs in, goes online, adds a player, chats both
# ways, loses the connection in all the ways there are and comes back without a
# reload of the page, answers with canned replies, and ends the friendship.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Console qw(start_console);
use Test::More;

my $console = start_console(allow => [qr/exited on signal 9/]);

$console->tell('day');
finish();
