package Test::Gmchat::Memory;

# Memory that runs out on demand, in one process of an nginx: the shim of
# scarce_memory.c stands before malloc, and obeys a file that both have mapped
# or open.
#
#   my $memory = Test::Gmchat::Memory->new(dir => temp_folder());
#   my $nginx = start_nginx(..., preload => $memory->library,
#       env => $memory->environment);
#   $memory->of($pid);                  # a worker
#   $memory->fail(7);                   # its 7th allocation from now on
#   ...
#   $memory->stop;                      # how many failed

use strict;
use warnings;

use File::Basename qw(dirname);

use Test::Gmchat::Process qw(run_command);

# The fields of the file, each 8 bytes.

my %at = map { (qw(pid at span count failed live))[$_] => 8 * $_ } 0 .. 5;


sub new {
    my ($class, %arg) = @_;

    my $self = bless({ %arg, file => "$arg{dir}/memory" }, $class);

    open(my $file, '+>', $self->{file}) or die "$self->{file}: $!";
    binmode($file);
    syswrite($file, "\0" x 48);
    $self->{handle} = $file;
    $self->compile;

    return $self;
}


sub compile {
    my ($self) = @_;

    my $source = dirname(__FILE__) . '/../../scarce_memory.c';
    my ($status, $said) = run_command(
        argv => [ $ENV{CC} || 'cc', '-O1', '-shared', '-fPIC', '-Wall',
            '-Werror', '-fno-builtin', '-o', $self->library, $source, '-ldl' ],
        output => "$self->{dir}/cc.out",
    );

    die $said if $status;
}


sub library {
    my ($self) = @_;

    return "$self->{dir}/scarce.so";
}


sub environment {
    my ($self) = @_;

    return { SCARCE_MEMORY => $self->{file} };
}


sub field {
    my ($self, $name) = @_;

    sysseek($self->{handle}, $at{$name}, 0);
    sysread($self->{handle}, my $bytes, 8);

    return unpack('q', $bytes);
}


sub set {
    my ($self, $name, $value) = @_;

    sysseek($self->{handle}, $at{$name}, 0);
    syswrite($self->{handle}, pack('q', $value));
}


# Whose memory it is about from now on.

sub of {
    my ($self, $pid) = @_;

    $self->set($_, 0) for qw(at count failed live);
    $self->set(pid => $pid);
}


# The n-th allocation from now on fails, or so many from there.

sub fail {
    my ($self, $n, $span) = @_;

    $self->set(at => 0);
    $self->set($_, 0) for qw(count failed);
    $self->set(span => $span // 1);
    $self->set(at => $n);
}


# Nothing fails any more; how many did.

sub stop {
    my ($self) = @_;

    $self->set(at => 0);

    return $self->field('failed');
}


# How many blocks there are, less those that were there before of().

sub live {
    my ($self) = @_;

    return $self->field('live');
}


1;
