#!/usr/bin/perl

# ./gmchat run: starts Redis and nginx, shows a conversation, serves the
# console and the player simulator to browsers and to no other site, keeps
# what is stored, leaves nothing running, and says in one sentence why it does
# not start.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use Test::Gmchat;
use Test::Gmchat::Http;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Process qw(alive children_of reaped run_command spawn);
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
for my $line (output($run) =~ /^ +(curl .*)$/mg) {
    my ($status, $said) = run_line($line);

    like($said, qr/"res":1|"version":/, "$line, as it is printed");
}

my $readme = slurp("$FindBin::Bin/../README.md");
my @shown = $readme =~ /^ {4}\$ (curl '.*)\n {4}(\{.*)$/mg;

cmp_ok(@shown / 2, '>', 5, 'README.md shows calls');
while (my ($line, $expected) = splice(@shown, 0, 2)) {
    # that a host has polled is told to the store a moment later
    wait_until(sub { is_heard_of(1004) }) if $line =~ /"send"/;
    my ($status, $said) = run_line($line =~ s/:8080/:$port/r);

    is(timeless($said), timeless($expected), "README.md: $line");
}

is(get("/gm?action=send&gm_account=5001&uid=720001&text=kept")->{json}{res},
    1, 'a message is stored');

my %friend = map { $_->{uid} => $_ }
    items(get('/gm?action=friends&gm_account=5001&format=json'));

is(join(' ', sort keys %friend), '710001 720001', 'two players are left');
isnt($friend{710001}{host}, $friend{720001}{host}, 'of two hosts');
ok($friend{710001}{waiting_since}, 'and one waits for an answer');

# the console and the simulator

my ($page, $name, $password) = output($run) =~
    m{^ +http://127\.0\.0\.1:$port(/\S+) +.*: name (\S+), password (\S+)$}m;
my ($simulator) = output($run) =~
    m{^ +http://127\.0\.0\.1:$port(/simulator/) }m;

is($page, '/console/', 'the address of the console is named');
is($simulator, '/simulator/', 'and that of the simulator');
ok(index(output($run), "$page ") < index(output($run), 'curl'),
    'before what is for programs');

is(get($page)->{status}, 401, 'the console asks who it is');
is(signed_in('/')->{headers}{location}, $page, '/ leads there');
is(get('/console')->{headers}{location}, $page, 'and so does /console');
is(get('/simulator')->{headers}{location}, $simulator, 'the same there');

my ($me) = items(signed_in('/console/gm?action=me&format=json'));

is($me->{operator}, $name, 'with the password it is that operator');
is($me->{role}, 'admin', 'who is an admin');
is(signed_in('/console/status/ready')->{status}, 200, 'and sees the status');
is(get("/console/$_")->{status}, 401, "without: no $_")
    for qw(gm?action=me status index.html icon.svg);

is_page($page, signed_in($page));
is_page($simulator, get($simulator));
is(get('/simulator/gs?action=relation&host=1001')->{json}{res}, 1,
    'the simulator plays a game server');

is(mode("$state/operator"), '0600', 'the password is for nobody else');
is(mode("$state/nginx/operators"), '0600', 'nor is its hash');
like(slurp("$state/nginx/operators"), qr/^\Q$name\E:\$apr1\$/,
    'which nginx can compute by itself');

# other sites' pages

my @calls = ('/gm?action=accounts', '/gs?action=online&host=1001', '/status',
    '/simulator/gs?action=online&host=1001', '/console/gm?action=me',
    '/console/status');

for my $site (qw(cross-site same-site)) {
    my @link = ("Sec-Fetch-Site: $site", 'Sec-Fetch-Mode: navigate');

    for my $uri (@calls) {
        is(signed_in($uri, "Sec-Fetch-Site: $site", "Sec-Fetch-Mode: $_")
            ->{status}, 403, "$site, $_: no $uri") for qw(cors no-cors);
        is(signed_in($uri, @link)->{status}, 403, 'and no link to it');
    }
    is(signed_in($_, @link)->{status}, 200, "but a link to $_")
        for $page, $simulator;
}
is(signed_in($_, 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: cors')
    ->{status}, 200, "the pages' own: $_") for @calls;

# A handshake is a GET, which would be a call.

for my $origin ('http://evil.example', 'http://localhost:1', 'null',
    'http://localhost.evil.example', 'http://evil.example http://localhost')
{
    is(signed_in($_, "Origin: $origin", 'Upgrade: websocket')->{status}, 403,
        "a WebSocket of $origin: no $_") for @calls;
}
is(signed_in($_, 'Origin: http://localhost')->{status}, 200,
    "with their own origin: $_") for @calls;

is(called($_)->{status}, 421, "called $_: refused")
    for 'evil.example', "127.0.0.1.evil.example:$port";
is(called($_)->{status}, 200, "called $_: served")
    for '127.0.0.1', "localhost:$port", "[::1]:$port";

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

write_file("$state/nginx/operators", slurp("$state/nginx/operators")
    . "bo:{PLAIN}secret\n");
$run = start(GMCHAT_DIR => $state);
ok($run->{up}, 'it starts a second time') or diag(output($run));
like(output($run), qr/action=friends&gm_account=5001/,
    'the conversation goes on');
is((items(get('/gm?action=history&uid=720001&format=json')))[1]{text}, 'kept',
    'what was stored is there');
like(output($run), qr/name \Q$name\E, password \Q$password\E$/m,
    'the operator has the password of before');
is(signed_in($page)->{status}, 200, 'which still works');
is(get($page, as('bo', 'secret'))->{status}, 200,
    'and so does an operator who was added');
is(get($page, as($name, 'wrong'))->{status}, 401, 'a wrong one does not');

my $none = get('/console/assets/none.js');

is($none->{status}, 404, 'an asset that is not there');
is($none->{headers}{'cache-control'}, undef, 'is not missed for a year');
is(stop($run, 'TERM'), 0, 'SIGTERM ends it as well');

# a conversation that was cut off; another password

unlink("$state/demo") or die $!;
write_file("$state/operator", "olga Chosen-by-hand\n");
$run = start(GMCHAT_DIR => $state);
ok($run->{up}, 'a third time') or diag(output($run));
like(output($run), qr/create&gm_account=5001\S*\s+< \d+ \{"res":0,"errno":1,/,
    'what was there stays as it is');
is(get($page, as('olga', 'Chosen-by-hand'))->{status}, 200,
    'a password that was changed by hand works');
is(get($page, as('bo', 'secret'))->{status}, 200, 'and the added operator');

# a server that ends

kill KILL => server($run, 'redis');
isnt(wait_end($run), 0, 'Redis is killed: the status is not 0');
like(output($run), qr/^gmchat: redis ended by itself/m, 'and it is said');

# without a conversation, without a console

my $bare = temp_folder() . '/bare';

$run = start(GMCHAT_DIR => $bare, GMCHAT_DEMO => 0, GMCHAT_CONSOLE => 0);
unlike(output($run), qr/GET/, 'GMCHAT_DEMO=0: no conversation');
unlike(output($run), qr/console|simulator|password/,
    'GMCHAT_CONSOLE=0: nothing is said of a console');
is(get($_)->{status}, 404, "no $_") for '/', $page, $simulator,
    '/simulator/gs?action=relation&host=1001', '/console/gm?action=me';
ok(!-e "$bare/operator", 'and no password');
is(get('/gm?action=accounts')->{json}{res}, 1, 'all else works');
stop($run, 'TERM');

# an nginx that ends

$run = start(GMCHAT_DIR => $state, GMCHAT_DEMO => 0);
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

write_file("$state/operator", "olga\n");
($status, $said) = run_to_end(['run'], GMCHAT_DIR => $state);
refused('a password file without a password', qr/operator does not hold/);
unlink("$state/operator");

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


# A line for a shell, as people copy it.
sub run_line {
    my ($line) = @_;

    return run_command(output => temp_folder() . '/line',
        argv => [ 'sh', '-c', $line =~ s/^curl/curl -sS --noproxy '*'/r ]);
}


sub is_heard_of {
    my ($host) = @_;

    return grep { $_->{host} == $host && !$_->{silent} }
        items(get('/gm?action=hosts&format=json'));
}


# Without what differs from run to run.
sub timeless {
    my ($text) = @_;

    return $text =~ s/\b\d{13,16}(-\d+)?\b/N/gr =~ s/\s+\z//r;
}


sub http {
    return Test::Gmchat::Http->new(address => "127.0.0.1:$port");
}


# get(uri, header lines)
sub get {
    my ($uri, @headers) = @_;

    return http()->request('GET', $uri, headers => \@headers);
}


sub as {
    return 'Authorization: Basic ' . encode_base64(join(':', @_), '');
}


sub signed_in {
    my ($uri, @headers) = @_;

    return get($uri, as($name, $password), @headers);
}


sub called {
    my ($host) = @_;
    my $http = http();

    $http->write("GET /status/live HTTP/1.1\r\nHost: $host\r\n\r\n");

    return $http->response;
}


# A page, what a browser is told of it, and what it loads.
sub is_page {
    my ($uri, $response) = @_;
    my $headers = $response->{headers};
    my $policy = $headers->{'content-security-policy'} // '';
    my @assets = $response->{body} =~ m{"(assets/[^"]+)"}g;

    is($response->{status}, 200, "$uri: is there");
    is($headers->{'content-type'}, 'text/html', 'a page');
    like($policy, qr/$_(?:;|$)/, "its policy: $_") for "default-src 'none'",
        "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'";
    unlike($policy, qr/unsafe|[*]|http/, 'and nothing from elsewhere');
    is($headers->{'x-content-type-options'}, 'nosniff', 'no guessing');
    is($headers->{'referrer-policy'}, 'no-referrer', 'no referrer');
    is($headers->{'cache-control'}, 'no-cache', 'asked for each time');
    is(scalar @assets, 2, 'with a script and a style');

    for my $asset (@assets) {
        my $file = get("$uri$asset", 'Accept-Encoding: gzip');
        my $type = $asset =~ /\.js$/ ? 'text/javascript' : 'text/css';

        is($file->{headers}{'content-type'}, $type, "$asset: $type");
        like($file->{headers}{'cache-control'}, qr/max-age=31536000.*immutable/,
            'kept for a year');
        is($file->{headers}{'content-encoding'} // 'plain', packing(),
            'compressed where nginx can');
    }
}


# Of the nginx that runs.
sub packing {
    my $binary = readlink('/proc/' . server($run, 'nginx') . '/exe');

    return qx($binary -V 2>&1) =~ /http_gzip_static_module/ ? 'gzip' : 'plain';
}


sub mode {
    return sprintf('%04o', (stat $_[0])[2] & 07777);
}


sub answers {
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
}
