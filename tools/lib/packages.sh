# shellcheck shell=bash
#
# Debian packages: which ones a command needs, and installing what is missing
# without touching a service that runs and without leaving a new one running.

PACKAGES_BUILD=(gcc make libc6-dev libhiredis-dev libjansson-dev libb64-dev
                libwslay-dev libssl-dev)
PACKAGES_NGINX=(nginx nginx-dev)
PACKAGES_NGINX_SRC=(libpcre2-dev zlib1g-dev)
PACKAGES_CONSOLE=(nodejs npm)
PACKAGES_RUN=(redis-server curl openssl perl)
PACKAGES_TEST=(check chromium clang fonts-wqy-microhei pkgconf prometheus
               libcurl4-openssl-dev lua5.4 lua-cjson lua-socket nodejs node-ws
               python3 valgrind pngquant)
PACKAGES_BENCH=(chromium wrk redis-tools gcc libc6-dev linux-perf libnginx-mod-http-lua
                lua-nginx-redis libnginx-mod-nchan uwsgi-core
                uwsgi-plugin-python3 python3-redis python3-hiredis)
PACKAGES_FUZZ=(clang libclang-rt-dev llvm pkgconf)

# The services that these packages bring along.
SERVICES=(nginx redis-server prometheus)

POLICY=/usr/sbin/policy-rc.d

# need <group...>: build, console, run, test, fuzz, bench. Installs what is missing of
# the groups.
need() {
    local group wanted=() missing=()

    for group; do
        case $group in
        build)
            wanted+=("${PACKAGES_BUILD[@]}")
            if [ -n "${GMCHAT_NGINX_SRC-}" ]; then
                wanted+=("${PACKAGES_NGINX_SRC[@]}")
            else
                wanted+=("${PACKAGES_NGINX[@]}")
            fi
            ;;
        console) ! lacks_npm || wanted+=("${PACKAGES_CONSOLE[@]}") ;;
        run) wanted+=("${PACKAGES_RUN[@]}") ;;
        test) wanted+=("${PACKAGES_TEST[@]}") ;;
        fuzz) wanted+=("${PACKAGES_FUZZ[@]}") ;;
        bench) wanted+=("${PACKAGES_BENCH[@]}") ;;
        esac
    done

    command -v dpkg-query >/dev/null ||
        die "this needs packages of Debian (${wanted[*]}), and here is no dpkg"
    mapfile -t missing < <(missing_packages "${wanted[@]}")
    [ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}"
}

# A nodejs that is not Debian's brings its own npm, which Debian's is at odds
# with: what is there is used.
lacks_npm() {
    wants_console && ! { command -v node && command -v npm; } >/dev/null
}

missing_packages() {
    local have name

    have=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" \
           2>/dev/null) || true

    for name; do
        grep -qx "$name installed" <<<"$have" || echo "$name"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -q "$@"
}

install_packages() {
    local log plan

    command -v apt-get >/dev/null ||
        die "these packages are missing and apt-get is not here: $*"
    [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null ||
        die "packages are missing and there is neither root nor sudo to" \
            "install them; as root: apt-get install --no-install-recommends $*"
    [ "$(id -u)" -eq 0 ] || sudo -v ||
        die "packages are missing and sudo does not let this user install" \
            "them; as root: apt-get install --no-install-recommends $*"

    refuse_foreign_nginx "$@"

    mkdir -p "$BUILD" || die "cannot write to $BUILD"
    log=$BUILD/packages.log

    step "packages: looking up $*"
    apt update >"$log" 2>&1 || { tail -n 5 "$log" >&2
        die "apt-get update failed: the lines above say why"; }

    plan=$(apt install -s --no-install-recommends "$@" 2>>"$log") || {
        tail -n 15 "$log" >&2
        die "apt-get finds no way to install: $*"; }
    refuse_service_upgrade "$plan"

    step "packages: installing (the output goes to ${log#"$ROOT"/})"
    hold_services
    apt install -y --no-install-recommends "$@" >>"$log" 2>&1 || {
        tail -n 15 "$log" >&2
        die "apt-get could not install: $*"; }
    settle_services
}

# An nginx that did not come from Debian's package stays as it is.
refuse_foreign_nginx() {
    case " $* " in
    *' nginx '*) ;;
    *) return 0 ;;
    esac

    [ ! -e /usr/sbin/nginx ] || dpkg-query -S /usr/sbin/nginx >/dev/null 2>&1 ||
        die "the nginx in /usr/sbin is not from a package: name its source" \
            "tree with GMCHAT_NGINX_SRC"
}

# Installed services are not upgraded on the way (nginx-dev wants the nginx of
# exactly its version): that would restart them. A line "Inst name [old]" of
# the plan is an upgrade.
refuse_service_upgrade() {
    local name

    name=$(sed -nE 's/^(Inst|Remv) ((nginx|redis|prometheus)[^ ]*) \[.*/\2/p' \
           <<<"$1" | head -n 1)
    [ -z "$name" ] ||
        die "this would replace the installed package $name: upgrade it" \
            "yourself first (apt-get install $name), or name an nginx source" \
            "tree with GMCHAT_NGINX_SRC"
}

# Between hold and settle no package starts or restarts a service. Where the
# system has a policy of its own, that one stays in force, and settle stops
# what it let start.
NEW_SERVICES=()
HELD=no

hold_services() {
    local service

    NEW_SERVICES=()
    for service in "${SERVICES[@]}"; do
        service_exists "$service" || NEW_SERVICES+=("$service")
    done

    at_exit release_services
    [ -e "$POLICY" ] || { write_policy; HELD=yes; }
}

write_policy() {
    # shellcheck disable=SC2016
    as_root sh -c 'printf "%s\n" "#!/bin/sh" "# put here by gmchat" \
                   "exit 101" > "$1" && chmod 755 "$1"' sh "$POLICY"
}

release_services() {
    ! grep -qs '^# put here by gmchat$' "$POLICY" || as_root rm -f "$POLICY"
}

settle_services() {
    local service

    release_services
    for service in "${NEW_SERVICES[@]}"; do
        service_exists "$service" || continue
        stop_service "$service"
    done
}

service_exists() {
    [ -e "/etc/init.d/$1" ] || [ -e "/lib/systemd/system/$1.service" ] ||
        [ -e "/etc/systemd/system/$1.service" ]
}

# Stopped, and not started at the next boot either.
stop_service() {
    if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
        as_root systemctl disable --quiet --now "$1" >/dev/null 2>&1 || true
        return
    fi
    if [ "$HELD" = no ] && [ -x "/etc/init.d/$1" ]; then
        as_root "/etc/init.d/$1" stop >/dev/null 2>&1 || true
    fi
    if command -v systemctl >/dev/null; then
        as_root systemctl disable --quiet "$1" >/dev/null 2>&1 || true
    elif [ -x /usr/sbin/update-rc.d ]; then
        as_root /usr/sbin/update-rc.d "$1" disable >/dev/null 2>&1 || true
    fi
}
