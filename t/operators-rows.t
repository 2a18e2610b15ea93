#!/usr/bin/perl

# Every row of the action table, as it is compiled, for every role and over
# every transport: an operator of role gm neither reads nor writes anything of a
# GM account that is not its own. What the other account has says so itself: a
# secret stands in its name, its messages, its players' numbers and hosts, and
# is looked for in all that this operator is given. Redis' own user has the
# rights that docs/operations.md says are enough, and no more.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64);
use Test::Gmchat;
use Test::Gmchat::Actions qw(action_rows row_label required);
use Test::Gmchat::Http qw(encode_params format_request);
use Test::Gmchat::Sse;
use Test::Gmchat::WebSocket;
use Test::More;

# GM 7 is olga's, with player 47110815017 on host 471108151. GM 8 is otto's,
# with player 18, and 19, which GM 7 had before. The number is long: no time, no
# id and no name of a stream has it by chance.

my ($text, $number) = ('sesame-seven', '47110815');
my $secret = qr/$text|$number/;

# What each action takes, in words of its own: a row that is not here fails,
# and so does one whose right is not the table's.

my %right = (
    (map { $_ => 'any' } 'me ()'),
    (map { $_ => 'look' } 'accounts ()', 'canned ()', 'friends (gm_account)',
        'history (uid)', 'player (uid)', 'stream (gm_account)',
        'watch (stream, gm_account)', 'unwatch (stream, gm_account)'),
    (map { $_ => 'act' } 'online (gm_account)', 'offline (gm_account)',
        'add (gm_account, host, uid)', 'del (gm_account, uid)',
        'send (gm_account, uid, msg)', 'receive (gm_account, ack)',
        'receive (gm_account)', 'ack (cursor)',
        'read (gm_account, uid, id)', 'canned_set (name, text)',
        'canned_del (name)'),
    (map { $_ => 'admin' } 'create (gm_account, gm_name)', 'hosts ()',
        'receive ()', 'operators ()', 'operator (operator, role)',
        'dismiss (operator)', 'audit ()'),
);

my $root = abs_path("$FindBin::Bin/..");
my $dir = temp_folder();
my @rows = grep { $_->{endpoint} eq 'gm' } action_rows();

is_deeply({ map { row_label($_) => $_->{right} } @rows }, \%right,
    'the rights of the table are those that are tested here');

# ---- Redis, by a user with the rights that are documented; nginx; the accounts

open(my $page, '<', "$root/docs/operations.md") or die "operations.md: $!";
my ($rights) = join('', <$page>) =~ /^ {4}(ACL SETUSER .*?)\n\n/ms;
close($page);
write_file("$dir/password", $rights =~ / >(\S+)/ ? "$1\n" : die 'no password');

my $redis = start_redis();
$redis->cmd(split ' ', $rights);

my $nginx = start_nginx(redis => $redis, vars => { PASSWORD => "$dir/password" },
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% user=gmchat password_file=%%PASSWORD%%
                 timeout=20s;
    gmchat_ping 1h;     # some are not read for long
    gmchat_operator $http_x_operator;
    gmchat_admin root;
    gmchat_group default client;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm     { gmchat gm; gmchat_role_check /role from=5000; }
        location /plain  { gmchat gm; gmchat_operator off; }
        location /gs     { gmchat gs; }
        location = /role { internal; return 200 '{"code":1}'; }
    }
}
EOF

sub plain {
    return $nginx->call('/plain', @_);
}

sub by {
    my ($who, $action, @params) = @_;

    return $nginx->post_form('/gm', [ action => $action, @params ],
        headers => [ "X-Operator: $who", 'X-GMChat: 1' ]);
}

plain(create => gm_account => 7, gm_name => $text);
plain(create => gm_account => 8, gm_name => 'Eight');

# All as it was, whatever a call before changed of it.

sub restore {
    plain($_->[0] => gm_account => $_->[1], host => $_->[2], uid => $_->[3])
        for [ 'add', 7, "${number}1", "${number}017" ], [ 'add', 8, 1001, 18 ],
        [ 'add', 8, 1001, 19 ];
    plain(online => gm_account => $_) for 7, 8;
    by('root', operator => operator => $text, role => 'gm',
        gm_accounts => 7);
    by('root', operator => operator => 'olga', role => 'gm',
        gm_accounts => 7);
    by('root', operator => operator => 'otto', role => 'gm',
        gm_accounts => 8);
    by('root', operator => operator => 'vera', role => 'viewer');
    by('root', operator => operator => 'anna', role => 'admin');

    return;
}

