# What the build scripts share. Sourced, not run.

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }

# cache_dir prints where built programs are kept, as Go's os.UserCacheDir has it.
cache_dir() { printf '%s/cityhub' "${XDG_CACHE_HOME:-$HOME/.cache}"; }

# require PROGRAM HOW ends the script when a program is missing.
require() {
    command -v "$1" > /dev/null && return
    say "$1 is missing: $2"
    exit 1
}

# build_once OUT ends the script if OUT is there, waits for another build of it,
# and otherwise goes into an empty work folder that is removed at the end.
build_once() {
    if [ -x "$1" ]; then
        exit 0
    fi
    mkdir -p "$(dirname "$1")"
    exec 9> "$1.lock"
    flock 9
    if [ -x "$1" ]; then
        exit 0
    fi
    work=$(mktemp -d)
    trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
    cd "$work"
}

# wrap_module IMPORT_PATH VERSION [TAGS] makes a module here that can build the
# program at the import path. All versions are those that the program's own
# go.mod asks for, so the result is the same every time.
wrap_module() {
    say "fetching $1 $2"
    printf 'module wrapper\n\ngo 1.26\n' > go.mod
    printf 'package wrapper\n\nimport _ "%s"\n' "$1" > wrapper.go
    go get -tags "${3:-}" "$1@$2" 2> get.log || { cat get.log >&2; exit 1; }
}

# deliver BUILT OUT MODULE VERSION makes sure that the program was built from
# that version, for a label can lie, and moves it into place in one step: who
# finds it, finds it whole.
deliver() {
    go version -m "$1" > built.txt
    if ! grep -qF "$3	$4	" built.txt; then
        say "built from another version than $4:"
        grep -F "$3" built.txt >&2
        exit 1
    fi
    install -m 0755 "$1" "$2.new"
    mv "$2.new" "$2"
    rm -f "$2.lock"
    say "built $2"
}
