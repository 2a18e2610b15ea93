# shellcheck shell=bash
#
# The console: the pages of console/, built by nodejs and npm into
# console/dist/, which nginx serves. npm is called as the user's settings say
# (registry, proxy, cache). With GMCHAT_CONSOLE=0 there is none.

CONSOLE=$ROOT/console
CONSOLE_DIST=$CONSOLE/dist
CONSOLE_LOG=$BUILD/console.log
CONSOLE_PAGES=(desk simulator)
NODE_LEAST=18
WITHOUT_CONSOLE="with GMCHAT_CONSOLE=0, build and run go without the console"

wants_console() {
    [ "${GMCHAT_CONSOLE:-1}" != 0 ]
}

# build_console: does nothing where all is up to date. Ends the launcher with
# a sentence where it cannot be built.
build_console() {
    local status=0

    wants_console || return 0
    check_node
    lock_build
    watch build_pages || status=1
    unlock_build
    [ "$status" -eq 0 ] || exit 1
}

# console_for_tests: the same, and the packages that its tests want.
console_for_tests() {
    local status=0

    check_node
    lock_build
    watch fetch_packages dev || status=1
    unlock_build
    [ "$status" -eq 0 ] || exit 1
    build_console
}

# check_console: its types and its unit tests. Fails where they do, after
# having shown what they said.
check_console() {
    local log=$BUILD/console-tests.log

    step "console: checking types, running its tests (into ${log#"$ROOT"/})"
    watch run_console_tests >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    sed -nE 's/^(#|ℹ) (tests|pass) /    \2 /p' "$log"
}

run_console_tests() {
    cd "$CONSOLE" && npm run --silent check && npm test --silent
}

check_node() {
    local version

    version=$(node --version 2>&1) ||
        die "node cannot be run: $version"
    [[ $version =~ ^v([0-9]+)\. ]] || BASH_REMATCH=('' 0)
    [ "${BASH_REMATCH[1]}" -ge "$NODE_LEAST" ] ||
        die "the console needs nodejs $NODE_LEAST or newer to be built, and" \
            "$(command -v node) is $version ($WITHOUT_CONSOLE)"
}

build_pages() {
    local id page

    id=$(console_id)
    ! is_stamped "$CONSOLE_DIST" "$id" || return 0

    fetch_packages prod
    step "console: building"
    (cd "$CONSOLE" && npm run build) >>"$CONSOLE_LOG" 2>&1 ||
        console_failed "the build of the console failed"
    for page in "${CONSOLE_PAGES[@]}"; do
        [ -f "$CONSOLE_DIST/$page/index.html" ] ||
            die "the build of the console made no $CONSOLE_DIST/$page"
    done
    stamp "$CONSOLE_DIST" "$id"
}

# What a page depends on: its sources, its packages, what builds it.
console_id() {
    {
        node --version
        cd "$CONSOLE" &&
            find . \( -name node_modules -o -name dist -o -name test \
                      -o -name browser \) -prune \
                 -o -type f ! -name '*.md' -print0 |
            sort -z | xargs -0 sha256sum
    } | sha256sum
}

# fetch_packages prod|dev: what the build takes, or the checks and tests as
# well. Where that is there it stays, also where it is more than that. No
# script of a package is run: none needs to.
fetch_packages() {
    local with=--omit=dev look=()

    [ "$1" = prod ] || { with=--include=dev look=(--dev); }
    : >"$CONSOLE_LOG"
    ! node "$CONSOLE/installed.mjs" "${look[@]}" || return 0

    step "console: fetching its packages (npm ci)"
    (cd "$CONSOLE" && npm ci "$with" --ignore-scripts --no-audit --no-fund) \
        >>"$CONSOLE_LOG" 2>&1 ||
        console_failed "npm could not fetch the console's packages"
}

console_failed() {
    tail -n 20 "$CONSOLE_LOG" >&2
    die "$1: the lines above say why, all of them are in $CONSOLE_LOG" \
        "($WITHOUT_CONSOLE)"
}
