package Test::Gmchat::Usage;

# What processes take, as series over time.
#
#   my $usage = Test::Gmchat::Usage->new;
#   $usage->sample($now, worker => $_) for @workers;     # once a second
#   for my $series ($usage->series) {
#       $series->{role}, ..{pid}
#       @{ $series->{points}{pss} }         # [ second, bytes ] each
#   }
#
#   rss     memory in bytes, with what is shared
#   pss     .. with its part of what is shared
#   heap    .. what is neither shared nor of a file: heap and stack
#   fds     descriptors

use strict;
use warnings;

my %FIELD = (rss => 'Rss', pss => 'Pss', heap => 'Anonymous');


sub new {
    my ($class) = @_;

    return bless({ series => {}, order => [] }, $class);
}


sub kinds {
    return ('rss', 'pss', 'heap', 'fds');
}


# A process that is gone in the meantime has no sample.

sub sample {
    my ($self, $now, $role, $pid) = @_;

    my $taken = usage_of($pid) or return 0;
    my $series = $self->{series}{"$role $pid"} //= $self->begin($role, $pid);

    push @{ $series->{points}{$_} }, [ $now, $taken->{$_} ] for kinds();

    return 1;
}


sub begin {
    my ($self, $role, $pid) = @_;

    my $series = { role => $role, pid => $pid,
        points => { map { $_ => [] } kinds() } };
    push @{ $self->{order} }, $series;

    return $series;
}


# In the order of their first samples.

sub series {
    my ($self) = @_;

    return @{ $self->{order} };
}


sub usage_of {
    my ($pid) = @_;

    open(my $file, '<', "/proc/$pid/smaps_rollup") or return;
    my $text = do { local $/; <$file> } // return;
    my %taken;

    for my $kind (keys %FIELD) {
        my ($kib) = $text =~ /^$FIELD{$kind}:\s+(\d+) kB/m or return;
        $taken{$kind} = $kib * 1024;
    }

    opendir(my $folder, "/proc/$pid/fd") or return;
    $taken{fds} = grep { /^\d+$/ } readdir($folder);

    return \%taken;
}


1;
