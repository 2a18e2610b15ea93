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

# a page of it as a part of something else

my $parts = start_nginx(redis => $fake, vars => { ROOT => temp_folder() },
    conf => <<'EOC');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% timeout=20s;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%ROOT%%;
        location /status { gmchat status; }
        location /gs { gmchat gs; }
        location /guarded { auth_request /status/ready; }
        location /guarded-live { auth_request /status/live; }
        location /page { ssi on; ssi_types *; }
    }
}
EOC
my $root = $parts->{vars}{ROOT};

write_file("$root/guarded", 'guarded content');
write_file("$root/guarded-live", 'guarded content');
write_file("$root/page", 'a <!--# include virtual="/status/ready" -->'
    . ' b <!--# include virtual="/status/live" -->'
    . ' c <!--# include virtual="/status/ready" -->'
    . ' d <!--# include virtual="/gs?action=online&host=5" --> e');

sub part_of {
    my ($uri, $status, $body, $label) = @_;

    my @replies = map { scalar eval { $parts->get($uri) }
        // { status => 0, body => 'no response' } } 1 .. 10;
    my ($other) = grep { $_->{status} != $status || $_->{body} !~ $body }
        @replies;

    ok(!$other, $label) || diag("$other->{status} $other->{body}");
}

part_of('/guarded', 200, qr/^guarded content$/,
    'auth_request to /status/ready lets a request pass');
part_of('/guarded-live', 200, qr/^guarded content$/, 'so does /status/live');
part_of('/page', 200,
    qr/^a ready\n b live\n c ready\n d \{"res":1,"data":"W10="\} e$/,
    'a page that includes them');

my $kept = $parts->connect;
is(join(' ', map { (eval { $kept->request('GET', $_) } // {})->{status} // 0 }
    ('/guarded', '/page', '/status/ready') x 5), join(' ', (200) x 15),
    'one after another on a kept connection');

$fake->on(name => 'EVALSHA', hold => 1);
my @gone = map { $parts->connect } 1 .. 10;
$gone[$_]->write('GET ' . ('/guarded', '/page', '/status/ready')[$_ % 3]
    . " HTTP/1.1\r\nHost: x\r\n\r\n") for 0 .. 9;
ok($fake->wait_held(10), 'ten of these while Redis is slow');
$_->reset for @gone;
$fake->clear_rules;
$fake->release;
part_of('/guarded', 200, qr/^guarded content$/,
    'whose clients go away hurt nobody');

$fake->down;
ok(wait_until(sub {
    return !grep { $parts->get('/status/ready')->{status} != 503 } 1 .. 8;
}), 'Redis away');
part_of('/guarded', 500, qr/./, 'auth_request lets nothing pass');
part_of('/page', 200, qr/^a not ready: [^\n]+\n b live\n/,
    'and the page says so');
$fake->up;

# counters belong to their store, whatever others there are

my $first = start_redis();
my $second = start_redis();
my $third = start_redis();
sub with_stores {
    my (@stores) = @_;

    my $lines = join('', map {
        my ($name, $redis) = @$_;
        "location /$name { gmchat gm; gmchat_redis " . $redis->url . "; }\n"
    } @stores);
    my $default = $stores[0][1]->url;

    return <<"EOC";
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis $default;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /status { gmchat status; }
        $lines
    }
}
EOC
}

my $several = start_nginx(workers => 1,
    conf => with_stores([ first => $first ], [ second => $second ]));

sub store_calls {
    my $stores = $several->get('/status')->{json}{stores};
    my %calls;

    $calls{ $_->{store} } += $_->{calls} for @$stores;

    return join(' ', map { $calls{ $_->url } // 'none' }
        $first, $second, $third);
}

sub call_store {
    my ($name, $times) = @_;

    $several->call("/$name", 'accounts') for 1 .. $times;
}

sub reload_with {
    $several->write_conf(with_stores(@_));
    ok($several->reload, 'a reload with other stores');
}

call_store(first => 5);
call_store(second => 7);
is(store_calls(), '5 7 none', 'calls of two stores');
reload_with([ third => $third ], [ first => $first ], [ second => $second ]);
is(store_calls(), '5 7 0', 'a new one before them begins at 0');
call_store(third => 2);
call_store(first => 1);
is(store_calls(), '6 7 2', 'each counts on');
reload_with([ second => $second ], [ third => $third ]);
is(store_calls(), 'none 7 2', 'one that is not named any more is not shown');
call_store(second => 1);
is(store_calls(), 'none 8 2', 'the others keep theirs');
reload_with([ first => $first ], [ third => $third ]);
is(store_calls(), '6 none 2', 'one that comes back goes on');

finish();
