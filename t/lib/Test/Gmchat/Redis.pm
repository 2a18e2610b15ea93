package Test::Gmchat::Redis;

# A private redis-server, and a client to look inside.
#
#   Test::Gmchat::Redis->new(
#       dir  => temp folder,            # one for each server
#       tcp  => 1,                      # else a unix socket
#       tls  => { cert, key, ca },      # a TLS port as well
#       args => [ 'appendonly yes', ... ],
#       auth => [ 'user', 'password' ], # what our own client says
#       port => number,                 # of `tcp`, else a free one
#       options => [ '--sentinel' ],    # of the command line
#       under => [ words ],             # in front of the command
#   )

use strict;
use warnings;

use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process qw(spawn wait_until alive signal_and_wait);
use Test::Gmchat::Resp;


sub new {
    my ($class, %arg) = @_;

    my $self = bless({ args => [], %arg }, $class);

    $self->{binary} = $ENV{GMCHAT_REDIS_SERVER} || 'redis-server';
    $self->{socket_path} = "$self->{dir}/redis.sock";
    $self->{port} //= free_port() if $self->{tcp};
    $self->{tls_port} = free_port() if $self->{tls};
    $self->start;

    return $self;
}


# One that somebody else started, to look inside.

sub of {
    my ($class, $socket_path) = @_;

    return bless({ socket_path => $socket_path }, $class);
}


# What a gmchat_redis directive names.

sub url {
    my ($self) = @_;

    return "redis://127.0.0.1:$self->{port}" if $self->{tcp};
    return "unix:$self->{socket_path}";
}


# What our own clients connect to.

sub address {
    my ($self) = @_;

    return $self->{socket_path};
}


sub start {
    my ($self) = @_;

    $self->write_conf;
    $self->{pid} = spawn(
        name   => 'redis-server',
        argv   => [ @{ $self->{under} // [] }, $self->{binary},
            "$self->{dir}/redis.conf",
            @{ $self->{options} // [] } ],
        output => "$self->{dir}/redis.out",
    );

    delete $self->{client};
    wait_until(sub { $self->serves || !alive($self->{pid}) });
    return if $self->serves;

    die 'redis-server did not start: ' . $self->output;
}


sub write_conf {
    my ($self) = @_;

    my @lines = (
        'bind 127.0.0.1',
        "unixsocket $self->{socket_path}",
        'port ' . ($self->{port} // 0),
        "dir $self->{dir}",
        'save ""',
        'daemonize no',
        $self->tls_lines,
        @{ $self->{args} },
    );

    open(my $file, '>', "$self->{dir}/redis.conf") or die $!;
    print $file map { "$_\n" } @lines;
    close($file);
}


sub tls_lines {
    my ($self) = @_;

    my $tls = $self->{tls} or return;

    return (
        "tls-port $self->{tls_port}",
        "tls-cert-file $tls->{cert}",
        "tls-key-file $tls->{key}",
        "tls-ca-cert-file $tls->{ca}",
        'tls-auth-clients no',
    );
}


# Its data are loaded and it answers.

sub serves {
    my ($self) = @_;

    return 0 if !alive($self->{pid});

    my $reply = eval { $self->try('PING') } // return 0;

    return !ref $reply && $reply eq 'PONG';
}


sub output {
    my ($self) = @_;

    open(my $file, '<', "$self->{dir}/redis.out") or return '';
    local $/;

    return scalar <$file>;
}


# As if the machine had lost power; what is not on disk is gone.

sub kill_hard {
    my ($self) = @_;

    delete $self->{client};
    signal_and_wait('KILL', $self->{pid}) or die 'redis-server still runs';
}


# Stopped, not ended: connections stay and nothing is answered.

sub pause {
    my ($self) = @_;

    kill('STOP', $self->{pid});
}


sub resume {
    my ($self) = @_;

    kill('CONT', $self->{pid});
}


sub stop {
    my ($self) = @_;

    delete $self->{client};
    signal_and_wait('TERM', $self->{pid}) or die 'redis-server still runs';
}


sub restart {
    my ($self) = @_;

    $self->kill_hard if alive($self->{pid});
    $self->start;
}


# A command's reply; an error reply is a reference to its text.

sub try {
    my ($self, @words) = @_;

    $self->{client} //= $self->connect_client;

    my $reply = eval { $self->{client}->ask(@words) };
    return $reply if !$@;

    delete $self->{client};
    die $@;
}


sub connect_client {
    my ($self) = @_;

    my $client = Test::Gmchat::Resp->new($self->address)
        or die "Redis: $!\n";
    my $auth = $self->{auth} or return $client;
    my $reply = $client->ask('AUTH', @$auth);
    die "Redis: $$reply\n" if ref $reply;

    return $client;
}


# A command's reply; an error reply dies.

sub cmd {
    my ($self, @words) = @_;

    my $reply = $self->try(@words);
    die "Redis: @words: $$reply" if ref $reply eq 'SCALAR';

    return $reply;
}


# A number out of INFO.

sub info {
    my ($self, $field) = @_;

    return $self->cmd('INFO', 'everything') =~ /^\Q$field\E:(\S+)/m
        ? $1 : undef;
}


# How often it was given a command ("publish", "cluster|slots").

sub calls {
    my ($self, $command) = @_;

    return $self->cmd('INFO', 'commandstats')
        =~ /^cmdstat_\Q$command\E:calls=(\d+)/m ? $1 : 0;
}


# Until what plain receives took of a mailbox (or of the relations of a host:
# kind "rel") is settled: a worker says so once the reply is written, and
# another one may be asked before that.

sub wait_settled {
    my ($self, $mailbox, $kind) = @_;

    $kind //= 'box';

    return wait_until(sub {
        return !$self->cmd('HGET', "gmchat:{default}:$kind:$mailbox:m",
            'flight');
    });
}


# Everything that is stored, as one text: two calls give the same text
# exactly when nothing changed in between.

sub contents {
    my ($self) = @_;

    my @lines;

    for my $key (sort @{ $self->cmd('KEYS', '*') }) {
        my $value = $self->cmd('DUMP', $key) // '';
        push @lines, $key . ' ' . unpack('H*', $value);
    }

    return join("\n", @lines);
}


1;
