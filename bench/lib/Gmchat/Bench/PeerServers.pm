package Gmchat::Bench::PeerServers;

# The peers, each with a Redis of its own, started and shown to do their work.
# Each gives { nginx, redis (not where there is none), groups }; stop() ends it.

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(decode_base64);

use Gmchat::Bench::World;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process qw(wait_until alive children_of);

use constant { PROCESSES => 4, MESSAGE => Gmchat::Bench::World::MESSAGE };


# nginx -> uWSGI -> Python -> redis-py, over TCP as such a service is put
# together, or over unix sockets. The GM 1, its player 42 on host 1001.

sub old {
    my ($bench, $way) = @_;

    my $redis = $bench->redis;
    my $socket = $way eq 'tcp' ? '127.0.0.1:' . free_port()
        : $bench->folder . '/uwsgi.sock';
    my $uwsgi = uwsgi($bench, $socket, $way eq 'tcp' ? $redis->tcp_url
        : 'unix://' . $redis->socket);
    my $pass = $way eq 'tcp' ? $socket : "unix:$socket";
    my $nginx = $bench->nginx(modules => [], name => "the old design, $way",
        conf => <<"EOF");
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location / {
        uwsgi_pass $pass;
        include /etc/nginx/uwsgi_params;
    }
}
EOF
    my $self = { bench => $bench, nginx => $nginx, redis => $redis,
        programs => [ $uwsgi ], groups => { nginx => [ $nginx->workers ],
            redis => [ $redis->pid ], app => [ children_of($uwsgi) ] } };

    works($self, '/gm?action=create&gm_account=1&gm_name=A',
        qr/^\{"res":1\}$/);
    works($self, '/gm?action=add&gm_account=1&host=1001&uid=42',
        qr/^\{"res":1\}$/);
    works($self, '/gs?action=relation&host=1001', qr/"res":1/);
    works($self, send_uri(), qr/^\{"res":1\}$/);
    gives($self, 1);

    return $self;
}


# Its pid, once all of its processes are there and it listens.

sub uwsgi {
    my ($bench, $socket, $redis) = @_;

    my $output = $bench->folder . '/uwsgi.out';
    my $pid = $bench->program(name => 'uwsgi', output => $output,
        env => { REDIS_URL => $redis }, argv => [ 'uwsgi-core', '--plugin',
        'python3', '--master', '--processes', PROCESSES, '--socket', $socket,
        '--listen', 100, '--wsgi-file',
        "$bench->{root}/bench/peers/old/chat.py", '--disable-logging',
        '--need-app', '--die-on-term' ]);

    wait_until(sub {
        !alive($pid) || children_of($pid) >= PROCESSES
            && slurp($output) =~ /^spawned uWSGI worker @{[PROCESSES]} /m;
    }) && alive($pid) or die "uWSGI does not start:\n" . slurp($output);

    return $pid;
}


# ngx_http_lua with the bridge's own scripts, in `world`'s Redis, which it reaches
# by `way`: socket or tcp. It is told what the bridge tells Redis: our own module
# is there first, so that its words can be read.

sub openresty {
    my ($bench, $way) = @_;

    my $world = Gmchat::Bench::World->new($bench);
    $world->befriend($way, 1, 1001, 42);
    my %words = map { $_->[0] => words($world, $_->[1]) } (
        [ gm_send => Gmchat::Bench::World::send_uri($way, 1, 42) ],
        [ take => "/$way/gs?action=receive&host=1001" ]);
    $world->{nginx}->stop;

    my $redis = $world->{redis};
    my $folder = $bench->folder;
    my $lua = "$bench->{root}/bench/peers/openresty";

    scripts($bench, $folder, qw(gm_send take landed));
    settings("$folder/settings.lua", $way eq 'tcp'
        ? "'127.0.0.1', " . $redis->port : "'unix:" . $redis->socket . "'",
        \%words);

    my $nginx = $bench->nginx(name => "OpenResty's module, $way",
        modules => [ 'ndk_http_module.so', 'ngx_http_lua_module.so' ],
        conf => <<"EOF");
lua_package_path "$lua/?.lua;$folder/?.lua;/usr/share/lua/5.1/?.lua;;";
init_by_lua_block {
    require("chat").init("$folder")
}
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location /gm {
        content_by_lua_block { require("chat").gm() }
    }
    location /gs {
        content_by_lua_block { require("chat").gs() }
    }
}
EOF
    my $self = { bench => $bench, nginx => $nginx, redis => $redis,
        world => $world, groups => { nginx => [ $nginx->workers ],
            redis => [ $redis->pid ] } };

    works($self, send_uri(), qr/^\{"res":1,"id":"\d+-\d+"/);
    gives($self, 1);
    gives($self, 0);

    return $self;
}


# The words of the first script that a call has the bridge call.

