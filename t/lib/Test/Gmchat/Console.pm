package Test::Gmchat::Console;

# The console in a browser: Redis, nginx with conf/gmchat-console.conf, and a script
# of console/browser/ that node runs. The script says what it found (this is the
# other side of console/browser/tap.ts), and what it wants done to nginx or Redis
# is done here.
#
#   my $console = start_console();
#   $console->tell('day');      # console/browser/day.ts
#   finish();
#
# Operators, all with the same password: olga, as whom the sample's gmchat_admin
# names, and what the script makes of eve, bob, vic and the one of nasty.ts.
#
# The page is what GMCHAT_CONSOLE_DIST names, else console/dist/desk.

use strict;
use warnings;

use Cwd qw(abs_path);
use Encode ();
use Exporter qw(import);
use File::Basename qw(dirname);
use IO::Select;
use JSON::PP ();
use Test::More ();

use Test::Gmchat;
use Test::Gmchat::Client qw(wait_ready);
use Test::Gmchat::Log;
use Test::Gmchat::Process qw(alive reaped run_command spawn);

our @EXPORT_OK = qw(start_console);

use constant {
    OPERATORS => [ qw(olga eve bob vic),
        "<script>owned=1<\xe2\x80\x8b/script> & co" ],
    PASSWORD  => 'open sesame',
    SILENCE   => 120,       # seconds, in which a script has to say something
};

my $root = abs_path(dirname(__FILE__) . '/../../../..');
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

my $conf = <<'EOC';
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%%;

    server {
        listen 127.0.0.1:%%PORT%%;
        gmchat_message_max %%MESSAGE_MAX%%;

        # the test's own calls, for which no operator is named

        location = /gm { gmchat gm; }
        location = /gs { gmchat gs; }
        location /status { gmchat status; }

        %%CONSOLE%%
    }
    %%MORE%%
}
EOC

# start_console(message_max => '4k', more => more of http { }, vars => {...},
#               allow => [ lines that nginx may log ])

