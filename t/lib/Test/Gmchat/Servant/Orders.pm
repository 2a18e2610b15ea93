package Test::Gmchat::Servant::Orders;

# The child's end of a Test::Gmchat::Servant: calls order_<name> of an object
# for each order that came, and writes what it returned.
#
#   my $orders = Test::Gmchat::Servant::Orders->new($control, $object);
#   $orders->read or last;          # when $control is readable

use strict;
use warnings;

use JSON::PP ();


sub new {
    my ($class, $control, $object) = @_;

    return bless({
        control => $control,
        object  => $object,
        text    => '',
        json    => JSON::PP->new->latin1->canonical,
    }, $class);
}


# False when the test is gone.

sub read {
    my ($self) = @_;

    sysread($self->{control}, $self->{text}, 65536, length $self->{text})
        or return 0;

    while ($self->{text} =~ s/^(.*?)\n//) {
        my $order = $self->{json}->decode($1);
        my $method = "order_$order->{do}";
        $self->answer($self->{object}->$method($order));
    }

    return 1;
}


sub answer {
    my ($self, $value) = @_;

    my $line = $self->{json}->encode({ answer => $value }) . "\n";

    while (length $line) {
        my $sent = syswrite($self->{control}, $line) // return;
        substr($line, 0, $sent, '');
    }
}


1;
