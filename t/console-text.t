#!/usr/bin/perl

# Markup, scripts, strange and long texts, wherever a player or an operator can put
# text: nothing but text comes of them in the browser.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Console qw(start_console);
use Test::More;

start_console()->tell('text');
start_console()->tell('long', GMCHAT_PARTS => 3);
start_console(message_max => '16k')->tell('long', GMCHAT_PARTS => 1);
finish();
