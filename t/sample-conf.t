#!/usr/bin/perl

# conf/: nginx accepts the samples as they are, and with the examples in them
# switched on; a request line that is too long gets the bridge's reply. The
# console's sample lets those in who prove who they are, by each of its ways.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use MIME::Base64 qw(encode_base64);
use Test::Gmchat;
use Test::Gmchat::Process qw(run_command);
use Test::Gmchat::Tls qw(make_authority make_certificate);
use Test::More;

my $redis = start_redis();

# as they are

my $nginx = with_samples(main_sample(), bridge_sample());

$nginx->start;
is_bare($nginx->gm('create', gm_account => 1, gm_name => 'Ann'),
    'the samples work');
is($nginx->get('/status/ready')->{status}, 200, 'with the status');

my $long = 'x' x 9000;

for my $uri ('/gm?action=', '/gs?action=', '/') {
    my $response = $nginx->get("$uri$long");

    is($response->{status}, 400, "a request line $uri... too long: 400");
    is($response->{json}{errno}, -3, 'and errno -3');
    is($response->{headers}{'cache-control'}, 'no-store', 'not to be kept');
}

# The lines of all four, as either worker writes its own when it has time.

my $log;

ok(wait_until(sub {
    $log = slurp("$nginx->{dir}/sample.log");
    return $log =~ tr/\n// >= 4;
}), 'all of them are logged') or diag($log);
like($log, qr{"GET /gm" 200 \d+ \S+ action=create errno=0 group=default},
    'the sample log format names the call');
unlike($log, qr/Ann|xxx/, 'and holds no query string');

# with the examples

my $main = main_sample();
my $bridge = bridge_sample();

