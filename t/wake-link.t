#!/usr/bin/perl

# The connection that hears what is published: it is there while somebody
# waits, it is noticed when it brings nothing, and meanwhile those who wait are
# answered all the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use List::Util qw(sum0);
use Test::Gmchat;
use Test::Gmchat::Client qw(insist);
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Sse;
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::More;
use Time::HiRes qw(time);

# Who waits asks for LONG; an answer that took less than SOON did not wait for
# the end of that.
use constant { LONG => 50, SOON => 20 };

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% %%OPTIONS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOF

# One worker: what it holds is all that there is.

sub bridge {
    my ($redis, $options, %arg) = @_;

    my $nginx = start_nginx(redis => $redis, workers => 1, conf => $conf, %arg,
        vars => { OPTIONS => $options });

    insist($nginx, 'gm', 'create', gm_account => 1, gm_name => 'Ann')
        or die 'no GM';
    insist($nginx, 'gm', 'add', gm_account => 1, host => 1001, uid => 5)
        or die 'no friendship';

    return $nginx;
}


# ---- what the bridge says of itself

sub store {
    my ($nginx) = @_;

    return $nginx->get('/status')->{json}{stores}[0];
}

# "ready=1": the states that some worker is in.

sub link_state {
    my ($nginx) = @_;

    my $links = store($nginx)->{wake_links};

    return join(' ', map { "$_=$links->{$_}" }
        grep { $links->{$_} } sort keys %$links);
}

