# shellcheck shell=bash
#
# What ./gmchat run has for the browser: an operator with a password of the
# state folder's own, the console as conf/gmchat-console.conf serves it, and
# the player simulator. In the state folder:
#
#     operator          name and password, for the one who started it alone
#     nginx/operators   the same as nginx reads it; further lines are kept
#     nginx/console.conf, nginx/simulator.conf   written at each start

OPERATOR_FORM='^[A-Za-z0-9_.@-]{1,64} [!-~]{1,128}$'
CONSOLE_SAMPLE=$ROOT/conf/gmchat-console.conf

prepare_console() {
    wants_console || return 0
    make_operator
    write_operators
    console_conf >"$STATE/nginx/console.conf"
    simulator_conf >"$STATE/nginx/simulator.conf"
}

# Sets OPERATOR and OPERATOR_PASSWORD: those of the run before, or new ones.
make_operator() {
    local file=$STATE/operator line

    if [ ! -e "$file" ]; then
        line="admin $(openssl rand 10 | base32 | tr '[:upper:]' '[:lower:]')" ||
            die "openssl could not make a password"
        write_private "$file" <<<"$line"
    fi
    line=$(head -n 1 "$file" 2>/dev/null) || die "cannot read $file"
    [[ $line =~ $OPERATOR_FORM ]] ||
        die "$file does not hold a name and a password: remove it, and the" \
            "next start makes another"
    read -r OPERATOR OPERATOR_PASSWORD <<<"$line"
}

# The operator's line is made anew where the password is another one.
write_operators() {
    local file=$STATE/nginx/operators line

    [ -e "$file" ] || write_private "$file" </dev/null
    line=$(lines_of_operators ==)
    [ "$line" != "$(operator_line "$(cut -d '$' -f 3 <<<"$line")")" ] ||
        return 0
    {
        operator_line ''
        lines_of_operators !=
    } | write_private "$file"
}

# lines_of_operators ==|!=: that of this operator; those of the others.
lines_of_operators() {
    awk -F : -v name="$OPERATOR" "\$1 $1 name" "$STATE/nginx/operators"
}

# operator_line <salt, or nothing for a new one>
operator_line() {
    local salt=(-salt "$1")

    [ -n "$1" ] || salt=()
    printf '%s:%s\n' "$OPERATOR" "$(openssl passwd -apr1 "${salt[@]}" -stdin \
        <<<"$OPERATOR_PASSWORD")"
}

# write_private <file>: its input, which nobody else may read; whole or not
# at all.
write_private() {
    (umask 077 && cat >"$1.new" && mv -f -- "$1.new" "$1") ||
        die "cannot write $1"
}

# The sample with the paths of this checkout and state folder.
console_conf() {
    echo "# Written by ./gmchat run at each start."
    # shellcheck disable=SC2016
    sample_part '1,$p' |
        sed -e "s|/usr/share/gmchat/console/|$CONSOLE_DIST/desk/|" \
            -e 's|/etc/nginx/gmchat\.operators|operators|' \
            -e "s|\( gmchat_admin\) .*|\1 $OPERATOR;|"
}

# The page is served as the console is; it plays the game servers.
simulator_conf() {
    cat <<EOF
# Written by ./gmchat run at each start.

location = /simulator {
    return 301 /simulator/;
}

location ^~ /simulator/ {
    alias $CONSOLE_DIST/simulator/;

$(sample_part '/^    index /,/^$/p')

$(sample_part '/ \/console\/assets\/ {/,/^    }/p' | sed 's|/console/|/simulator/|')

    location = /simulator/gs {
        gmchat gs;
        allow 127.0.0.1;
        allow ::1;
        deny  all;

        add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'" always;
    }
}
EOF
}

# sample_part <lines, in sed's words>: of the sample, without comments and
# without what this nginx does not have.
sample_part() {
    local without='^ *#'

    [[ $("$NGINX" -V 2>&1) == *http_gzip_static_module* ]] ||
        without='^ *#|^ *gzip_'
    sed -n "$1" "$CONSOLE_SAMPLE" | grep -E -v "$without" | cat -s
}

# show_console <base url>
show_console() {
    wants_console || return 0
    cat <<EOF
    $1/console/     the GM's desk: name $OPERATOR, password $OPERATOR_PASSWORD
    $1/simulator/   game servers with players, to try it with

Open both side by side: write as a player in the simulator, and answer in the
console.

EOF
}
