package Gmchat::Bench::Machine;

# What a run was made on and with.

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();

our @EXPORT_OK = qw(machine versions);

# Debian packages whose versions matter; those that are not there are left out.

my @PACKAGES = qw(nginx redis-server libhiredis-dev wrk redis-tools
    libnginx-mod-http-lua lua-nginx-redis libnginx-mod-nchan uwsgi-core
    uwsgi-plugin-python3 python3 python3-redis python3-hiredis linux-perf gcc);


# { cpu, cores, memory (bytes), kernel, virtual, system }

sub machine {
    my $cpu = slurp('/proc/cpuinfo');
    my ($model) = $cpu =~ /^model name\s*:\s*(.+)$/m;
    my ($kib) = slurp('/proc/meminfo') =~ /^MemTotal:\s+(\d+) kB/m;
    my ($system) = slurp('/etc/os-release') =~ /^PRETTY_NAME="(.*)"$/m;
    my @uname = POSIX::uname();

    return {
        cpu     => $model // $uname[4],
        cores   => scalar(() = $cpu =~ /^processor\s*:/mg),
        memory  => ($kib // 0) * 1024,
        kernel  => "$uname[0] " . ($uname[2] =~ /^(\d+(?:\.\d+)*)/)[0]
            . " $uname[4]",
        virtual => $cpu =~ /^flags\s*:.*\bhypervisor\b/m ? 1 : 0,
        system  => $system // 'unknown',
        date    => POSIX::strftime('%Y-%m-%d', gmtime),
    };
}


sub slurp {
    my ($name) = @_;

    open(my $file, '<', $name) or return '';
    local $/;

    return scalar(<$file>) // '';
}


# [ name, version ] of each: nginx and Redis as they say, then packages.

sub versions {
    my ($nginx) = @_;

    my ($built) = said($nginx, '-v') =~ m{nginx/(\S+)};
    my ($redis) = said($ENV{GMCHAT_REDIS_SERVER} || 'redis-server',
        '--version') =~ /v=(\S+)/;
    my %installed = said('dpkg-query', '-W', '-f', '${Package} ${Version}\n',
        @PACKAGES) =~ /^(\S+) (\S+)$/mg;

    return [
        [ 'nginx (as it says)', $built // 'unknown' ],
        [ 'Redis (as it says)', $redis // 'unknown' ],
        map { [ $_, $installed{$_} ] } grep { $installed{$_} } @PACKAGES,
    ];
}


# What a command writes, '' where there is none.

sub said {
    my (@argv) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!\n";

    if ($pid == 0) {
        open(STDERR, '>&', \*STDOUT);
        no warnings 'exec';
        exec { $argv[0] } @argv;
        POSIX::_exit(127);
    }

    local $/;
    my $text = <$pipe> // '';
    close($pipe);

    return $text;
}


1;
