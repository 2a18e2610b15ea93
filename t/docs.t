#!/usr/bin/perl

# The documentation against the source: what either has, the other has too,
# and every example works.

use strict;
use warnings;

use CPAN::Meta::YAML;
use Cwd qw(abs_path);
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";

use Test::Gmchat;
use Test::Gmchat::Process qw(run_command);
use Test::Gmchat::Sse;
use Test::Gmchat::Tls qw(make_authority);
use Test::Gmchat::WebSocket qw(frame TEXT);
use Test::More;

my $root = abs_path("$FindBin::Bin/..");
my $folder = temp_folder();

my $actions = slurp('docs/actions.md');
my $directives = slurp('docs/directives.md');
my $source = join '', map { slurp($_) } 'ngx_http_gmchat_module.c',
    map { s{^\Q$root\E/}{}r } map { glob("$root/src/$_/*.c") }
    qw(http store feed transport);

sub slurp {
    return slurp_file("$root/$_[0]");
}

sub slurp_file {
    my ($name) = @_;

    open(my $file, '<:encoding(UTF-8)', $name) or die "$name: $!";
    local $/;

    return scalar <$file>;
}

# One list as text: two lists that differ show how.

sub list {
    return join ' ', sort @_;
}

sub same {
    my ($documented, $coded, $label) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is(list(@$documented), list(@$coded), $label);
}

sub unique {
    my %seen;

    return grep { !$seen{$_}++ } @_;
}

# ---- what the source has

my $printer = "$folder/print_actions";

sub run_well {
    my (@argv) = @_;

    my ($status, $said) = run_command(
        argv => \@argv, output => "$folder/run.out");
    unlink("$folder/run.out");
    die "@argv: $said" if $status;

    return $said;
}

run_well($ENV{CC} || 'cc', '-o', $printer, "-I$root/src/core",
    "$root/t/lib/print_actions.c", glob("$root/src/core/gmchat_*.c"),
    '-ljansson', '-lb64');

my %printed;    # kind => [ columns ] each
my %call;

for my $line (split /\n/, run_well($printer)) {
    my ($kind, @columns) = split /\t/, $line, -1;
    push @{ $printed{$kind} }, \@columns;
}

my %preset = map { $_->[0] => $_->[1] } @{ $printed{param} };
my @status = map { { name => $_->[0], errno => $_->[1], http => $_->[2] } }
    @{ $printed{status} };

add_row(@$_) for @{ $printed{action} };

# Rows that share a name are one action for the reader: a parameter is
# required if each row wants it.

sub add_row {
    my ($endpoint, $name, $script, $role, $needs) = @_;

    my $call = $call{"$endpoint $name"} //= { rows => 0, errnos => {} };
    $call->{rows}++;
    $call->{errnos}{4} = 1 if $role;
    $call->{errnos}{$_} = 1 for script_errnos($script);

    for my $need (split / /, $needs) {
        my ($param, $required) = split /:/, $need;
        $call->{params}{$param}{rows}++;
        $call->{params}{$param}{required}++ if $required eq 'yes';
    }
}

# What the head of a script says that it gives, as errnos.

