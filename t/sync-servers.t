#!/usr/bin/perl

# tools/gmchat-sync-servers: the list of game servers is fetched, checked, and
# replaces the file at once, or changes nothing and says why.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);

my $tool = dirname(__FILE__) . '/../tools/gmchat-sync-servers';
my $dir = tempdir('gmchat-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $file = "$dir/servers.allow";

my $header = "# Written by gmchat-sync-servers: changes here are lost.\n";

# What the server answers, by path: the text of a list, or the whole answer.
my %answers = (
    good => "s1 8001 192.0.2.1 first server\n"
        . "s2 8002 2001:db8::2\n"
        . "\n"
        . "# opened yesterday\n"
        . "s3\t8003  198.51.100.0/24   a network\n"
        . "s4 8004 192.0.2.1 again\n"
        . "s5 8005 2001:DB8:0::2 again\n",
    dos => "\xef\xbb\xbfs1 8001 192.0.2.1 first server\r\n"
        . "s2 8002 192.0.2.2 last line\r",
    unusual => "\xe6\x9c\x8d\x85 1 192.0.2.1 \xe6\x9c\x8d\n"
        . "s2 65535 ::ffff:192.0.2.9 x\ns3 1 10.0.0.1/32 x\n",

    empty => '',
    blank => "\n\n  \n",
    comments => "# no server today\n",
    html => "\n<!DOCTYPE html><html><body>Log in</body></html>\n",
    two => "s1 8001 192.0.2.1 x\ns2 8002\n",
    name => "s1 8001 192.0.2.1 x\ns2 8002 game2.example.com x\n",
    octet => "s1 8001 192.0.2.256 x\n",
    zero => "s1 8001 192.0.2.01 x\n",
    cut => "s1 8001 192.0.2 x\n",
    colon => "s1 8001 2001:db8:::1 x\n",
    all => "s1 8001 0.0.0.0/0 x\n",
    all6 => "s1 8001 ::/0 x\n",
    bits => "s1 8001 192.0.2.0/33 x\n",
    bits6 => "s1 8001 2001:db8::/129 x\n",
    nobits => "s1 8001 192.0.2.0/ x\n",
    port => "s1 65536 192.0.2.1 x\n",
    word => "s1 http 192.0.2.1 x\n",
    control => "s1\x00 8001 192.0.2.1 x\n",
    return => "s1 8001 192.0.2.1 x\rs2 8002 192.0.2.2\n",

    missing => [ "HTTP/1.0 404 Not Found\r\n\r\ns1 8001 192.0.2.1 x\n" ],
    broken => [ "HTTP/1.0 500 Oops\r\n\r\ns1 8001 192.0.2.1 x\n" ],
    short => [ "HTTP/1.0 200 OK\r\nContent-Length: 90\r\n\r\n"
        . "s1 8001 192.0.2.1 x\n" ],
    chunk => [ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "14\r\ns1 8001 192.0.2.1 x\n\r\n" ],
    moved => [ "HTTP/1.0 302 Found\r\nLocation: /good\r\n\r\n" ],
    away => [ "HTTP/1.0 302 Found\r\nLocation: file:///etc/hosts\r\n\r\n" ],
    large => [ "HTTP/1.0 200 OK\r\n\r\n" . ("# filling\n" x 1_700_000) ],
    lines => [ "HTTP/1.0 200 OK\r\n\r\n" . ("#\n" x 200_001) ],
    most => [ "HTTP/1.0 200 OK\r\n\r\n" . ("#\n" x 199_999)
        . "s1 1 192.0.2.1\n" ],
);

my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1',
    ReuseAddr => 1) or die "listen: $!";
my $base = 'http://127.0.0.1:' . $listener->sockport;
my $server = serve();

delete @ENV{grep { /_proxy\z/i } keys %ENV};

# a first list

my ($status, $said) = run("$base/good");

is($status, 0, 'a list is fetched');
is($said, '', 'without a word');
is(lines(), "192.0.2.1 # s1, s4|2001:db8::2 # s2, s5|198.51.100.0/24 # s3",
    'each address stands once, in the order of the list, with its names');
is((stat $file)[2] & 07777, 0644, 'a new file can be read by all');
is_deeply([ leftovers() ], [], 'no other file is left');

# the same list again

my $inode = (stat $file)[1];

run("$base/good");
is((stat $file)[1], $inode, 'the same list leaves the file untouched');

# another list

chmod 0640, $file;
($status) = run("$base/dos");
is($status, 0, 'a list with DOS line ends and a byte order mark is fetched');
is(lines(), "192.0.2.1 # s1|192.0.2.2 # s2", 'and is in the file');
isnt((stat $file)[1], $inode, 'which is a new one, renamed');
is((stat $file)[2] & 07777, 0640, 'with the mode of the old one');

# only root may give files away: for others it is their own that must stay

chown 65534, 65534, $file if $> == 0;
my @owner = (stat $file)[4, 5];
run("$base/good");
is_deeply([ (stat $file)[4, 5] ], \@owner,
    'owner and group are those of the old one');

