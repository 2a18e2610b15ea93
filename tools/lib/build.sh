# shellcheck shell=bash
#
# The module, in flavours:
#
#     release   what goes to production
#     test      with sanitizers and coverage counters, under GMCHAT_TEST_PRELOAD
#     cover     with coverage counters alone: sanitizers would add branches
#     clang     a second compiler's opinion; never run
#
# Debian's nginx-dev has nginx's configure script and headers and the flags
# that the packaged nginx was configured with, so that a module built with
# both is binary compatible. GMCHAT_NGINX_SRC names a full source tree
# instead; then its nginx is built as well.
#
# What is of the flavour's own kind (sanitizers, coverage) comes in with the
# compiler's name at make time, not at configure time: configure's probes
# would fail under them and yield another nginx than the one that loads the
# module.

BUILD=$ROOT/build
MODULE_SO=ngx_http_gmchat_module.so
NGX_SHARE=/usr/share/nginx/src

WARNINGS="-Wall -Wextra -Werror"
HARDENING="-fstack-protector-strong -D_FORTIFY_SOURCE=2"

declare -A FLAVOUR_CC=(
    [release]="gcc $WARNINGS"
    [test]="gcc $WARNINGS -fsanitize=address,undefined -fno-omit-frame-pointer
            --coverage"
    [cover]="gcc $WARNINGS --coverage"
    [clang]="clang $WARNINGS"
)
declare -A FLAVOUR_CC_OPT=(
    [release]="-g -O2 $HARDENING -fPIC"
    [test]="-g -O1 -fPIC"
    [cover]="-g -O0 -fPIC"
    [clang]="-g -O2 -fPIC"
)
LD_OPT="-Wl,-z,relro -Wl,-z,now -fPIC"

cmd_build() {
    need build console
    build_module release
    build_console
    echo
    echo "The module is ${MODULE_FILE#"$ROOT"/}, for $NGINX_VERSION."
    ! wants_console ||
        echo "The console's page is ${CONSOLE_DIST#"$ROOT"/}/desk."
    echo "README.md says how to put them into an nginx.conf."
}

# build_module <flavour>: sets NGINX (the binary that fits), NGINX_VERSION and
# MODULE_FILE. Does nothing else where all is up to date. Fails where the
# build does, after having said why.
build_module() {
    local flavour=$1 status=0

    [[ $ROOT =~ ^[[:alnum:]/._@+,~-]+$ ]] ||
        die "nginx's build cannot work in a path with spaces or such: move" \
            "$ROOT"
    [ -f "$ROOT/config" ] ||
        die "the module's source is missing: there is no $ROOT/config"
    mkdir -p "$BUILD" 2>/dev/null || die "cannot make the folder $BUILD"
    [ -w "$BUILD" ] || die "no right to write to $BUILD"

    lock_build
    find_nginx
    watch build_flavour "$flavour" || status=1
    unlock_build

    MODULE_FILE=$BUILD/$flavour/$MODULE_SO
    return "$status"
}

# One build at a time in this checkout.
lock_build() {
    exec {BUILD_LOCK}>"$BUILD/.lock"
    flock -n "$BUILD_LOCK" ||
        { step "waiting for another build"; flock "$BUILD_LOCK"; }
}

unlock_build() {
    exec {BUILD_LOCK}>&-
}

