package Test::Gmchat::Tls;

# An authority and a server certificate for a test, from the openssl command.

use strict;
use warnings;

use Exporter qw(import);

use Test::Gmchat::Process qw(run_command);

our @EXPORT_OK = qw(make_authority make_certificate);

my @new_key = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes);


sub openssl {
    my ($dir, @words) = @_;

    my ($openssl) = grep { -x } map { "$_/openssl" } split(/:/, $ENV{PATH});
    my ($status, $said) = run_command(
        argv   => [ $openssl // 'openssl', @words ],
        output => "$dir/openssl.out",
    );

    die "openssl @words: $said" if $status != 0;
}


# make_authority(folder, name): { key, cert }

sub make_authority {
    my ($dir, $name) = @_;

    my %file = (key => "$dir/$name.key", cert => "$dir/$name.crt");

    openssl($dir, qw(req -x509 -days 2), @new_key, '-subj', "/CN=$name",
        '-keyout', $file{key}, '-out', $file{cert});

    return \%file;
}


# make_certificate(folder, name, authority, 'DNS:localhost,IP:127.0.0.1')

sub make_certificate {
    my ($dir, $name, $authority, $names) = @_;

    my %file = (key => "$dir/$name.key", cert => "$dir/$name.crt",
        ca => $authority->{cert});

    open(my $extensions, '>', "$dir/$name.ext") or die $!;
    print $extensions "subjectAltName=$names\n";
    close($extensions);

    openssl($dir, 'req', @new_key, '-subj', "/CN=$name",
        '-keyout', $file{key}, '-out', "$dir/$name.csr");
    openssl($dir, qw(x509 -req -days 2 -CAcreateserial),
        '-in', "$dir/$name.csr", '-CA', $authority->{cert},
        '-CAkey', $authority->{key}, '-extfile', "$dir/$name.ext",
        '-out', $file{cert});

    return \%file;
}


1;
