package Gmchat::Bench::GrowthStock;

# Much in a Redis in little time, by the bridge's own scripts: a real call is
# looked at on its way to Redis, and its words are sent again with other values.
#
#   my $stock = Gmchat::Bench::GrowthStock->new($redis, $connection);
#   my $send = $stock->stencil("/gm?action=send&gm_account=$GM&...",
#       uid => UID);
#   $stock->pour(sub {
#       my ($put) = @_;
#       $put->($send, prefix => 'gmchat:{other}:', uid => $_) for 1 .. 1000;
#   });
#
# The connection is an nginx's, which has locations /<group>/gm and
# /<group>/gs. Stencils are cut in the group 'stencil'; the value of `prefix`
# decides where it goes.

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();

use Gmchat::Bench::Friends qw(success);

our @EXPORT_OK = qw(prefix_of words_of);

# Of the call that a stencil is cut from: no other word is any of these.

use constant {
    STENCIL => 'stencil',
    GM   => 700000001,
    UID  => 700000002,
    HOST => 700000003,
    TEXT => 'A message of 62 bytes, as is typical of a chat with a GM, ok?!',
};


sub new {
    my ($class, $redis, $connection) = @_;

    my $self = bless({ redis => $redis, connection => $connection }, $class);

    $self->ask("/gm?action=create&gm_account=@{[ GM ]}&gm_name=A");
    $self->{add} = $self->stencil('/gm?action=add&gm_account=' . GM
        . '&host=' . HOST . '&uid=' . UID,
        gm => GM, host => HOST, uid => UID);
    $self->{send} = $self->stencil('/gm?action=send&gm_account=' . GM
        . '&uid=' . UID . '&text=' . join('%20', split(/ /, TEXT)),
        gm => GM, uid => UID);
    $self->{create} = $self->stencil('/gm?action=create&gm_account='
        . (GM + 10) . '&gm_name=A', gm => GM + 10);

    return $self;
}


# A call at the location of this group, which must succeed; its body.

sub ask {
    my ($self, $uri, $group) = @_;

    return success($self->{connection}, '/' . ($group // STENCIL) . $uri);
}


sub prefix_of {
    my ($group) = @_;

    return "gmchat:{$group}:";
}


# The words of the last script that this piece of work makes a Redis run.

sub words_of {
    my ($redis, $work) = @_;

    my @commands = $redis->commands($work);

    die "no script was called\n" if !@commands;

    return $commands[-1];
}


# stencil(uri, name => the value that stands in the uri, ...): the words, and
# which of them are holes for a value by this name.

sub stencil {
    my ($self, $uri, %named) = @_;

    my $words = words_of($self->{redis}, sub { $self->ask($uri) });
    my %name = ((reverse %named), prefix_of(STENCIL) => 'prefix');
    my @holes = map { $name{$_} } @$words;
    my %found = map { $_ => 1 } grep { defined } @holes;
    my @missing = grep { !$found{$_} } sort values %name;

    die "$uri: its script has no argument for @missing\n" if @missing;

    return { words => $words, holes => \@holes,
        parts => parts($words, \@holes) };
}


# RESP in as few parts as it takes, a reference to the name for each hole.

sub parts {
    my ($words, $holes) = @_;

    my @parts = ('*' . @$words . "\r\n");

    for my $i (0 .. $#$words) {
        if (defined $holes->[$i]) {
            push @parts, \$holes->[$i], '';
        } else {
            $parts[-1] .= bulk($words->[$i]);
        }
    }

    return \@parts;
}


sub bulk {
    my ($word) = @_;

    return '$' . length($word) . "\r\n$word\r\n";
}


sub stamp {
    my ($stencil, %value) = @_;

    return join('', map { ref $_ ? bulk($value{$$_}) : $_ }
        @{ $stencil->{parts} });
}


# The same as a list of words.

sub words {
    my ($self, $stencil, %value) = @_;

    my ($words, $holes) = @$stencil{qw(words holes)};

    return [ map {
        defined $holes->[$_] ? $value{ $holes->[$_] } : $words->[$_]
    } 0 .. $#$words ];
}


# pour(sub ($put) { $put->(stencil, name => value, ...) ... }): all that is put
# goes through redis-cli --pipe, and none may be answered by an error.

sub pour {
    my ($self, $work) = @_;

    my $redis = $self->{redis};
    my $output = "$redis->{dir}/pour.out";
    my ($pipe, $count) = (undef, 0);

    my $pid = open($pipe, '|-') // die "fork: $!\n";

    if ($pid == 0) {
        open(STDOUT, '>', $output);
        open(STDERR, '>&', \*STDOUT);
        exec('redis-cli', '-s', $redis->socket, '--pipe')
            or POSIX::_exit(127);
    }

    binmode($pipe);
    $work->(sub {
        print $pipe stamp(@_) or die "redis-cli: $!\n";
        $count++;
    });
    close($pipe);

    open(my $file, '<', $output) or die "$output: $!\n";
    my $said = do { local $/; <$file> } // '';

    die "redis-cli --pipe: of $count commands: $said\n"
        if $said !~ /^errors: 0, replies: $count$/m;
}


# A GM's players first to first + n - 1 in this group, by uid; the host of each
# is host->($i), i from 0.

sub befriend {
    my ($self, $group, $gm, $first, $n, $host) = @_;

    $self->ask("/gm?action=create&gm_account=$gm&gm_name=A", $group);
    $self->pour(sub {
        my ($put) = @_;
        $put->($self->{add}, prefix => prefix_of($group), gm => $gm,
            uid => $first + $_, host => $host->($_)) for 0 .. $n - 1;
    });
}


# `each` messages of the GM to each of the players first to first + n - 1, in
# turn, so that they mix as they do in life.

sub write_to {
    my ($self, $group, $gm, $first, $n, $each) = @_;

    $self->pour(sub {
        my ($put) = @_;
        for (1 .. $each) {
            $put->($self->{send}, prefix => prefix_of($group), gm => $gm,
                uid => $first + $_) for 0 .. $n - 1;
        }
    });
}


# How many entries the mailboxes of these hosts hold.

my $COUNT = <<'EOF';
local sum = 0
for host = ARGV[2], ARGV[2] + ARGV[3] - 1 do
    sum = sum + redis.call('XLEN', ARGV[1] .. string.format('%d', host))
end
return sum
EOF

sub held {
    my ($self, $group, $first, $n) = @_;

    return $self->{redis}->call('EVAL', $COUNT, 0,
        prefix_of($group) . 'box:h', $first, $n);
}


# Has all that a host is to get delivered: its polls acknowledge it.

sub deliver {
    my ($self, $group, $host, @actions) = @_;

    for my $action (@actions) {
        my $uri = "/gs?action=$action&host=$host&limit=1000&ack=";
        my $cursor = '';

        while (1) {
            my $body = $self->ask($uri . $cursor, $group);
            ($cursor) = $body =~ /"cursor":"([^"]*)"/
                or die "no cursor: $body\n";
            last if $body !~ /"more":true/;
        }

        $self->ask($uri . $cursor, $group);
    }
}


1;