sub is_link {
    my ($nginx, $state, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(wait_until(sub { link_state($nginx) eq "$state=1" }), $label)
        || diag(link_state($nginx));
}

sub said {
    my ($nginx, $pattern) = @_;

    return scalar $nginx->{log}->lines(qr/\[error\].*$pattern/);
}


# ---- those who wait

sub hold {
    my ($nginx, $uri) = @_;

    my $connection = $nginx->connect;
    $connection->write(format_request('GET', $uri));

    return { connection => $connection, began => time() };
}

# For messages to the GM, behind those that it had.

my %cursor;

sub hold_gm {
    my ($nginx) = @_;

    my $cursor = $cursor{$nginx} // '';

    return { nginx => $nginx, %{ hold($nginx, '/gm?action=receive&format=json'
        . "&gm_account=1&ack=$cursor&wait=" . LONG) } };
}

sub stream {
    my ($nginx, $hosts) = @_;

    my $stream = Test::Gmchat::Sse->new(address => $nginx->address,
        uri => "/gs?action=stream&host=$hosts");
    $stream->next_event('ready') or die 'a stream that is not ready';

    return $stream;
}

# The texts that a held call brought, if it was answered soon. Where the store
# is away it asks again.

sub texts {
    my ($call) = @_;

    my $response = $call->{connection}->response(LONG + 20);
    my $took = time() - $call->{began};
    $call->{connection}->close;

    return "answered after $took s" if $took > SOON;
    return "$response->{status}: $response->{body}"
        if !$response->{json} || !$call->{nginx} && !$response->{json}{res};

    if (!$response->{json}{res}) {
        return texts({ %{ hold_gm($call->{nginx}) },
            began => $call->{began} });
    }

    $cursor{ $call->{nginx} } = $response->{json}{cursor} if $call->{nginx};

    return join(' ', map { $_->{text} } items($response));
}

sub event_text {
    my ($stream, $seconds) = @_;

    my $event = $stream->next_event('message', $seconds // SOON)
        or return 'no event';

    return $event->{data}{text};
}

# Ends a stream whose events arrived.

sub leave {
    my ($bridge, $stream) = @_;

    insist($bridge, 'gs', 'ack', cursor => $stream->{last_id})
        or die 'no acknowledgement';
    $stream->close;
}

sub subscribers {
    my ($redis, $channel) = @_;

    return $redis->cmd('PUBSUB', 'NUMSUB', "gmchat:{default}:to:$channel")
        ->[1];
}

# How many connections hear something.

sub listeners {
    my ($redis) = @_;

    return scalar(() = $redis->cmd('CLIENT', 'LIST', 'TYPE', 'pubsub')
        =~ /^id=/mg);
}


# ---- nothing is wrong

my $redis = start_redis();
my $calm = bridge($redis, 'wake_timeout=2s', quiet => 1);

is(link_state($calm), 'idle=1', 'nobody waits: no second connection');
is(store($calm)->{subscriptions}, 0, 'nor a channel');
is(listeners($redis), 0, 'Redis agrees');

my $call = hold_gm($calm);
is_link($calm, 'ready', 'somebody waits: there is one');
ok(wait_until(sub { subscribers($redis, 'g1') == 1 }), 'with a channel');
is(listeners($redis), 1, 'on one connection');
is(store($calm)->{subscriptions}, 1, 'and that is shown');

$calm->gs('send', uid => 5, text => 'a');
is(texts($call), 'a', 'what is published wakes who waits');
cmp_ok(store($calm)->{wake_messages}, '>=', 1, 'and is counted');

# it comes back before the channel is left

my $before = $redis->calls('subscribe');
is($before, 2, 'two were subscribed: its own channel, and the one waited for');

for my $text ('b' .. 'e') {
    $call = hold_gm($calm);
    $calm->gs('send', uid => 5, text => $text);
    is(texts($call), $text, "$text wakes who came back");
}

is($redis->calls('subscribe'), $before,
    'who comes back costs no SUBSCRIBE: the channel is there still');

# many for one channel

my @calls = map { hold($calm,
    "/gs?action=receive&ack=&format=json&host=1001&wait=" . LONG) } 1 .. 50;
ok(wait_until(sub { subscribers($redis, 'h1001') == 1 }),
    'fifty wait for one host');
is($redis->calls('subscribe'), $before + 1, 'by one SUBSCRIBE');
$calm->gm('send', gm_account => 1, uid => 5, text => 'to all');
is_deeply([ map { texts($_) } @calls ], [ ('to all') x 50 ],
    'and all are woken');
is(items($calm->gs('receive', host => 1001, format => 'json')), 1,
    'it is taken');

# left after a while, while another one is kept

my $kept = stream($calm, 7777);
ok(wait_until(sub {
    return subscribers($redis, 'g1') == 0 && subscribers($redis, 'h1001') == 0;
}), 'channels that nobody waits for are left after a while');
is($redis->calls('unsubscribe'), 2, 'by UNSUBSCRIBE');
is(subscribers($redis, 'h7777'), 1, 'the one that is waited for stays');
is(store($calm)->{subscriptions}, 2,
    'two channels are left: of a host and of its stream');
is(link_state($calm), 'ready=1', 'and so does the connection');

$call = hold_gm($calm);
ok(wait_until(sub { subscribers($redis, 'g1') == 1 }),
    'a channel that was left is joined again');
$calm->gs('send', uid => 5, text => 'f');
is(texts($call), 'f', 'and wakes');

# a thousand at once, while somebody waits

$call = hold_gm($calm);
my $thousand = stream($calm, join(',', 1001 .. 2000));
is(sum0(map { subscribers($redis, "h$_") } 1001 .. 2000), 1000,
    'a thousand channels at once');
is(store($calm)->{subscriptions}, 1004,
    'are shown, with those of two streams, of a host, and of who waits');

for my $host (1002, 1500, 2000) {
    $calm->gm('add', gm_account => 1, host => $host, uid => $host);
    $calm->gm('send', gm_account => 1, uid => $host, text => "for $host");
    is(event_text($thousand), "for $host", "host $host is heard of");
}

my $metrics = $calm->get('/status/metrics')->{body};
like($metrics, qr/^gmchat_store_wake_links\{[^}]*state="ready"[^}]*\} 1$/m,
    'metrics: the connection');
like($metrics, qr/^gmchat_store_subscriptions\{[^}]*\} 1004$/m,
    'metrics: the channels');
