#!/usr/bin/perl

# The game servers of examples/, all at once and each in its language: events
# and messages arrive, both ways, while the game servers are killed, nginx is
# reloaded and Redis restarted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use IO::Handle;
use JSON::PP ();
use POSIX qw(mkfifo);
use Test::Gmchat;
use Test::Gmchat::Client qw(wait_ready);
use Test::Gmchat::Process
    qw(spawn run_command alive reaped signal_and_wait);
use Test::More;

use constant {
    EACH    => 80,      # messages, for each game server and each way
    KILL    => 20,      # after so many of them
    BACK    => 30,
    RELOAD  => 40,
    RESTART => 60,
    PENDING => 5,       # lines that a game server has not answered
};

my $examples = "$FindBin::Bin/../examples";
my $redis = start_redis(args => [ 'appendonly yes', 'appendfsync always' ]);
my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOC
my $nginx = start_nginx(redis => $redis, conf => $conf);


# What each needs is a package of Debian; npm is not asked.

sub compiled {
    my $dir = temp_folder();
    my ($status, $output) = run_command(
        argv   => [ 'sh', '-c', 'gcc -Wall -Wextra -Werror -pthread -o "$1"'
            . ' "$2" $(pkg-config --cflags --libs libcurl jansson)', 'sh',
            "$dir/game_server", "$examples/c/game_server.c" ],
        output => "$dir/gcc.out",
    );
    is($status, 0, 'the C example compiles without a warning')
        || diag($output);

    return "$dir/game_server";
}

# The folder of Debian's modules stands where npm would have put one.

sub installed {
    my $dir = temp_folder();

    copy("$examples/javascript/$_", $dir) or die "$_: $!"
        for qw(game_server.mjs package.json);
    symlink('/usr/share/nodejs', "$dir/node_modules") or die $!;

    return "$dir/game_server.mjs";
}

# The skynet service, with the few things that it asks of skynet.

sub with_skynet {
    my $file = temp_folder() . '/skynet.lua';

    write_file($file, <<'EOL');
local folder, bridge, host = ...
package.path = folder .. "/?.lua;" .. package.path
local luasocket = require "luasocket"
local dispatched

io.stdout:setvbuf("line")
package.preload["http.httpc"] = function()
    return { request = luasocket.request(35) }
end
package.preload["skynet"] = function()
    return {
        fork = luasocket.fork,
        sleep = function(ticks) luasocket.sleep(ticks / 100) end,
        time = luasocket.now,
        error = function(name, data)
            print('{"event":"' .. name .. '",' .. data:sub(2))
        end,
        dispatch = function(_, f) dispatched = f end,
        start = function(f) f() end,
    }
end

loadfile(folder .. "/service.lua")(bridge, host)
luasocket.each_line(function(line)
    dispatched(0, 0, "write", line:match("^(%S*) (.*)$"))
end)
luasocket.run()
EOL

    return $file;
}

my @servers = (
    { name => 'C', argv => [ compiled() ], url => 'http://', ends => 1 },
    { name => 'JavaScript', argv => [ '/usr/bin/node', installed() ],
        url => 'http://', ends => 1 },
    { name => 'Python', url => 'http://', ends => 1,
        argv => [ '/usr/bin/python3', "$examples/python/game_server.py" ] },
    { name => 'Lua', url => '',
        argv => [ '/usr/bin/lua5.4', "$examples/lua/standalone.lua" ] },
    { name => 'Lua in skynet', url => '',
        argv => [ '/usr/bin/lua5.4', with_skynet(), "$examples/lua" ] },
);

for my $n (0 .. $#servers) {
    $servers[$n] = { %{ $servers[$n] }, gm => $n + 1, host => 1001 + $n,
        uid => 500 + $n, new_uid => 600 + $n, said => 0, written => 0,
        runs => [], at_gm => [], cursor => '' };
}


# Its stdin is a pipe that stays open whoever reads it.

sub start_server {
    my ($server, $at) = @_;

    my $dir = temp_folder();

    mkfifo("$dir/stdin", 0600) or die $!;
    open(my $stdin, '+<', "$dir/stdin") or die $!;
    $stdin->autoflush;

    push @{ $server->{runs} }, {
        dir    => $dir,
        stdin  => $stdin,
        lines  => [],
        events => [],
        read   => 0,        # bytes of its stdout
        pid    => spawn(
            name   => $server->{name},
            argv   => [ 'sh', '-c', 'exec "$@" <"$0/stdin" >"$0/stdout"',
                $dir, @{ $server->{argv} }, $server->{url} . $at->address,
                $server->{host} ],
            output => "$dir/stderr",
        ),
    };
}

# What a run printed so far. A line that is not whole yet is left for later.

sub events {
    my ($run, @names) = @_;

    read_events($run);

    return grep { my $event = $_->{event}; grep { $event eq $_ } @names }
        @{ $run->{events} };
}

