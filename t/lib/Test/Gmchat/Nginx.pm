package Test::Gmchat::Nginx;

# A private nginx with the module, from a configuration that the test shows
# whole. In it these are replaced:
#
#   %%MAIN%%     load_module, pid, error_log, workers, events
#   %%PATHS%%    inside http: temp folders, access log
#   %%PORT%%     a free port; so is any %%PORT_name%%
#   %%REDIS%%    what gmchat_redis takes for the Redis given as `redis`
#   %%DIR%%      the instance's folder
#   %%name%%     any name given in `vars`
#
# With `quiet`, "gmchat_redis %%REDIS%%;" has long timeouts: nothing may be
# logged of a store that is lost, as it is where a machine stands still for a
# second.

use strict;
use warnings;

use JSON::PP ();

use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Log;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process
    qw(spawn wait_until alive reaped signal_and_wait children_of run_command);

use constant PATIENT => 'connect_timeout=20s timeout=20s';


# new(dir, conf, redis, vars, workers, root, asan, preload, env, valgrind, under),
# not started. `asan`: more options of the sanitizer's, where there is one;
# `preload`: a library that stands before the sanitizer's; `env`: more of the
# environment; `valgrind`: it runs under it; `under`: words in front of its
# command.

sub new {
    my ($class, %arg) = @_;

    my $self = bless({ workers => 2, vars => {}, ports => {}, %arg }, $class);

    $self->{binary} = $ENV{GMCHAT_NGINX} || find_nginx();
    $self->{log} = Test::Gmchat::Log->new($self->{dir});
    $self->write_conf($self->{conf});

    return $self;
}