like($metrics, qr/^gmchat_store_wake_losses_total\{[^}]*\} 0$/m,
    'metrics: nothing was lost');
like($metrics, qr/^gmchat_store_wake_messages_total\{[^}]*\} [1-9]\d*$/m,
    'metrics: what was heard');

$_->close for $call->{connection}, $kept, $thousand;
is_link($calm, 'idle', 'nobody waits any more: the connection is closed');
is(store($calm)->{subscriptions}, 0, 'no channel is left');
ok(wait_until(sub { listeners($redis) == 0 }), 'Redis agrees');

$call = hold_gm($calm);
is_link($calm, 'ready', 'it comes back for the next one');
ok(wait_until(sub { subscribers($redis, 'g1') == 1 }), 'with its channel');
$calm->gs('send', uid => 5, text => 'g');
is(texts($call), 'g', 'and wakes');
is(store($calm)->{wake_losses}, 0, 'in all this nothing was lost');

# The worker stood still for longer than wake_timeout: it has not asked, so
# nothing is amiss. It is stopped between two probes.

sub probes {
    my ($count) = @_;

    my $most = $redis->calls('publish') + $count;

    return wait_until(sub { $redis->calls('publish') >= $most });
}

{
    my $stream = stream($calm, 1001);
    my ($worker) = $calm->workers;

    $call = hold_gm($calm);
    is_link($calm, 'ready', 'a worker that will stand still');
    ok(wait_until(sub { subscribers($redis, 'g1') == 1 }), 'is waited at');

    for my $round (1 .. 3) {
        probes(1);
        store($calm);
        kill('STOP', $worker);
        my $until = time() + 2.5;
        wait_until(sub { time() > $until });
        kill('CONT', $worker);
        ok(probes(2), 'it stood still, and goes on probing');
    }

    is(store($calm)->{wake_losses}, 0, 'nothing was lost by that');
    $calm->gs('send', uid => 5, text => 'h');
    is(texts($call), 'h', 'who waits is answered');
    $calm->gm('send', gm_account => 1, uid => 5, text => 'i');
    is(event_text($stream), 'i', 'and so is a stream');
    $stream->close;
}



# ---- faults

my $stored = start_redis(args => [ 'appendonly yes', 'appendfsync always' ]);
my $other = start_redis();
my $fake = start_fake(upstream => $stored, tcp => 1);
my $nginx = bridge($fake,
    'wake_timeout=600ms timeout=2s probe=300ms connect_timeout=2s');
my $text = 'a';

# Somebody waits, in both ways, and would be woken.

sub wait_here {
    my ($label) = @_;

    my $stream = stream($nginx, 1001);
    my $held = hold_gm($nginx);

    is_link($nginx, 'ready', "$label: before, all is well");
    ok(wait_until(sub { subscribers($stored, 'g1') == 1 }),
        "$label: somebody waits") || diag(subscribers($stored, 'g1'));

    return ($held, $stream);
}

# Both are given what is sent now.

sub still_answered {
    my ($label, $held, $stream) = @_;

    $text++;

    for my $send ([ 'gs', 'send', uid => 5, text => "up $text" ],
        [ 'gm', 'send', gm_account => 1, uid => 5, text => "down $text" ])
    {
        my ($endpoint, @call) = @$send;
        ok(wait_until(sub {
            $nginx->$endpoint(@call, msgid => "$endpoint.$text")->{json}{res};
        }), "$label: $endpoint sends");
    }

    is(texts($held), "up $text", "$label: who waits is answered");
    is(event_text($stream), "down $text", "$label: and so is a stream");
}

# What breaks it, what the log says of it, what puts it right, and what happens
# until it is noticed.

