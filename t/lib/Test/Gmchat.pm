package Test::Gmchat;

# What the tests of this folder share. A test shows its whole configuration:
#
#   my $redis = start_redis();
#   my $nginx = start_nginx(redis => $redis, conf => <<'EOF');
#   %%MAIN%%
#   http {
#       %%PATHS%%
#       gmchat_redis %%REDIS%%;
#       server {
#           listen 127.0.0.1:%%PORT%%;
#           location /gm { gmchat gm; }
#       }
#   }
#   EOF
#
#   is_bare($nginx->gm('create', gm_account => 1, gm_name => 'Ann'),
#       'a GM is created');
#   finish();
#
# The environment names what is tested, with defaults for a run by hand:
# GMCHAT_MODULE (build/release/ngx_http_gmchat_module.so), GMCHAT_NGINX,
# GMCHAT_REDIS_SERVER, GMCHAT_TEST_PRELOAD (a library for nginx alone).

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP ();
use MIME::Base64 qw(encode_base64 decode_base64);
use Test::More ();

use Test::Gmchat::Cluster;
use Test::Gmchat::Dns;
use Test::Gmchat::FakeRedis;
use Test::Gmchat::Nginx;
use Test::Gmchat::Process;
use Test::Gmchat::Proxy;
use Test::Gmchat::Redis;
use Test::Gmchat::Sentinels;

our @EXPORT = qw(start_redis start_fake start_sentinels start_cluster start_dns
    start_proxy start_nginx make_nginx temp_folder b64 data items is_success
    is_error is_bare wait_until finish write_file);

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $base;       # this test's temp folder
my $folders = 0;
my @servers;    # every nginx of this test

# Labels may hold any text.
binmode($_, ':encoding(UTF-8)')
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);


sub wait_until {
    return Test::Gmchat::Process::wait_until(@_);
}


sub temp_folder {
    $base //= tempdir('gmchat-XXXXXX', TMPDIR => 1, CLEANUP => 1);

    my $dir = "$base/" . ++$folders;
    mkdir($dir) or die "$dir: $!";

    return $dir;
}


# In one step, as who replaces a file that others read should.

sub write_file {
    my ($name, $text) = @_;

    open(my $file, '>', "$name.new") or die "$name: $!";
    print $file $text;
    close($file);
    rename("$name.new", $name) or die "$name: $!";
}


sub start_redis {
    return Test::Gmchat::Redis->new(dir => temp_folder(), @_);
}


sub start_fake {
    return Test::Gmchat::FakeRedis->new(dir => temp_folder(), @_);
}


sub start_sentinels {
    return Test::Gmchat::Sentinels->new(dir => temp_folder(), @_);
}


sub start_cluster {
    return Test::Gmchat::Cluster->new(dir => temp_folder(), @_);
}


sub start_dns {
    return Test::Gmchat::Dns->new(@_);
}


sub start_proxy {
    return Test::Gmchat::Proxy->new(@_);
}


# make_nginx(conf, redis, vars, workers, allow => [patterns], quiet => 1)
#
# `quiet`: nothing above warn may be logged. `allow`: lines that may.

sub make_nginx {
    my (%arg) = @_;

    my $nginx = Test::Gmchat::Nginx->new(
        dir => temp_folder(), root => $root, %arg);
    push @servers, $nginx;

    return $nginx;
}


sub start_nginx {
    return make_nginx(@_)->start;
}


sub b64 {
    my ($text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);

    return encode_base64($text, '');
}


# Where the connection ended without one.

sub no_response {
    return { status => 'no response', headers => {}, body => '' };
}


# The value behind a response's field, base64 of JSON in the old interface.

sub data {
    my ($response, $field) = @_;

    my $text = ($response->{json} // {})->{ $field // 'data' };
    return $text if !defined $text || ref $text;

    return JSON::PP->new->utf8->decode(decode_base64($text));
}


# The objects of a response to format=json.

sub items {
    my ($response) = @_;

    my $items = ($response->{json} // {})->{data};

    return ref $items eq 'ARRAY' ? @$items : ();
}


# A reply that says only that it is done, byte for byte.

sub is_bare {
    my ($response, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $seen = $response ? "$response->{status} $response->{body}"
        : 'no response';

    return Test::More::is($seen, '200 {"res":1}', $label);
}


sub is_success {
    my ($response, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $response //= no_response();
    my $res = ($response->{json} // {})->{res} // 'none';

    return Test::More::is("$response->{status} res $res", '200 res 1', $label)
        || complain($response);
}


# A refusal: its code (or one of several), the status that goes with it, and
# a sentence.

my %status = (-2 => 400, -3 => 400, -4 => 429, -5 => 503, -6 => 504,
    -7 => 403, -8 => 404, -9 => 429, -10 => 409, -11 => 413);

sub is_error {
    my ($response, $errno, $pattern, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $response //= no_response();
    my $json = $response->{json} // {};
    my $error = $json->{error} // '';
    my @expected = map { sprintf('%d res 0 errno %d', $status{$_} // 200, $_) }
        ref $errno ? @$errno : $errno;
    my $seen = sprintf('%s res %s errno %s', $response->{status},
        $json->{res} // 'none', $json->{errno} // 'none');
    my ($same) = grep { $_ eq $seen } @expected;

    $seen .= " error '$error'" if $error !~ $pattern || $error !~ /\S \S/;

    return Test::More::is($seen, $same // join(' or ', @expected), $label)
        || complain($response);
}


sub complain {
    my ($response) = @_;

    Test::More::diag(sprintf('got %s: %s', $response->{status},
        substr($response->{body}, 0, 500)));

    return 0;
}


# The last check of each file: every nginx ends well and logged no disaster.

sub finish {
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $nginx (@servers) {
        Test::More::ok($nginx->stop, 'nginx ends when it is told to');

        my @allowed = @{ $nginx->{allow} // [] };
        my @lines = $nginx->{log}->disasters(@allowed);

        push @lines, $nginx->{log}->above_warn(@allowed) if $nginx->{quiet};

        Test::More::is(join("\n", @lines), '',
            'nothing in its log that should not be there');
    }

    Test::More::done_testing();
}


1;
