#!/usr/bin/perl

# The benchmark's sections of growth, push, memory, fan-out and the console: a quick
# run of them gives all figures and plots, and what does not arrive, or is not stored,
# ends the run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../bench/lib";

use JSON::PP ();
use Gmchat::Bench;
use Gmchat::Bench::Friends qw(befriend);
use Gmchat::Bench::GrowthStock qw(prefix_of);
use Gmchat::Bench::PushClient;
use Test::Gmchat;
use Test::Gmchat::Process qw(spawn wait_until alive reaped);
use Test::More;

my $root = "$FindBin::Bin/..";
my $out = temp_folder();

sub slurp {
    open(my $file, '<:encoding(UTF-8)', $_[0]) or return '';
    local $/;

    return scalar <$file>;
}

sub dies_of {
    my ($label, $pattern, $work) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $lived = eval { $work->(); 1 };

    like($lived ? 'nothing' : $@, $pattern, $label);
}

my $frame = Gmchat::Bench->new(root => $root, out => $out, page => $out,
    dir => temp_folder(), rounds => 1, seconds => 1, quick => 1,
    module => $ENV{GMCHAT_MODULE}
        // "$root/build/release/ngx_http_gmchat_module.so");

# ---- the client of those who wait

my $redis = $frame->redis;
my $nginx = $frame->nginx(conf => <<"EOF");
gmchat_redis @{[ $redis->url ]};
server {
    listen 127.0.0.1:%%PORT%%;
    location /gm { gmchat gm; }
    location /gs { gmchat gs; }
    location /stencil/ {
        gmchat_group stencil;
        location /stencil/gm { gmchat gm; }
        location /stencil/gs { gmchat gs; }
    }
}
EOF
my $client = Gmchat::Bench::PushClient->new($frame);
my @pids = ($nginx->workers, $redis->pid);

dies_of('who is nobody\'s friend cannot be written to',
    qr/^a row: .*a sender was answered: .*"errno":4/s, sub {
        $client->run('a row', 'latency', $nginx->port, 'sse', 100, 1, @pids) });

befriend($nginx, 100);

for my $kind (qw(longpoll sse websocket)) {
    my $figures = $client->run($kind, 'latency', $nginx->port, $kind, 200, 1,
        @pids);

    cmp_ok($figures->{counted}, '>', 100, "$kind: messages are counted");
    cmp_ok($figures->{due_p99}, '>=', $figures->{due_p50}, '.. in order');
    cmp_ok($figures->{due_p50}, '>=', $figures->{written_p50},
        '.. and due before they are written');
}

my $figures = $client->run('fanout', 'fanout', $nginx->port, 'sse', 50, 3,
    @pids);
is(scalar @{ $figures->{lists}{message} }, 3, 'each message has its figures');

# Answers to senders are there, and nothing ever arrives.

my $deaf = $frame->nginx(modules => [], conf => <<'EOF');
server {
    listen 127.0.0.1:%%PORT%%;
    location /gm { return 200 '{"res":1,"id":"1-1"}'; }
    location /gs { return 204; }
}
EOF

dies_of('a stream that is none is refused', qr/^a row: .*sse: refused: .* 204/s,
    sub { $client->run('a row', 'latency', $deaf->port, 'sse', 100, 1,
        $deaf->workers, $redis->pid) });
dies_of('a client that holds no connection is noticed',
    qr/^5 connections of sse: the client says: push: sse: refused/,
    sub { $client->hold($deaf->port, 'sse', 0, 5) });
$deaf->stop;

# The hosts that are watched have no players: messages go to others.

my $other = $frame->nginx(conf => <<"EOF");
gmchat_redis @{[ $redis->url ]};
server {
    listen 127.0.0.1:%%PORT%%;
    location /gm { gmchat gm; }
    location /gs { gmchat gs; gmchat_group other; }
}
EOF

dies_of('messages that never come end the run',
    qr/^a row: .*\d+ of \d+ messages never came/s, sub {
        $client->run('a row', 'latency', $other->port, 'sse', 50, 1,
            $other->workers, $redis->pid) });
$other->stop;

# ---- what is stored

my $stock = Gmchat::Bench::GrowthStock->new($redis, $nginx->connect);

$stock->befriend('stencil', 1, 5000, 4, sub { 6000 + $_[0] });
$stock->write_to('stencil', 1, 5000, 4, 3);
is($stock->held('stencil', 6000, 4), 12, 'stock is there');
$stock->deliver('stencil', 6001, 'receive', 'relation');
is($stock->held('stencil', 6000, 4), 9, '.. and delivered to one host');
is($redis->call('XLEN', prefix_of('stencil') . 'rel:h6001'), 0,
    '.. its relations, too');

dies_of('a stencil needs its arguments', qr/has no argument for nothing/, sub {
    $stock->stencil('/gs?action=receive&host=6000', nothing => 'nowhere') });
dies_of('a command that Redis refuses ends the run', qr/of 2 commands: /, sub {
    my $bad = { parts => [ "*1\r\n\$3\r\nBAD\r\n" ] };

    $stock->pour(sub { $_[0]->($bad) for 1 .. 2 }) });

$nginx->stop;
$redis->stop;

# ---- all of it, quickly

my $quick = spawn(name => 'bench', output => "$out/said",
    argv => [ "$root/tools/bench", '--quick', '--only',
        'growth,push,memory,fanout,console', '--out', $out ]);
wait_until(sub { !alive($quick) }, 900);
is(reaped($quick), 0, 'a quick run ends well') || diag(slurp("$out/said"));

my $results = JSON::PP->new->decode(slurp("$out/results.json"));
my %rows = (
    'growth idle' => 2, 'growth asked' => 2, 'growth ten' => 2,
    'growth hosts' => 1, 'growth asked hosts' => 1, 'growth online' => 1,
    'growth friends' => 1, 'growth conversation' => 2, 'growth mailbox' => 2,
    'growth talkers' => 1, 'growth bytes' => 5,
    (map { ("push $_" => 1) } qw(longpoll sse websocket)),
    (map { ("memory $_" => 2) } qw(keepalive longpoll sse websocket)),
    'fanout' => 2, 'fanout delay sse' => 1, 'fanout delay nchan' => 1,
    'console' => 4,
);

is(join(', ', sort keys %{ $results->{series} }), join(', ', sort keys %rows),
    'all series are there');

for my $name (sort keys %rows) {
    my $all = $results->{series}{$name} // { rows => [], samples => {} };
    my @values = map { @$_ } map { values %$_ } values %{ $all->{samples} };

    is(scalar @{ $all->{rows} }, $rows{$name}, "$name: all rows");
    ok(@values && !grep({ !/^\d+(\.\d+)?(e[-+]?\d+)?$/i } @values),
        '.. each figure is a number');
}

my $page = slurp("$out/performance.md");

for my $plot (qw(growth-undelivered growth-hosts growth-players growth-send push
    memory fanout))
{
    like($page, qr/\]\(performance-$plot\.svg\)/, "the page shows $plot");
    like(slurp("$out/performance-$plot.svg"), qr{^<svg .*<circle|<svg .*<polyl}s,
        '.. which has something drawn');
}

like($page, qr/^\| idle poll with 100 messages .*\| (met|\*\*behind\*\*) \|$/m,
    'it judges the curves');
like($page, qr/^\| memory of a worker for each .*\| (met|\*\*behind\*\*) \|$/m,
    '.. and the memory');
like($page, qr/^\| the console, first view.*\| (met|\*\*behind\*\*) \|$/m,
    '.. and the console');
like($page, qr/^\| the console's page, compressed \| 150 KB \| \d/m,
    '.. and its size');
unlike($page, qr/Gmchat::Bench|HASH\(0x|ARRAY\(0x|\bnan\b/,
    'nothing in it is anything else than a text');

done_testing();