my @faults = (
    [ 'half-open', qr/are lost: nothing came in time/,
      sub { $fake->freeze(only => 'SUBSCRIBE') },
      sub { $fake->kick(frozen => 1) } ],
    [ 'half-open, answers lost', qr/are lost: nothing came in time/,
      sub { $fake->freeze(only => 'SUBSCRIBE', lose => 'answers') },
      sub { $fake->kick(frozen => 1) } ],
    [ 'cut', qr/are lost: (?!.*in time)/,
      sub { $fake->kick(only => 'SUBSCRIBE') } ],
    [ 'probes do not arrive', qr/are lost: nothing came in time/,
      sub { $fake->on(name => 'PUBLISH', reply => ":0\r\n") },
      sub { $fake->clear_rules } ],
    [ 'probes do not arrive, but others do',
      qr/are lost: what is published does not arrive/,
      sub { $fake->on(name => 'PUBLISH', reply => ":0\r\n") },
      sub { $fake->clear_rules },
      sub { $stored->cmd('PUBLISH', 'gmchat:{default}:to:h1001', 'o') } ],
    [ 'nothing that is published arrives',
      qr/are lost: nothing came in time/,
      sub { $fake->on(name => 'MESSAGE', silent => 1) },
      sub { $fake->clear_rules } ],
    [ 'its connection leads to another server',
      qr/are lost: what is published does not arrive/,
      sub {
          $fake->on(name => 'SUBSCRIBE', elsewhere => $other->address);
          $fake->kick(only => 'SUBSCRIBE');
      },
      sub { $fake->clear_rules } ],
    [ 'SUBSCRIBE is refused', qr/refused the wake-ups: "NOPERM /,
      sub {
          $fake->on(name => 'SUBSCRIBE', error => 'NOPERM not this one');
          $fake->kick(only => 'SUBSCRIBE');
      },
      sub { $fake->clear_rules } ],
    [ 'PUBLISH is refused', qr/refused the wake-ups: "NOPERM /,
      sub { $fake->on(name => 'PUBLISH', error => 'NOPERM not this one') },
      sub { $fake->clear_rules } ],
    [ 'a confirmation of another channel', qr/are lost: /,
      sub {
          $fake->on(name => 'SUBSCRIBE', times => 1,
              reply => "*3\r\n\$9\r\nsubscribe\r\n\$1\r\nx\r\n:1\r\n");
          $fake->kick(only => 'SUBSCRIBE');
      },
      sub { $fake->clear_rules } ],
);

for my $fault (@faults) {
    my ($label, $line, $break, $mend, $meanwhile) = @$fault;
    my ($held, $stream) = wait_here($label);
    my $losses = store($nginx)->{wake_losses};
    my $lines = said($nginx, $line);
    my $began = time();

    $break->();
    ok(wait_until(sub {
        $meanwhile->() if $meanwhile;
        return store($nginx)->{wake_losses} > $losses;
    }), "$label: noticed");
    cmp_ok(time() - $began, '<', 15, "$label: soon");
    still_answered($label, $held, $stream);
    ok(wait_until(sub { said($nginx, $line) > $lines }),
        "$label: the log says it")
        || diag(map { "$_\n" } $nginx->{log}->lines(qr/wake-ups/));

    $mend->() if $mend;
    is_link($nginx, 'ready', "$label: well again");
    ok(wait_until(sub {
        return subscribers($stored, 'h1001') == 1;
    }), "$label: subscribed again");
    insist($nginx, 'gm', 'send', gm_account => 1, uid => 5,
        text => "after $text", msgid => "after.$text") or die 'not sent';
    is(event_text($stream), "after $text", "$label: and the stream goes on");
    leave($nginx, $stream);
}

# what it tries in vain is said once

{
    my ($held, $stream) = wait_here('for long');
    my $lines = said($nginx, qr/wake-ups/);
    my $losses = store($nginx)->{wake_losses};

    $fake->on(name => 'SUBSCRIBE', error => 'NOPERM not this one');
    $fake->kick(only => 'SUBSCRIBE');
    ok(wait_until(sub { store($nginx)->{wake_losses} >= $losses + 5 }),
        'for long: it tries again and again');
    like(link_state($nginx), qr/^(?:waiting|reconnecting|resetup)=1$/,
        'for long: shown as a connection that is made anew');
    cmp_ok(said($nginx, qr/wake-ups/) - $lines, '<=', 3,
        'for long: the log has a line for the loss and for its cause');
    still_answered('for long', $held, $stream);

    $lines = said($nginx, qr/are back/);
    $fake->clear_rules;
    is_link($nginx, 'ready', 'for long: well again');
    is(said($nginx, qr/are back/), $lines + 1, 'for long: the log says it');
    leave($nginx, $stream);
}

