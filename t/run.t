#!/usr/bin/perl

# ./gmchat run: starts Redis and nginx, shows a conversation, keeps what is
# stored, leaves nothing running, and says in one sentence why it does not
# start.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Test::Gmchat;
use Test::Gmchat::Http;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process qw(alive children_of reaped spawn);
use Test::More;

# A first start may build the module.
use constant START_SECONDS => 300;

my $launcher = "$FindBin::Bin/../gmchat";
my $port = free_port();
my $outputs = 0;

# the commands

my ($status, $said) = run_to_end([]);

is($status, 0, 'without a command: the status is 0');
like($said, qr{\./gmchat $_ }, "and $_ is listed") for qw(build run test);

($status, $said) = run_to_end(['nonsense']);
isnt($status, 0, 'an unknown command: the status is not 0');
like($said, qr/there is no command 'nonsense'/, 'and it is named');

# the first run

my $state = temp_folder() . '/state';
my $run = start(GMCHAT_DIR => $state);

ok($run->{up}, 'it starts with a state folder that is not there yet')
    or diag(output($run));
like(output($run), qr{>\ GET\ /gm\?action=create&gm_account=5001&gm_name=Iris
                      \s+<\ 200\ \{"res":1\}}x,
    'the conversation shows requests and replies');
like(output($run), qr{data is \{"5001":\[\{"uid":"710001","msg":"My sword},
    'and what is in the base64');
like(output($run), qr{http://127\.0\.0\.1:$port$_}, "the URL $_ is named")
    for qw(/gm /gs /status);

my ($curl) = output($run) =~ m{^ +curl '\S+/gs\?(action=receive\S+)'}m;

ok($curl, 'there are lines to try');
is(get("/gs?$curl")->{json}{res}, 1, 'and they work');
is(get('/status/ready')->{status}, 200, '/status/ready says 200');
is(get("/gm?action=send&gm_account=5001&uid=720001&text=kept")->{json}{res},
    1, 'a message is stored');

# what is in use

($status, $said) = run_to_end(['run'], GMCHAT_DIR => $state,
    GMCHAT_PORT => free_port());
refused('the same state folder again', qr/is in use by another .*run/);

($status, $said) = run_to_end(['run'], GMCHAT_DIR => temp_folder());
refused('the same port again', qr/port $port is in use/);

# the end, and the second run

my @servers = map { server($run, $_) } qw(redis nginx);

is(stop($run, 'INT'), 0, 'Ctrl-C ends it with status 0');
ok(!-e "/proc/$_", 'and a server') for @servers;
unlike(slurp("$state/nginx/access.log"), qr/gm_account|action=/,
    'the access log holds no query string');
unlike(slurp("$state/nginx/error.log"), qr/\[(?:warn|error|crit|alert)\]/,
    'the error log no error');

$run = start(GMCHAT_DIR => $state);
ok($run->{up}, 'it starts a second time') or diag(output($run));
like(output($run), qr/gm_account=5002/, 'the conversation has a new GM');
is((items(get('/gm?action=history&uid=720001&format=json')))[0]{text}, 'kept',
    'what was stored is there');
is(stop($run, 'TERM'), 0, 'SIGTERM ends it as well');

# a conversation that was cut off

write_file("$state/demo", "5002 720002 1002\n");
$run = start(GMCHAT_DIR => $state);
ok($run->{up}, 'a third time') or diag(output($run));

# a server that ends

kill KILL => server($run, 'redis');
isnt(wait_end($run), 0, 'Redis is killed: the status is not 0');
like(output($run), qr/^gmchat: redis ended by itself/m, 'and it is said');

$run = start(GMCHAT_DIR => $state, GMCHAT_DEMO => 0);
unlike(output($run), qr/GET/, 'GMCHAT_DEMO=0: no conversation');
my $workers = [ children_of(server($run, 'nginx')) ];
kill KILL => server($run, 'nginx');
isnt(wait_end($run), 0, 'nginx is killed: the status is not 0');
like(output($run), qr/^gmchat: nginx ended by itself/m, 'and it is said');
ok(wait_until(sub { !running(@$workers) }), 'its workers are gone');

# the launcher that is killed

$run = start(GMCHAT_DIR => $state, GMCHAT_DEMO => 0);
@servers = map { server($run, $_) } qw(redis nginx);
kill KILL => $run->{pid};
ok(wait_until(sub { !running(@servers) }),
    'the launcher is killed: its servers go');

# unusual folders

for my $name ("blanks and \"quotes\" \$x", 'long' x 40, "\xc3\xa9") {
    $run = start(GMCHAT_DIR => temp_folder() . "/$name", GMCHAT_DEMO => 0);
    ok($run->{up}, "a state folder '$name'") or diag(output($run));
    is(get('/gm?action=create&gm_account=1&gm_name=A')->{json}{res}, 1,
        'stores');
    stop($run, 'TERM');
}

# a signal while it starts

for my $text ('redis: starting', 'nginx: starting') {
    $run = start_until(qr/$text/, GMCHAT_DIR => $state, GMCHAT_DEMO => 0);
    stop($run, 'TERM');
    ok(!answers(), "SIGTERM at '$text': nothing runs");
}

# what cannot be started

my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
    or die $!;

($status, $said) = run_to_end(['run'], GMCHAT_DIR => $state,
    GMCHAT_PORT => $taken->sockport);
refused('a port in use', qr/port \d+ is in use/);

for my $bad (qw(0 65536 08080 http)) {
    ($status, $said) = run_to_end(['run'], GMCHAT_DIR => $state,
        GMCHAT_PORT => $bad);
    refused("port $bad", qr/GMCHAT_PORT=$bad is not a port number/);
}

write_file("$state/nginx/conf.d/own.conf", "nonsense on;\n");
($status, $said) = run_to_end(['run'], GMCHAT_DIR => $state);
refused('a broken configuration', qr/unknown directive "nonsense" in .*:1/);
unlink("$state/nginx/conf.d/own.conf");

write_file("$state/file", "\n");
($status, $said) = run_to_end(['run'], GMCHAT_DIR => "$state/file");
refused('a state folder that is a file', qr/cannot make the state folder/);

for my $name (glob("$state/redis/appendonlydir/*.incr.aof")) {
    write_file($name, "no append-only file\n");
}
($status, $said) = run_to_end(['run'], GMCHAT_DIR => $state);
refused('a state that Redis cannot read', qr/redis did not start: /);

done_testing();


# Starts ./gmchat run and waits until it has said all.
sub start {
    return start_until(qr{^ +curl '\S+/status'$}m, @_);
}


sub start_until {
    my ($text, %env) = @_;
    my $run = launch(['run'], %env);

    $run->{up} = wait_until(sub {
        return output($run) =~ $text || !alive($run->{pid});
    }, START_SECONDS) && alive($run->{pid});

    return $run;
}


sub launch {
    my ($arguments, %env) = @_;
    my $output = temp_folder() . '/output';

    my $pid = spawn(
        argv => [ $launcher, @$arguments ],
        output => $output,
        env => { GMCHAT_PORT => $port, GMCHAT_DEMO => 1, %env },
    );

    return { pid => $pid, output => $output };
}


sub run_to_end {
    my ($arguments, %env) = @_;
    my $run = launch($arguments, %env);

    return (wait_end($run), output($run));
}


# The exit status; 256 and more for a signal.
sub wait_end {
    my ($run) = @_;

    wait_until(sub { !alive($run->{pid}) }, START_SECONDS)
        or die 'it does not end';
    my $status = reaped($run->{pid});

    return $status & 127 ? ($status & 127) << 8 : $status >> 8;
}


sub stop {
    my ($run, $signal) = @_;

    kill $signal => $run->{pid};

    return wait_end($run);
}


sub output {
    my ($run) = @_;

    return slurp($run->{output});
}


sub slurp {
    my ($name) = @_;

    open(my $in, '<', $name) or return '';
    local $/;

    return <$in> // '';
}


# $status and $said are those of a run that should have been refused.
sub refused {
    my ($label, $reason) = @_;
    my @sentences = $said =~ /^gmchat: (.*)$/mg;

    isnt($status, 0, "$label: the status is not 0");
    is(scalar @sentences, 1, "$label: one sentence");
    like("@sentences", $reason, "$label: which says why");
}


sub server {
    my ($run, $name) = @_;

    for my $pid (children_of($run->{pid})) {
        return $pid if slurp("/proc/$pid/cmdline") =~ /\Q$name\E/;
    }
    die "no $name runs";
}


# Those of the processes that are there and no mere entries for a parent that
# has not asked yet.
sub running {
    return grep { slurp("/proc/$_/stat") =~ /\) [^ZX] / } @_;
}


sub get {
    my ($uri) = @_;

    return Test::Gmchat::Http->new(address => "127.0.0.1:$port")
        ->request('GET', $uri);
}


sub answers {
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
}