# Sets NGINX, NGINX_VERSION, NGX_SRC (where configure is), NGX_FLAGS.
find_nginx() {
    if [ -n "${GMCHAT_NGINX_SRC-}" ]; then
        watch build_nginx || exit 1
        NGINX=$BUILD/nginx/objs/nginx
        NGX_SRC=$BUILD/nginx
        source_tree_flags
    else
        NGINX=/usr/sbin/nginx
        NGX_SRC=$NGX_SHARE
        packaged_flags
    fi
    NGINX_VERSION=$("$NGINX" -v 2>&1) ||
        die "cannot run $NGINX: $NGINX_VERSION"
    NGINX_VERSION=${NGINX_VERSION#*: }
    NGINX_VERSION=${NGINX_VERSION#version: }
}

packaged_flags() {
    # shellcheck source=/dev/null
    . "$NGX_SHARE/conf_flags"
    NGX_FLAGS=("${NGX_CONF_FLAGS[@]}")
}

source_tree_flags() {
    NGX_FLAGS=(--prefix="$BUILD/nginx-prefix" --with-compat --with-debug
               --with-threads --with-http_ssl_module --with-http_v2_module
               --with-http_realip_module --with-http_auth_request_module
               --with-http_stub_status_module --with-http_gzip_static_module)
}

# A copy of the named tree is built, not the tree itself.
build_nginx() {
    local id log=$BUILD/nginx.log

    [ -d "$GMCHAT_NGINX_SRC/src/core" ] ||
        die "GMCHAT_NGINX_SRC=$GMCHAT_NGINX_SRC is not an nginx source tree"

    id=$(cd "$GMCHAT_NGINX_SRC" && { pwd; cat src/core/nginx.h; } | sha256sum)
    ! is_stamped "$BUILD/nginx" "$id" || return 0

    step "nginx: building the copy of $GMCHAT_NGINX_SRC"
    rm -rf "$BUILD/nginx"
    cp -R "$GMCHAT_NGINX_SRC" "$BUILD/nginx"
    source_tree_flags
    {
        cd "$BUILD/nginx" && rm -rf objs && configure_nginx &&
            make -j"$(nproc)" -f objs/Makefile binary
    } >"$log" 2>&1 || build_failed "nginx" "$log"
    stamp "$BUILD/nginx" "$id"
}

build_flavour() {
    local flavour=$1 dir=$BUILD/$1 configured id log=$BUILD/$1/build.log

    configured=$(configure_id "$flavour")
    id=$(source_id "$configured")
    ! is_stamped "$dir" "$id" || return 0

    if is_stamped "$dir/configured" "$configured"; then
        rm -rf "$dir/stamp" "$dir"/*.so "$dir"/*.gc??
        find "$dir/addon" -type f -delete
    else
        step "module ($flavour): configuring for $NGINX_VERSION"
        rm -rf "$dir"
        mkdir -p "$dir/configured"
        configure_module "$flavour" >"$log" 2>&1 ||
            build_failed "module ($flavour)" "$log"
        stamp "$dir/configured" "$configured"
    fi

    step "module ($flavour): compiling"
    make_module "$flavour" >>"$log" 2>&1 ||
        build_failed "module ($flavour)" "$log"
    stamp "$dir" "$id"
}

configure_module() {
    cd "$NGX_SRC" && configure_nginx --with-cc="${FLAVOUR_CC[$1]%% *}" \
        --with-cc-opt="${FLAVOUR_CC_OPT[$1]}" --with-ld-opt="$LD_OPT" \
        --builddir="$BUILD/$1" --add-dynamic-module="$ROOT"
}

# A release has the script at its top, a checkout of nginx's repository not.
configure_nginx() {
    local script=./configure

    [ -x "$script" ] || script=./auto/configure
    "$script" "${NGX_FLAGS[@]}" "$@"
}

make_module() {
    local cc

    read -r -d '' cc <<<"${FLAVOUR_CC[$1]}" || true
    make -s -j"$(nproc)" -C "$NGX_SRC" -f "$BUILD/$1/Makefile" \
         CC="${cc//$'\n'/ }" modules
}

build_failed() {
    tail -n 40 "$2" >&2
    die "the build of $1 failed: the lines above say why, all of them are" \
        "in $2"
}

# What a configured directory depends on, and what a built one does.
configure_id() {
    {
        echo "$ROOT"
        "$NGINX" -V 2>&1
        echo "${NGX_FLAGS[*]} ${FLAVOUR_CC[$1]} ${FLAVOUR_CC_OPT[$1]} $LD_OPT"
        "${FLAVOUR_CC[$1]%% *}" --version
        cat "$ROOT"/config "$ROOT"/config.make 2>/dev/null || true
        find "$ROOT/src" -type f -printf '%P\n' | sort
    } | sha256sum
}

source_id() {
    {
        echo "$1"
        find "$ROOT/src" "$ROOT"/*.[ch] -type f -print0 | sort -z |
            xargs -0 sha256sum
    } | sha256sum
}

is_stamped() {
    [ -f "$1/stamp" ] && [ "$(cat "$1/stamp")" = "$2" ]
}

stamp() {
    echo "$2" >"$1/stamp"
}