sub read_events {
    my ($run) = @_;

    open(my $file, '<', "$run->{dir}/stdout") or return;
    seek($file, $run->{read}, 0);

    while (my $line = <$file>) {
        last if $line !~ /\n\z/;
        push @{ $run->{events} }, JSON::PP->new->utf8->decode($line);
        $run->{read} += length($line);
        die 'it prints without end' if @{ $run->{events} } > 10 * EACH;
    }
}

sub all_events {
    my ($server, @names) = @_;

    return map { events($_, @names) } @{ $server->{runs} };
}

# Those whose id was not there before.

sub once {
    my %seen;

    return grep { !$seen{ $_->{id} }++ } @_;
}

sub unanswered {
    my ($run) = @_;

    my $answered = () = events($run, 'sent');
    my @lines = @{ $run->{lines} };

    return splice(@lines, $answered);
}

sub write_line {
    my ($server, $text) = @_;

    my $run = $server->{runs}[-1];

    print { $run->{stdin} } "$server->{uid} $text\n";
    push @{ $run->{lines} }, $text;
}

sub call_gm {
    my $response = eval { $nginx->gm(@_) } or return {};

    return $response->{json} // {};
}


# One message of each GM to a player, one of a player, and what is there for
# each GM.

sub step {
    my ($server, $till) = @_;

    say_next($server) if $server->{said} < $till;
    write_next($server) if $server->{written} < $till
        && alive($server->{runs}[-1]{pid});
    listen_gm($server);
}

sub say_next {
    my ($server) = @_;

    my $text = "to-$server->{said} \x{4f60}";

    utf8::encode($text);
    $server->{said}++ if call_gm('send', gm_account => $server->{gm},
        uid => $server->{uid}, text => $text, msgid => "m$server->{said}")
            ->{res};
}

sub write_next {
    my ($server) = @_;

    my @pending = unanswered($server->{runs}[-1]);
    return if @pending >= PENDING;

    write_line($server, "from-$server->{written} \"x\"");
    $server->{written}++;
}

