#!/usr/bin/perl

# A Redis Cluster without sharded channels, and what a node may answer that
# leads astray.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Client qw(befriend metric);
use Test::Gmchat::Cluster;
use Test::Gmchat::Port qw(free_port);
use Test::Gmchat::Traffic qw(waiters are_woken);
use Test::More;

use constant GROUP => 'default';

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% probe=300ms wake_timeout=900ms timeout=%%TIMEOUT%%
                 connect_timeout=%%TIMEOUT%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

# One node has all slots. It says that it is where the fake is.

my $cluster = start_cluster(masters => 1, replicas => 0);
my ($node) = $cluster->nodes;
my $fake = start_fake(tcp => 1, upstream => $node);
my $slot = Test::Gmchat::Cluster::slot_of_group(GROUP);
my $dead = free_port();

$node->cmd('CONFIG', 'SET', 'cluster-announce-port', $fake->{port});
is($node->cmd('CLUSTER', 'SLOTS')->[0][2][1], $fake->{port},
    'a node that names the fake');

# Where calls are to be refused they are so after `timeout`; where they are to
# be stored there is time for it.

sub bridge {
    my ($timeout) = @_;

    return start_nginx(redis => "redis+cluster://$fake->{address}",
        conf => $conf, workers => 1, vars => { TIMEOUT => $timeout });
}


# ---- channels

$fake->on(name => 'COMMAND', reply => "*1\r\n*-1\r\n");
my $plain = bridge('5s');
ok(befriend($plain), 'a server without SSUBSCRIBE');
are_woken(waiters($plain), 'a server without SSUBSCRIBE');
is(scalar(() = $fake->seen('SSUBSCRIBE')), 0, 'is not asked for it');
is($node->calls('spublish'), 0, 'nothing is published so');
cmp_ok($node->calls('publish'), '>', 0, 'but by PUBLISH');

$fake->clear_rules;
$fake->forget;
my $patient = bridge('5s');
my $nginx = $patient;
ok(befriend($nginx), 'a server with SSUBSCRIBE');
are_woken(waiters($nginx), 'a server with SSUBSCRIBE');
cmp_ok(scalar(() = $fake->seen('SSUBSCRIBE')), '>', 0, 'is asked for it');
cmp_ok($node->calls('spublish'), '>', 0, 'and told by SPUBLISH');
$plain->stop;


# ---- errors that pass

my $n = 0;

sub say {
    $n++;

    return $nginx->gs('send', uid => 5, text => "n$n", msgid => "m$n");
}

sub disturb {
    my (%action) = @_;

    $fake->on(name => 'EVALSHA', match => "\\bm" . ($n + 1) . "\\b", %action);
}

sub is_back {
    my ($label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $fake->clear_rules;
    ok(wait_until(sub { say()->{json}{res} }), "$label: service goes on");
}

my $here = "127.0.0.1:$fake->{port}";

for my $error (
    'CLUSTERDOWN The cluster is down',
    'CLUSTERDOWN Hash slot not served',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    "MOVED $slot $here", "MOVED $slot :$fake->{port}", "ASK $slot $here",
) {
    disturb(times => 2, error => $error);
    is_success(say(), "twice $error: then it is stored");
    is_back($error);
}


# ---- errors that stay

$nginx = bridge('500ms');
ok(wait_until(sub { say()->{json}{res} }), 'one with less time');

for my $error (
    'CLUSTERDOWN Hash slot not served',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    "ASK $slot $here",
) {
    disturb(error => $error);
    is_error(say(), -5, qr/\w/, "always $error: refused");
    is_back($error);
}

$fake->forget;
disturb(error => "MOVED $slot $here");
is_error(say(), -5, qr/\w/, 'MOVED round in a circle: refused');
my $tries = grep { "@$_" =~ /\bm$n\b/ } $fake->seen('EVALSHA');
cmp_ok($tries, '>', 5, 'it was followed');
cmp_ok($tries, '<=', 6 * (500 / 20 + 2), 'with a pause after each five');
note("$tries tries");
is_back('a circle');


# ---- astray

for my $error ("MOVED $slot 127.0.0.1:$dead", "ASK $slot 127.0.0.1:$dead") {
    disturb(times => 1, error => $error);
    my $reply = say();
    like($reply->{json}{errno} // 0, qr/^(?:0|-5)$/,
        "$error: stored, or refused");
    is_back($error);
}

for my $error ('MOVED', 'ASK', 'MOVED x', "MOVED $slot", "MOVED $slot x",
    "MOVED 99999 $here", "MOVED -1 $here", "MOVED $slot 127.0.0.1:99999",
    "MOVED $slot 127.0.0.1:0", "ASK $slot 127.0.0.1:", "MOVED $slot $here x",
    "MOVED $slot " . 'x' x 5000 . ':1')
{
    my $label = substr($error, 0, 40);

    disturb(error => $error);
    is_error(say(), -5, qr/\w/, "$label: refused");
    is_back($label);
}


# ---- a map that is none

my %reply = (
    'no slots'           => "*0\r\n",
    'nothing'            => "*-1\r\n",
    'a text'             => "\$3\r\nfoo\r\n",
    'an error'           => "-ERR unknown subcommand\r\n",
    'a range without nodes' => "*1\r\n*2\r\n:0\r\n:16383\r\n",
    'slots past the last'   => "*1\r\n*3\r\n:0\r\n:99999\r\n"
        . "*2\r\n\$9\r\n127.0.0.1\r\n:$dead\r\n",
    'a dead node'        => "*1\r\n*3\r\n:0\r\n:16383\r\n"
        . "*2\r\n\$9\r\n127.0.0.1\r\n:$dead\r\n",
    'a port that is none' => "*1\r\n*3\r\n:0\r\n:16383\r\n"
        . "*2\r\n\$9\r\n127.0.0.1\r\n:99999\r\n",
    'a host that is a number' => "*1\r\n*3\r\n:0\r\n:16383\r\n"
        . "*2\r\n:5\r\n:$fake->{port}\r\n",
);

for my $what (sort keys %reply) {
    $fake->on(name => 'CLUSTER', match => '(?i)slots', reply => $reply{$what});
    my $new = bridge('500ms');
    is_error($new->gm('accounts'), -5, qr/\w/, "a map with $what: refused");
    $fake->clear_rules;
    ok(wait_until(sub { $new->gm('accounts')->{json}{res} }),
        "$what: served when it is a good one");
    $new->stop;
}

# the same while it serves

$nginx->stop;
$nginx = $patient;

for my $what (grep { !/dead/ } sort keys %reply) {
    $fake->on(name => 'CLUSTER', match => '(?i)slots', reply => $reply{$what});
    disturb(times => 1, error => "MOVED $slot $here");
    my $asked = () = $fake->seen('CLUSTER');
    is_success(say(), "a new map with $what: what was redirected is stored");
    ok(wait_until(sub { $fake->seen('CLUSTER') > $asked }),
        "$what: and the map is asked for");
    is_back($what);
}

finish();