sub start_console {
    my (%arg) = @_;

    my $dir = temp_folder();
    write_file("$dir/operators",
        join('', map { "$_:{PLAIN}" . PASSWORD . "\n" } @{ OPERATORS() }));

    my $redis = start_redis(args => [ 'appendonly yes',
        'appendfsync always' ]);
    my $nginx = start_nginx(redis => $redis, allow => $arg{allow},
        conf => $conf =~ s/%%MORE%%/$arg{more} \/\/ ''/er, vars => {
            MESSAGE_MAX => $arg{message_max} // '4k',
            CONSOLE     => sample("$dir/operators") . simulator("$dir/out"),
            %{ $arg{vars} // {} },
        });

    return bless({ dir => $dir, redis => $redis, nginx => $nginx,
        url => 'http://' . $nginx->address, password => PASSWORD,
        access_log => "$nginx->{dir}/access.log" }, __PACKAGE__);
}


# conf/gmchat-console.conf: what names the machine is replaced, the rest is as it
# stands.

sub sample {
    my ($passwords) = @_;

    my $text = Test::Gmchat::Log::slurp("$root/conf/gmchat-console.conf");
    my $dist = dist();

    $text =~ s{^( +alias) [^;]+;}{$1 "$dist/";}m or die 'no alias';
    $text =~ s{^( +auth_basic_user_file) [^;]+;}{$1 "$passwords";}m
        or die 'no passwords';

    return $text;
}


# The player simulator, as ./gmchat run serves it.

sub simulator {
    my ($output) = @_;

    my ($status, $text) = run_command(output => $output, argv => [ 'bash', '-c',
        'ROOT=$1 NGINX=$2 CONSOLE_DIST=$3; '
            . '. "$ROOT/tools/lib/run_console.sh"; simulator_conf', 'bash', $root,
        $ENV{GMCHAT_NGINX} || Test::Gmchat::Nginx::find_nginx(),
        dirname(dist()) ]);

    die $text if $status;

    return $text;
}


sub dist {
    my $dist = $ENV{GMCHAT_CONSOLE_DIST} // "$root/console/dist/desk";

    -f "$dist/index.html"
        or die "there is no console in $dist: ./gmchat build makes it\n";

    return abs_path($dist);
}


# ---- the script

# Runs a script to its end; its findings become this test's. More of the
# environment may be given.

sub tell {
    my ($self, $name, %env) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $self->start_script($name, \%env);

    my $done = 0;

    while (defined(my $line = $self->next_line)) {
        $done ||= $line eq 'done';
        $self->heard($line);
    }

    wait_until(sub { !alive($self->{pid}) });
    Test::More::ok($done && reaped($self->{pid}) == 0,
        "the script $name went to its end")
        or Test::More::diag(Test::Gmchat::Log::slurp("$self->{dir}/script.err"));
}


# All that the browser keeps is in a folder of the test's.

sub start_script {
    my ($self, $name, $env) = @_;

    my $home = temp_folder();
    my %folders = map { $_ => $home } qw(HOME TMPDIR XDG_CACHE_HOME
        XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR);

    pipe(my $hears, my $to) or die $!;
    pipe(my $from, my $says) or die $!;
    $to->autoflush(1);

    $self->{pid} = spawn(
        name   => "node $name",
        argv   => [ 'node', "$root/console/browser/run.mjs", $name ],
        stdin  => $hears,
        stdout => $says,
        output => "$self->{dir}/script.err",
        env    => {
            %folders,
            DBUS_SESSION_BUS_ADDRESS => 'disabled:',
            GMCHAT_URL      => $self->{url},
            GMCHAT_PASSWORD => $self->{password},
            %$env,
        },
    );
    $self->{to} = $to;
    $self->{from} = $from;
    $self->{heard} = '';
}


sub next_line {
    my ($self) = @_;

    while ($self->{heard} !~ /\n/) {
        IO::Select->new($self->{from})->can_read(SILENCE)
            or die 'the browser says nothing';
        sysread($self->{from}, $self->{heard}, 65536,
            length $self->{heard}) or return;
    }

    $self->{heard} =~ s/^(.*)\n//;

    return $1;
}


sub heard {
    my ($self, $line) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 2;

    if ($line =~ /^(not )?ok - (.*)/) {
        Test::More::ok(!$1, Encode::decode('UTF-8', $2));

    } elsif ($line =~ /^# ?(.*)/) {
        Test::More::diag(Encode::decode('UTF-8', $1));

    } elsif ($line =~ /^do (.*)/) {
        my ($what, @words) = @{ $json->decode($1) };
        my $do = $self->can("do_$what") or die "what is '$what'?";
        syswrite($self->{to}, $json->encode($do->($self, @words)) . "\n");

    } elsif ($line ne 'done') {
        die "what is '$line'?";
    }
}


# ---- what a script may ask for

sub do_nginx_stop {
    my ($self) = @_;

    return $self->{nginx}->stop;
}


sub do_nginx_start {
    my ($self) = @_;

    $self->{nginx}->start;

    return 1;
}


sub do_nginx_reload {
    my ($self) = @_;

    return $self->{nginx}->reload;
}


# All of them at once: whichever has a stream.

sub do_workers_kill {
    my ($self) = @_;

    my @workers = $self->{nginx}->workers;
    kill('KILL', @workers);

    return wait_until(sub { $self->{nginx}->reload_done(@workers) });
}


sub do_redis_stop {
    my ($self) = @_;

    $self->{redis}->kill_hard;

    return 1;
}


sub do_redis_start {
    my ($self) = @_;

    $self->{redis}->start;

    return 1;
}


# Each worker comes back to Redis by itself.

sub do_workers_ready {
    my ($self) = @_;

    return wait_ready($self->{nginx});
}


# All that is stored, but for what matches.

sub do_redis_contents {
    my ($self, $but) = @_;

    return join("\n", grep { !defined $but || !/$but/ }
        split(/\n/, $self->{redis}->contents));
}


# What nginx was asked, a line each, in the format "combined".

sub do_access_log {
    my ($self) = @_;

    return Test::Gmchat::Log::slurp($self->{access_log});
}


sub do_redis {
    my ($self, @words) = @_;

    return $self->{redis}->cmd(@words);
}


1;
