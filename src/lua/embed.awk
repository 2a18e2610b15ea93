# Makes the C header that holds the Redis scripts.
#
#   awk -f embed.awk create.lua add.lua ... > gmchat_scripts.h
#
# include/desk_before.lua and desk_after.lua, which go around a script, are put
# beside them.
#
# A line "-- include NAME" is replaced by include/NAME.lua, comments and blank
# lines are left out: what Redis keeps in memory is the code.

function escape(line)
{
    gsub(/\\/, "\\\\&", line)
    gsub(/"/, "\\\"", line)
    return line
}

function emit(line)
{
    if (line ~ /^[ \t]*--/ || line ~ /^[ \t]*$/) {
        return
    }

    sub(/^[ \t]+/, "", line)
    printf "    \"%s\\n\"\n", escape(line)
}

function emit_file(path, line, status)
{
    while ((status = (getline line < path)) > 0) {
        emit(line)
    }

    if (status < 0) {
        print "embed.awk: cannot read " path > "/dev/stderr"
        failed = 1
        exit 1
    }

    close(path)
}

function embed_part(name)
{
    printf "\nstatic const gmchat_str_t  gmchat_script_%s = gmchat_string(\n", name
    emit_file(folder "include/" name ".lua")
    print ");"
}

BEGIN {
    print "/* Made from src/lua by embed.awk. */"
    print ""
    print "static gmchat_script_t  gmchat_scripts[] = {"
}

FNR == 1 {
    if (NR > 1) {
        print "    ), { 0 } } } },"
    }

    name = FILENAME
    sub(/^.*\//, "", name)
    sub(/\.lua$/, "", name)
    folder = FILENAME
    sub(/[^\/]*$/, "", folder)
    printf "\n{ gmchat_string(\"%s\"), { { gmchat_string(\n", name
}

/^-- include / {
    emit_file(folder "include/" $3 ".lua")
    next
}

{
    emit($0)
}

END {
    if (failed) {
        exit 1
    }

    print "    ), { 0 } } } },"
    print ""
    print "{ gmchat_null_string, { { gmchat_null_string, { 0 } } } }"
    print "};"

    embed_part("desk_before")
    embed_part("desk_after")
}