plain(add => gm_account => 7, host => 1001, uid => 19);
$nginx->gs(send => uid => 19, text => "$text 1");
plain(send => gm_account => 7, uid => 19, text => "$text 2");
plain(del => gm_account => 7, uid => 19);
restore();
my $mine = $nginx->gs(send => uid => 18, text => 'to eight')->{json}{id};
my $its = $nginx->gs(send => uid => "${number}017", text => "$text 3")
    ->{json}{id};
plain(send => gm_account => 7, uid => "${number}017", text => "$text 4",
    msgid => 'm1');

# ---- what a call is given: of the other account, and of otto's own

my %other = (gm_account => 7, gm_name => 'New', host => 1002,
    uid => "${number}017", msg => 'eA==', cursor => "7:$its",
    operator => 'pete', role => 'admin', gm_accounts => '7,8', ack => $its,
    name => 'hello', id => $its, text => 'hello', group => 'default',
    format => 'json', limit => 10, lease => 60, msgid => 'm1',
    before => '', online => 1);
my %own = (%other, gm_account => 8, uid => 18, cursor => "8:$mine",
    ack => '', id => $mine, msgid => 'm2', wait => 0);

# Which parameters name an account, or somebody of one.

my %names = map { $_ => 1 } qw(gm_account uid cursor);

# Variants of a call: with what the row needs, with each other parameter, and
# with all of them. Lists name the operator's own account, too.

sub variants {
    my ($row, %value) = @_;

    my @needs = map { $_->[0] } @{ $row->{needs} };
    defined $value{$_} or die "$_: no value for this parameter" for @needs;
    my @base = required($row);
    my @more = grep { my $name = $_; !grep { $_ eq $name } @base } @needs;
    my @variants = map { [ map { ($_ => $value{$_}) } @$_ ] }
        [@base], (map { [ @base, $_ ] } @more), [ @base, @more ];

    return @variants;
}

sub about_account {
    my ($row) = @_;

    return scalar grep { $names{$_} } required($row);
}

sub with {
    my ($variant, %value) = @_;

    return [ @$variant, map { my $name = $_;
        (grep { $variant->[ 2 * $_ ] eq $name } 0 .. $#$variant / 2)
            ? () : ($name => $value{$name}) } keys %value ];
}

# ---- transports: each gives { status, body }

my %stream;     # operator => a WebSocket of its own

sub frame_of {
    my ($who) = @_;

    return $stream{$who} //= do {
        my $gm = $who eq 'olga' ? 7 : 8;
        my $ws = Test::Gmchat::WebSocket->open(address => $nginx->address,
            uri => "/gm?action=stream&gm_account=$gm",
            headers => ["X-Operator: $who"]);
        $ws->{name} = $ws->next_event('open')->{data}{stream};
        $ws->next_event('ready');
        $ws;
    };
}

sub headers_of {
    my ($who, @more) = @_;

    return [ "X-Operator: $who", 'X-GMChat: 1', 'Accept: text/event-stream',
        @more, 'Connection: close' ];
}

# A stream that begins is read until it has told what there is.

sub over_http {
    my ($method, $who, $uri, %more) = @_;

    my $bytes = format_request($method, $uri,
        headers => headers_of($who), %more);
    my $http = $nginx->connect;
    $http->write($bytes);
    my $end = time() + 30;

    while (time() < $end) {
        if ($http->{buffer} =~ m{\AHTTP/1\.1 (\d+) .*?event: ready}s) {
            my $seen = { status => $1, body => $http->{buffer} };
            $http->close;
            return $seen;
        }

        my $response = $http->take_response(0);
        return $response if $response;
        IO::Select->new($http->{socket})->can_read(0.05) or next;
        $http->fill or return $http->take_response(1)
            // die "nothing came of $method $uri";
    }

    die "no answer to $method $uri";
}

