#!/usr/bin/perl

# The status endpoint: counters as JSON and for Prometheus, live and ready.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Process;
use Test::More;

my $redis = start_redis();
my $fake = start_fake(upstream => $redis);
my $nginx = start_nginx(redis => $fake, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
        location /denied { gmchat status; deny all; }
    }
}
EOF

# Samples of the metrics page: "name{labels}" => value.

sub samples {
    my $text = $nginx->get('/status/metrics')->{body};
    my %sample;

    for my $line (split(/\n/, $text)) {
        next if $line =~ /^#/ || $line eq '';
        my ($name, $value) = $line =~ /^(.*\S)\s+(\S+)$/;
        $sample{$name} = $value;
    }

    return \%sample;
}

# The sum of all counters of calls that have these labels.

sub calls {
    my (%label) = @_;

    my $samples = samples();
    my $sum = 0;

    for my $name (keys %$samples) {
        next if $name =~ /_(?:bucket|sum|count)\{/;
        next if grep { $name !~ /\b$_="\Q$label{$_}\E"/ } keys %label;
        $sum += $samples->{$name};
    }

    return $sum;
}

# JSON

my $reply = $nginx->get('/status');
is($reply->{status}, 200, '/status');
is(ref $reply->{json}, 'HASH', 'is a JSON object');
like($reply->{headers}{'content-type'}, qr{^application/json}, 'by its type');
is($reply->{headers}{'cache-control'}, 'no-store', 'never cached');

# counters

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
my $before = calls(endpoint => 'gm', action => 'create');
my $refused = calls(endpoint => 'gm', action => 'create', errno => 1);
cmp_ok($before, '>=', 1, 'a call is counted by endpoint and action');
$nginx->gm('create', gm_account => 1, gm_name => 'Ann') for 1 .. 10;
is(calls(endpoint => 'gm', action => 'create') - $before, 10,
    'ten calls, whichever worker served them');
is(calls(endpoint => 'gm', action => 'create', errno => 1) - $refused, 10,
    'also by errno');
is(calls(endpoint => 'gs', action => 'relation'), 0,
    'what nobody called is not counted');
$nginx->gs('relation', host => 1001);
is(calls(endpoint => 'gs', action => 'relation'), 1, 'what was called is');
$nginx->gs('relation', host => 'x');
is(calls(endpoint => 'gs', action => 'relation', errno => -1), 1,
    'a refused parameter too');
ok($nginx->reload, 'a reload');
is(calls(endpoint => 'gm', action => 'create') - $before, 10,
    'does not forget them');

# the form of the metrics page

$reply = $nginx->get('/status/metrics');
is($reply->{status}, 200, '/status/metrics');
like($reply->{headers}{'content-type'}, qr{^text/plain}, 'is text');
my $text = $reply->{body};
is_deeply([ grep { !/^(?:# (?:HELP|TYPE) \w+ .+|[a-z_]\w*(?:\{[^}]*\})? [-+.\dEeInfNa]+)$/ }
    split(/\n/, $text) ], [], 'each line is a comment or a sample');
like($text, qr/\n\z/, 'and the last one ends');
my %typed = map { $_ => 1 } $text =~ /^# TYPE (\w+)/mg;
my %bare;

for my $name (keys %{ samples() }) {
    (my $family = $name) =~ s/\{.*//;
    (my $stem = $family) =~ s/_(?:bucket|sum|count)$//;
    $bare{$family} = 1 if !$typed{$family} && !$typed{$stem};
}

is_deeply([ sort keys %bare ], [], 'each sample has a type');
is_deeply([ grep { !/^gmchat_/ } keys %typed ], [],
    'each name tells whose it is');

# histograms

my $samples = samples();
my @infinite = grep { /_bucket\{.*le="\+Inf"/ } keys %$samples;
ok(scalar @infinite, 'store time is a histogram');

for my $name (@infinite) {
    (my $count = $name) =~ s/_bucket\{/_count{/;
    $count =~ s/,?le="\+Inf"//;
    $count =~ s/\{\}$//;
    is($samples->{$count} // 'none', $samples->{$name},
        "$count is its last bucket");
}

# by the judge of the format

my ($promtool) = grep { -x } map { "$_/promtool" } split(/:/, $ENV{PATH});

if ($promtool) {
    my $dir = temp_folder();
    write_file("$dir/metrics", $text);
    my ($status, $said) = Test::Gmchat::Process::run_command(
        argv   => [ '/bin/sh', '-c', "$promtool check metrics < $dir/metrics" ],
        output => "$dir/promtool.out",
    );
    is("$status $said", '0 ', 'promtool has nothing to say');
}

# live, ready

is($nginx->get('/status/live')->{status}, 200, '/status/live');
is($nginx->get('/status/ready')->{status}, 200, '/status/ready');
is($nginx->get('/status/nonsense')->{status}, 404, 'no other page');
is($nginx->request('PUT', '/status')->{status}, 405, 'no other method');

$fake->down;
ok(wait_until(sub {
    return !grep { $nginx->get('/status/ready')->{status} != 503 } 1 .. 8;
}), 'Redis away: not ready, whichever worker is asked');
$reply = $nginx->get('/status/ready');
like($reply->{body}, qr/\w+ \w+/, 'with the reason');
is($nginx->get('/status/live')->{status}, 200, 'but alive');
is($nginx->get('/status')->{status}, 200, 'and it has counters');
is($nginx->get('/status/metrics')->{status}, 200, 'in both forms');
$fake->up;
ok(wait_until(sub {
    return !grep { $nginx->get('/status/ready')->{status} != 200 } 1 .. 8;
}), 'Redis back: ready again');

$fake->on(name => 'INFO', error => 'LOADING Redis is loading');
$fake->on(name => 'INFO', error => 'LOADING Redis is loading');
$fake->on(name => 'EVALSHA', error => 'LOADING Redis is loading');
$fake->kick;
ok(wait_until(sub { $nginx->get('/status/ready')->{status} == 503 }),
    'Redis is loading: not ready');
$fake->clear_rules;
ok(wait_until(sub {
    return !grep { $nginx->get('/status/ready')->{status} != 200 } 1 .. 8;
}), 'and ready when it has loaded');

# access

$reply = $nginx->get('/denied');
is($reply->{status}, 403, 'deny holds for the status endpoint too');
$reply = $nginx->get('/denied/metrics');
is($reply->{status}, 403, 'and for its pages');

finish();
