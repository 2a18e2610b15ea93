# shellcheck shell=bash
#
# Faults by a plan under a load, and whether a message was lost by them:
# tools/chaos and docs/reliability.md say what is done and what is judged.

CHAOS_TOPOLOGIES=(single sentinel cluster)

# cmd_chaos [options of tools/chaos]
cmd_chaos() {
    case " $* " in
    *' --help '*)
        "$ROOT/tools/chaos" --help
        return
        ;;
    esac

    need build run
    build_module release
    chaos_run "$@"
}

# After build_module release.
chaos_run() {
    GMCHAT_MODULE=$BUILD/release/$MODULE_SO GMCHAT_NGINX=$NGINX \
        watch "$ROOT/tools/chaos" "$@"
}

# chaos_each <seconds> <seed>: each topology for so long, one after the other,
# with the release build that is there. Fails where one of them does, after
# all were run.
chaos_each() {
    local topology failed=()

    for topology in "${CHAOS_TOPOLOGIES[@]}"; do
        step "chaos: $topology for $1 s, seed $2"
        chaos_run --topology "$topology" --seconds "$1" --seed "$2" ||
            failed+=("$topology")
    done

    if [ ${#failed[@]} -ne 0 ]; then
        step "chaos: failed: ${failed[*]}"
        return 1
    fi
}
