# shellcheck shell=bash
#
# Whether a call takes more instructions than it did: tools/instructions counts
# them, bench/instructions has what they were; docs/testing.md says more.

# cmd_instructions [options of tools/instructions]
cmd_instructions() {
    case " $* " in
    *' --help '*)
        "$ROOT/tools/instructions" --help
        return
        ;;
    esac

    need build run test
    build_module release
    instructions_run "$@"
}

# With the release build that is there. Fails where a count grew too far.
instructions_run() {
    step "instructions: counting"
    GMCHAT_MODULE=$BUILD/release/$MODULE_SO GMCHAT_NGINX=$NGINX \
        watch "$ROOT/tools/instructions" "$@"
}