sub script_errnos {
    my ($script) = @_;

    my %errno = map { $_->{name} => $_->{errno} }
        grep { $_->{name} } @status;
    my ($head) = slurp("src/lua/$script.lua") =~ /\A((?:--.*\n)+)/;
    my ($gives) = $head =~ /^-- Gives(.*?)(?:^-- (?:Event|include)|\z)/ms;

    return grep { $_ } map {
        $errno{$_} // die "$script.lua gives an unknown '$_'"
    } $gives =~ /\{'(\w+)'/g;
}

# name:required, of an action.

sub params_of {
    my ($call) = @_;

    my %form = map {
        my $param = $call->{params}{$_};
        ($_ => ($param->{required} // 0) == $call->{rows} ? 'yes' : 'no')
    } keys %{ $call->{params} };
    $form{text} = 'no' if $form{msg};

    return map { "$_:$form{$_}" } keys %form;
}

# ---- docs/actions.md

my %section;

while ($actions =~ /^### (gm|gs) (\w+)\n(.*?)(?=^###? |\z)/msg) {
    $section{"$1 $2"} = $3;
}

same([ keys %section ], [ keys %call ],
    'actions.md has a section for each action');

for my $name (sort keys %call) {
    my $text = $section{$name} // '';
    my @rows = $text =~ /^\| `(\w+)` \| (yes|no) \|/mg;
    my @params;

    push @params, join ':', splice(@rows, 0, 2) while @rows;
    same(\@params, [ params_of($call{$name}) ],
        "actions.md, $name: its parameters");

    my ($refusals) = $text =~ /^Refusals of its own: (.*?)\n\n/ms;
    my @errnos = ($refusals // '') =~ s/`[^`]*`//gr =~ /(-?\d+)/g;
    same(\@errnos, [ keys %{ $call{$name}{errnos} } ],
        "actions.md, $name: its refusals");

    like($text, qr/^```http\n\w+ \/\w+(?:\?action=|\n)/m,
        "actions.md, $name: has an example");
}

# Who may do what; a stream that puts its GMs online acts for them.

my %right = $actions =~ /^\| (look|act|admin) \| (.*) \|$/mg;

for my $right (sort keys %right) {
    my @rows = grep { $_->[0] eq 'gm' && $_->[5] eq $right }
        @{ $printed{action} };
    same([ unique($right{$right} =~ /`(\w+)`/g) ],
        [ unique((map { $_->[1] } @rows), $right eq 'act' ? 'stream' : ()) ],
        "actions.md: the actions with the right $right");
}

is(list(keys %right), 'act admin look', 'actions.md has each right');

my ($params) = $actions =~ /^## Parameters\n(.*?)^### /ms;
same([ map { /`(\w+)`/g } $params =~ /^\| ((?:`\w+`(?:, )?)+) \|/mg ],
    [ keys %preset ], 'actions.md has each parameter');

my %errors = $actions =~ /^\| (-?\d+) \| (\d+(?:, \d+)*) \|/mg;
same([ map { my $errno = $_; map { "$errno:$_" } split /, /, $errors{$_} }
        keys %errors ],
    [ unique(map { "$_->{errno}:$_->{http}" } grep { $_->{errno} } @status) ],
    'actions.md has each errno with its HTTP statuses');

# ---- docs/openapi.yaml

my $yaml = eval { CPAN::Meta::YAML->read("$root/docs/openapi.yaml") };
is($@, '', 'openapi.yaml can be read');
my $api = $yaml ? $yaml->[0] : {};
like($api->{openapi} // '', qr/^3\.1\./, 'and is OpenAPI 3.1');

my $schemas = $api->{components}{schemas};

sub schema_name {
    return join '', map { ucfirst } split / /, $_[0];
}

for my $endpoint (qw(gm gs)) {
    my @names = map { /^$endpoint (\w+)/ } keys %call;
    my $path = $api->{paths}{"/$endpoint"};
    my @given = @{ $path->{get}{parameters} };
    my ($action) = grep { ($_->{name} // '') eq 'action' } @given;

    same($action->{schema}{enum}, \@names, "openapi.yaml, GET /$endpoint:"
        . ' the actions');
    same([ map { ($_->{'$ref'} // '') =~ m{/parameters/(\w+)$} } @given ],
        [ unique(map { s/:.*//r } map { params_of($call{"$endpoint $_"}) }
            @names) ], "openapi.yaml, GET /$endpoint: the parameters");

    for my $type (qw(json x-www-form-urlencoded)) {
        my $body = $path->{post}{requestBody}{content}{"application/$type"};
        is($body->{schema}{'$ref'} // '', '#/components/schemas/'
            . ucfirst($endpoint) . 'Call', "openapi.yaml, POST /$endpoint:"
            . " a body of $type");
    }

    same([ map { $_->{'$ref'} =~ m{(\w+)$} }
            @{ $schemas->{ ucfirst($endpoint) . 'Call' }{oneOf} } ],
        [ map { schema_name("$endpoint $_") } @names ],
        "openapi.yaml, POST /$endpoint: the actions");

    for my $method (qw(get post)) {
        same([ keys %{ $path->{$method}{responses} } ],
            [ grep { $_ } unique(map { $_->{http} } @status) ],
            "openapi.yaml, $method /$endpoint: each HTTP status");
    }
}

for my $name (sort keys %call) {
    my $schema = $schemas->{ schema_name($name) } // {};
    my %required = map { $_ => 1 } @{ $schema->{required} // [] },
        $schema->{oneOf} ? 'msg' : ();
    my %property = %{ $schema->{properties} // {} };
    my $action = delete $property{action};

    is("$name $required{action}", $name =~ / (\w+)/
        && $action->{const} eq $1 ? "$name 1" : '', "openapi.yaml, $name: its"
        . ' name');
    same([ map { "$_:" . ($required{$_} ? 'yes' : 'no') } keys %property ],
        [ params_of($call{$name}) ], "openapi.yaml, $name: its parameters");
    ok($schemas->{ ($schema->{'x-reply'} // '') =~ m{(\w+)$} ? $1 : '' },
        "openapi.yaml, $name: its reply");
}

for my $http (unique(map { $_->{http} } grep { $_->{errno} } @status)) {
    my @errnos = $http == 404
        ? $api->{components}{responses}{R404}{content}{'text/plain'}{schema}
            {'x-errno'}
        : @{ $schemas->{"E$http"}{properties}{errno}{enum} // [] };

    same(\@errnos, [ unique(map { $_->{errno} } grep { $_->{http} == $http
        && $_->{errno} } @status) ], "openapi.yaml: the errnos of a $http");
}

is($schemas->{limit}{default}, $preset{limit}, 'openapi.yaml: the default of'
    . ' limit');

my @lost = grep {
    my ($kind, $name) = m{^#/components/(\w+)/(\w+)$};
    !$kind || !$api->{components}{$kind}{$name}
} references($api);
is("@lost", '', 'openapi.yaml: each reference leads somewhere');

sub references {
    my ($node) = @_;

    return map { references($_) } @$node if ref $node eq 'ARRAY';
    return if ref $node ne 'HASH';

    return map {
        $_ eq '$ref' || $_ eq 'x-reply' ? $node->{$_} : references($node->{$_})
    } keys %$node;
}

# A value that openapi.yaml allows is one that the source allows.

my @integers = ('0', '7', '007', '-1', '+1', '1e3', '1.0', '', ' 1', 'x',
    '9223372036854775807', '9223372036854775808', '1' . '0' x 19);
my @tokens = ('a', '', 'A-z_0.9', 'a:b', 'a b', 'a/b', "a\n", 'x' x 64,
    'x' x 65);
my @cursors = ('', '0-0', '12-3', '12', '-', '1-', '-1', '01-1', '1-01',
    '1-1-1', "1-1\n", '9223372036854775807-1');
my @names = ('Iris', '', "a\tb", "a\x7fb", 'x' x 256, 'x' x 257);
my @base64 = ('', 'eA==', 'eA=', 'eA', 'eB==', 'eHg=', 'eHh=', 'eHh4', 'e A=',
    "eHh4\n", 'eHh4=', '====', 'A' x 5460 . 'AA==', 'A' x 5464 . 'AA==');

my @positions = ('', '7:1-1', '1001:1-1:2-2,1002::', '*0123456789abcdef',
    '8e717acfa0709094', 'X', '7:1-1 ', "7:1-1\n", '1' x 8192, '1' x 8193);
my @streams = ('0123456789abcdef' x 2, '', '0123456789abcdef', 'A' x 32,
    'g' x 32, 'a' x 33, 'a' x 32 . "\n");

my %samples = (
    gm_account => \@integers, host => \@integers, uid => \@integers,
    call => \@integers, cursor => \@positions, stream => \@streams,
    wait => [ qw(0 1 55 56 -1 x), '' ], online => [ qw(1 0 true), '' ],
    lease => [ qw(4 5 60 86400 86401 x), '' ],
    operator => [ 'olga', 'O. K.', '', "a\tb", "a\x7f", 'x' x 128,
        'x' x 129 ],
    role => [ qw(admin gm viewer none Admin), '' ],
    gm_accounts => \@integers,
    gm_name => \@names, msg => \@base64,
    text => [ '', 'Hello', 'x' x 4096, 'x' x 4097 ],
    msgid => \@tokens, group => \@tokens, ack => \@cursors,
    before => \@cursors, limit => [ qw(0 1 1000 1001 x) ],
    format => [ 'json', 'xml', '' ],
    id => \@cursors,
    name => [ 'a', 'A-z_09', '', 'a b', 'a/b', 'a.b', '{a}', 'a@', "a\n",
        "a\x7f", 'x' x 32, 'x' x 33 ],
);

same([ 'action', keys %samples ], [ keys %preset ],
    'there are samples of each parameter');

for my $name (sort keys %samples) {
    my @values = @{ $samples{$name} };
    my @said = split /\n/, run_well($printer, map { ($name, $_) } @values);

    same([ map { "$values[$_]:" . allows($schemas->{$name}, $values[$_]) }
            0 .. $#values ],
        [ map { "$values[$_]:" . ($said[$_] == 0 ? 1 : 0) } 0 .. $#values ],
        "openapi.yaml: what $name may be");
}

sub allows {
    my ($schema, $value) = @_;

    my $max = $schema->{'x-maximum'};

    return 0 if $schema->{pattern} && $value !~ /(?:$schema->{pattern})(?!\n)/;
    return 0 if length $value < ($schema->{minLength} // 0);
    return 0 if length $value > ($schema->{maxLength} // 1e9);
    return 0 if $max && length $value == length $max && $value gt $max;
    return 0 if $schema->{enum} && !grep { $_ eq $value } @{ $schema->{enum} };
    return 1 if $schema->{type} ne 'integer';
    return $value =~ /^\d+$/ && $value >= $schema->{minimum}
        && $value <= $schema->{maximum} ? 1 : 0;
}

# ---- docs/asyncapi.yaml

my $streams = eval { CPAN::Meta::YAML->read("$root/docs/asyncapi.yaml") };
is($@, '', 'asyncapi.yaml can be read');
my %page = ('' => $streams ? $streams->[0] : {}, './openapi.yaml' => $api);
my $async = $page{''};
like($async->{asyncapi} // '', qr/^3\.0\./, 'and is AsyncAPI 3.0');

# What a reference leads to; one inside another page belongs to that one.

sub resolve {
    my ($ref) = @_;

    my ($file, $pointer) = $ref =~ m{^([^#]*)#/(.+)$} or return;
    my $node = $page{$file};

    for my $name (split m{/}, $pointer) {
        $name =~ s{~1}{/}g;
        return if ref $node ne 'HASH';
        $node = $node->{$name};
    }

    return $node;
}

# The node itself, or what it refers to, however far.

sub followed {
    my ($node) = @_;

    while (ref $node eq 'HASH' && $node->{'$ref'}) {
        $node = resolve($node->{'$ref'});
    }

    return $node // {};
}

is(join(' ', grep { !resolve($_) } references($async)), '',
    'asyncapi.yaml: each reference leads somewhere');

same([ keys %{ $async->{channels} } ], [qw(gm gs)],
    'asyncapi.yaml: a channel for each endpoint');
same([ map { $_->{address} } values %{ $async->{channels} } ],
    [qw(/gm /gs)], 'and their addresses');

for my $endpoint (qw(gm gs)) {
    my $messages = $async->{channels}{$endpoint}{messages};
    my $call = followed(followed($messages->{call})->{payload});
    my @calls = map { followed($_) } @{ $call->{allOf}[1]{oneOf} };
    my %asked = %{ $async->{channels}{$endpoint}{bindings}{ws}{query} };
    my %required = map { $_ => 1 } @{ $asked{required} };

    same([ map { $_->{properties}{action}{const} } @calls ],
        [ grep { $_ ne 'stream' } map { /^$endpoint (\w+)/ } keys %call ],
        "asyncapi.yaml, $endpoint: the calls in frames");
    same([ map { "$_:" . ($required{$_} ? 'yes' : 'no') }
            grep { $_ ne 'action' } keys %{ $asked{properties} } ],
        [ params_of($call{"$endpoint stream"}) ],
        "asyncapi.yaml, $endpoint: the parameters of stream");

    for my $watch (grep { $_->{properties}{stream} } @calls) {
        my $action = $watch->{properties}{action}{const};
        same([ grep { $_ ne 'action' } keys %{ $watch->{properties} } ],
            [ map { s/:.*//r } params_of($call{"$endpoint $action"}) ],
            "asyncapi.yaml, $endpoint: the parameters of $action");
    }
}

# Some events are of one kind of stream alone.

my @told = unique(map { /"(\w+)"/g }
    $source =~ /event_(?:tell|add)\((stream,[^;{]*)\);/g);

same([ unique(map { events_of($_) } qw(gm gs)) ], \@told,
    'asyncapi.yaml: the events');

for my $endpoint (qw(gm gs)) {
    same([ $actions =~ /^\| `(\w+)` \| (?:both|$endpoint) \| `\{/mg ],
        [ events_of($endpoint) ], "actions.md: the events of $endpoint");
}

sub events_of {
    my ($endpoint) = @_;

    return grep { !/^(?:call|reply)$/ }
        keys %{ $async->{channels}{$endpoint}{messages} };
}

for my $endpoint (qw(gm gs)) {
    same([ map { $_->{'$ref'} =~ m{(\w+)$} }
            @{ $async->{operations}{"${endpoint}Events"}{messages} } ],
        [ events_of($endpoint) ], "asyncapi.yaml, $endpoint: what is sent");
}

# Close codes that have a name which is used; 1005 says that there is none.

my $wire = join '', map { slurp_file($_) }
    glob("$root/src/feed/*.[ch] $root/src/transport/*.[ch]");
my %code = $wire =~ /^ {4}(\w+_(?:WS|CLOSE)_\w+) = ([14]\d{3})\b/mg;
my @used = grep { my $name = $_; 1 < (() = $wire =~ /\b$name\b/g) }
    grep { $code{$_} != 1005 } keys %code;
my @codes = unique(map { $code{$_} } @used);

same([ keys %{ $async->{'x-close-codes'} } ], \@codes,
    'asyncapi.yaml: the close codes');
same([ $actions =~ /^\| ([14]\d{3}) \|/mg ], \@codes,
    'actions.md: the close codes');

# ---- docs/directives.md

my ($table) = $source =~ /ngx_http_gmchat_commands\[\] = \{(.*?)\n\};/s;
my %command = $table =~ /\{ ngx_string\("(\w+)"\),\s*([\w|]+),/g;
my %described;

while ($directives =~ /^## (gmchat\w*)\n(.*?)(?=^## |\z)/msg) {
    $described{$1} = $2;
}

same([ keys %described ], [ keys %command ],
    'directives.md has a section for each directive');

for my $name (sort keys %command) {
    my $text = $described{$name} // '';
    my $context = $command{$name} =~ /ANYWHERE/ ? 'http, server, location'
                                                : 'location';

    like($text, qr/\A\n {4}Syntax:   \Q$name\E .*;\n {4}Default:  /,
        "$name: its syntax");
    like($text, qr/^ {4}Default:  (?:-|\Q$name\E .*;)$/m,
        "$name: its default");
    like($text, qr/^ {4}Context:  \Q$context\E$/m, "$name: its context");
    like($text, qr/^```nginx\n(?:(?!^```).)*\b$name /ms, "$name: an example");
}

my ($options) = $source =~ /names\[\] = \{(.*?)\};/s;
same([ ($described{gmchat_redis} // '') =~ /^\| `(\w+)` \|/mg ],
    [ $options =~ /"(\w+)="/g ], 'gmchat_redis: its parameters');

my ($variables) = $directives =~ /^## Variables\n(.*?)^## /ms;
same([ $variables =~ /^\| `\$(\w+)` \|/mg ],
    [ $source =~ /\{ ngx_string\("(gmchat_\w+)"\), NULL,/g ],
    'directives.md has each variable');

my ($metrics) = $directives =~ /^## The status endpoint\n(.*)/ms;
my %metric = map { s/_(?:bucket|sum|count)$//r => 1 }
    $source =~ /"(gmchat_[a-z_]+)"/g, $source =~ /"(gmchat_\w+_sum) "/g;
delete @metric{ keys %command };
delete @metric{ $source =~ /ngx_string\("(gmchat_\w+)"\)/g };
same([ $metrics =~ /^\| `(gmchat_\w+)` \|/mg ], [ keys %metric ],
    'directives.md has each metric');

# Each example, where it belongs: in http { }.

my $authority = make_authority($folder, 'authority');
my $certificate = slurp_file($authority->{cert});
my $examples = 0;

while ($directives =~ /^```nginx\n(.*?)^```/msg) {
    my $example = $1;
    my $dir = temp_folder();
    my $n = 0;

    $examples++;
    $example =~ s/listen [^;]+;/'listen 127.0.0.1:%%PORT_' . $n++ . '%%;'/ge;
    $example =~ s{/etc/nginx/}{$dir/}g;

    write_file("$dir/gmchat.password", "secret\n");
    write_file("$dir/gmchat-servers.list", "127.0.0.1\n");
    write_file("$dir/redis-ca.pem", $certificate);

    my $nginx = make_nginx(conf => <<"EOF");
%%MAIN%%
http {
    %%PATHS%%
    $example
}
EOF
    my ($status, $said) = $nginx->check_conf;
    is($status, 0, "directives.md: example $examples is accepted")
        || diag($said);
}

# ---- docs/operations.md: what the log says

my $operations = slurp('docs/operations.md');

same([ $operations =~ /^\| (`\w+` \| `gmchat: .*?`) \|/mg ],
    [ unique(map { log_line(@$_) } log_calls($source)) ],
    'operations.md has each line of the log');

# [ level, format ] of each call whose format begins with "gmchat: ".

sub log_calls {
    my ($text) = @_;

    my @calls;

    while ($text =~ /ngx_log_error\(NGX_LOG_(\w+),[^;"]*
        ((?:"(?:[^"\\]|\\.)*"\s*)+)/xg)
    {
        push @calls, [ lc $1 eq 'err' ? 'error' : lc $1, $2 ]
            if index($2, '"gmchat: ') == 0;
    }

    return @calls;
}

sub log_line {
    my ($level, $format) = @_;

    my $text = join '', $format =~ /"((?:[^"\\]|\\.)*)"/g;
    $text =~ s/\\"/"/g;
    $text =~ s/%(?:\*s|ui|V|s)/.../g;

    return "`$level` | `$text`";
}

# ---- docs/keys.md: the keys and fields that the scripts touch

my $keys = slurp('docs/keys.md');
my $scripts = join '', map { slurp_file($_) }
    glob("$root/src/lua/*.lua $root/src/lua/include/*.lua");

for my $kind (sort { $a cmp $b } unique($scripts
    =~ /(?:prefix|KEYS\[1\]) \.\. '(\w+(?::[a-z]?)?)'/g))
{
    like($keys, qr/^\|.*`\Q$kind\E(?:<\w+>)?[`:]/m, "keys.md has $kind");
}

my ($hash) = $keys =~ /^### The hash\n(.*?)^### /ms;
my @fields = map { /'(\w+)'/g }
    $scripts =~ /HMGET', (?:meta|key \.\. ':m'),((?:\s*'\w+',?)+)/g;
same([ $hash =~ /^\| `(\w+)` \|/mg ], [ unique(@fields) ],
    'keys.md has each field of a mailbox');

# ---- links from page to page

for my $page (map { s{.*/}{}r } glob("$root/docs/*.md")) {
    my @lost = grep { !leads_somewhere($page, $_) }
        slurp("docs/$page") =~ /\]\(([^)\s]+)\)/g;
    is("@lost", '', "$page: each link leads somewhere");
}

sub leads_somewhere {
    my ($page, $link) = @_;

    return 1 if $link =~ m{^https?://};

    my ($file, $anchor) = $link =~ /^([^#]*)#?(.*)/;
    $file = $page if $file eq '';

    return 0 if !-f "$root/docs/$file";
    return 1 if $anchor eq '';

    return grep { $_ eq $anchor } map { anchor($_) }
        slurp("docs/$file") =~ /^#+ (.*)/mg;
}

sub anchor {
    my ($heading) = @_;

    $heading = lc $heading;
    $heading =~ s/[^\w -]//g;

    return $heading =~ s/ /-/gr;
}

# ---- docs/actions.md: the examples, in their order, by a Redis user who has
# the rights that docs/operations.md says are enough

my ($rights) = $operations =~ /^ {4}(ACL SETUSER .*?)\n\n/ms;
my ($password) = $rights =~ / >(\S+)/;

write_file("$folder/password", "$password\n");
write_file("$folder/operators", "olga:{PLAIN}open\nbo:{PLAIN}open\n");

my $redis = start_redis();
$redis->cmd(split ' ', $rights);

my $nginx = start_nginx(redis => $redis,
    vars => { PASSWORD => "$folder/password",
        OPERATORS => "$folder/operators" }, conf => <<'EOF');
%%MAIN%%
http {
    %%PATHS%%
    gmchat_redis %%REDIS%% user=gmchat password_file=%%PASSWORD%%;

    server {
        listen 127.0.0.1:%%PORT%%;
        location = /gm { gmchat gm; }
        location = /gs { gmchat gs; }
        location = /desk {
            gmchat gm;
            gmchat_operator $remote_user;
            gmchat_admin olga;
            auth_basic desk;
            auth_basic_user_file %%OPERATORS%%;
        }
    }
}
EOF

my %here;       # an epoch or a stream's name of the page => of this run
my @open;       # streams

while ($actions =~ /^```http\n((?:(?!```).*\n)+?)```/mg) {
    my ($request, $status, $reply)
        = $1 =~ /\A(.*?)\n\n(\d{3}) (.*)\n\z/s or die "no reply: $1";
    my ($first) = $request =~ /\A(.*)/;

    hosts_are_noted() if $first =~ m{ /gm\?action=(?:hosts|send)};

    my $seen = $reply =~ /\Aevent:/ ? watch_stream($request, $reply)
                                    : play($request);
    ok(is_settled(), 'what it took is settled')
        if $first =~ /action=(?:receive|relation)/;

    learn($reply, $seen->{body});
    is("$seen->{status} " . timeless($seen->{body}),
        "$status " . timeless($reply), "actions.md: $first");
}

sub play {
    my ($request) = @_;

    my ($head, $body) = split /\n\n/, $request, 2;
    my ($first, @headers) = split /\n/, $head;
    my ($method, $uri) = split / /, of_this_run($first);
    my ($type) = map { /^Content-Type: (.*)/ } @headers;

    return $nginx->request($method, $uri,
        headers => [ grep { !/^Content-Type:/ } @headers ],
        defined $body ? (body => $body, type => $type) : ());
}

# As many events as the page shows, in its form. The stream stays open.

sub watch_stream {
    my ($request, $reply) = @_;

    my ($uri) = of_this_run($request) =~ /\AGET (\S+)/;
    my @shown = split /\n\n/, $reply;
    my $stream = Test::Gmchat::Sse->new(
        address => $nginx->address, uri => $uri);
    my @events = $stream->next_events(scalar @shown);

    push @open, $stream;

    return { status => $stream->{status}, body => join "\n\n", map {
        my $page = (shift(@shown) // '') =~ /^data: (.*)/m ? $1 : '{}';
        my $id = defined $_->{id} ? "id: $_->{id}\n" : '';
        "event: $_->{event}\n${id}data: " . in_order_of($page, $_->{data})
    } @events };
}

# An event's data as text, its members in the order of another one's.

sub in_order_of {
    my ($page, $data) = @_;

    my $json = JSON::PP->new->canonical;
    my %place;

    $place{$1} //= keys %place while $page =~ /"(\w+)":/g;
    $json->sort_by(sub {
        ($place{$JSON::PP::a} // 99) <=> ($place{$JSON::PP::b} // 99)
    });

    return $json->encode($data);
}

# The store hears of polls a little later. Host 1003 never polls.

sub hosts_are_noted {
    wait_until(sub {
        $nginx->gm('hosts', format => 'json')->{body}
            !~ /"host":"100[12]","last_poll":0/;
    });
}

# The worker says what a plain call took once its reply is written: the next
# call may go to the other one.

sub is_settled {
    return wait_until(sub {
        return !grep { $redis->cmd('HGET', $_, 'flight') }
            map { @{ $redis->cmd('KEYS', "gmchat:{default}:$_:*:m") } }
            qw(box rel);
    });
}

sub names_of {
    return $_[0] =~ /\b(\d{16}(?=-\d)|[0-9a-f]{32})\b/g;
}

sub learn {
    my ($page, $here) = @_;

    my @page = names_of($page);
    my @here = names_of($here);

    $here{ $page[$_] } //= $here[$_] for 0 .. $#page;
}

sub of_this_run {
    my ($text) = @_;

    return $text =~ s/\b(\d{16}(?=-\d)|[0-9a-f]{32})\b/$here{$1} \/\/ $1/ger;
}

# Ids keep their n; times are some time, streams have some name.

sub timeless {
    my ($text) = @_;

    $text =~ s/\b\d{16}-(\d+)/epoch-$1/g;
    $text =~ s/"\d{13}-\d+"/"entry"/g;
    $text =~ s/:\d{13}\b/:time/g;
    $text =~ s/"[0-9a-f]{32}"/"stream"/g;

    return $text;
}

# ---- docs/asyncapi.yaml: what a stream says

for my $text ('Plain text', undef) {
    is_success($nginx->gm('send', gm_account => 5001, uid => 720001,
        $text ? (text => $text) : (msg => '/w==')), 'a GM writes');
    is_success($nginx->gs('send', uid => 720001,
        $text ? (text => $text) : (msg => '/w==')), 'a player writes');
}

is_success($nginx->gm('add', gm_account => 5001, host => 1002, uid => 720003),
    'a friendship begins');

my %said;       # endpoint => event => [ data ]

# A cursor that knows nothing of the last messages, and one from elsewhere.

hear(gm => 5001, '', qw(open message message ready));
hear(gm => 5001, '5001:1-1', qw(open reset message message
    ready));
hear_beside(qw(read desk));
hear_last();
hear(gs => 1002, '', qw(open relation message message online ready));
hear(gs => 1002, '1002:1-1:1-1', qw(open reset relation reset message message
    online ready));

sub hear {
    my ($endpoint, $id, $cursor, @names) = @_;

    my $who = $endpoint eq 'gm' ? 'gm_account' : 'host';
    my $uri = "/$endpoint?action=stream&$who=$id";
    my $stream = Test::Gmchat::Sse->new(address => $nginx->address,
        uri => $uri, cursor => $cursor);
    my $socket = Test::Gmchat::WebSocket->open(address => $nginx->address,
        uri => "$uri&cursor=$cursor");
    my @events = $stream->next_events(scalar @names);
    my @frames = map { $socket->next_event } @names;

    push @open, $stream, $socket;

    is("@{[ map { $_->{event} } @events ]}", "@names",
        "the stream of $endpoint, cursor '$cursor', says what it should");
    is(told_by(@frames), told_by(@events), 'and so does a WebSocket');
    push @{ $said{$endpoint}{ $_->{event} } }, $_ for @frames;
}

# What a GM's two streams hear of beside messages, of whom another one reads.

sub hear_beside {
    my (@names) = @_;

    my ($last) = items($nginx->gm('history', uid => 720001, limit => 1,
        format => 'json'));

    is_success($nginx->gm('read', gm_account => 5001, uid => 720001,
        id => $last->{id}), 'a GM has read');
    $redis->cmd('PUBLISH', 'gmchat:{default}:to:g5001',
        "x send 720001 $last->{id}");

    my ($stream, $socket) = @open[-2, -1];
    my @frames = map { $socket->next_event } @names;

    is(join(' ', map { $_->{event} } @frames), "@names",
        'a stream says what happens beside messages');
    is(told_by(@frames), told_by($stream->next_events(scalar @names)),
        'so does the other');
    push @{ $said{gm}{ $_->{event} } }, $_ for @frames;
}

# What the streams of an operator hear last, whose role is taken away.

sub hear_last {
    my ($bo, $olga) = map { 'Authorization: Basic ' . b64("$_:open") }
        qw(bo olga);
    my @open_by = (address => $nginx->address,
        uri => '/desk?action=stream&gm_account=5001', headers => [$bo]);

    for my $call ([ 'operator', role => 'gm', gm_accounts => 5001 ],
        ['dismiss'])
    {
        my ($action, @params) = @$call;

        is_bare($nginx->post_form('/desk', [ action => $action,
            operator => 'bo', @params ], headers => [ $olga, 'X-GMChat: 1' ]),
            "$action, by an admin");
        push @open, Test::Gmchat::Sse->new(@open_by),
            Test::Gmchat::WebSocket->open(@open_by) if $action eq 'operator';
        ok($_->next_event('ready'), 'one of its streams is ready')
            for $action eq 'operator' ? @open[-2, -1] : ();
    }

    my ($stream, $socket) = @open[-2, -1];
    my $frame = $socket->next_event('forbidden');
    is(told_by($frame), told_by($stream->next_event('forbidden')),
        'both are told that it has no right any more');
    $said{gm}{forbidden} = [$frame];
}

# Streams differ in their names, and in nothing else.

sub told_by {
    my $json = JSON::PP->new->canonical;

    return join "\n", map {
        $json->encode($_) =~ s/"[0-9a-f]{32}"/"stream"/r
    } @_;
}

for my $endpoint (qw(gm gs)) {
    same([ keys %{ $said{$endpoint} } ], [ events_of($endpoint) ],
        "each event of $endpoint was said");

    for my $name (events_of($endpoint)) {
        my $payload = followed($async->{channels}{$endpoint}{messages}{$name})
            ->{payload};
        my @events = @{ $said{$endpoint}{$name} // [] };

        fits($payload, "asyncapi.yaml, $endpoint: a frame of $name", @events);
        fits(followed($payload->{properties}{data}),
            "asyncapi.yaml, $endpoint: the data of $name",
            map { $_->{data} } @events);
    }
}

# The objects together have each property, and each of them what is required.

sub fits {
    my ($schema, $label, @objects) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    same([ keys %{ $schema->{properties} } ],
        [ unique(map { keys %$_ } @objects) ], "$label, its members");

    my @either = map { $_->{required}[0] } @{ $schema->{oneOf} // [] };
    my @lacking = grep {
        my $object = $_;
        grep { !exists $object->{$_} } @{ $schema->{required} };
    } @objects;
    my @odd = grep {
        my $object = $_;
        @either && 1 != grep { exists $object->{$_} } @either;
    } @objects;
    is(@lacking + @odd, 0, "$label, those that must be there");
}

# Calls in frames, by the page's example.

my ($shown) = $actions =~ /^### Calls in frames\n(.*?)^### /ms;
my @talk = $shown =~ /^ {4}([<>] \{.*)$/mg;
my $caller = Test::Gmchat::WebSocket->open(address => $nginx->address,
    uri => '/gm?action=stream&gm_account=5001');

push @open, $caller;
is(scalar @talk, 4, 'actions.md shows two calls in frames');

while (my ($asked, $answered) = splice(@talk, 0, 2)) {
    my $json = JSON::PP->new->utf8->canonical;
    my ($call, $reply) = map { $json->decode(s/^[<>] //r) }
        $asked, $answered;

    $caller->write(frame(TEXT, $json->encode($call)));
    my $got = $caller->take_until(sub {
        shift @{ $caller->{replies}{ $call->{call} } // [] };
    });
    is(timeless($json->encode($got)) =~ s/epoch-\d+/id/r,
        timeless($json->encode($reply)) =~ s/epoch-\d+/id/r,
        "actions.md: a frame with $call->{action}");
}

# In a frame the stream is the own one.

for my $action (qw(watch unwatch)) {
    $caller->write(frame(TEXT, qq({"call":1,"action":"$action",)
        . '"gm_account":5000}'));
    my $got = $caller->take_until(sub {
        shift @{ $caller->{replies}{1} // [] };
    });
    is($got->{res}, 1, "$action in a frame needs no stream");
}

# The streams' lines are written when nginx has seen that they ended.

$_->close for @open;
wait_until(sub {
    @open == (() = slurp_file("$nginx->{dir}/access.log")
        =~ /action=stream\S* HTTP\S+ (?:200|101) /g);
});

# What else asks for rights: a script that Redis forgot, and receipts.

$redis->cmd('SCRIPT', 'FLUSH');
is_success($nginx->gm('accounts'), 'the user may run a script by its text');
wait_until(sub { $redis->cmd('XLEN', 'gmchat:{default}:rel:h1001') == 0 }, 2);
is(join("\n", $nginx->{log}->lines(qr/ answered "/)), '',
    'operations.md: the rights are enough');

finish();
