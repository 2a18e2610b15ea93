#!/usr/bin/perl

# conf/: nginx accepts the samples as they are, and with the examples in them
# switched on; a request line that is too long gets the bridge's reply.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
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

my $log = slurp("$nginx->{dir}/sample.log");

wait_until(sub { ($log = slurp("$nginx->{dir}/sample.log")) =~ m{"GET /gm" } });
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

finish();


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
