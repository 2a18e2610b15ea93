package Test::Gmchat::InstructionRows;

# What ./gmchat instructions counts: calls, one after the other over one
# connection, to an nginx of one process and a Redis, both under callgrind.
#
#   my $rows = Test::Gmchat::InstructionRows->new(
#       root   => folder of the checkout,
#       module => file, as an absolute path,
#       keep   => folder);      # for callgrind's files, where they are wanted
#   $rows->names;               # of the rows that there are
#   $rows->start;               # the servers
#   $rows->count($name);        # { module, nginx, redis }: instructions of one
#                               # call
#   $rows->hottest($name, $part, $n);
#                               # [ instructions of one call, function, file ]
#                               # of the $n functions that took most
#   $rows->stop;                # the servers; what they complain of
#
# `module` is what runs in the module's own code, `nginx` all of its process,
# `redis` all of Redis but its cron. A row is several batches of calls, and its
# count the least of theirs: a timer that fires, or an event that is looked for
# once more, only adds to it.

use strict;
use warnings;

use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use List::Util qw(min);

use Test::Gmchat::Callgrind;
use Test::Gmchat::Http;
use Test::Gmchat::Nginx;
use Test::Gmchat::Redis;

# Redis collects Lua's garbage every 50 scripts, and every other time there is
# twice as much: a batch is a whole number of such rounds.

use constant {
    BATCHES => 3,
    CALLS   => 100,     # of a batch
    WARM_UP => 50,
    TALK    => 1001,    # a host that is written to,
    PLAYER  => 42,      # .. its player,
    QUIET   => 1002,    # a host that was told all,
    SILENT  => 43,      # .. and its player
};

# Nobody waits for a server that is slow here.

my $CONF = <<'EOF';
load_module %%module%%;
daemon off;
master_process off;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log;
events { worker_connections 128; }
http {
    %%PATHS%%
    access_log off;
    keepalive_requests 1000000;
    keepalive_timeout 600s;
    gmchat_redis %%REDIS%% connect_timeout=60s timeout=60s wake_timeout=1m;
    gmchat_mailbox_max 1000000 1g;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; gmchat_poll_cache off; }
        location /known { gmchat gs; }
        location /return { return 200 '{"res":1}'; }
        location /mark { try_files /none @mark; }
        location @mark { return 200 mark; }
    }
}
EOF

my $SEND = '/gm?action=send&gm_account=1&msg=aGVsbG8gd29ybGQ=&uid=';
my $IDLE = 'host=' . QUIET;
my $TEN = '/gs?action=receive&format=json&limit=10&host=' . TALK;

# A row's call, what its answer has to look like, and what is done before. An
# URI that ends in "ack=" goes on with the cursor of the answer before.

