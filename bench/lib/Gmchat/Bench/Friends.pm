package Gmchat::Bench::Friends;

# Accounts and friendships that a section begins with, through the bridge.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(befriend success);


# success($connection, uri): a call must succeed; its body.

sub success {
    my ($connection, $uri) = @_;

    my $response = $connection->request('GET', $uri);

    die "$uri is answered $response->{status}: $response->{body}\n"
        if $response->{body} !~ /^\{"res":1/;

    return $response->{body};
}


# The GM 1 and its n friends, 1 to n, each on a host of its own from 1000 on.

sub befriend {
    my ($nginx, $n) = @_;

    my $connection = $nginx->connect;

    success($connection, '/gm?action=create&gm_account=1&gm_name=A');
    success($connection, '/gm?action=add&gm_account=1&host='
        . (1000 + $_) . '&uid=' . (1 + $_)) for 0 .. $n - 1;
    $connection->close;
}


1;
