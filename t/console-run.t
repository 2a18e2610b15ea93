#!/usr/bin/perl

# ./gmchat run, and a browser with nothing but what it printed: the console and the
# player simulator side by side, and a conversation both ways.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Launched qw(launch);
use Test::More;
use Time::HiRes qw(time);

my $began = time();
my $run = launch();

diag(sprintf('%.1f s until it runs', time() - $began));
$run->tell('run', GMCHAT_OPERATOR => $run->{operator});
ok($run->end, 'it ends');
done_testing();
