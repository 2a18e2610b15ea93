# shellcheck shell=bash
#
# What is said to the one who waits, and how long work is watched.

# A step of long work, with the time since the launcher began.
step() {
    printf '[%3d s] %s\n' "$SECONDS" "$*"
}

# One clear sentence, and the end.
die() {
    printf 'gmchat: %s\n' "$*" >&2
    exit 1
}

# What to do when the launcher ends, however it ends: commands, run in the
# reverse order of their registration.
CLEANUPS=()

at_exit() {
    CLEANUPS+=("$1")
    trap run_cleanups EXIT
    serve_signals
}

serve_signals() {
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# background <variable> <command...>: starts the command and notes its process
# id. A signal that comes before it is noted would leave the child behind: it
# is served afterwards.
background() {
    local name=$1 pending=''

    shift
    trap 'pending=129' HUP
    trap 'pending=130' INT
    trap 'pending=143' TERM
    "$@" </dev/null &
    printf -v "$name" %s "$!"
    serve_signals
    [ -z "$pending" ] || exit "$pending"
}

run_cleanups() {
    local status=$? i

    trap '' HUP INT TERM
    for ((i = ${#CLEANUPS[@]} - 1; i >= 0; i--)); do
        eval "${CLEANUPS[i]}" || true
    done
    exit "$status"
}

# Runs a command in a process group of its own and waits for it. A signal to
# the launcher is served at once and ends the whole group: a shell alone
# would first wait until the command is over.
WATCHED=

watch() {
    local status=0

    at_exit stop_watched
    set -m
    background WATCHED "$@"
    set +m
    wait "$WATCHED" || status=$?
    WATCHED=
    unset 'CLEANUPS[-1]'
    return "$status"
}

stop_watched() {
    [ -n "$WATCHED" ] || return 0
    kill -TERM -- "-$WATCHED" 2>/dev/null || return 0
    until_true 10 gone "$WATCHED" || kill -KILL -- "-$WATCHED" 2>/dev/null
    wait "$WATCHED" 2>/dev/null
}

alive() {
    kill -0 "$1" 2>/dev/null
}

gone() {
    ! alive "$1"
}

# Polls a condition: until_true <seconds> <command...>. Fails at the deadline.
until_true() {
    local deadline=$((SECONDS + $1))

    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}