my @ROWS = (
    { name => 'return', uri => '/return', body => qr/^\{"res":1\}$/ },
    { name => 'send', uri => $SEND . PLAYER, body => qr/^\{"res":1,"id":/ },
    { name => 'receive-10', uri => "$TEN&ack=", first => \&fill,
        body => qr/^(?:.*?"text":){10}(?!.*"text":)/ },
    idle_rows('idle', '/gs'),
    idle_rows('known', '/known'),
);


# Polls that find nothing: asked of Redis, and known to the worker.

sub idle_rows {
    my ($kind, $location) = @_;

    my $receive = "$location?action=receive&$IDLE";

    return (
        { name => "receive-$kind", uri => $receive,
            body => qr/"data":"W10="/ },
        { name => "receive-$kind-ack", uri => "$receive&ack=",
            body => qr/"data":"W10="/ },
        { name => "relation-$kind",
            uri => "$location?action=relation&$IDLE",
            body => qr/"apply_data":"e30="/ },
    );
}


sub new {
    my ($class, %arg) = @_;

    return bless({ %arg, costs => {}, mark => {},
        rows => { map { $_->{name} => $_ } @ROWS },
        dir => tempdir('gmchat-instructions-XXXXXX', TMPDIR => 1,
            CLEANUP => 1) }, $class);
}


sub names {
    return map { $_->{name} } @ROWS;
}


sub start {
    my ($self) = @_;

    my $redis = $self->counter('redis', 'echoCommand',
        sub { $self->{redis}->cmd('ECHO', 'mark') }, 'serverCron');
    my $nginx = $self->counter('nginx', 'ngx_http_named_location',
        sub { $self->get('/mark', qr/^mark$/) });

    $self->{redis} = Test::Gmchat::Redis->new(dir => $redis->{dir},
        args => ['hz 1'], under => [ $redis->command ]);
    $self->{nginx} = Test::Gmchat::Nginx->new(dir => $nginx->{dir},
        redis => $self->{redis}, workers => 0, root => $self->{root},
        vars => { module => $self->{module} }, conf => $CONF,
        under => [ $nginx->command ])->start;
    $self->{connection} = $self->{nginx}->connect;

    return $self->settle;
}


sub counter {
    my ($self, $server, $at, $mark, $apart) = @_;

    my $dir = "$self->{dir}/$server";

    mkdir($dir) or die "$dir: $!\n";

    return $self->{counter}{$server} = Test::Gmchat::Callgrind->new(
        dir => $dir, at => $at, mark => $mark, apart => $apart);
}


# Two friendships, of which one host was told, and a message that it got.

sub settle {
    my ($self) = @_;

    my $add = '/gm?action=add&gm_account=1';

    $self->get($_) for '/gm?action=create&gm_account=1&gm_name=Ann',
        "$add&uid=" . PLAYER . '&host=' . TALK, "$add&uid=" . SILENT . "&$IDLE",
        $SEND . SILENT, "/gs?action=receive&$IDLE",
        "/gs?action=relation&$IDLE";

    return $self;
}


# A call that did not go well would be counted for another one.

sub get {
    my ($self, $uri, $body) = @_;

    my $response = $self->{connection}->request('GET', $uri)
        or die "$uri: nginx closed the connection\n";

    die "$uri: not the answer that was expected: $response->{status} "
        . "$response->{body}\n"
        if $response->{status} != 200
        || $response->{body} !~ ($body // qr/^\{"res":1/);

    return $response;
}


sub count {
    my ($self, $name) = @_;

    my $row = $self->{rows}{$name};

    $self->{cursor} = '';
    $row->{first}->($self) if $row->{first};
    $self->call($row) for 1 .. WARM_UP;

    my @batches = map { $self->batch($row) } 1 .. BATCHES;

    $self->keep($name) if defined $self->{keep};

    return { map { my $part = $_;
        $part => min(map { $_->{$part} } @batches) }
        qw(module nginx redis) };
}


# As many messages as the row's calls take.

sub fill {
    my ($self) = @_;

    $self->get($SEND . PLAYER) for 1 .. 10 * (WARM_UP + BATCHES * CALLS);
}


sub call {
    my ($self, $row) = @_;

    my $acks = $row->{uri} =~ /ack=$/;
    my $uri = $row->{uri} . ($acks ? $self->{cursor} : '');
    my $response = $self->get($uri, $row->{body});

    $self->{cursor} = $response->{json}{cursor} // die "$uri: no cursor\n"
        if $acks;
}


# The instructions of one call, by part. What a mark takes by itself is the
# least that was executed between two in a row.

sub batch {
    my ($self, $row) = @_;

    my $mark = $self->{mark};
    my $empty = $self->costs(sub { });
    my $full = $self->costs(sub { $self->call($row) for 1 .. CALLS });

    $self->{costs}{ $row->{name} } = $full;

    for my $part (keys %$empty) {
        $mark->{$part} = min(grep { defined } $mark->{$part},
            map { $_->{$part}{total} } $empty, $full);
    }

    return { map { $_ => sprintf('%.0f',
        ($full->{$_}{total} - $mark->{$_}) / CALLS) } keys %$full };
}


# What is executed while the work is done, by part.

sub costs {
    my ($self, $work) = @_;

    my %counter = %{ $self->{counter} };
    my $module = $self->{module};

    $counter{$_}->mark for qw(redis nginx);
    $work->();

    my %costs = map { $_ => $counter{$_}->mark } qw(redis nginx);

    $costs{module} = {
        total => $costs{nginx}{object}{$module} // die("nothing of $module "
            . "was executed\n"),
        function => { $module => $costs{nginx}{function}{$module} },
    };

    return \%costs;
}


# Of the last batch.

sub keep {
    my ($self, $name) = @_;

    for my $server (sort keys %{ $self->{counter} }) {
        my $to = "$self->{keep}/$name.$server.callgrind";

        copy($self->{counter}{$server}->dump_name, $to) or die "$to: $!\n";
    }
}


sub hottest {
    my ($self, $name, $part, $n) = @_;

    my $functions = $self->{costs}{$name}{$part}{function};
    my @all;

    for my $file (keys %$functions) {
        push @all, map { [ $functions->{$file}{$_} / CALLS, $_,
            basename($file) ] } keys %{ $functions->{$file} };
    }

    @all = sort { $b->[0] <=> $a->[0] || $a->[1] cmp $b->[1] } @all;
    splice(@all, $n) if @all > $n;

    return @all;
}


sub stop {
    my ($self) = @_;

    my $ended = $self->{nginx}->stop;

    $self->{redis}->stop;

    return ($ended ? () : 'nginx did not end well',
        $self->{nginx}{log}->disasters);
}


1;
