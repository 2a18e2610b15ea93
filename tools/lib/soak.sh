# shellcheck shell=bash
#
# Hours of a mixed load on the release build: tools/soak says what is done and
# what is judged.

# cmd_soak [--minutes N] [--out FOLDER] [--rate N] [--visitors N] [--seed N]
cmd_soak() {
    need build run
    build_module release

    GMCHAT_MODULE=$MODULE_FILE GMCHAT_NGINX=$NGINX \
        watch "$ROOT/tools/soak" "$@" || die "the soak failed"
}
