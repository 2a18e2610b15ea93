# shellcheck shell=bash
#
# How much of the C the tests reach, in lines and in branches. In the tests' own
# build the sanitizers add branches and the optimizer takes some away, so all
# tests run once more, on a build with nothing but counters.

LEAST_LINES=90
LEAST_BRANCHES=80

# cmd_coverage [--missing]
cmd_coverage() {
    local failed=()

    export GMCHAT_CONSOLE=1
    need build console run test bench
    build_module release
    build_module cover
    console_for_tests
    forget_coverage cover check-cover

    run_checks check-cover SANITIZE= || failed+=("lua-free-tests")
    run_t cover -r t || failed+=("t")

    echo
    "$ROOT/tools/coverage" --lines "$LEAST_LINES" \
        --branches "$LEAST_BRANCHES" "$@" \
        "$ROOT" "$BUILD/cover" "$BUILD/check-cover" ||
        failed+=("the coverage")
    tell_outcome "${failed[@]}"
}
