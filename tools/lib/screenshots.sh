# shellcheck shell=bash
#
# Pictures of the console and the simulator for docs/.

# cmd_screenshots [folder]
cmd_screenshots() {
    need build console run test
    build_module release
    console_for_tests
    watch "$ROOT/tools/screenshots" "${1:-$ROOT/docs}" ||
        die "the pictures could not be taken"
}