run("$base/unusual");
is(lines(), "192.0.2.1 # \xe6\x9c\x8d\x85|::ffff:192.0.2.9 # s2"
    . "|10.0.0.1/32 # s3", 'names may be UTF-8');

($status) = run("$base/moved");
is($status, 0, 'a redirect is followed');
like(lines(), qr/\A192\.0\.2\.1 # s1, s4/, 'to the list');

($status) = run("$base/most");
is($status, 0, 'a list of 200,000 lines is fetched');

symlink $file, "$dir/link";
run("$base/good", "$dir/link");
ok(-l "$dir/link", 'a link stays a link');
like(lines(), qr/s1, s4/, 'and the file behind it is replaced');
unlink "$dir/link";

# what changes nothing

keeps('empty', qr/the list is empty/);
keeps('blank', qr/the list is empty/);
keeps('comments', qr/the list is empty/);
keeps('html', qr/a page of HTML/);
keeps('missing', qr/cannot fetch .*404/);
keeps('broken', qr/cannot fetch .*500/);
keeps('short', qr/cannot fetch /);
keeps('chunk', qr/cannot fetch /);
keeps('away', qr/cannot fetch /);
keeps('large', qr/larger than 16000000 bytes/);
keeps('lines', qr/more than 200000 lines/);
keeps('two', qr/line 2 of the list has not the columns .*'s2 8002'/);
keeps('name', qr/line 2 .* no address .*'s2 8002 game2\.example\.com x'/);
keeps($_, qr/line 1 of the list has no address in its third column/)
    for qw(octet zero cut colon);
keeps($_, qr/line 1 of the list has a network whose length is not 1 to 32/)
    for qw(all bits nobits);
keeps($_, qr/line 1 of the list has a network whose length is not 1 to 128/)
    for qw(all6 bits6);
keeps($_, qr/line 1 of the list has no port number in its second column/)
    for qw(port word);
keeps($_, qr/line 1 of the list holds a control character/)
    for qw(control return);

my $began = time;

keeps('stall', qr/cannot fetch .*tim/i, '--timeout', 1);
cmp_ok(time - $began, '<', 25, 'a server that does not answer is given up');

kill TERM => $server;
waitpid $server, 0;
$listener->close;
keeps('good', qr/cannot fetch .*connect/i);

# what cannot be written

($status, $said) = run("$base/good", "$dir/none/file");
isnt($status, 0, 'a folder that is not there: refused');
like($said, qr/\Agmchat-sync-servers: [^\n]+\n\z/, 'in one sentence');

# how it is called

($status, $said) = run('file:///etc/hosts');
is($status, 1, 'an URL that is neither http nor https: refused');
like($said, qr/must begin with http/, 'and named');

($status, $said) = run_with("$base/good");
is($status, 2, 'no file: refused');
like($said, qr/\Ausage: /, 'with the usage');

done_testing();


# One process, one connection at a time; /stall accepts and says nothing.
sub serve {
    my $pid = fork // die "fork: $!";

    return $pid if $pid;

    $SIG{TERM} = 'DEFAULT';
    my @stalled;

    while (my $client = $listener->accept) {
        my ($path) = (<$client> // '') =~ m{\AGET /(\w+)};
        my $answer = $answers{$path // ''};

        while (defined(my $line = <$client>)) {
            last if $line =~ /\A\r?\n\z/;
        }
        if (!defined $answer) {
            push @stalled, $client;
            next;
        }

        local $SIG{PIPE} = 'IGNORE';
        print $client ref $answer ? $answer->[0]
            : "HTTP/1.0 200 OK\r\nContent-Length: " . length($answer)
              . "\r\n\r\n$answer";
        close $client;
    }
    exit;
}


# Exit status and standard error of the tool.
sub run {
    my ($url, $target, @options) = @_;

    return run_with(@options, $url, $target // $file);
}


sub run_with {
    my @arguments = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!";

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec $tool, @arguments;
        die "exec: $!";
    }

    my $text = join '', <$pipe>;
    close $pipe;

    return ($? >> 8, $text);
}


# The file's lines without the header, blanks squeezed, joined by "|".
sub lines {
    my $text = slurp();

    $text =~ s/\A\Q$header\E// or return "no header: $text";
    $text =~ s/ +/ /g;

    return join '|', split /\n/, $text;
}


sub slurp {
    open my $in, '<:raw', $file or return '';
    local $/;

    return <$in>;
}


sub leftovers {
    opendir my $handle, $dir or die "$dir: $!";

    return grep { !/\A(?:\.\.?|servers\.allow)\z/ } readdir $handle;
}


sub keeps {
    my ($path, $reason, @options) = @_;
    my ($before, $inode) = (slurp(), (stat $file)[1]);
    my ($status, $said) = run("$base/$path", $file, @options);

    subtest "$path changes nothing" => sub {
        is($status, 1, 'the status is 1');
        like($said, $reason, 'the reason is said');
        like($said, qr/\Agmchat-sync-servers: [^\n]+\n\z/, 'in one line');
        is(slurp(), $before, 'the content is the same');
        is((stat $file)[1], $inode, 'the file is the same');
        is_deeply([ leftovers() ], [], 'no other file is left');
    };
}
