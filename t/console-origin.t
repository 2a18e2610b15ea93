#!/usr/bin/perl

# Another site's page in the browser of an operator who is signed in: it tries every
# row of the action table in every way that a page has, and can neither send, add
# nor read anything.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::Gmchat;
use Test::Gmchat::Actions qw(action_rows);
use Test::Gmchat::Console qw(start_console);
use Test::Gmchat::Launched qw(launch);
use Test::Gmchat::Port qw(free_port);
use Test::More;

# What each parameter is in a call that would do something.

my %value = (gm_account => 5001, gm_name => 'New', host => 1001, uid => 710001,
    cursor => '5001:1-1', stream => '0' x 32, operator => 'eve', role => 'admin',
    gm_accounts => 5001, ack => '', name => 'hello', id => '1-1',
    text => 'of another site');

sub params_of {
    my ($row) = @_;

    return { action => $row->{name}, map { $_->[0] => "$value{ $_->[0] }" }
        grep { exists $value{ $_->[0] } && wanted($row, $_) }
        @{ $row->{needs} } };
}

# `send` takes a text or base64; a uid that is free may be added.

sub wanted {
    my ($row, $need) = @_;

    return 0 if $row->{name} =~ /^(?:receive|relation)$/ && $need->[0] eq 'ack';

    return $need->[1] eq 'yes' || $need->[0] =~ /^(?:text|gm_accounts)$/;
}

my $elsewhere = <<'EOC';
server {
    listen 127.0.0.1:%%PORT_elsewhere%%;
    server_name 127.0.0.1 localhost;

    location = /elsewhere.html {
        default_type text/html;
        return 200 "<!DOCTYPE html><title>Elsewhere</title><body>";
    }
}
EOC

my @actions = map { { endpoint => $_->{endpoint}, params => params_of($_) } }
    action_rows();

cmp_ok(scalar @actions, '>=', 30, 'actions');

sub origin {
    my ($console, $operator, $port, @paths) = @_;

    my $json = JSON::PP->new->canonical;

    $console->tell('origin',
        GMCHAT_ELSEWHERE => "http://127.0.0.1:$port",
        GMCHAT_OPERATOR  => $operator,
        GMCHAT_ACTIONS   => $json->encode(\@actions),
        GMCHAT_PATHS     => $json->encode(\@paths));
}

# The console as conf/gmchat-console.conf has it.

my $console = start_console(more => $elsewhere);

origin($console, 'olga', $console->{nginx}->port('elsewhere'),
    [ gm => '/console/gm' ]);

# All that ./gmchat run has, also what asks for no password.

my $port = free_port();
my $run = launch(conf => $elsewhere =~ s/%%PORT_elsewhere%%/$port/r);

origin($run, $run->{operator}, $port, [ gm => '/gm' ],
    [ gm => '/console/gm' ], [ gs => '/gs' ], [ gs => '/simulator/gs' ]);
ok($run->end, 'it ends');
finish();