# What is written to it gets lost, while all that was subscribed still comes:
# there is nothing to notice before somebody subscribes.

{
    my $label = 'half-open, commands lost';
    my $stream = stream($nginx, 1001);
    my $losses = store($nginx)->{wake_losses};

    is_link($nginx, 'ready', "$label: before, all is well");
    $fake->freeze(only => 'SUBSCRIBE', lose => 'commands');
    ok(wait_until(sub {
        $nginx->gm('send', gm_account => 1, uid => 5, text => 'still',
            msgid => 'still')->{json}{res};
    }), "$label: something is sent");
    is(event_text($stream), 'still', "$label: it is heard");

    my $late = hold_gm($nginx);
    ok(wait_until(sub { store($nginx)->{wake_losses} > $losses }),
        "$label: noticed by the next one");
    ok(said($nginx, qr/are lost: no confirmation in time/),
        "$label: the log says it");
    insist($nginx, 'gs', 'send', uid => 5, text => 'late',
        msgid => 'late') or die 'not sent';
    is(texts($late), 'late', "$label: who is answered");
    leave($nginx, $stream);
}

# The other connection is away, which publishes the probes: this one is none
# the worse. (With a wake_timeout that a busy machine does not pass by itself.)

{
    my $label = 'the other connection away';
    my @others = ($nginx, $fake, $stored);

    $stored = start_redis();
    $fake = start_fake(upstream => $stored, tcp => 1);
    $nginx = bridge($fake,
        'wake_timeout=2s timeout=2s probe=300ms connect_timeout=2s');

    my ($held, $stream) = wait_here($label);
    my $losses = store($nginx)->{wake_losses};

    $fake->on(name => 'INFO', error => 'LOADING for long');
    $fake->forget;
    ok(wait_until(sub { $fake->seen('PING') >= 5 }),
        "$label: PING takes the place of the probe");
    is(store($nginx)->{wake_losses}, $losses, "$label: nothing is lost");
    is(link_state($nginx), 'ready=1', "$label: it stays");
    $fake->clear_rules;
    still_answered($label, $held, $stream);
    leave($nginx, $stream);
    ($nginx, $fake, $stored) = @others;
}

# Redis is started anew

{
    my $label = 'Redis restarted';
    my ($held, $stream) = wait_here($label);
    my $losses = store($nginx)->{wake_losses};

    $stored->restart;
    ok(wait_until(sub { store($nginx)->{wake_losses} > $losses }),
        "$label: noticed");
    still_answered($label, $held, $stream);
    is_link($nginx, 'ready', "$label: well again");
    leave($nginx, $stream);
}

# Nobody is there at all

{
    my $label = 'nobody listens';
    my ($held, $stream) = wait_here($label);
    my $losses = store($nginx)->{wake_losses};

    $fake->down;
    ok(wait_until(sub { store($nginx)->{wake_losses} > $losses + 2 }),
        "$label: noticed");
    $fake->up;
    still_answered($label, $held, $stream);
    is_link($nginx, 'ready', "$label: well again");
    leave($nginx, $stream);
}

# who waits does not hold a worker back that is to go, whatever is the matter

for my $lose ('answers', 'commands') {
    my $stream = stream($nginx, 1001);
    $fake->freeze(only => 'SUBSCRIBE', lose => $lose);
    ok($nginx->reload, "a reload while $lose are lost");
    $stream->close;
}

is_link($nginx, 'idle', 'nobody waits any more: no connection');
ok(wait_until(sub { store($nginx)->{subscriptions} == 0 }), 'nor a channel');


