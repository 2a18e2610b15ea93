package Test::Gmchat::Log;

# What nginx and the sanitizers wrote, and what of it is a failure.

use strict;
use warnings;

my $report = qr/runtime error:|AddressSanitizer/;


sub new {
    my ($class, $dir) = @_;

    return bless({ dir => $dir, name => "$dir/error.log" }, $class);
}


sub text {
    my ($self) = @_;

    return slurp($self->{name});
}


sub slurp {
    my ($name) = @_;

    open(my $file, '<', $name) or return '';
    local $/;

    return scalar(<$file>) // '';
}


sub lines {
    my ($self, $pattern) = @_;

    return grep { /$pattern/ } split(/\n/, $self->text);
}


# Whether a text was logged; if so the log is emptied, for another try.

sub take {
    my ($self, $text) = @_;

    return 0 if index($self->text, $text) < 0;

    open(my $file, '>', $self->{name}) or die $!;

    return 1;
}


# Lines of some levels that no pattern allows.

sub above {
    my ($self, $levels, @allowed) = @_;

    my @lines = $self->lines(qr/\[(?:$levels)\]/);

    for my $pattern (@allowed) {
        @lines = grep { !/$pattern/ } @lines;
    }

    return @lines;
}


sub disasters {
    my ($self, @allowed) = @_;

    return ($self->above('alert|emerg|crit', @allowed),
        $self->lines($report), $self->reports);
}


sub above_warn {
    my ($self, @allowed) = @_;

    return $self->above('error', @allowed);
}


# Sanitizers write where log_path says, or to nginx's output; valgrind to files
# that are empty where all is well.

sub reports {
    my ($self) = @_;

    my @found = grep { length } map { slurp($_) }
        glob("$self->{dir}/asan.* $self->{dir}/valgrind.*");
    my $output = slurp("$self->{dir}/nginx.out");

    push @found, $output if $output =~ $report;

    return @found;
}


1;