my $form = 'application/x-www-form-urlencoded';
my %transport = (
    get => sub {
        my ($who, $call) = @_;
        return over_http('GET', $who, '/gm?' . encode_params($call));
    },
    form => sub {
        my ($who, $call) = @_;
        return over_http('POST', $who, '/gm', type => $form,
            body => encode_params($call));
    },
    json => sub {
        my ($who, $call) = @_;
        return over_http('POST', $who, '/gm', type => 'application/json',
            body => JSON::PP->new->canonical->encode({@$call}));
    },
    halves => sub {
        my ($who, $call) = @_;
        my @query = @$call[ 0 .. 1 ];
        my @body = @$call[ 2 .. $#$call ];
        return over_http('POST', $who, '/gm?' . encode_params(\@query),
            type => $form, body => encode_params(\@body));
    },
    frame => sub {
        my ($who, $call) = @_;
        my ($ws, %call) = (frame_of($who), @$call);
        my $reply = $ws->call(delete $call{action}, %call)
            // die "$who has no WebSocket any more";
        return { status => $reply->{res} ? 200 : 403, json => $reply,
            body => JSON::PP->new->canonical->encode($reply) };
    },
);

# ---- what was said

# The text, and what is base64 in it, to any depth.

sub all_of {
    my ($body) = @_;

    return join ' ', $body, map { all_of($_) }
        map { decode_base64($_) } $body =~ m{([A-Za-z0-9+/]{8,}=*)}g;
}

sub leaks {
    my ($response) = @_;

    return all_of($response->{body}) =~ /($secret)/ ? "'$1' leaked" : '';
}

sub said {
    my ($response) = @_;

    return "$response->{status} $response->{body}";
}

# A refusal for want of a right, in the words of the contract, and nothing else.

sub is_refusal {
    my ($response) = @_;

    my $json = $response->{json} // {};

    return ($json->{errno} // 0) == -7
        && join(' ', sort keys %$json) =~ /^errno error (?:re )?res$/;
}

sub without_audit {
    return join "\n", grep { !/^gmchat:\{default\}:audit / }
        split /\n/, $redis->contents;
}

# ---- each row, for each role: over each transport, in each variant

# Whom a call about GM 7 is forbidden.

my %forbidden = (
    nemo => sub { $_[1] ne 'any' },
    vera => sub { $_[1] !~ /^(?:any|look)$/ },
    otto => sub { $_[1] eq 'admin' || about_account($_[0]) },
    olga => sub { $_[1] eq 'admin' },
    anna => sub { 0 },
    root => sub { 0 },
);

# A stream that puts its GMs online acts for them.

sub is_forbidden {
    my ($who, $row, $call) = @_;

    my %call = @$call;
    my $right = $right{ row_label($row) } // 'admin';
    $right = 'act' if $row->{name} eq 'stream' && $call{online};

    return $forbidden{$who}->($row, $right);
}

# What transport and call have to do with one another: changes are no matter of
# GET, streams none of frames, and nobody without a role has a stream.

sub applies {
    my ($who, $row, $way) = @_;

    return 0 if $way eq 'get' && $row->{change};
    return 1 if $way ne 'frame';

    return $row->{name} ne 'stream' && $who ne 'nemo';
}

my %made;

sub is_judged {
    my ($who, $row, $way, $call) = @_;

    my $expected = is_forbidden($who, $row, $call);
    my $response = $transport{$way}->($who, $call);
    my $errno = ($response->{json} // {})->{errno} // 0;
    $made{$who}++;

    return "not refused: " . said($response)
        if $expected && !is_refusal($response);
    return "refused: " . said($response) if !$expected && $errno == -7;
    return "not done: " . said($response) if $errno =~ /^-[56]$/;
    return $who eq 'otto' || $expected ? leaks($response) : '';
}

for my $who (qw(nemo vera otto olga anna root)) {
    for my $row (@rows) {
        my @faults;
        restore();
        my $before = without_audit();
        my @calls = map { [ action => $row->{name}, @$_ ] } variants($row,
            %other, stream => frame_of('otto')->{name},
            wait => is_forbidden($who, $row, []) ? 1 : 0);
        my $refused = !grep { !is_forbidden($who, $row, $_) } @calls;

        for my $call (@calls) {
            push @faults, map { "$_: " . encode_params($call) . ": $_->[1]" }
                grep { $_->[1] }
                map { [ $_, is_judged($who, $row, $_, $call) ] }
                grep { applies($who, $row, $_) } sort keys %transport;
        }

        is(join("\n", @faults), '', "$who, " . row_label($row) . ': '
            . ($refused ? 'no' : 'yes'));
        is(without_audit(), $before, 'and nothing is changed') if $refused;
    }
}

cmp_ok($made{$_}, '>', 300, "$_ made $made{$_} calls") for sort keys %made;

# ---- its own account beside the other: by list, by one of two names, by a group

restore();
by('root', operator => operator => 'otto', role => 'gm', gm_accounts => 8);

sub refused {
    my ($label, $way, @call) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $before = without_audit();
    my $response = $transport{$way}->('otto', \@call);
    my $json = $response->{json} // {};

    is(leaks($response), '', "$label, by $way: nothing is told");
    ok(!$json->{res} && $json->{errno}, 'it is refused')
        or diag(said($response));
    is(without_audit(), $before, 'and nothing is changed');

    return;
}

for my $way (qw(form json frame)) {
    for my $row (grep { about_account($_) } @rows) {
        my %need = map { $_ => 1 } required($row);
        next if !$need{gm_account} || $way eq 'frame'
            && $row->{name} eq 'stream';
        my %value = (%own, stream => frame_of('otto')->{name});
        my @own = (action => $row->{name}, map { ($_ => $value{$_}) }
            grep { $_ ne 'gm_account' && $_ ne 'uid' } required($row));

        refused(row_label($row) . " of $_->[0], $_->[1]", $way, @own,
            gm_account => $_->[0], $need{uid} ? (uid => $_->[1]) : ())
            for $need{uid} ? ([ 7, 18 ], [ 8, $other{uid} ])
                : ([ '8,7', '' ], [ '7,8', '' ]);
    }

    refused('a cursor of both', $way, action => 'ack',
        cursor => "8:$mine,7:$its");
    refused('the other first', $way, action => 'ack',
        cursor => "7:$its,8:$mine");
}

is(by('otto', 'send', gm_account => 8, gm_account => 7, uid => 18,
    text => 'x')->{json}{errno}, -3, 'a parameter that stands twice');
is(over_http('POST', 'otto', '/gm?gm_account=8', type => $form,
    body => encode_params([ action => 'friends', gm_account => 7 ]))
    ->{json}{errno}, -3, 'and one in the address and in the body');

# ---- what it may look at holds nothing of the other

for my $row (@rows) {
    next if $right{ row_label($row) } eq 'admin' || $row->{name} eq 'stream';
    restore();

    for my $uid (18, 19) {
        my @leaks = map { leaks($_) } map { my $call = $_;
            map { $transport{$_}->('otto', $call) }
                grep { applies('otto', $row, $_) } sort keys %transport
        } map { [ action => $row->{name}, @$_ ] } variants($row, %own,
            uid => $uid, stream => frame_of('otto')->{name});
        is(join(' ', grep { $_ } @leaks), '', 'otto, ' . row_label($row)
            . " of its own, player $uid");
    }
}

restore();
is_deeply([ map { $_->{gm_account} }
    items(by('otto', 'accounts', format => 'json')) ], ['8'],
    'accounts are its own');
is(by('otto', 'player', uid => 99, format => 'json')->{body},
    '{"res":1,"data":[]}', 'a player without a GM may be found');
is_error(by('otto', 'history', uid => 99), -7, qr/no access to this GM/,
    'and no more than that');

# A player that was the other account's in between.

plain(add => gm_account => 8, host => 1001, uid => 20);
$nginx->gs(send => uid => 20, text => $_) for 'zero', 'one';
plain(del => gm_account => 8, uid => 20);
plain(add => gm_account => 7, host => 1001, uid => 20);
$nginx->gs(send => uid => 20, text => "$text $_") for 5 .. 30;
plain(del => gm_account => 7, uid => 20);
plain(add => gm_account => 8, host => 1001, uid => 20);

sub texts {
    my ($who, @params) = @_;

    my $response = by($who, 'history', uid => 20, format => 'json', @params);

    return join ', ', (map { $_->{text} } items($response)),
        $response->{json}{more} ? 'more' : ();
}

my ($friend) = grep { $_->{uid} == 20 }
    items(by('otto', 'friends', gm_account => 8, format => 'json'));
is($friend->{last}, undef, 'the newest message of such a player is not told');
$nginx->gs(send => uid => 20, text => 'two');
is(texts('otto'), 'two, one, zero', 'a conversation has what is its own');
is(texts('otto', limit => 1), 'two, more', 'in pages, too');
my ($newest) = items(by('otto', 'history', uid => 20, format => 'json'));
is(texts('otto', limit => 2, before => $newest->{id}), 'one, zero',
    'a page goes back over those of the other');
is(texts('otto', limit => 1, before => $newest->{id}), 'one, more',
    'and is as long as it was to be');
my (undef, undef, $oldest) = items(by('otto', 'history', uid => 20,
    format => 'json'));
is(texts('otto', limit => 1, before => $oldest->{id}), '',
    'to the end, where there is no more');
like(texts('vera', limit => 3), qr/^two, $text 30, $text 29, more$/,
    'a viewer sees all of it');

# ---- streams: nothing of the other's day is heard

restore();

sub ids_of_the_other {
    return "7:$its,8:", '7:' . ($its =~ s/\d+$/0/r) . ',8:';
}

my @listening = map { Test::Gmchat::Sse->new(address => $nginx->address,
    uri => '/gm?action=stream&gm_account=8', headers => ['X-Operator: otto'],
    %$_) } {}, map { ({ last_id => $_ }, { cursor => $_ }) }
    ids_of_the_other();
$_->next_event('ready') for @listening;

# An order that otto has no right to, and one by somebody who has all rights.

my $name = frame_of('otto')->{name};
is(frame_of('otto')->call('watch', gm_account => 8)->{res}, 1,
    'a WebSocket watches its own again');
by('otto', 'watch', stream => $name, gm_account => 7);
plain(watch => stream => $name, gm_account => 7);

# A held call, too, is about its own alone.

my $held = $nginx->connect;
my $cursor = by('otto', 'receive', gm_account => 8, ack => '',
    format => 'json')->{json}{cursor};
$held->write(format_request('POST', '/gm', type => $form,
    headers => headers_of('otto'), body => encode_params([ action => 'receive',
    gm_account => 8, ack => $cursor, wait => 50, format => 'json' ])));
ok(wait_until(sub { $nginx->get('/plain?action=accounts')->{json}{res} }),
    'a call waits');

my $day = $nginx->gs(send => uid => $other{uid}, text => "$text 31");
by('root', 'send', gm_account => 7, uid => $other{uid}, text => "$text 32");
by('root', 'read', gm_account => 7, uid => $other{uid},
    id => $day->{json}{id});
by('root', 'receive', gm_account => 7, ack => $its);
by('root', 'del', gm_account => 7, uid => $other{uid});
by('root', 'add', gm_account => 7, host => 1001, uid => $other{uid});
by('root', $_, gm_account => 7) for qw(offline online);
by('root', 'dismiss', operator => $text);
$nginx->gs(send => uid => 18, text => 'the last');

for my $n (0 .. $#listening) {
    my @events;

    do { push @events, $listening[$n]->next_event }
        while $events[-1] && ($events[-1]{data}{text} // '') ne 'the last';
    ok($events[-1], "stream $n hears of its own");
    is(leaks({ body => JSON::PP->new->canonical->encode(\@events) }), '',
        'and nothing of the other');
}

my @framed;

do { push @framed, frame_of('otto')->next_event }
    while $framed[-1] && ($framed[-1]{data}{text} // '') ne 'the last';
ok($framed[-1], 'a WebSocket, through all of this');
is(leaks({ body => JSON::PP->new->canonical->encode(\@framed) }), '',
    'hears nothing of the other either');

my $answer = $held->response;
is(join(' ', map { $_->{text} } items($answer)), 'the last',
    'the held call is answered by its own message');

# ---- a frame's `group`, where clients choose it: rights in one group are none
# in another, and a stream is of the group that it was opened in

by('root', 'create', gm_account => 7, gm_name => 'x', group => 'eu');
by('root', 'operator', operator => 'otto', role => 'admin', group => 'eu');
is(frame_of('otto')->call('friends', gm_account => 7, group => 'eu')->{res}, 1,
    'an admin of another group');
is(frame_of('otto')->call('friends', gm_account => 7)->{errno}, -7,
    'is none of this one');
is(frame_of('otto')->call('watch', gm_account => 7, group => 'eu')->{errno},
    -3, 'and orders nothing of the one for a stream of the other');
$nginx->gs(send => uid => $other{uid}, text => "$text 33");
$nginx->gs(send => uid => 18, text => 'really the last');
my @after;

do { push @after, frame_of('otto')->next_event }
    while $after[-1] && ($after[-1]{data}{text} // '') ne 'really the last';
is(leaks({ body => JSON::PP->new->canonical->encode(\@after) }), '',
    'which hears nothing of it');

is(join("\n", $nginx->{log}->lines(qr/ answered "/)), '',
    'operations.md: the rights in Redis are enough for all of this');

$_->close for @listening;
$_->leave for values %stream;

finish();
