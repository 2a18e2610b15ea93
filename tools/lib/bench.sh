# shellcheck shell=bash
#
# What calls cost, beside other designs, in one run: tools/bench says what is
# measured.

# cmd_bench [--rounds N] [--quick] [--only SECTION,...] [--render]
#           [--out FOLDER]
cmd_bench() {
    case " $* " in
    *' --render '*)
        "$ROOT/tools/bench" "$@"
        return
        ;;
    esac

    need build console run bench
    build_module release
    console_for_tests

    GMCHAT_MODULE=$MODULE_FILE GMCHAT_NGINX=$NGINX \
        watch "$ROOT/tools/bench" "$@" || die "the benchmark failed"
}
