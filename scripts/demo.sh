#!/usr/bin/env bash
# The whole story on stacks/hello, on a private data root inside the checkout: scripts/demo.sh BUILD_DIR
# Ends with a search of the host for anything left behind. Any failure is loud and the exit code is 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/host-traces.sh

build=$(cd "${1:-.build/release}" && pwd)
root=$PWD/.demo
port=${DEMO_PORT:-8080}
export STACKCTL_ROOT=$root
unset STACKCTL_SOCKET
export PATH=$build:$PATH
scratch=$root/scratch
began=$SECONDS

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
step() { printf '\n%s── %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }
fail() { printf '\ndemo: FAILED: %s\n' "$*" >&2; exit 1; }

# Shows a command and runs it; `expect CODE` wants that exit code.
expect() {
    local wanted=$1 code=0
    shift
    printf '%s$ %s%s\n' "$dim" "$*" "$plain"
    "$@" || code=$?
    [ "$code" -eq "$wanted" ] || fail "\`$*\` answered $code, expected $wanted"
}
run() { expect 0 "$@"; }

# The same, its output kept in $scratch/output as well.
capture() {
    local wanted=$1 code=0
    shift
    printf '%s$ %s%s\n' "$dim" "$*" "$plain"
    "$@" >"$scratch/output" 2>&1 || code=$?
    cat "$scratch/output"
    [ "$code" -eq "$wanted" ] || fail "\`$*\` answered $code, expected $wanted"
}
says() { grep -Eq -- "$1" "$scratch/output" || fail "the output does not say: $1"; }
says_not() { ! grep -Eq -- "$1" "$scratch/output" || fail "the output says: $1"; }

[ "$(id -u)" -eq 0 ] || fail "containers take root: run it with sudo"
if ss -Hltn "sport = :$port" | grep -q .; then fail "port $port is in use; choose another: DEMO_PORT=8081 make demo"; fi

finish() {
    local code=$?
    trap - EXIT INT TERM
    if [ "$code" -ne 0 ]; then
        if [ -s "$root/run/daemon.log" ]; then
            printf '\nlast lines of the daemon:\n' >&2
            tail -n 20 "$root/run/daemon.log" >&2
        fi
        stackctl destroy --yes hello >/dev/null 2>&1 || true
    fi
    stop_daemon || true
    rm -rf "$scratch"
    exit "$code"
}

# Ends the daemon of our root, and only that one.
stop_daemon() {
    local pid
    pid=$(daemon_pid "$root")
    [ -n "$pid" ] || return 0
    kill -TERM "$pid" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.05
    done
    return 1
}

# Without the images of an earlier demo the lock may name packages that the mirror has no more.
[ -e "$root/state.db" ] || rm -f stacks/hello/Stack.lock
mkdir -p "$scratch"
trap finish EXIT
trap 'exit 130' INT TERM

# A demo that was killed may have left its stack.
stackctl destroy --yes hello >/dev/null 2>&1 || true

step "The manifest"
sed -n '/^@main/,$p' stacks/hello/Stack.swift

step "1. Apply it"
run stackctl apply --yes --var "port=$port" stacks/hello
remember_traces

step "2. The page, from the host through the published port"
run curl --silent --show-error --fail --max-time 5 "http://127.0.0.1:$port/"
note "and as the second container fetched it, by name:"
run stackctl logs --tail 4 hello-visitor

step "3. A second plan: nothing to do"
capture 0 stackctl plan --detailed-exitcode --var "port=$port" stacks/hello

step "4. Three changes behind the tool's back"
visitor=$(stackctl inspect hello-visitor | json_number Pid)
web=$(stackctl inspect hello-web)
web_id=$(printf '%s' "$web" | json_text Id)
note "kill the visitor's process, raise the memory limit of web, remove its network link"
run kill -KILL "$visitor"
# A busy machine takes a moment to let it die.
for _ in $(seq 100); do [ -e "/proc/$visitor" ] || break; sleep 0.05; done
limit_file=$(memory_limit_file "$(printf '%s' "$web" | json_number Pid)")
printf '%s$ echo 134217728 > %s%s\n' "$dim" "$limit_file" "$plain"
raise_memory_limit "$limit_file" 134217728
link=$(host_link_of "$(printf '%s' "$web" | json_number Pid)")
run ip link delete "$link"

step "5. Drift: each with its line in the manifest"
capture 2 stackctl drift --var "port=$port" stacks/hello
says 'container\.visitor'
says 'limits\.memory'
says 'Stack\.swift:[0-9]+'

step "6. Apply repairs just that"
capture 0 stackctl apply --yes --var "port=$port" stacks/hello
says_not '(image|volume|network)\.[a-z]+.*(created|recreated)'
run stackctl drift --var "port=$port" stacks/hello
run curl --silent --show-error --fail --max-time 5 --output /dev/null "http://127.0.0.1:$port/"
again=$(stackctl inspect hello-web | json_text Id)
[ "$again" = "$web_id" ] || fail "web was recreated, it should have been repaired"
remember_traces

step "7. An edited manifest: a live change, and one that recreates"
edited=$scratch/hello
mkdir -p "$edited"
cp stacks/hello/Stack.swift "$edited/"
[ ! -e stacks/hello/Stack.lock ] || cp stacks/hello/Stack.lock "$edited/"
sed -i -e 's/memory: \.mebibytes(64)/memory: .mebibytes(96)/' -e 's/Env("GREETING", "hello")/Env("GREETING", "good day")/' \
    "$edited/Stack.swift"
diff stacks/hello/Stack.swift "$edited/Stack.swift" || true
capture 2 stackctl plan --detailed-exitcode --take-over --var "port=$port" "$edited"
says 'limits\.memory'
says 'env\.GREETING'
run stackctl apply --yes --take-over --var "port=$port" "$edited"
remember_traces
same=$(stackctl inspect hello-web | json_text Id)
[ "$same" = "$web_id" ] || fail "web was recreated, its memory limit should have been changed live"
run stackctl plan --detailed-exitcode --var "port=$port" "$edited"

step "8. Destroy"
note "the image gets a second name first, so that the next demo finds its layers"
run stackctl image tag hello/nginx demo/cache
run stackctl destroy --yes "$edited"

step "9. Is anything left on the host?"
stop_daemon || fail "the daemon does not stop"
search_traces "$root" || fail "something was left behind"
note "no mount, process, network namespace, link, nftables rule or cgroup is left"

printf '\n%sThe demo passed in %s s.%s\n' "$bold" "$((SECONDS - began))" "$plain"
