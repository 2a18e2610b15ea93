package Test::Gmchat::Scripts;

# Calls scripts as the module does.
#
#   my $scripts = Test::Gmchat::Scripts->new(
#       redis  => $redis,               # Test::Gmchat::Redis
#       prefix => 'gmchat:{group}:');
#   $scripts->run('online', 7, 30);             # KEYS[1] is the prefix
#   $scripts->run_in('read', 'box:g7', '', 10); # ARGV[1] is this mailbox
#   $scripts->store('XLEN', 'box:g7');          # a command, of such a key
#   $scripts->cost(sub { ... });                # { command => calls } of it,
#                                               # the scripts' own

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

my $folder = abs_path(dirname(__FILE__) . '/../../../../src/lua');


sub new {
    my ($class, %arg) = @_;

    return bless({ %arg, sha => {} }, $class);
}


sub text_of {
    my ($name) = @_;

    open(my $file, '<', "$folder/$name.lua") or die "$name: $!";
    local $/;

    return scalar <$file>;
}


sub sha {
    my ($self, $name) = @_;

    return $self->{sha}{$name} //= do {
        my $text = text_of($name);
        $text =~ s{^-- include (\w+)$}{text_of("include/$1")}gem;
        $self->{redis}->cmd('SCRIPT', 'LOAD', $text);
    };
}


sub run {
    my ($self, $name, @argv) = @_;

    return $self->{redis}->cmd('EVALSHA', $self->sha($name), 1,
        $self->{prefix}, @argv);
}


sub run_in {
    my ($self, $name, $mailbox, @argv) = @_;

    return $self->run($name, "$self->{prefix}$mailbox", @argv);
}


sub store {
    my ($self, $command, $key, @more) = @_;

    return $self->{redis}->cmd($command, "$self->{prefix}$key", @more);
}


sub cost {
    my ($self, $do) = @_;

    $self->{redis}->cmd('CONFIG', 'RESETSTAT');
    $do->();

    return { $self->{redis}->cmd('INFO', 'commandstats')
        =~ /^cmdstat_(?!evalsha|config|info)(\S+?):calls=(\d+)/mg };
}


1;
