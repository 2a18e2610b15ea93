#!/usr/bin/perl

# The benchmark: a quick run gives a figure for each row, a page and plots from
# them alone, and what goes wrong in a row ends the run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../bench/lib";

use JSON::PP ();
use Gmchat::Bench;
use Gmchat::Bench::Calls;
use Gmchat::Bench::PeerServers;
use Gmchat::Bench::World;
use Test::Gmchat;
use Test::Gmchat::Process
    qw(spawn wait_until alive reaped run_command signal_and_wait);
use Test::More;

my $root = "$FindBin::Bin/..";
my $out = temp_folder();

sub slurp {
    open(my $file, '<:encoding(UTF-8)', $_[0]) or return '';
    local $/;

    return scalar <$file>;
}

# ---- medians and tables

is(Gmchat::Bench::Stats::median(5, 1, 3), 3, 'the median of three');
is(Gmchat::Bench::Stats::median(4, 1, 3, 2), 2,
    'of four it is one that was measured');
is(Gmchat::Bench::Stats::spread(1, 12345.67, 3, 99), '99.0 (3.0 to 12,345.7)',
    'the median, the least and the most');

my $frame = Gmchat::Bench->new(root => $root, out => $out, page => $out,
    dir => temp_folder(), rounds => 1, seconds => 0.1, quick => 1,
    module => $ENV{GMCHAT_MODULE}
        // "$root/build/release/ngx_http_gmchat_module.so");

$frame->sample('s', 'row', { us => $_, bytes => 2048 }) for 2, 1, 3;
is($frame->table('s', first => 'what', columns => [ [ 'us', 'CPU us', 1 ],
    [ 'bytes', 'KiB', 0, 1, 1024 ], [ 'none', 'none', 0 ] ]), <<'EOF',
| what | CPU us | KiB | none |
|---|---|---|---|
| row | 2.0 (1.0 to 3.0) | 2 |  |
EOF
    'a table');

for my $bad ('nan', 'inf', -1, undef, '') {
    ok(!eval { $frame->sample('s', 'bad', { us => $bad }); 1 },
        'no figure: ' . ($bad // 'undef'));
}

# ---- bars

my $bars = Gmchat::Bench::Bars->new(title => 'Bars', parts => [ 'a', 'b' ],
    bars => [ [ 'one', 30, 10 ], [ 'two', 20, undef ] ])->svg;
my @bars = $bars =~ /<rect class="bar" x="([\d.]+)" y="\d+" width="([\d.]+)"/g;

is(scalar @bars, 6, 'a bar has its parts, but none for nothing');
is($bars[2], $bars[0] + $bars[1], 'one part begins where the other ends');
is($bars[1] / $bars[5], 1.5, 'they are as long as they are great');
is($bars[4], $bars[0], 'bars begin together');
is(join(' ', $bars =~ />([\d.]+)</g), '40.0 20.0', 'their sums stand behind');

# ---- CPU time

my $busy = spawn(name => 'busy', output => "$out/busy.out",
    argv => [ $^X, '-e', '1 while 1' ]);
my $cpu = $frame->cpu(sub {
    wait_until(sub { Gmchat::Bench::Cpu::time_of($busy) > 300_000 });
    'done';
}, { busy => [ $busy ], idle => [ $$ ] });
signal_and_wait('KILL', $busy);

is($cpu->{result}, 'done', 'what the work gave comes back');
cmp_ok($cpu->{busy}, '>', 20_000, 'a busy process has used its time');
cmp_ok($cpu->{busy}, '<', 1.5e6 * $cpu->{wall}, '.. in microseconds');
cmp_ok($cpu->{busy}, '>', $cpu->{idle}, '.. and more than one that waits');

# ---- what goes wrong is told with its row

sub dies_of {
    my ($label, $pattern, $work) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $lived = eval { $work->(); 1 };
    my $said = $lived ? 'nothing' : $@;

    like($said, $pattern, $label);
}

my $broken = $frame->nginx(modules => [], conf => <<'EOF');
default_type application/json;
server {
    listen 127.0.0.1:%%PORT%%;
    location /503 { return 503; }
    location /gs { return 200 '{"res":1,"data":"W10="}'; }
    location /gm { return 200 '{"res":0,"errno":4}'; }
}
EOF

dies_of('a row that is answered by errors ends the run',
    qr/^planted, a row: \d+ of the requests failed/, sub {
        $frame->measure('planted', 'a row', $broken->url . '/503',
            { nginx => [ $broken->workers ] }) });
is(join(' ', $frame->rows('planted')), '', '.. and leaves no figure');
dies_of('a refusal with status 200 is no answer of a row', qr/^send: \/gm: 200/,
    sub { Gmchat::Bench::Calls::check({ nginx => $broken },
        { row => 'send', body => qr/"res":1/ }, '/gm') });
dies_of('a receive that gives too few', qr/^ten: \/gs: 200/,
    sub { Gmchat::Bench::Calls::check({ nginx => $broken },
        { row => 'ten', messages => 10 }, '/gs') });
dies_of('a peer that delivers nothing is not measured',
    qr/gives 0 messages instead of 1$/,
    sub { Gmchat::Bench::PeerServers::gives({ nginx => $broken }, 1) });
$broken->stop;

dies_of('a server that is not there', qr/^gone: .*wrk/s,
    sub { $frame->wrk($broken->url . '/', row => 'gone') });

my $world = Gmchat::Bench::World->new($frame);
$world->befriend('socket', 1, 1001, 42);
$world->fill('socket', 1, 42, 3);
is($world->held('/socket/gs?action=receive&host=1001'), 3,
    'messages are counted');
dies_of('sends that did not all arrive', qr/^send: 4 requests left \d messages/,
    sub { Gmchat::Bench::Calls::check($world, { row => 'send', body => qr/./,
        empty => 'gs:host=1001' }, '/socket/gm?action=online&gm_account=1', 4) });
$world->copy('socket', 1001, 5000, 2);
is_deeply([ map { Gmchat::Bench::World::messages_in($world->get(
    "/socket/gs?action=receive&host=$_")) } 5000, 5001, 5002 ], [ 3, 3, 0 ],
    'a mailbox is copied for other hosts');
$world->empty('/socket/gs?action=receive&host=1001');
is($world->held('/socket/gs?action=receive&host=1001'), 0, '.. and emptied');

my @words = $world->{redis}->commands(sub {
    $world->get('/socket/gs?action=receive&host=77') });
is("$words[0][0] $words[0][4]", 'EVALSHA gmchat:{socket}:box:h77',
    'a script is seen as the bridge calls it');
my $text = Gmchat::Bench::PeerServers::script("$root/src/lua", 'take');
is($world->{redis}->call('SCRIPT', 'LOAD', $text), $words[0][1],
    '.. and it is the one that the peers get');
$world->stop;

# ---- calls, floor and peers, quickly; bench-growth.t has the other sections

# The number of rows of each series.

my %rows = (
    (map { ("calls: $_, 32" => 16, "calls: $_, 1" => 3,
        "calls: $_, 256" => 3) } qw(socket tcp)),
    'floor: nginx' => 3,
    'floor: Redis, pipeline of 16' => 3,
    'floor: Redis, pipeline of 1' => 3,
    'peers: send' => 9,
    'peers: receive, nothing to say' => 6,
    'peers: relation, nothing to say' => 3,
    'peers: receive of 10' => 4,
);

my $quick = spawn(name => 'bench', output => "$out/said",
    argv => [ "$root/tools/bench", '--quick', '--only', 'calls,floor,peers',
        '--out', $out ]);
wait_until(sub { !alive($quick) }, 300);
is(reaped($quick), 0, 'a quick run ends well') || diag(slurp("$out/said"));

my $results = JSON::PP->new->decode(slurp("$out/results.json"));
my %series = %{ $results->{series} };

is(join(', ', sort keys %series), join(', ', sort keys %rows),
    'each series has figures');

for my $name (sort keys %series) {
    my $all = $series{$name};
    is(scalar @{ $all->{rows} }, $rows{$name}, "$name: all rows");

    my @bad = grep {
        my $figures = $all->{samples}{$_};
        grep { @$_ != 1 || $_->[0] !~ /^\d+(\.\d+)?(e[-+]?\d+)?$/ }
            values %$figures;
    } @{ $all->{rows} };
    is("@bad", '', '.. one number for each figure');

    # Redis is not asked by each call.

    my @nothing = grep {
        my $figures = $all->{samples}{$_};
        grep { $_ ne 'redis' && $figures->{$_}[0] == 0 } keys %$figures;
    } @{ $all->{rows} };
    is("@nothing", '', '.. and none is nothing');
}

# ---- the page

my $page = slurp("$out/performance.md");
my @links = $page =~ /\]\((performance-[^)]*\.svg)\)/g;
my @plots = map { s{.*/}{}r } glob("$out/*.svg");

is(join(' ', sort @links), join(' ', sort @plots),
    'it shows each plot that was written');
is(scalar @plots, 5, '.. of which there are five');
is_xml("$out/$_") for @plots;
cmp_ok(scalar(() = $page =~ /^## /mg), '>=', 6, 'each section has its part');
is(scalar(() = $page =~ /^\| .* \| [\d.].* \| [\d.]+ \| (?:met|\*\*behind\*\*) \|$/mg),
    5, 'targets are judged');
like($page, qr/^\*\*This is a quick run/m, 'it says what it is worth');
unlike($page, qr{/tmp/|\Q$root\E}, 'it names no folder of this machine');
unlike($page, qr/\bnan\b|\binf\b|HASH\(0x|ARRAY\(0x|Gmchat::/,
    'nothing in it is anything else than a text');

my ($status, $said) = run_command(output => "$out/render",
    argv => [ "$root/tools/bench", '--render', '--out', $out ]);
is($status, 0, 'it can be written again') || diag($said);
ok(slurp("$out/performance.md") eq $page, '.. from the results alone');

sub is_xml {
    my ($plot) = @_;

    my ($status, $said) = run_command(output => "$out/xml",
        argv => [ 'python3', '-c', 'import sys, xml.dom.minidom as dom;'
            . ' dom.parse(sys.argv[1])', $plot ]);

    return is($status, 0, 'a parser reads ' . $plot =~ s{.*/}{}r)
        || diag($said);
}

($status, $said) = run_command(output => "$out/usage",
    argv => [ "$root/tools/bench", '--only', 'nothing' ]);
isnt($status, 0, 'a section that there is not is refused');
like($said, qr/no section is called nothing/, '.. by its name');

done_testing();
