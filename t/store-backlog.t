#!/usr/bin/perl

# A Redis that reads more slowly than clients write, for a while: what a worker
# keeps for it is what is still to be written, not what was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(SOCK_STREAM);
use Test::Gmchat;
use Test::Gmchat::Crowd qw(crowd);
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Process;
use Test::Gmchat::Resp qw(resp_connect);
use Test::More;
use Time::HiRes qw(sleep);

use constant {
    CLIENTS => 30,
    MESSAGE => 100_000,
    CALLS   => 1_500,
    PIECE   => 262_144,     # what the slow Redis reads at once
    PAUSE   => 0.005,       # and then rests
};

my $redis = start_redis();
my $path = temp_folder() . '/slow.sock';
start_slow($path, $redis->address);

# A sanitizer keeps what is freed for a while: here, not much of it.
my $nginx = start_nginx(redis => "unix:$path", workers => 1,
    asan => 'quarantine_size_mb=1:thread_local_quarantine_size_kb=64',
    conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% connect_timeout=60s timeout=60s probe=0;
    gmchat_message_max 128k;
    gmchat_history 1 1h;
    gmchat_mailbox_max 1 1m;
    client_max_body_size 1m;
    client_body_buffer_size 256k;
    keepalive_requests 100000;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
    }
}
EOF

# Passes on what it reads, in pieces with a rest after each.

sub start_slow {
    my ($name, $upstream) = @_;

    my $listener = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $name,
        Listen => 10) or die "$name: $!";
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        while (my $client = $listener->accept) {
            pass_on($client, resp_connect($upstream));
        }
        POSIX::_exit(0);
    }

    close($listener);
    Test::Gmchat::Process::keep($pid, 'slow Redis');
}

sub pass_on {
    my ($client, $redis) = @_;

    my $select = IO::Select->new($client, $redis);

    while (1) {
        for my $ready ($select->can_read) {
            my $to = $ready == $client ? $redis : $client;
            sysread($ready, my $bytes, PIECE) or return;
            write_all($to, $bytes) or return;
            sleep(PAUSE) if $ready == $client;
        }
    }
}

sub write_all {
    my ($to, $bytes) = @_;

    while (length $bytes) {
        my $sent = syswrite($to, $bytes) // return 0;
        substr($bytes, 0, $sent, '');
    }

    return 1;
}

# Bytes of memory that the worker ever had.

sub worker_peak {
    my ($worker) = $nginx->workers;
    open(my $file, '<', "/proc/$worker/status") or return;
    local $/;

    return <$file> =~ /^VmHWM:\s+(\d+) kB/m ? $1 * 1024 : undef;
}

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);

# Most of them are refused, for the mailbox takes one: but all of them travel.

my $request = format_request('POST', '/gm', body => 'action=send&gm_account=1'
    . '&uid=5&text=' . 'x' x (MESSAGE * 3 / 4),
    type => 'application/x-www-form-urlencoded');
my ($begun, $answered) = (0, 0);
my %answers;

sub rounds {
    my ($calls) = @_;

    $begun = 0;
    crowd(
        address => $nginx->address,
        clients => CLIENTS,
        next    => sub { return $begun++ < $calls ? $request : undef },
        answer  => sub {
            my ($client, $response) = @_;
            $answered++ if $response;
            $answers{ ($response->{json} // {})->{errno} // 'none' }++;
        },
    );
}

rounds(CLIENTS * 3);
my $before = worker_peak();

cmp_ok($before, '>', 0, 'a worker\'s memory is known');

rounds(CALLS);
is($answered, CALLS + CLIENTS * 3, 'every call is answered');
my $grown = worker_peak() - $before;
cmp_ok($grown, '<', CALLS * MESSAGE / 4,
    'memory does not grow with what was written')
    || diag("$grown bytes more; " . CALLS * MESSAGE . " travelled");

is_deeply([ sort keys %answers ], [ '-4', 'none' ],
    'the first message is stored, the others find the mailbox full');

finish();