sub words {
    my ($world, $uri) = @_;

    my ($words) = $world->{redis}->commands(sub { $world->get($uri) });

    return $words // die "no script was called by $uri\n";
}


# The scripts as the bridge has them: includes put in, comments left out.

sub scripts {
    my ($bench, $folder, @names) = @_;

    for my $name (@names) {
        Gmchat::Bench::write_file("$folder/$name.redis.lua",
            script("$bench->{root}/src/lua", $name));
    }
}


sub script {
    my ($source, $name) = @_;

    my $text = slurp("$source/$name.lua");

    $text =~ s{^-- include (\S+)$}{slurp("$source/include/$1.lua")}gme;
    $text =~ s/^[ \t]+//gm;
    $text =~ s/^(?:--.*)?\n//gm;

    return $text;
}


sub slurp {
    my ($name) = @_;

    open(my $file, '<', $name) or die "$name: $!\n";
    local $/;

    return scalar <$file>;
}


# What does not come from the client.

sub settings {
    my ($file, $address, $words) = @_;

    my ($prefix, @send) = @{ $words->{gm_send} }[ 3 .. $#{ $words->{gm_send} } ];
    my (undef, undef, @take) = @{ $words->{take} }[ 3 .. $#{ $words->{take} } ];
    my %sha = map { $_ => $words->{$_}[1] } keys %$words;
    my $quoted = sub { join(', ', map { "'$_'" } @_) };

    Gmchat::Bench::write_file($file, join("\n", 'return {',
        "    redis = { $address },",
        "    prefix = '$prefix',",
        '    send = { ' . $quoted->(@send[ 4 .. $#send ]) . ' },',
        '    take = { ' . $quoted->(@take) . ' },',
        "    sha = { gm_send = '$sha{gm_send}', take = '$sha{take}' },",
        '}', ''));
}


# Nchan, with Redis or with its own memory: POST /pub?id=, GET /sub?id=.

sub nchan {
    my ($bench, $with_redis) = @_;

    my $redis = $with_redis ? $bench->redis : undef;
    my $store = $redis ? 'nchan_redis_pass store;' : '';
    my $upstream = $redis
        ? 'upstream store { nchan_redis_server ' . $redis->tcp_url . '; }' : '';
    my $nginx = $bench->nginx(modules => [ 'ngx_nchan_module.so' ],
        name => $redis ? 'Nchan with Redis' : 'Nchan, memory store',
        conf => <<"EOF");
$upstream
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location /pub {
        nchan_publisher;
        nchan_channel_id \$arg_id;
        $store
    }
    location /sub {
        nchan_subscriber;
        nchan_channel_id \$arg_id;
        nchan_subscriber_first_message oldest;
        $store
    }
}
EOF
    my $self = { bench => $bench, nginx => $nginx, redis => $redis,
        groups => { nginx => [ $nginx->workers ],
            $redis ? (redis => [ $redis->pid ]) : () } };

    published($self);

    return $self;
}


# What is published is received. The store may need a moment to connect.

sub published {
    my ($peer) = @_;

    my $nginx = $peer->{nginx};
    my $said;

    wait_until(sub {
        $said = $nginx->request('POST', '/pub?id=check', body => MESSAGE,
            type => 'text/plain');
        $said && $said->{status} =~ /^20[12]$/;
    }) or die 'Nchan does not publish: ' . ($said // {})->{status} . "\n";

    $said = $nginx->get('/sub?id=check');
    die "Nchan gives $said->{status} $said->{body}\n"
        if $said->{status} != 200 || $said->{body} ne MESSAGE;
}


sub send_uri {
    return '/gm?action=send&gm_account=1&uid=42&msg=' . MESSAGE;
}


# An URI whose answer has to look so.

sub works {
    my ($peer, $uri, $pattern) = @_;

    my $response = $peer->{nginx}->get($uri);

    die "$uri: $response->{status} $response->{body}\n"
        if $response->{status} != 200 || $response->{body} !~ $pattern;

    return $response->{json};
}


# A plain receive of a host has to give so many messages of ours.

sub gives {
    my ($peer, $count, $host) = @_;

    my $json = works($peer, '/gs?action=receive&host=' . ($host // 1001),
        qr/^\{"res":1,"data":/);
    my $data = JSON::PP->new->decode(decode_base64($json->{data}));
    my @messages = map { split(/,/, $_->{msg}) } @$data;

    die 'a receive gives ' . @messages . " messages instead of $count\n"
        if @messages != $count || grep { $_ ne MESSAGE } @messages;
}


sub stop {
    my ($peer) = @_;

    $peer->{nginx}->stop;
    $peer->{bench}->stop_program($_) for @{ $peer->{programs} // [] };
    $peer->{redis}->stop if $peer->{redis};
}


1;
