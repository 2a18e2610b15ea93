# shellcheck shell=bash
#
# A private Redis and nginx with the module, from a state folder:
#
#     redis/        redis.conf, redis.log and the append-only file
#     nginx/        nginx.conf (written at each start), logs, conf.d/*.conf
#     lock, demo    who holds the folder; the numbers of the conversation
#
# and what run_console.sh says.
#
# Both are children in sessions of their own, so that Ctrl-C reaches the
# launcher alone and it stops them in order; where it is killed itself, the
# kernel tells them to stop (setpriv --pdeathsig).

READY_SECONDS=30

cmd_run() {
    local port=${GMCHAT_PORT:-8080}

    check_port_number "$port"
    need build run
    ! wants_console || need console
    build_module release
    build_console

    open_state_folder "${GMCHAT_DIR:-$ROOT/run}"
    check_port_free "$port"
    at_exit stop_servers
    prepare_console
    start_redis
    start_nginx "$port"

    if [ "${GMCHAT_DEMO:-1}" != 0 ]; then
        watch "$ROOT/tools/gmchat-demo" "http://127.0.0.1:$port" "$STATE/demo" ||
            die "the conversation went wrong: the last lines above and" \
                "$STATE/nginx/error.log say why"
    fi
    # from here on that is the usual end
    trap 'exit 0' INT TERM
    show_urls "$port"
    stay
}

check_port_number() {
    [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] && [ "$1" -le 65535 ] && return
    die "GMCHAT_PORT=$1 is not a port number (1 to 65535)"
}

check_port_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null ||
        die "port $1 is in use: choose another one with GMCHAT_PORT"
}

# Sets STATE (absolute) and holds its lock until the launcher ends.
open_state_folder() {
    [[ $1 != *[[:cntrl:]]* ]] ||
        die "GMCHAT_DIR must not hold control characters"
    mkdir -p -- "$1" 2>/dev/null || die "cannot make the state folder $1"
    STATE=$(cd -- "$1" && pwd -P)
    { mkdir -p "$STATE/redis" "$STATE/nginx/conf.d" "$STATE/nginx/temp" &&
        : >>"$STATE/lock"; } 2>/dev/null || {
        die "no right to write to the state folder $STATE"; }

    exec {STATE_LOCK}<>"$STATE/lock"
    flock -n "$STATE_LOCK" ||
        die "the state folder $STATE is in use by another ./gmchat run" \
            "(process $(head -n 1 "$STATE/lock")): choose another one with" \
            "GMCHAT_DIR"
    echo $$ >"$STATE/lock"
}

# spawn <variable> <command...>: starts a server.
spawn() {
    local name=$1

    shift
    background "$name" become_server "$@"
}

# In the child: the lock on the state folder is the launcher's alone.
become_server() {
    exec {STATE_LOCK}>&-
    exec setsid setpriv --pdeathsig TERM "$@"
}