sub find_nginx {
    for my $folder (split(/:/, $ENV{PATH} // ''), '/usr/sbin') {
        return "$folder/nginx" if -x "$folder/nginx";
    }

    return 'nginx';
}


sub write_conf {
    my ($self, $conf) = @_;

    $self->{conf} = $conf;
    $conf =~ s/(gmchat_redis %%REDIS%%);/$1 @{[PATIENT]};/g
        if $self->{quiet} && ($self->redis_url // '') !~ /timeout=/;
    $conf =~ s/%%(\w+?)%%/$self->substitute($1)/ge;

    open(my $file, '>', "$self->{dir}/nginx.conf") or die $!;
    print $file $conf;
    close($file);
}


sub substitute {
    my ($self, $name) = @_;

    return $self->port($1) if $name =~ /^PORT(?:_(\w+))?$/;
    return $self->main_lines if $name eq 'MAIN';
    return $self->path_lines if $name eq 'PATHS';
    return $self->{dir} if $name eq 'DIR';
    return $self->redis_url if $name eq 'REDIS';

    return $self->{vars}{$name} // die "nothing to put for %%$name%%";
}


sub port {
    my ($self, $name) = @_;

    return $self->{ports}{ $name // '' } //= free_port();
}


sub address {
    my ($self, $name) = @_;

    return '127.0.0.1:' . $self->port($name);
}


sub redis_url {
    my ($self) = @_;

    return ref $self->{redis} ? $self->{redis}->url : $self->{redis};
}


sub module {
    my ($self) = @_;

    return $ENV{GMCHAT_MODULE}
        // "$self->{root}/build/release/ngx_http_gmchat_module.so";
}


# Workers keep the rights of who runs the test: the temp folder is theirs.

sub main_lines {
    my ($self) = @_;

    my $module = $self->module;
    my $user = $> == 0 ? 'user root;' : '';

    return <<"EOF";
load_module $module;
$user
daemon off;
pid $self->{dir}/nginx.pid;
error_log $self->{dir}/error.log info;
worker_processes $self->{workers};
events { worker_connections 2048; }
EOF
}


sub path_lines {
    my ($self) = @_;

    my $lines = "access_log $self->{dir}/access.log;\n";

    for my $kind (qw(client_body proxy fastcgi uwsgi scgi)) {
        $lines .= "${kind}_temp_path $self->{dir}/$kind;\n";
    }

    return $lines;
}


sub environment {
    my ($self) = @_;

    my @preload = grep { $_ } $self->{preload}, $ENV{GMCHAT_TEST_PRELOAD};
    my $reports = "log_path=$self->{dir}/asan";
    my @more = defined $self->{asan} ? $self->{asan} : ();

    push @more, 'verify_asan_link_order=0' if $self->{preload};

    return {
        %{ $self->{env} // {} },
        (@preload ? (LD_PRELOAD => join(' ', @preload)) : ()),
        ASAN_OPTIONS  => join(':', 'detect_leaks=0:abort_on_error=0',
            $reports, @more),
        UBSAN_OPTIONS => "print_stacktrace=1:$reports",
    };
}


# nginx and its workers under memcheck, which writes of errors and of blocks that
# nothing points to any more.

sub valgrind {
    my ($self) = @_;

    return @{ $self->{under} // [] } if !$self->{valgrind};

    return ('valgrind', '--quiet', '--leak-check=full',
        '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite',
        '--error-exitcode=99', '--num-callers=25',
        "--suppressions=$self->{root}/t/valgrind.supp",
        "--log-file=$self->{dir}/valgrind.%p");
}


sub argv {
    my ($self, @more) = @_;

    return [ $self->valgrind, $self->{binary}, '-p', $self->{dir}, '-c',
        "$self->{dir}/nginx.conf", '-e', "$self->{dir}/error.log", @more ];
}


# A port that someone else took in the meantime is replaced by another.

sub start {
    my ($self) = @_;

    for my $try (1 .. 5) {
        return $self if $self->start_once;
        last if !$self->{log}->take('Address already in use');
        $self->{ports} = {};
        $self->write_conf($self->{conf});
    }

    die 'nginx did not start: ' . $self->{log}->text . $self->output;
}


sub start_once {
    my ($self) = @_;

    my ($first) = sort keys %{ $self->{ports} };

    $self->{pid} = spawn(
        name   => 'nginx',
        argv   => $self->argv,
        output => "$self->{dir}/nginx.out",
        env    => $self->environment,
    );

    wait_until(sub {
        !alive($self->{pid})
            || (-s "$self->{dir}/nginx.pid"
                && $self->workers == $self->{workers}
                && $self->accepts($first));
    });

    return 1 if alive($self->{pid});

    delete $self->{pid};

    return 0;
}


sub accepts {
    my ($self, $name) = @_;

    my $connection = eval {
        Test::Gmchat::Http->new(address => $self->address($name));
    } or return 0;

    $connection->close;

    return 1;
}


sub output {
    my ($self) = @_;

    open(my $file, '<', "$self->{dir}/nginx.out") or return '';
    local $/;

    return scalar(<$file>) // '';
}


# nginx -t: (exit status, what it said).

sub check_conf {
    my ($self) = @_;

    return run_command(
        argv   => $self->argv('-t'),
        output => "$self->{dir}/check.out",
        env    => $self->environment,
    );
}


sub workers {
    my ($self) = @_;

    return children_of($self->{pid});
}


# Returns when the new workers are there and the old ones are gone.

sub reload {
    my ($self) = @_;

    my @old = $self->reload_begin;

    return wait_until(sub { $self->reload_done(@old) });
}


sub reload_begin {
    my ($self) = @_;

    my @old = $self->workers;
    kill('HUP', $self->{pid});

    return @old;
}


sub reload_done {
    my ($self, @old) = @_;

    my %old = map { $_ => 1 } @old;
    my @now = $self->workers;

    return @now == $self->{workers} && !grep { $old{$_} } @now;
}


# A graceful end; false if nginx would not go or ended badly.

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} // return 1;

    signal_and_wait('QUIT', $pid) or return 0;

    return reaped($pid) == 0;
}


sub connect {
    my ($self, %arg) = @_;

    return Test::Gmchat::Http->new(
        address => $self->address($arg{port}), %arg);
}


# One call on a connection of its own.

sub request {
    my ($self, $method, $uri, %arg) = @_;

    my $connection = $self->connect(%arg);
    my @headers = (@{ $arg{headers} // [] }, 'Connection: close');
    my $response = $connection->request($method, $uri, %arg,
        headers => \@headers);
    $connection->close;

    return $response;
}


sub get {
    my ($self, $uri, %arg) = @_;

    return $self->request('GET', $uri, %arg);
}


sub post_form {
    my ($self, $uri, $params, %arg) = @_;

    return $self->request('POST', $uri,
        type => 'application/x-www-form-urlencoded',
        body => encode_params($params), %arg);
}


# The body is a text, or a value to encode.

sub post_json {
    my ($self, $uri, $value, %arg) = @_;

    my $body = ref $value ? JSON::PP->new->utf8->encode($value) : $value;

    return $self->request('POST', $uri,
        type => 'application/json', body => $body, %arg);
}


sub call {
    my ($self, $endpoint, $action, @params) = @_;

    return $self->get(uri($endpoint, $action, @params));
}


# The URI of a call, for the ways of sending that are not call().

sub uri {
    my ($endpoint, $action, @params) = @_;

    return "$endpoint?" . encode_params([ action => $action, @params ]);
}


# gm(create => gm_account => 1, ...), gs(receive => host => 1001, ...)

sub gm {
    my ($self, @call) = @_;

    return $self->call('/gm', @call);
}


sub gs {
    my ($self, @call) = @_;

    return $self->call('/gs', @call);
}


# Many calls on as many connections at once: all are written before any is
# read. A request is an URI to get, or [ method, uri, options ].

sub at_once {
    my ($self, @requests) = @_;

    my @connections = map { $self->connect } @requests;

    for my $n (0 .. $#requests) {
        my $request = $requests[$n];
        my @parts = ref $request ? @$request : ('GET', $request);
        $connections[$n]->write(format_request(@parts));
    }

    my @responses = map { $_->response } @connections;
    $_->close for @connections;

    return @responses;
}


1;
