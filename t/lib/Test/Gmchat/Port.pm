package Test::Gmchat::Port;

# Free ports of 127.0.0.1 for tests that run side by side. They lie below the
# range from which the kernel takes ports for outgoing connections, and a lock
# file keeps two tests from choosing the same one.

use strict;
use warnings;

use Exporter qw(import);
use Fcntl qw(:flock O_CREAT O_RDWR);
use File::Spec;
use IO::Socket::INET;

our @EXPORT_OK = qw(free_port);

use constant { FIRST => 12_000, LAST => 30_000 };

my %held;       # port => lock's handle, kept until the test ends


sub free_port {
    my $base = FIRST + ($$ * 37) % (LAST - FIRST);

    for my $step (0 .. LAST - FIRST) {
        my $port = FIRST + ($base - FIRST + $step) % (LAST - FIRST);
        return $port if !$held{$port} && hold($port);
    }

    die 'no free port';
}


sub hold {
    my ($port) = @_;

    my $name = sprintf('%s/gmchat-test-port-%d-%d.lock',
        File::Spec->tmpdir, $>, $port);

    sysopen(my $lock, $name, O_RDWR | O_CREAT, 0600) or return 0;
    flock($lock, LOCK_EX | LOCK_NB) or return 0;

    if (!same_file($lock, $name) || !unused($port)) {
        return 0;
    }

    $held{$port} = [ $lock, $name, $$ ];

    return 1;
}


# Another test may have removed the file between our open and our lock.

sub same_file {
    my ($lock, $name) = @_;

    my @ours = stat($lock);
    my @there = stat($name) or return 0;

    return $ours[1] == $there[1];
}


sub unused {
    my ($port) = @_;

    my $socket = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1',
        LocalPort => $port,
        Listen    => 1,
        ReuseAddr => 1,
    ) or return 0;

    close($socket);

    return 1;
}


END {
    for my $entry (values %held) {
        unlink($entry->[1]) if $entry->[2] == $$;
    }
}


1;
