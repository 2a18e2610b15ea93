# shellcheck shell=bash
#
# The fuzzers of fuzz/: built into build/fuzz, where the corpus that they find
# stays. What fuzz/<name>/seeds and fuzz/<name>/found hold is replayed first.

FUZZ_BUILD=$BUILD/fuzz
FUZZ_CORPUS=$FUZZ_BUILD/corpus
FUZZ_SECONDS=30

# Bytes of an input, where 2000 are not what reaches all: a WebSocket's buffer
# has 4096, pieces of base64 have 3072.
declare -A FUZZ_MAX_LEN=([websocket]=10000 [text]=7000 [args]=4000 [json]=4000)

# Of one fuzzer: megabytes, and seconds of one input.
FUZZ_MEGABYTES=1024
FUZZ_TIMEOUT=10

# A fuzzer's processes would have ASan keep 256 MB of freed memory each.
FUZZ_ASAN=quarantine_size_mb=32:detect_stack_use_after_return=1

cmd_fuzz() {
    local names=() seconds=$FUZZ_SECONDS

    while [ $# -gt 0 ]; do
        case $1 in
        --seconds)
            [[ ${2-} =~ ^[1-9][0-9]{0,6}$ ]] ||
                die "--seconds wants a number of seconds, from 1"
            seconds=$2
            shift
            ;;
        -*) die "./gmchat fuzz [--seconds N] [name...]: there is no $1" ;;
        *) names+=("$1") ;;
        esac
        shift
    done

    need build fuzz
    fuzz_all "$seconds" "${names[@]}" ||
        die "fuzzing found something: the lines above say where"
}

# fuzz_all <seconds> [name...]: builds, replays, and runs each (or those named)
# for so many seconds. Fails where one of them found something.
fuzz_all() {
    local seconds=$1 name names=()

    shift
    mapfile -t names < <(fuzz_names "$@")
    [ ${#names[@]} -gt 0 ] || die "there is no fuzzer in fuzz/"
    for name in "${names[@]}"; do
        [ -f "$ROOT/fuzz/$name/$name.c" ] ||
            die "there is no fuzzer '$name': fuzz/ has one folder for each"
    done

    step "fuzz: building"
    watch make --no-print-directory -s -j"$(nproc)" -C "$ROOT/fuzz" \
        BUILD="$FUZZ_BUILD" NAMES="${names[*]}" || return

    step "fuzz: ${#names[@]} fuzzers, $seconds s each"
    watch fuzz_run_all "$seconds" "${names[@]}"
}

# Those given, or all there are.
fuzz_names() {
    local file

    [ $# -eq 0 ] || { printf '%s\n' "$@"; return; }
    for file in "$ROOT"/fuzz/*/*.c; do
        basename "$(dirname "$file")"
    done
}

# As many at a time as there are processors.
fuzz_run_all() {
    local seconds=$1 name jobs=0 failed=0

    shift
    printf '%-10s %12s %8s %6s %6s  %s\n' name executions exec/s edges corpus \
        findings
    for name; do
        if [ "$jobs" -ge "$(nproc)" ]; then
            wait -n || failed=1
            jobs=$((jobs - 1))
        fi
        fuzz_one "$name" "$seconds" &
        jobs=$((jobs + 1))
    done
    while [ "$jobs" -gt 0 ]; do
        wait -n || failed=1
        jobs=$((jobs - 1))
    done
    return "$failed"
}

# One fuzzer: the cases that are kept, then new ones. One line says what came
# of it, and where there is a finding, more.
fuzz_one() {
    local name=$1 seconds=$2 status=0 log cases=()

    log=$FUZZ_BUILD/$name.log
    mkdir -p "$FUZZ_CORPUS/$name" "$FUZZ_BUILD/findings"
    mapfile -t cases < <(find "$ROOT/fuzz/$name"/{seeds,found} \
                         "$FUZZ_CORPUS/$name" -type f 2>/dev/null | sort)

    if [ ${#cases[@]} -gt 0 ]; then
        fuzz_program "$name" "${cases[@]}" >"$log" 2>&1 || status=$?
    fi
    if [ "$status" -eq 0 ]; then
        fuzz_search "$name" "$seconds" >"$log" 2>&1 || status=$?
    fi
    fuzz_line "$name" "$log" "$status"
    return "$status"
}

# fuzz_program <name> <argument...>
fuzz_program() {
    local name=$1

    shift
    cd "$ROOT" || return
    ASAN_OPTIONS=$FUZZ_ASAN UBSAN_OPTIONS=print_stacktrace=1 \
        "$FUZZ_BUILD/$name" -rss_limit_mb="$FUZZ_MEGABYTES" \
        -timeout="$FUZZ_TIMEOUT" \
        -artifact_prefix="$FUZZ_BUILD/findings/$name-" "$@"
}

fuzz_search() {
    local name=$1 options=() dirs=()

    options=(-max_total_time="$2" -max_len="${FUZZ_MAX_LEN[$name]-2000}"
             -print_final_stats=1)
    [ ! -f "$ROOT/fuzz/$name/dict" ] ||
        options+=(-dict="$ROOT/fuzz/$name/dict")

    mapfile -t dirs < <(find "$ROOT/fuzz/$name"/{seeds,found} -maxdepth 0 \
                        -type d 2>/dev/null)
    fuzz_program "$name" "${options[@]}" "$FUZZ_CORPUS/$name" "${dirs[@]}"
}

fuzz_line() {
    local name=$1 log=$2 status=$3 runs rate edges corpus finding

    runs=$(fuzz_figure 's/^stat::number_of_executed_units: *//p' "$log")
    rate=$(fuzz_figure 's/^stat::average_exec_per_sec: *//p' "$log")
    edges=$(fuzz_figure 's/^#.* cov: ([0-9]+) .*/\1/p' "$log")
    corpus=$(find "$FUZZ_CORPUS/$name" -type f | wc -l)

    printf '%-10s %12s %8s %6s %6s  %s\n' "$name" "$runs" "$rate" "$edges" \
        "$corpus" "$([ "$status" -eq 0 ] && echo none || echo FOUND)"
    [ "$status" -ne 0 ] || return 0

    # a case that was kept makes no file: the last that ran is the one
    finding=$(sed -nE 's/.*Test unit written to (.*)/\1/p' "$log" | tail -n 1)
    [ -n "$finding" ] ||
        finding=$(sed -nE 's/^Running: (.*)/\1/p' "$log" | tail -n 1)

    grep -aE 'does not hold|^SUMMARY|ERROR|runtime error' "$log" |
        sed 's/^/    /' || true
    echo "    the case:  ${finding:-none; all that was said is in $log}"
    [ -z "$finding" ] ||
        echo "    to replay: ${FUZZ_BUILD#"$ROOT"/}/$name $finding"
    echo "    all of it: $log"
}

# The last figure that a sed script finds, or -.
fuzz_figure() {
    local figure

    figure=$(sed -nE "$1" "$2" | tail -n 1)
    echo "${figure:--}"
}
