#!/usr/bin/perl

# Redis over TLS: rediss, with a verified certificate.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Http qw(format_request);
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::More;

my $conf = <<'EOF';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
    }
}
EOF

my $dir = temp_folder();
my $authority = make_authority($dir, 'authority');
my $stranger = make_authority($dir, 'stranger');
my $certificate = make_certificate($dir, 'redis', $authority,
    'DNS:redis.test,DNS:localhost,IP:127.0.0.1');

my $redis = start_redis(tls => $certificate, args => [ 'requirepass secret' ],
    auth => [ 'secret' ]);
write_file("$dir/password", "secret\n");

my $host = "127.0.0.1:$redis->{tls_port}";
my $login = "password_file=$dir/password";

sub plays {
    my ($directive, $label) = @_;

    $redis->cmd('FLUSHALL');
    my $nginx = start_nginx(conf => $conf,
        redis => "$directive connect_timeout=20s timeout=20s $login");
    is_bare($nginx->gm('create', gm_account => 1, gm_name => 'Ann'),
        "$label: create");
    $nginx->gm('add', gm_account => 1, host => 1001, uid => 5);
    $nginx->gm('send', gm_account => 1, uid => 5, text => $_ . 'x' x 4000)
        for 1 .. 50;
    is(scalar items($nginx->gs('receive', host => 1001, format => 'json')),
        50, "$label: many TLS records");

    return $nginx;
}

sub fails {
    my ($directive, $label) = @_;

    my $nginx = start_nginx(redis => "$directive $login", conf => $conf);
    is_error($nginx->gm('create', gm_account => 1, gm_name => 'Ann'), -5,
        qr/\w/, "$label: not served");
    ok(wait_until(sub { $nginx->{log}->lines(qr/\[error\].*rediss:/) }),
        "$label: and the log says why");
}

my $nginx = plays("rediss://$host ca=$authority->{cert}",
    'an authority that we trust');
$redis->restart;
ok(wait_until(sub {
    $nginx->gm('create', gm_account => 2, gm_name => 'Bob')->{json}{res};
}), 'service after Redis started anew');
ok(wait_until(sub {
    my @replies = $nginx->at_once((Test::Gmchat::Nginx::uri('/gm', 'online',
        gm_account => 2)) x 100);
    return grep({ $_->{body} eq '{"res":1}' } @replies) == 100;
}), 'a hundred calls at once, on every worker');

# more than the connection takes at once: what waits is written from where it
# was moved to, and what was written in part is known to be

{
    $nginx->gm('create', gm_account => 3, gm_name => 'Eve');
    $nginx->gm('add', gm_account => 3, host => 1003, uid => 3);
    (my $large = $conf) =~ s/(gmchat_redis .*)/$1
    gmchat_message_max 1m;
    gmchat_mailbox_max 10000 64m;
    client_max_body_size 2m;/;

    $redis->pause;
    my $many = start_nginx(redis => "rediss://$host ca=$authority->{cert} "
        . "timeout=20s connect_timeout=20s $login", conf => $large);

    for my $round ('before the link is up', 'on a link that is up') {
        my @connections = map { $many->connect } 1 .. 30;

        $_->write(format_request('POST', '/gm?action=send&gm_account=3&uid=3',
            type => 'application/x-www-form-urlencoded',
            body => 'text=' . 'y' x 200_000)) for @connections;
        $redis->resume;
        is(scalar(grep { $_->response->{json}{res} } @connections), 30,
            "a long queue $round: all are stored");
        $redis->pause;
    }

    $redis->resume;
    is($redis->cmd('XLEN', 'gmchat:{default}:box:h1003'), 60,
        'a long queue: each once');
}

plays("rediss://localhost:$redis->{tls_port} ca=$authority->{cert}", 'by name');
plays("rediss://$host/2 ca=$authority->{cert} name=redis.test",
    'under another name, in another database');
plays("rediss://$host verify=off", 'verification switched off');

fails("rediss://$host ca=$stranger->{cert}", 'an authority that is not ours');
fails("rediss://$host ca=$authority->{cert} name=other.test",
    'a certificate for another name');

my $plain = start_redis(tcp => 1);
fails("rediss://127.0.0.1:$plain->{port} ca=$authority->{cert}",
    'a Redis that speaks no TLS');

finish();