$main =~ s/^( +)# ((?:limit_req_zone|set_real_ip_from|real_ip_header) )/$1$2/mg;
$bridge =~ s/^gmchat_redis [^;]*;//m;
$bridge =~ s/^(# gmchat_(?!redis rediss)[^;]*;)$/switched_on($1)/mge;
$bridge =~ s/^(# location = [^}]*\})$/switched_on($1)/mge;
$bridge =~ s/^    # ((?:allow|satisfy|limit_|gmchat_).*;)$/    $1/mg;
$bridge =~ s/role\.example\.com/127.0.0.1/;
$bridge =~ s{/var/lib/gmchat}{%%DIR%%};

$nginx = with_samples($main, $bridge);
write_file("$nginx->{dir}/servers.allow", "127.0.0.1\n");

my ($status, $said) = $nginx->check_conf;

is($status, 0, 'nginx accepts the examples') or diag($said);

my @switched = grep { $bridge =~ /^ *$_ /m } qw(gmchat_redis gmchat_group
    gmchat_message_max gmchat_mailbox_max gmchat_history gmchat_redeliver
    gmchat_role_check gmchat_allow_file satisfy limit_req proxy_pass);

is(scalar @switched, 11, 'all of them') or diag("@switched");

# the console, as it is

my $console = sample('gmchat-console.conf');

$nginx = with_console(main_sample(), $console);
add_operator($nginx, 'olga', 'open sesame');
add_operator($nginx, 'bo', 'gamma');
$nginx->start;

is($nginx->get('/console')->{headers}{location},
    'http://localhost:' . $nginx->port . '/console/', 'there is a way to it');
is($nginx->get("/console/$_")->{status}, 401, "nobody is let in: '$_'")
    for '', 'gm?action=me', 'status', 'status/metrics', 'icon.svg', 'none';
is($nginx->get('/console/', headers => [ as('olga', 'x') ])->{status}, 401,
    'nor anybody with a wrong password');

my $page = $nginx->get('/console/', headers => [ as('olga', 'open sesame') ]);

is($page->{status}, 200, 'an operator is');
is($page->{body}, 'the page', 'to the page');
like($page->{headers}{'content-security-policy'}, qr/^default-src 'none'/,
    'which may do little');
is($page->{headers}{'cache-control'}, 'no-cache', 'and is asked for anew');

my $asset = $nginx->get('/console/assets/a-1.js',
    headers => [ 'Accept-Encoding: gzip' ]);

is($asset->{body}, 'packed', 'the assets are packed');
is($asset->{headers}{vary}, 'Accept-Encoding', 'for those who take that');
is($asset->{headers}{'content-type'}, 'text/javascript', 'what they are');
like($asset->{headers}{'cache-control'}, qr/immutable/, 'and may be kept');

is_deeply([ who($nginx, as('olga', 'open sesame')) ], [ olga => 'admin' ],
    'gmchat_admin: an admin');
is_deeply([ who($nginx, as('bo', 'gamma')) ], [ bo => 'none' ],
    'others have no role yet');
is($nginx->get('/console/status/ready',
    headers => [ as('bo', 'gamma') ])->{status}, 200,
    'and see the counters');

# by a login service

$nginx = with_console(main_sample() =~ s/^( +)# (limit_req_zone )/$1$2/mgr,
    $console =~ s/^ +auth_basic(?:_user_file)? .*\n//mgr
        =~ s/^    # (limit_req.*;)$/    $1/mgr
        =~ s/^ +# +(auth_request(?:_set)? .*;)$/$1/mgr
        =~ s/gmchat_operator \$remote_user/gmchat_operator \$gmchat_signed_in/r
        . <<'EOC');
location = /login/check {
    internal;
    proxy_pass http://127.0.0.1:%%PORT_login%%;
}
EOC
$nginx->write_conf($nginx->{conf} =~ s/(?=^    server \{)/<<'EOC'/mer);
    server {
        listen 127.0.0.1:%%PORT_login%%;

        if ($cookie_session != "sid-of-olga") {
            return 401;
        }
        location / {
            add_header X-User olga;
            return 204;
        }
    }
EOC
$nginx->start;
is($nginx->get("/console/$_")->{status}, 401, "a login service: '$_'")
    for '', 'gm?action=me', 'status';
is_deeply([ who($nginx, 'Cookie: session=sid-of-olga') ],
    [ olga => 'admin' ], 'and whom it knows');

# by a client certificate

my $folder = temp_folder();
my $authority = make_authority($folder, 'authority');

make_certificate($folder, 'localhost', $authority, 'IP:127.0.0.1');
make_certificate($folder, 'olga', $authority, 'DNS:olga');

$nginx = with_console(
    main_sample() =~ s{^( +)# (listen) \d+ (ssl) http2 .*;}
                      {$1$2 127.0.0.1:%%PORT_tls%% $3;}mr
        =~ s{^( +)# (ssl_certificate)( +).*(\.\w+;)$}
            {$1$2$3$folder/localhost$4}mr
        =~ s{^( +)# (ssl_certificate_key)( +).*(\.\w+;)$}
            {$1$2$3$folder/localhost$4}mr
        =~ s/^    # (map \$ssl_client.*\n)    # (.*\n)    # (\})/$1$2$3/mr,
    $console =~ s/^ +auth_basic(?:_user_file)? .*\n//mgr
        =~ s/gmchat_operator \$remote_user/gmchat_operator \$ssl_client_s_dn_cn/r
        . join '', $console =~ /^ +# +(ssl_(?:client|verify).*;\n)/mg);
copy("$folder/authority.crt", "$nginx->{dir}/gmchat.operators.pem") or die $!;
$nginx->start;

my @curl = ('curl', '-s', '--cacert', "$folder/authority.crt",
    'https://' . $nginx->address('tls') . '/console/gm?action=me&format=json');

($status, $said) = run_command(argv => \@curl, output => "$folder/said");
like($said, qr/400 No required SSL certificate/, 'a client certificate: none');
($status, $said) = run_command(output => "$folder/said", argv => [ @curl,
    '--cert', "$folder/olga.crt", '--key', "$folder/olga.key" ]);
like($said, qr/"operator":"olga","role":"admin"/, 'and whose it is');

finish();


# The name and the role that the bridge knows of this request.
sub who {
    my ($nginx, @headers) = @_;
    my ($me) = items($nginx->get('/console/gm?action=me&format=json',
        headers => [ @headers ]));

    return ($me->{operator}, $me->{role});
}


sub as {
    return 'Authorization: Basic ' . encode_base64(join(':', @_), '');
}


# As the sample says it.
sub add_operator {
    my ($nginx, $name, $password) = @_;
    my ($line) = sample('gmchat-console.conf') =~ /^ +# +(printf .*)$/m;

    $line =~ s/olga/$name/;
    $line =~ s/(?=\))/ -stdin/;
    run_shell($nginx->{dir}, "printf '%s\n' '$password' | { $line; }");
}


sub run_shell {
    my ($folder, $line) = @_;

    my ($status, $said) = run_command(output => "$folder/said",
        argv => [ 'sh', '-c', "cd '$folder' && $line" ]);

    die "$line: $said" if $status;
}


# The samples, with the console's included and its page beside them.
sub with_console {
    my ($main, $console) = @_;

    $main =~ s/^( +)# (include gmchat-console\.conf;)$/$1$2/m
        or die 'nginx.conf does not include the console';
    my $nginx = with_samples($main, bridge_sample());

    $console =~ s{/usr/share/gmchat/console/}{$nginx->{dir}/console/};
    $console =~ s{/etc/nginx/}{}g;
    $console =~ s/%%(PORT\w*)%%/$nginx->substitute($1)/ge;
    write_file("$nginx->{dir}/gmchat-console.conf", $console);

    mkdir("$nginx->{dir}/console") or die $!;
    mkdir("$nginx->{dir}/console/assets") or die $!;
    write_file("$nginx->{dir}/console/index.html", 'the page');
    write_file("$nginx->{dir}/console/assets/a-1.js.gz", 'packed');

    return $nginx;
}


sub switched_on {
    my ($lines) = @_;

    return $lines =~ s/^# //mgr;
}


# nginx.conf, and gmchat.conf beside it.
sub with_samples {
    my ($main, $bridge) = @_;
    my $nginx = make_nginx(redis => $redis, conf => $main);

    $bridge =~ s/%%REDIS%%/$redis->url/e;
    $bridge =~ s/%%DIR%%/$nginx->{dir}/g;
    write_file("$nginx->{dir}/gmchat.conf", $bridge);

    return $nginx;
}


# What names the machine is replaced, the rest is as it stands.
sub main_sample {
    my $text = sample('nginx.conf');

    $text =~ s/^load_module .*$/%%MAIN%%/m;
    $text =~ s/^(?:user|pid|worker_\w+|error_log) .*$//mg;
    $text =~ s/^events \{[^}]*\}//m;
    $text =~ s/^http \{$/http {\n%%PATHS%%/m;
    $text =~ s{/var/log/nginx/access\.log}{%%DIR%%/sample.log};
    $text =~ s/listen 8080 /listen 127.0.0.1:%%PORT%% /;

    return $text;
}


sub bridge_sample {
    my $text = sample('gmchat.conf');

    $text =~ s{^gmchat_redis redis://127\.0\.0\.1:6379;}
              {gmchat_redis %%REDIS%%;}m;

    return $text;
}


sub sample {
    my ($name) = @_;

    return slurp("$FindBin::Bin/../conf/$name");
}


sub slurp {
    my ($name) = @_;

    open(my $in, '<', $name) or return '';
    local $/;

    return <$in> // '';
}
