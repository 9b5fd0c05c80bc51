#!/usr/bin/env bash
# Installs into a throw-away prefix and uses what is there: scripts/check-install.sh BUILD_DIR
# As root it also plans a stack, which needs every installed file.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$1
work=$(mktemp -d)
daemon=
finish() {
    if [ -n "$daemon" ]; then
        kill -TERM "$daemon" 2>/dev/null || true
        for _ in $(seq 50); do
            kill -0 "$daemon" 2>/dev/null || break
            sleep 0.1
        done
    fi
    rm -rf "$work"
}
trap finish EXIT

"$here/scripts/install.sh" "$build" "" "$work/prefix" >/dev/null
stackctl=$work/prefix/bin/stackctl
"$stackctl" --version
bash -n "$work/prefix/share/bash-completion/completions/stackctl"

"$stackctl" init "$work/first" >/dev/null
"$stackctl" validate "$work/first"
if [ "$(id -u)" -eq 0 ]; then
    "$stackctl" daemon --root "$work/data" >"$work/daemon.log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        "$stackctl" --root "$work/data" system info >/dev/null 2>&1 && break
        sleep 0.1
    done
    "$stackctl" --root "$work/data" plan "$work/first" || { cat "$work/daemon.log" >&2; exit 1; }
fi

"$here/scripts/uninstall.sh" "" "$work/prefix" >/dev/null
left=$(find "$work/prefix" -type f)
[ -z "$left" ] || { printf 'uninstall left files behind:\n%s\n' "$left" >&2; exit 1; }
echo "the installed tree works"