# A socket's path is limited to 107 bytes, and Redis and nginx quote unusual
# characters in different ways: then the socket goes to /tmp.
choose_socket() {
    SOCKET=$STATE/redis/redis.sock
    SOCKET_DIR=
    if [ ${#SOCKET} -gt 107 ] || [[ ! $SOCKET =~ ^[A-Za-z0-9/._-]+$ ]]; then
        SOCKET_DIR=$(mktemp -d /tmp/gmchat.XXXXXX) ||
            die "cannot make a folder for Redis' socket in /tmp"
        SOCKET=$SOCKET_DIR/redis.sock
    fi
    rm -f -- "$SOCKET"
}

start_redis() {
    local dir=$STATE/redis

    choose_socket
    redis_conf >"$dir/redis.conf"
    : >"$dir/redis.log"

    step "redis: starting, data in $dir"
    spawn REDIS_PID env -C "$dir" redis-server ./redis.conf >>"$dir/redis.log" 2>&1

    until_true "$READY_SECONDS" redis_settled ||
        die "redis does not answer after $READY_SECONDS seconds:" \
            "$dir/redis.log says why"
    redis_answers ||
        die "redis did not start: $(last_line "$dir/redis.log")"
}

# Relative paths: the server runs in its folder, whatever its name.
redis_conf() {
    cat <<EOF
# Written by ./gmchat run at each start.
port 0
unixsocket $SOCKET
unixsocketperm 700
dir ./
daemonize no
save ""
appendonly yes
appendfsync always
maxmemory-policy noeviction
EOF
}

redis_answers() {
    [ "$(redis-cli -s "$SOCKET" ping 2>/dev/null)" = PONG ]
}

redis_settled() {
    redis_answers || ! alive "$REDIS_PID"
}

start_nginx() {
    local port=$1 dir=$STATE/nginx message

    nginx_conf "$port" >"$dir/nginx.conf"
    : >"$dir/error.log"

    message=$("$NGINX" -t -q -p "$dir/" -c "$dir/nginx.conf" -e stderr 2>&1) ||
        die "nginx does not accept its configuration:" \
            "$(first_emergency <<<"$message")"

    step "nginx: starting on 127.0.0.1:$port, logs in $dir"
    spawn NGINX_PID "$NGINX" -p "$dir/" -c "$dir/nginx.conf" -e error.log \
        2>>"$dir/error.log"

    until_true "$READY_SECONDS" nginx_settled "$port" ||
        die "nginx is not ready after $READY_SECONDS seconds:" \
            "$(status_of "$port")"
    alive "$NGINX_PID" || nginx_did_not_start "$port"
}

nginx_did_not_start() {
    local why

    why=$(first_emergency <"$STATE/nginx/error.log")
    [[ $why != *'Address already in use'* ]] ||
        die "port $1 is in use: choose another one with GMCHAT_PORT"
    die "nginx did not start: ${why:-see $STATE/nginx/error.log}"
}

nginx_conf() {
    cat <<EOF
# Written by ./gmchat run at each start: your own directives go to files
# conf.d/*.conf beside this one; they are included in http { }.

load_module "$MODULE_FILE";
daemon off;
pid nginx.pid;
error_log error.log notice;
worker_processes 2;
EOF
    # All that is here belongs to the one who started it. As root, a worker
    # of another user could not enter a state folder below /root.
    [ "$(id -u)" -ne 0 ] || echo 'user root root;'
    cat <<EOF

events {
    worker_connections 4096;
}

http {
    # \$uri and not \$request: the query string holds people's messages
    log_format gmchat '\$remote_addr [\$time_iso8601] "\$request_method \$uri" '
                      '\$status \$body_bytes_sent \$request_time '
                      '\$gmchat_action \$gmchat_errno \$gmchat_group '
                      '"\$gmchat_operator" \$gmchat_store_time';
    access_log access.log gmchat;

    client_max_body_size    16k;
    client_body_buffer_size 16k;
    client_body_temp_path temp/body;
    proxy_temp_path       temp/proxy;
    fastcgi_temp_path     temp/fastcgi;
    uwsgi_temp_path       temp/uwsgi;
    scgi_temp_path        temp/scgi;

    gmchat_redis unix:$SOCKET;

    include conf.d/*.conf;

    # A page of another site may lead here by a link and do nothing else.
    map "\$http_sec_fetch_site \$http_sec_fetch_mode \$uri" \$gmchat_foreign {
        default 0;
        "~^(?:cross|same)-site navigate /(?:console/|simulator/)?\$" 0;
        "~^(?:cross|same)-site " 1;
    }

    # The handshake of a WebSocket, which is a GET, does not say so, nor do old
    # browsers: but what can do more than a link can has an Origin.
    map "\$http_origin http://\$http_host" \$gmchat_foreign_origin {
        default 1;
        "~^ " 0;
        "~^(\S+) \1\$" 0;
    }

    # Another name that leads to this address is another site's trick.
    server {
        listen 127.0.0.1:$1 default_server;
        server_name _;
        return 421 "this is called 127.0.0.1 or localhost\n";
    }

    server {
        listen 127.0.0.1:$1;
        server_name 127.0.0.1 localhost [::1] "";
        absolute_redirect off;

        if (\$gmchat_foreign) {
            return 403 "a page of another site may not call this\n";
        }
        if (\$gmchat_foreign_origin) {
            return 403 "a page of another site may not call this\n";
        }

        location = /gm {
            gmchat gm;
        }

        location = /gs {
            gmchat gs;
        }

        location /status {
            gmchat status;
        }
EOF
    ! wants_console || cat <<EOF

        location = / {
            return 302 /console/;
        }

        # asked for with each page that names no icon, as a 401 is
        location = /favicon.ico {
            return 204;
        }

        include console.conf;
        include simulator.conf;
EOF
    cat <<EOF
    }
}
EOF
}

first_emergency() {
    grep -m 1 -o '\[emerg\].*' | sed -E 's/^\[emerg\] ([0-9#]+: )?//'
}

last_line() {
    tail -n 1 "$1" | sed -E 's/^[0-9]+:[A-Z] [^*#]*[*#] //'
}

# The status code of /status/ready and, in a second line, its text.
status_of() {
    curl -s --noproxy '*' --max-time 2 -w '\n%{http_code}' \
         "http://127.0.0.1:$1/status/ready" 2>/dev/null || true
}

nginx_settled() {
    [[ $(status_of "$1") == *$'\n200' ]] || ! alive "$NGINX_PID"
}

# Until a signal, or a server that ends by itself. Not by "wait -n": bash does
# not tell it of a child that ended just before. The read, of a pipe in which
# nothing ever comes, waits without a process and a signal ends it at once.
stay() {
    local never

    exec {never}<> <(:)
    while alive "$REDIS_PID" && alive "$NGINX_PID"; do
        read -r -t 0.5 -u "$never" || true
    done 2>/dev/null

    # bash's own word about a child that was killed is not for the user
    alive "$REDIS_PID" || wait "$REDIS_PID" 2>/dev/null || true
    alive "$NGINX_PID" || wait "$NGINX_PID" 2>/dev/null || true

    alive "$REDIS_PID" ||
        die "redis ended by itself, so nginx is stopped as well:" \
            "$STATE/redis/redis.log may say why"
    die "nginx ended by itself, so redis is stopped as well:" \
        "$STATE/nginx/error.log may say why"
}

REDIS_PID=
NGINX_PID=
SOCKET_DIR=

# nginx first: what it still writes finds its Redis.
stop_servers() {
    stop_server nginx "$NGINX_PID"
    stop_server redis "$REDIS_PID"
    [ -z "$SOCKET_DIR" ] || rm -rf -- "$SOCKET_DIR"
}

# The server's session holds nothing but its own processes; what is left of
# it after the grace (or after a master that was killed) is killed.
stop_server() {
    [ -n "$2" ] || return 0
    if alive "$2"; then
        step "$1: stopping"
        kill -TERM "$2" 2>/dev/null
        until_true 10 gone "$2"
    fi
    kill -KILL -- "-$2" 2>/dev/null
    wait "$2" 2>/dev/null
}

show_urls() {
    local base=http://127.0.0.1:$1 last gm uid host

    cat <<EOF

Running; Ctrl-C stops it. The state stays in $STATE.

EOF
    show_console "$base"
    cat <<EOF
For programs:

    $base/gm       what an ops chat service calls
    $base/gs       what game servers call
    $base/status   counters; also /status/metrics, /status/live, /status/ready

Try, in another terminal:

EOF
    # the friendship that the conversation left, or numbers for a new one
    if last=$(cat "$STATE/demo" 2>/dev/null) && [ -n "$last" ]; then
        read -r gm uid host <<<"$last"
    else
        gm=5001 uid=720001 host=1002
        cat <<EOF
    curl '$base/gm?action=create&gm_account=$gm&gm_name=Iris'
    curl '$base/gm?action=add&gm_account=$gm&host=$host&uid=$uid'
EOF
    fi
    cat <<EOF
    curl '$base/gm' -d action=send -d gm_account=$gm -d uid=$uid --data-urlencode 'text=Hello!'
    curl '$base/gs?action=receive&host=$host&format=json'
    curl '$base/gm?action=history&uid=$uid&format=json'
    curl '$base/gm?action=accounts&format=json'
    curl '$base/status'

EOF
}
