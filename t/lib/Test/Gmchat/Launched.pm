package Test::Gmchat::Launched;

# ./gmchat run as a newcomer starts it, with a state folder and a port of the test's
# own, for scripts of console/browser/ (Test::Gmchat::Console tells them).
#
#   my $run = launch(conf => 'more of http { }');
#   $run->tell('run');
#   ok($run->end, 'it ends');

use strict;
use warnings;

use parent -norequire, 'Test::Gmchat::Console';

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path);

use Test::Gmchat;
use Test::Gmchat::Console;
use Test::Gmchat::Log;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process qw(alive reaped signal_and_wait spawn);
use Test::Gmchat::Redis;

our @EXPORT_OK = qw(launch);

# A first start may build.
use constant START_SECONDS => 300;

my $root = abs_path(dirname(__FILE__) . '/../../../..');


# Starts it and waits until it has said its addresses: what it printed is in
# {url}, {operator} and {password}. Requests are logged as "combined", too.

sub launch {
    my (%arg) = @_;

    my $dir = temp_folder();
    my $output = "$dir/output";

    make_path("$dir/state/nginx/conf.d");
    write_file("$dir/state/nginx/conf.d/test.conf",
        "access_log $dir/access.log combined;\n" . ($arg{conf} // ''));

    my $self = bless({ dir => $dir, access_log => "$dir/access.log",
        redis => Test::Gmchat::Redis->of("$dir/state/redis/redis.sock") },
        __PACKAGE__);

    $self->{launcher} = spawn(
        name   => 'gmchat run',
        argv   => [ "$root/gmchat", 'run' ],
        output => $output,
        env    => { GMCHAT_DIR => "$dir/state", GMCHAT_PORT => free_port(),
            GMCHAT_DEMO => 0 },
    );

    wait_until(sub { $self->reads($output) || !alive($self->{launcher}) },
        START_SECONDS);
    die 'it did not start: ' . Test::Gmchat::Log::slurp($output)
        if !$self->{url} || !alive($self->{launcher});

    return $self;
}


# All is said once the last of the lines to try is there.

sub reads {
    my ($self, $output) = @_;

    my $said = Test::Gmchat::Log::slurp($output);

    return 0 if $said !~ m{^ +curl '\S+/status'$}m;

    ($self->{url}, $self->{operator}, $self->{password}) = $said
        =~ m{^ +(\S+)/console/ .* name (\S+), password (\S+)$}m;

    return defined $self->{url};
}


# False where it ended badly.

sub end {
    my ($self) = @_;

    signal_and_wait('INT', $self->{launcher}) or return 0;

    return reaped($self->{launcher}) == 0;
}


1;
