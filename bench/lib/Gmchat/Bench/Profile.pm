package Gmchat::Bench::Profile;

# Where processes spend their time, by perf.

use strict;
use warnings;

use Gmchat::Bench::Machine;
use Test::Gmchat::Process qw(spawn wait_until alive);

use constant { OBJECTS => 4, ROWS => 15 };

# redis-server is a link, and perf names what it finds first.

my %OBJECT = ('[kernel.kallsyms]' => 'kernel',
    map { $_ => 'redis-server' } qw(redis-check-rdb redis-check-aof));


# take($bench, { name => [ pids ] }, sub): { name => [ [ percent, object,
# symbol ], ... ] } of what they did while the sub ran: the objects as a whole
# (symbol ''), then symbols, the most first. undef where perf does not work here.

sub take {
    my ($bench, $groups, $work) = @_;

    my $folder = $bench->folder;
    my %recording = map {
        $_ => spawn(name => 'perf', output => "$folder/$_.out",
            argv => [ 'perf', 'record', '-q', '-e', 'cpu-clock', '-F', '999',
                '-o', "$folder/$_.data", '-p', join(',', @{ $groups->{$_} }) ])
    } sort keys %$groups;

    my $begun = wait_until(sub {
        !grep { !-s "$folder/$_.data" && alive($recording{$_}) }
            keys %recording;
    }, 5);
    my $alive = $begun && !grep { !alive($_) } CORE::values %recording;

    $work->() if $alive;

    for my $pid (grep { alive($_) } CORE::values %recording) {
        kill('INT', $pid);
        wait_until(sub { !alive($pid) }) or die "perf does not end\n";
    }

    return if !$alive;

    my %profile = map { $_ => report("$folder/$_.data") } keys %recording;

    return (grep { !@$_ } CORE::values %profile) ? undef : \%profile;
}


sub report {
    my ($file) = @_;

    my $text = Gmchat::Bench::Machine::said('perf', 'report', '-i', $file,
        '--stdio', '-q', '--no-children', '--sort', 'dso,symbol', '-g', 'none');
    my (%symbols, %objects);

    for my $line (split(/\n/, $text)) {
        my ($percent, $object, $symbol) =
            $line =~ /^\s*([\d.]+)%\s+(\S+)\s+\[[.k]\]\s+(\S+)/ or next;

        $object =~ s{.*/}{};
        $object = $OBJECT{$object} // $object;
        $symbol = '(no symbol)' if $symbol =~ /^0x/;
        $symbols{"$object $symbol"} += $percent;
        $objects{$object} += $percent;
    }

    return [ (map { [ $objects{$_}, $_, '' ] } most(\%objects, OBJECTS)),
        (map { [ $symbols{$_}, split(/ /, $_, 2) ] } most(\%symbols, ROWS)) ];
}


# The names with the greatest numbers, so many of them.

sub most {
    my ($numbers, $count) = @_;

    my @names = sort { $numbers->{$b} <=> $numbers->{$a} || $a cmp $b }
        keys %$numbers;

    return @names[ 0 .. ($#names < $count ? $#names : $count - 1) ];
}


1;
