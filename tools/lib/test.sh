# shellcheck shell=bash
#
# All tests: the Check tests of the pure files, then prove over t/ under the
# packaged nginx with sanitizers, then the coverage of both together.

PROVE_LOG=$BUILD/prove.log

cmd_test() {
    local failed=() files=("$@")

    need build run test
    build_module release
    build_module test
    forget_coverage

    if [ ${#files[@]} -eq 0 ]; then
        files=(-r t)
        build_module clang || failed+=("the build by clang")
        step "lua-free-tests: building and running"
        watch make --no-print-directory -C "$ROOT/lua-free-tests" check \
            BUILD="$BUILD/check" || failed+=("lua-free-tests")
    fi

    step "t: running"
    watch prove_files "${files[@]}" || failed+=("t")

    echo
    "$ROOT/tools/coverage" "$ROOT" "$BUILD/test" "$BUILD/check" ||
        failed+=("the coverage table")

    echo
    sed -nE '/^(Test Summary Report|All tests successful|Files=)/,$p' \
        "$PROVE_LOG"
    [ ${#failed[@]} -eq 0 ] || die "failed: $(join_words "${failed[@]}")"
    step "all passed"
}

# Prints as it goes and keeps what it printed.
prove_files() {
    local libasan

    libasan=$(gcc -print-file-name=libasan.so)
    cd "$ROOT" || return

    GMCHAT_MODULE=$BUILD/test/$MODULE_SO GMCHAT_NGINX=$NGINX \
    GMCHAT_TEST_PRELOAD=$(readlink -f "$libasan") \
        prove -j$(($(nproc) + 2)) "$@" 2>&1 | tee "$PROVE_LOG"
}

forget_coverage() {
    find "$BUILD/test" "$BUILD/check" -name '*.gcda' -delete 2>/dev/null ||
        true
}

join_words() {
    local text

    text=$(printf '%s, ' "$@")
    echo "${text%, }"
}
