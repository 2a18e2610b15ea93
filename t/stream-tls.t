#!/usr/bin/perl

# Streams over TLS to a client that reads slowly: what OpenSSL could not write
# is tried again from a buffer that has grown and moved meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Process qw(spawn);
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::More;

use constant MESSAGES => 400;

my $dir = temp_folder();
my $authority = make_authority($dir, 'authority');
my $certificate = make_certificate($dir, 'nginx', $authority,
    'IP:127.0.0.1');

my $redis = start_redis();
my $nginx = start_nginx(redis => $redis, quiet => 1,
    vars => { KEY => $certificate->{key}, CERT => $certificate->{cert} },
    conf => <<'EOT');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;
    server {
        listen 127.0.0.1:%%PORT%% sndbuf=16k;
        listen 127.0.0.1:%%PORT_tls%% ssl sndbuf=16k;
        ssl_certificate %%CERT%%;
        ssl_certificate_key %%KEY%%;
        location /gm { gmchat gm; }
        location /gs { gmchat gs; }
        location /status { gmchat status; }
    }
}
EOT

$nginx->gm('create', gm_account => 1, gm_name => 'Ann');
$nginx->gm('add', gm_account => 1, host => 1001, uid => 5);

my $name = "$dir/events";
my $pid = spawn(name => 'curl', output => $name, argv => [ 'curl', '-sSN',
    '--cacert', $authority->{cert}, '--limit-rate', '600k',
    '-H', 'Accept: text/event-stream',
    'https://' . $nginx->address('tls') . '/gs?action=stream&host=1001' ]);

sub printed {
    open(my $file, '<', $name) or return '';
    local $/;
    return scalar(<$file>) // '';
}

ok(wait_until(sub { printed() =~ /^event: ready$/m }), 'a stream opens');

my $text = 'x' x 3000;
my $stored = grep {
    $nginx->gm('send', gm_account => 1, uid => 5, text => "$_ $text")
        ->{json}{res}
} 1 .. MESSAGES;

is($stored, MESSAGES, 'more is written than the connection takes');
ok(wait_until(sub { printed() =~ /"text":"@{[ MESSAGES ]} x+"/ }, 60),
    'the client gets the last');
is_deeply([ printed() =~ /"text":"(\d+) x+"/g ], [ 1 .. MESSAGES ],
    'and all before, once, in order');
is($nginx->get('/status')->{json}{waiting}{sse}, 1, 'on the same stream');

finish();
