# shellcheck shell=bash
#
# All tests: the Check tests of the pure files, the console's own, then prove
# over t/ under the packaged nginx with sanitizers and the coverage of both
# together; then each fuzzer and each topology of chaos for a while, and the
# count of instructions.

PROVE_LOG=$BUILD/prove.log
TEST_FUZZ_SECONDS=30
TEST_CHAOS_SECONDS=60
TEST_CHAOS_SEED=1

cmd_test() {
    local failed=() files=("$@")

    export GMCHAT_CONSOLE=1
    need build console run test fuzz bench
    build_module release
    build_module test
    console_for_tests
    forget_coverage test check

    if [ ${#files[@]} -eq 0 ]; then
        files=(-r t)
        build_module clang || failed+=("the build by clang")
        run_checks check || failed+=("lua-free-tests")
        check_console || failed+=("console")
    fi

    run_t test "${files[@]}" || failed+=("t")

    echo
    "$ROOT/tools/coverage" "$ROOT" "$BUILD/test" "$BUILD/check" ||
        failed+=("the coverage table")

    if [ $# -eq 0 ]; then
        fuzz_all "$TEST_FUZZ_SECONDS" || failed+=("the fuzzers")
        chaos_each "$TEST_CHAOS_SECONDS" "$TEST_CHAOS_SEED" ||
            failed+=("chaos")
        instructions_run || failed+=("instructions")
    fi

    tell_outcome "${failed[@]}"
}

# tell_outcome <what failed...>
# What t/ found wrong stands far above by now: it is said once more.
tell_outcome() {
    echo
    awk '/^#   Failed test/ { of_failure = 1 } !/^#/ { of_failure = 0 }
         of_failure' "$PROVE_LOG"
    sed -nE '/^(Test Summary Report|All tests successful|Files=)/,$p' \
        "$PROVE_LOG"
    [ $# -eq 0 ] || die "failed: $(join_words "$@")"
    step "all passed"
}

# run_checks <folder of build/> [variable=value for make...]
run_checks() {
    local folder=$1

    shift
    step "lua-free-tests: building and running"
    watch make --no-print-directory -C "$ROOT/lua-free-tests" check \
        BUILD="$BUILD/$folder" "$@"
}

# run_t <flavour> <file...>
run_t() {
    step "t: running"
    watch prove_files "$@"
}

# Prints as it goes and keeps what it printed.
prove_files() {
    local flavour=$1 preload=

    shift
    [ "$flavour" != test ] ||
        preload=$(readlink -f "$(gcc -print-file-name=libasan.so)")
    cd "$ROOT" || return

    GMCHAT_MODULE=$BUILD/$flavour/$MODULE_SO GMCHAT_NGINX=$NGINX \
    GMCHAT_TEST_PRELOAD=$preload \
        prove -j$(($(nproc) + 2)) "$@" 2>&1 | tee "$PROVE_LOG"
}

# forget_coverage <folder of build/...>
forget_coverage() {
    local folder

    for folder; do
        find "$BUILD/$folder" -name '*.gcda' -delete 2>/dev/null || true
    done
}

join_words() {
    local text

    text=$(printf '%s, ' "$@")
    echo "${text%, }"
}
