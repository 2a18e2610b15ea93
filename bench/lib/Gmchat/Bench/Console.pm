package Gmchat::Bench::Console;

# How long people wait for the console in a browser, with many conversations; and
# how many bytes it has.

use strict;
use warnings;

use Gmchat::Bench::Friends qw(success);
use JSON::PP ();
use Test::Gmchat::Console;
use Test::Gmchat::Http qw(encode_params format_request);

use constant {
    SERIES   => 'console',
    PASSWORD => 'open sesame',
    BYTES    => 150 * 1024,         # of the page, compressed
    PIECE    => 50,                 # requests that are written at once
};

# row => most milliseconds

my %MOST = ('first view, nothing cached' => 1000,
    'first view, all cached' => 1000,
    'opening a conversation, the first one' => 100,
    'opening a conversation, another one' => 100);


sub new {
    my ($class, $bench) = @_;

    my $self = bless({ bench => $bench }, $class);

    @$self{qw(conversations messages opened)} = $bench->{quick}
        ? (20, 60, 3) : (500, 200, 11);

    return $self;
}


sub name {
    return 'console';
}


# What is stored is made once: it stays, idle, until the last round is over.

sub round {
    my ($self, $k) = @_;

    my $redis = $self->{redis} //= $self->{bench}->redis;
    my $nginx = $self->nginx($redis);

    $self->fill($nginx) if $k == 1;
    $self->browse($nginx);
    $nginx->stop;
    $self->weigh if $k == 1;
}


sub finish {
    my ($self) = @_;

    $self->{redis}->stop;
}


sub nginx {
    my ($self, $redis) = @_;

    my $bench = $self->{bench};
    my $passwords = $bench->folder . '/operators';
    my $console = Test::Gmchat::Console::sample($passwords);

    Gmchat::Bench::write_file($passwords, 'olga:{PLAIN}' . PASSWORD . "\n");
    $console =~ s/^\s*#.*\n//mg;

    return $bench->nginx(name => 'console', workers => 2, conf => <<"EOF");
gmchat_redis @{[ $redis->url ]};
gmchat_mailbox_max 200000 64m;
server {
    listen 127.0.0.1:%%PORT%%;
    location = /gm { gmchat gm; }
    location = /gs { gmchat gs; }
$console}
EOF
}


# One GM; each of its players has written half of a conversation, and waits.

sub fill {
    my ($self, $nginx) = @_;

    my $line = $nginx->connect;

    success($line, '/gm?action=create&gm_account=1&gm_name=Iris');

    for my $n (1 .. $self->{conversations}) {
        my $uid = 700_000 + $n;

        success($line, '/gm?action=add&gm_account=1&host='
            . (1000 + $n) . "&uid=$uid");
        at_once($line, map { messages($uid, $_) } 1 .. $self->{messages} / 2);
    }

    # all is fetched: no stream gives it again
    1 while success($line, '/gm?action=receive&limit=1000&format=json')
        !~ /"data":\[\]/;
    $line->close;
}


# A GM's message and the player's after it.

sub messages {
    my ($uid, $n) = @_;

    return map { "$_->[0]?" . encode_params([ action => 'send', @{ $_->[1] },
        uid => $uid, text => $_->[2] ]) }
        [ '/gm', [ gm_account => 1 ],
            "Answer $n: " . 'look again ' x ($n % 12) ],
        [ '/gs', [], "Question $n: where is my sword?" ];
}


# Many calls on one connection, which answers in their order.

sub at_once {
    my ($line, @uris) = @_;

    while (my @piece = splice(@uris, 0, PIECE)) {
        $line->write(join('', map { format_request('GET', $_) } @piece));

        for my $uri (@piece) {
            my $body = $line->response->{body};
            die "$uri is answered $body\n" if $body !~ /^\{"res":1/;
        }
    }
}


# console/browser/speed.ts says the figures. A round has one for each row.

sub browse {
    my ($self, $nginx) = @_;

    my $script = bless({ dir => $self->{bench}->folder, password => PASSWORD,
        url => 'http://' . $nginx->address }, 'Test::Gmchat::Console');
    my ($done, %seen, @rows);

    $script->start_script('speed', { GMCHAT_OPENED => $self->{opened} });

    while (defined(my $line = $script->next_line)) {
        $done ||= $line eq 'done';
        die "the console: $line\n" if $line =~ /^not ok/;
        $line =~ /^figure (.*)/ or next;
        my ($row, $ms) = @{ JSON::PP->new->utf8->decode($1) };
        push @rows, $row if !$seen{$row};
        push @{ $seen{$row} }, $ms;
    }

    die "the console: the script did not end\n" if !$done;
    $self->{bench}->sample(SERIES, $_,
        { ms => Gmchat::Bench::Stats::median(@{ $seen{$_} }) }) for @rows;
}


# Compressed bytes of all that the page consists of.

sub weigh {
    my ($self) = @_;

    my $dist = Test::Gmchat::Console::dist();
    my $bytes = 0;

    $bytes += -s $_ for glob("$dist/*.gz $dist/assets/*.gz");
    $self->{bench}->keep('console', { bytes => $bytes,
        map { $_ => $self->{$_} } qw(conversations messages opened) });
}


sub targets {
    my ($self, $bench) = @_;

    my @targets = map {
        my $seen = $bench->median(SERIES, $_, 'ms');
        { what => "the console, $_", limit => "$MOST{$_} ms",
            seen => sprintf('%.0f ms', $seen),
            met => $seen <= $MOST{$_} ? 1 : 0 }
    } $bench->rows(SERIES);
    my $bytes = $bench->kept('console')->{bytes};

    return (@targets, {
        what  => 'the console\'s page, compressed',
        limit => '150 KB',
        seen  => sprintf('%.1f KB', $bytes / 1024),
        met   => $bytes <= BYTES ? 1 : 0,
    });
}


sub page {
    my ($self, $bench) = @_;

    my $kept = $bench->kept('console');
    my $size = sprintf('%.1f', $kept->{bytes} / 1024);
    my $others = $kept->{opened} - 1;
    my $table = $bench->table(SERIES, first => 'in Chromium, headless',
        columns => [ [ 'ms', 'ms', 0 ] ]);

    return <<"EOF";
## The console

One GM account with $kept->{conversations} conversations of $kept->{messages} messages
each, in Debian's Chromium, headless, on the machine of nginx and Redis. A first view
lasts from the navigation's start until the list is painted and the page has time for
something else; opening a conversation, from the click until its messages are painted
and the page has time again. The browser runs already; its cache is empty in the first
row. Of the other conversations that are opened, $others a round, a round counts the
median. The page has $size KB, compressed, in all.

$table
EOF
}


1;