# ---- TLS

{
    my $dir = temp_folder();
    my $authority = make_authority($dir, 'authority');
    my $certificate = make_certificate($dir, 'redis', $authority,
        'IP:127.0.0.1');
    my $tls = start_redis(tls => $certificate,
        args => [ 'requirepass secret' ], auth => [ 'secret' ]);
    write_file("$dir/password", "secret\n");

    my $over = bridge("rediss://127.0.0.1:$tls->{tls_port}",
        "ca=$authority->{cert} password_file=$dir/password wake_timeout=10s "
        . 'connect_timeout=20s timeout=20s', quiet => 1);
    my $many = stream($over, join(',', 1001 .. 2000));
    my $held = hold_gm($over);

    is_link($over, 'ready', 'TLS: ready');
    ok(wait_until(sub { subscribers($tls, 'g1') == 1 }), 'TLS: it waits');
    is(store($over)->{subscriptions}, 1002, 'TLS: a thousand channels');
    $over->gs('send', uid => 5, text => 'up');
    is(texts($held), 'up', 'TLS: it is woken');
    $over->gm('send', gm_account => 1, uid => 5, text => 'y' x 4000);
    is(event_text($many), 'y' x 4000, 'TLS: so is a stream');
    is(store($over)->{wake_losses}, 0, 'TLS: nothing was lost');
    $many->close;
}


# ---- rights

# The line of docs/operations.md.

sub rights {
    open(my $file, '<', "$FindBin::Bin/../docs/operations.md") or die $!;
    local $/;
    my ($line) = <$file> =~ /^ {4}ACL SETUSER gmchat (.*?)\n\n/ms
        or die 'docs/operations.md has no rights';

    return split(' ', $line);
}

sub with_rights {
    my ($without, %arg) = @_;

    my $server = start_redis();
    $server->cmd('ACL', 'SETUSER', 'gmchat',
        grep { $_ ne $without } rights());
    my ($password) = map { /^>(.*)/ } rights();

    my $dir = temp_folder();
    write_file("$dir/password", "$password\n");

    return ($server, bridge($server,
        "user=gmchat password_file=$dir/password wake_timeout=2s", %arg));
}

{
    my ($server, $right) = with_rights('', quiet => 1);
    my $stream = stream($right, 1001);
    my $held = hold_gm($right);

    is_link($right, 'ready', 'the documented rights: ready');
    ok(wait_until(sub { subscribers($server, 'g1') == 1 }),
        'the documented rights: it waits');
    $right->gs('send', uid => 5, text => 'up');
    is(texts($held), 'up', 'the documented rights: it is woken');

    my $probes = $server->calls('publish');
    ok(wait_until(sub { $server->calls('publish') > $probes + 4 }),
        'the documented rights: it is probed');
    ok(wait_until(sub { subscribers($server, 'g1') == 0 }),
        'the documented rights: it leaves a channel');
    is(store($right)->{wake_losses}, 0,
        'the documented rights: nothing was lost');
    $stream->close;
}

for my $without ('+subscribe', '+publish', '&gmchat:*') {
    my (undef, $wrong) = with_rights($without);
    my $stream = stream($wrong, 1001);
    my $held = hold_gm($wrong);
    my $label = "without $without";

    ok(wait_until(sub { store($wrong)->{wake_losses} >= 4 }),
        "$label: no wake-ups, and it goes on trying");
    is(said($wrong, qr/refused the wake-ups: "NOPERM /), 1,
        "$label: the log says why, once");

    my $began = $held->{began} = time();
    $wrong->gs('send', uid => 5, text => 'up');

    if ($without eq '+subscribe') {
        is(texts($held), 'up', "$label: who waits is answered");
        cmp_ok(time() - $began, '<', 15, "$label: by looking every 2 s");
        $wrong->gm('send', gm_account => 1, uid => 5, text => 'down');
        is(event_text($stream), 'down', "$label: so is a stream");
    }

    $_->close for $held->{connection}, $stream;
}

finish();