sub listen_gm {
    my ($server) = @_;

    my $reply = call_gm('receive', gm_account => $server->{gm},
        ack => $server->{cursor}, format => 'json');

    push @{ $server->{at_gm} }, @{ $reply->{data} // [] };
    $server->{cursor} = $reply->{cursor} // $server->{cursor};
}

# Until all GMs have said so many, and all players, if their servers live.

sub talk {
    my ($till) = @_;

    return wait_until(sub {
        step($_, $till) for @servers;
        return !grep {
            $_->{said} < $till
                || (alive($_->{runs}[-1]{pid}) && $_->{written} < $till)
        } @servers;
    });
}

sub each_has {
    my ($label, $condition) = @_;

    for my $server (@servers) {
        ok(wait_until(sub {
            listen_gm($server);
            return $condition->($server);
        }), "$server->{name}: $label") || show_output($server);
    }
}

sub show_output {
    my ($server) = @_;

    for my $run (@{ $server->{runs} }) {
        for my $name (qw(stdout stderr)) {
            open(my $file, '<', "$run->{dir}/$name") or next;
            my @lines = <$file>;
            my $from = @lines > 10 ? @lines - 10 : 0;
            diag("$server->{name} $name: $_") for @lines[$from .. $#lines];
        }
    }
}

sub relations {
    my ($server) = @_;

    return join(' ', map { "$_->{change}:$_->{uid}" }
        once(all_events($server, 'relation')));
}


# a friendship and the first messages

for my $server (@servers) {
    is_bare($nginx->gm('create', gm_account => $server->{gm},
        gm_name => 'Ann'), "$server->{name}: a GM is there");
    start_server($server, $nginx);
    is_bare($nginx->gm('add', gm_account => $server->{gm},
        host => $server->{host}, uid => $server->{uid}),
        "$server->{name}: and has a friend");
}

each_has('the game server learns of it',
    sub { relations($_[0]) eq "apply:$_[0]{uid}" });

write_line($_, 'hello') for @servers;
each_has('what a player writes reaches the GM',
    sub { grep { $_->{text} eq 'hello' } @{ $_[0]{at_gm} } });
is_success($nginx->gm('send', gm_account => $_->{gm}, uid => $_->{uid},
    text => 'hello'), "$_->{name}: the GM writes") for @servers;
each_has('what the GM writes reaches the player',
    sub { grep { $_->{text} eq 'hello' } events($_[0]{runs}[0], 'message') });

# the game servers are killed in the middle and come back

ok(talk(KILL), 'messages go both ways');

for my $server (@servers) {
    say_next($server);
    write_line($server, 'last words');
    signal_and_wait('KILL', $server->{runs}[-1]{pid});
}

ok(talk(BACK), 'the GMs go on while no game server is there');

for my $server (@servers) {
    my @lost = unanswered($server->{runs}[-1]);
    $server->{unanswered}{$_} = 1 for @lost;
    start_server($server, $nginx);
    write_line($server, $_) for @lost;
    is_bare($nginx->gm('add', gm_account => $server->{gm},
        host => $server->{host}, uid => $server->{new_uid}),
        "$server->{name}: another friend while it starts");
}

each_has('the game server that came back learns of that',
    sub { relations($_[0]) eq "apply:$_[0]{uid} apply:$_[0]{new_uid}" });

# nginx is reloaded in the middle

ok(talk(RELOAD), 'messages go both ways again');
my @old = $nginx->reload_begin;
ok(talk(RELOAD + 10), 'and while nginx is reloaded');
ok(wait_until(sub { $nginx->reload_done(@old) }), 'the old workers go');

# Redis is away in the middle

ok(talk(RESTART), 'messages go both ways with the new workers');
write_line($_, 'while Redis is away') for @servers;
$redis->kill_hard;
ok(wait_until(sub {
    return (call_gm('online', gm_account => 1)->{errno} // 0) == -5;
}), 'Redis is away');
$redis->start;
ok(talk(EACH), 'messages go both ways once Redis is back');
ok(wait_ready($nginx), 'for each worker');
is_bare($nginx->gm('del', gm_account => $_->{gm}, uid => $_->{new_uid}),
    "$_->{name}: a friendship ends") for @servers;

each_has('the game server learns of it', sub {
    return relations($_[0]) eq "apply:$_[0]{uid} apply:$_[0]{new_uid} "
        . "remove:$_[0]{new_uid}";
});
each_has('every line was answered',
    sub { return !(my @left = unanswered($_[0]{runs}[-1])) });
each_has('all messages of the GM arrived', sub {
    return once(all_events($_[0], 'message')) == 1 + EACH;
});
each_has('all messages of the player arrived', sub {
    my %texts = map { $_->{text} => 1 } @{ $_[0]{at_gm} };
    return keys(%texts) == 3 + EACH;
});

# nothing twice that was not in doubt, and all in order

for my $server (@servers) {
    my $name = $server->{name};

    is_deeply([ map { $_->{text} } once(all_events($server, 'message')) ],
        [ 'hello', map { "to-$_ \x{4f60}" } 0 .. EACH - 1 ],
        "$name: the player got every message of the GM in order");

    for my $run (@{ $server->{runs} }) {
        my @all = events($run, 'message', 'relation');
        my %ids = map { ("$_->{event} $_->{id}" => 1) } @all;
        is(scalar @all, scalar keys %ids, "$name: one run gets nothing twice");
    }

    my %times;
    my @texts = map { $_->{text} } once(@{ $server->{at_gm} });
    my @first = grep { !$times{$_}++ } @texts;
    my @again = grep { $times{$_} > 1 && !$server->{unanswered}{$_} }
        keys %times;

    is_deeply([ grep { /^from/ } @first ],
        [ map { "from-$_ \"x\"" } 0 .. EACH - 1 ],
        "$name: the GM got every message of the player in order");
    is_deeply(\@again, [], "$name: only what had no answer when it was killed"
        . ' could come twice');
    is_deeply([ all_events($server, 'refused') ], [],
        "$name: nothing was refused");
}

# all is acknowledged, and they end when they are told to

sub left {
    my ($server) = @_;

    return map { items($nginx->gs($_, host => $server->{host}, ack => '',
        format => 'json')) } qw(receive relation);
}

each_has('what it dealt with is acknowledged', sub { !left($_[0]) });

for my $server (grep { $_->{ends} } @servers) {
    my $run = $server->{runs}[-1];
    is_success($nginx->gm('send', gm_account => $server->{gm},
        uid => $server->{uid}, text => 'farewell'),
        "$server->{name}: the GM says goodbye");
    ok(wait_until(sub {
        return grep { $_->{text} eq 'farewell' } events($run, 'message');
    }), "$server->{name}: which arrives");
    ok(signal_and_wait('TERM', $run->{pid}),
        "$server->{name}: it ends on SIGTERM");
    is(reaped($run->{pid}), 0, "$server->{name}: and ends well")
        || show_output($server);
    is_deeply([ left($server) ], [],
        "$server->{name}: what it printed last is acknowledged");
}

# the store has a message, but its answer is lost

my $fake = start_fake(upstream => $redis);
my $doubtful = start_nginx(redis => $fake, conf => $conf);

for my $server (@servers) {
    $fake->on(name => 'EVALSHA', match => quotemeta(b64('in doubt')),
        times => 1, cut => 1);
    start_server($server, $doubtful);
    write_line($server, 'in doubt');

    my $run = $server->{runs}[-1];
    ok(wait_until(sub { return events($run, 'sent') }),
        "$server->{name}: a send without an answer is made again");
    my ($sent) = events($run, 'sent');
    ok($sent && $sent->{repeat},
        "$server->{name}: with the same msgid");
    signal_and_wait('KILL', $_->{pid}) for @{ $server->{runs} };
}

finish();
