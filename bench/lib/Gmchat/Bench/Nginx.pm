package Gmchat::Bench::Nginx;

# An nginx that is measured: no access log, no limit of requests on a
# connection, the modules that are named. `conf` stands inside of http { }.

use strict;
use warnings;

use parent 'Test::Gmchat::Nginx';

use Test::Gmchat::Process;


sub new {
    my ($class, %arg) = @_;

    my $conf = $arg{conf};
    $conf =~ s/^/    /gm;
    $conf =~ s/\s+\z//;

    return $class->SUPER::new(%arg, conf => <<"EOF");
%%MAIN%%
http {
    %%PATHS%%
    access_log off;
    keepalive_requests 1000000000;
$conf
}
EOF
}


sub main_lines {
    my ($self) = @_;

    my $connections = $self->{connections} // 1024;

    return join("\n",
        (map { "load_module $_;" } @{ $self->{modules} }),
        ($> == 0 ? 'user root;' : ()),
        'daemon off;',
        "pid $self->{dir}/nginx.pid;",
        "error_log $self->{dir}/error.log warn;",
        "worker_processes $self->{workers};",
        @{ $self->{main} // [] },
        "events { worker_connections $connections; }");
}


sub path_lines {
    my ($self) = @_;

    return join("\n    ", map { "${_}_temp_path $self->{dir}/$_;" }
        qw(client_body proxy fastcgi uwsgi scgi));
}


# What our module may need in front of it is nothing to the others.

sub environment {
    my ($self) = @_;

    my $ours = grep { $_ eq $self->module } @{ $self->{modules} };

    return $ours ? $self->SUPER::environment : {};
}


sub url {
    my ($self) = @_;

    return 'http://' . $self->address;
}


sub pid {
    my ($self) = @_;

    return $self->{pid};
}


# Dies unless it ends well, and if the log tells of a disaster.

sub stop {
    my ($self) = @_;

    $self->SUPER::stop or die "nginx does not end\n" . $self->{log}->text;

    my @lines = $self->{log}->disasters;

    die "nginx says:\n" . join("\n", @lines, '') if @lines;
}


# The configuration without the names of this run: folders, ports.

sub told {
    my ($self) = @_;

    open(my $file, '<', "$self->{dir}/nginx.conf") or die "$!\n";
    local $/;
    my $text = <$file>;

    $text =~ s/^\s+\n//gm;
    $text =~ s{load_module \S*/}{load_module modules/}g;
    $text =~ s{unix:/[^\s:;]*/}{unix:/run/}g;
    $text =~ s{\Q$self->{root}\E/}{}g;
    $text =~ s{[^\s"';:]*/gmchat-bench-\w+/\d+}{/run/bench}g;
    $text =~ s{127\.0\.0\.1:(\d+)}{127.0.0.1:PORT}g;

    return $text;
}


1;
