package Gmchat::Bench::World;

# A Redis, an nginx with our module, and who talks in them: the GM 1, its
# players, hosts. Two ways to the same Redis, each a group of its own:
# /socket/gm and /socket/gs, /tcp/gm and /tcp/gs.

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(decode_base64);

# A message of 11 bytes, as a chat has them.

use constant MESSAGE => 'aGVsbG8gd29ybGQ=';


# new($bench, name => as the page calls the configuration)

sub new {
    my ($class, $bench, %arg) = @_;

    my $redis = $bench->redis;
    my $socket = $redis->url;
    my $tcp = $redis->tcp_url;
    my $nginx = $bench->nginx(%arg, conf => <<"EOF");
gmchat_mailbox_max 1000000 1g;
server {
    listen 127.0.0.1:%%PORT%% backlog=1024;
    location /ok { return 200 '{"res":1}'; }
    location /socket/ {
        gmchat_redis $socket;
        gmchat_group socket;
        location /socket/gm { gmchat gm; }
        location /socket/gs { gmchat gs; }
    }
    location /tcp/ {
        gmchat_redis $tcp;
        gmchat_group tcp;
        location /tcp/gm { gmchat gm; }
        location /tcp/gs { gmchat gs; }
    }
}
EOF

    return bless({ redis => $redis, nginx => $nginx }, $class);
}


sub stop {
    my ($self) = @_;

    $self->{nginx}->stop;
    $self->{redis}->stop;
}


# For Bench->cpu.

sub groups {
    my ($self) = @_;

    return { nginx => [ $self->{nginx}->workers ],
        redis => [ $self->{redis}->pid ] };
}


sub url {
    my ($self, $uri) = @_;

    return $self->{nginx}->url . $uri;
}


# The JSON of a reply; anything but success dies.

sub get {
    my ($self, $uri) = @_;

    my $response = $self->{nginx}->get($uri);
    my $json = $response->{json};

    die "$uri: $response->{status} $response->{body}\n"
        if $response->{status} != 200 || !$json || !$json->{res};

    return $json;
}


# A GM and a player of it on a host.

sub befriend {
    my ($self, $way, $gm, $host, $uid) = @_;

    my $made = $self->{nginx}->get(
        "/$way/gm?action=create&gm_account=$gm&gm_name=A");
    die "create: $made->{body}\n" if $made->{body} !~ /"res":1|"errno":1\b/;

    $self->get("/$way/gm?action=add&gm_account=$gm&host=$host&uid=$uid");
    $self->get("/$way/gs?action=relation&host=$host");
}


sub send_uri {
    my ($way, $gm, $uid) = @_;

    return "/$way/gm?action=send&gm_account=$gm&uid=$uid&msg=" . MESSAGE;
}


# So many messages of the GM to this player, one after the other.

sub fill {
    my ($self, $way, $gm, $uid, $count) = @_;

    my $uri = send_uri($way, $gm, $uid);
    my $connection = $self->{nginx}->connect;

    for (1 .. $count) {
        my $response = $connection->request('GET', $uri);
        die "send: $response->{body}\n" if $response->{status} != 200
            || !$response->{json}{res};
    }

    $connection->close;
}


# Copies of a host's mailbox for the hosts $first .. $first + $count - 1: as if
# as many messages had been sent to each.

my $COPY = <<'EOF';
for host = tonumber(ARGV[3]), ARGV[3] + ARGV[4] - 1 do
    for _, tail in ipairs({ '', ':m' }) do
        redis.call('COPY', ARGV[1] .. ARGV[2] .. tail,
                   ARGV[1] .. string.format('%d', host) .. tail)
    end
end
EOF

sub copy {
    my ($self, $way, $host, $first, $count) = @_;

    for (my $done = 0; $done < $count; $done += 1000) {
        my $part = $count - $done < 1000 ? $count - $done : 1000;
        $self->{redis}->call('EVAL', $COPY, 0, "gmchat:{$way}:box:h", $host,
            $first + $done, $part);
    }
}


# .. and away with them.

my $DROP = <<'EOF';
for host = tonumber(ARGV[2]), ARGV[2] + ARGV[3] - 1 do
    local key = ARGV[1] .. string.format('%d', host)
    redis.call('DEL', key, key .. ':m')
end
EOF

sub drop {
    my ($self, $way, $first, $count) = @_;

    for (my $done = 0; $done < $count; $done += 1000) {
        my $part = $count - $done < 1000 ? $count - $done : 1000;
        $self->{redis}->call('EVAL', $DROP, 0, "gmchat:{$way}:box:h",
            $first + $done, $part);
    }
}


# For wrk: a plain receive of one host after the other, as long as there are
# some. `uri` goes in front of the host.

sub each_host {
    my ($uri, $first, $count) = @_;

    my ($before, $last) = ($first - 1, $first + $count - 1);

    return <<"EOF";
local host, last = $before, $last
function request()
    if host == last then
        no_more()
    else
        host = host + 1
    end
    return wrk.format('GET', '$uri' .. host)
end
EOF
}


# Acknowledges all that a host's, or a GM's, mailbox holds.

sub empty {
    my ($self, $receive) = @_;

    my $cursor = '';

    while (1) {
        my $json = $self->get("$receive&limit=1&ack=$cursor");
        last if !$json->{more};
        $cursor = $self->newest($receive);
    }
}


# The cursor of the newest entry: n rises by one.

sub newest {
    my ($self, $receive) = @_;

    my $known = $self->known($receive);

    return "$known->{epoch}-$known->{n}";
}


# How many entries a mailbox holds, of which the beginning may be taken.

sub held {
    my ($self, $receive) = @_;

    my $known = $self->known($receive);

    return $known->{n} - ($known->{done} // 0);
}


# What is known of the mailbox that this URI reads.

sub known {
    my ($self, $receive) = @_;

    my ($way) = $receive =~ m{^/(\w+)/};
    my $box = $receive =~ /host=(\d+)/ ? "h$1"
        : 'g' . ($receive =~ /gm_account=(\d+)/)[0];

    return { @{ $self->{redis}->call('HGETALL',
        "gmchat:{$way}:box:$box:m") } };
}


# How many messages a reply to `receive` or `history` holds, in any format; 'no'
# where it is no such reply.

sub messages_in {
    my ($json) = @_;

    my $data = ($json // {})->{data} // return 'no';
    $data = JSON::PP->new->decode(decode_base64($data)) if !ref $data;
    my $count = 0;

    for my $item (ref $data eq 'HASH' ? map({ @$_ } values %$data) : @$data) {
        $count += ref $item && $item->{msg} ? 1 + ($item->{msg} =~ tr/,//) : 1;
    }

    return $count;
}


1;
