# Looks at the host from outside, with tools that are not ours. Sourced by the demo.

# The first value of a key in indented JSON on standard input.
json_text() { sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}\$/\1/p" | head -n 1; }
json_number() { sed -n "s/^ *\"$1\": \([0-9]*\),\{0,1\}\$/\1/p" | head -n 1; }

# The pid of the daemon of a data root, if it runs.
daemon_pid() {
    local pid
    pid=$(head -n 1 "$1/run/daemon.lock" 2>/dev/null) || return 0
    [ -n "$pid" ] && grep -qz -- daemon "/proc/$pid/cmdline" 2>/dev/null && echo "$pid" || true
}

# The file with the memory limit of a process's cgroup, version 1 or 2.
memory_limit_file() {
    local path mount
    path=$(sed -n 's/^[0-9]*:memory:\(.*\)$/\1/p' "/proc/$1/cgroup")
    if [ -n "$path" ]; then
        mount=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
        printf '%s\n' "$mount$path/memory.limit_in_bytes"
    else
        path=$(sed -n 's/^0::\(.*\)$/\1/p' "/proc/$1/cgroup")
        mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
        printf '%s\n' "$mount$path/memory.max"
    fi
}

# Version 1 keeps memory + swap at or above memory: raise that one first.
raise_memory_limit() {
    local swap=${1%/*}/memory.memsw.limit_in_bytes
    [ ! -e "$swap" ] || echo "$2" >"$swap"
    echo "$2" >"$1"
}

# The host's end of the first network link of a process.
host_link_of() {
    local index
    index=$(nsenter --target "$1" --net ip -o link show eth0 | sed -n 's/^[0-9]*: eth0@if\([0-9]*\):.*/\1/p')
    ip -o link show | sed -n "s/^$index: \([^@:]*\)[@:].*/\1/p"
}

traced_pids=() traced_netns=() traced_links=() traced_cgroups=()

# Our tables, and the groups above containers' own, that were there before: somebody else's.
our_tables() { { nft list tables 2>/dev/null || true; } | awk '$1 == "table" && $3 ~ /^stackctl/ { print $3 }'; }
parent_cgroups() {
    local path
    for path in /sys/fs/cgroup /sys/fs/cgroup/*/; do [ ! -d "${path%/}/stackctl" ] || printf '%s\n' "${path%/}/stackctl"; done
}
known_tables=$(our_tables | tr '\n' ' ')
known_cgroups=$(parent_cgroups | tr '\n' ' ')

# Remembers what the running containers of our daemon have on the host.
remember_traces() {
    local id pid parent path link
    for id in $(stackctl ps -q --no-trunc); do
        pid=$(stackctl inspect "$id" | json_number Pid)
        [ "${pid:-0}" -gt 0 ] || continue
        parent=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
        traced_pids+=("$pid:$(start_of "$pid")" "$parent:$(start_of "$parent")")
        traced_netns+=("$(readlink "/proc/$pid/ns/net")")
        while IFS=: read -r _ _ path; do
            case $path in *"$id"*) traced_cgroups+=("$path") ;; esac
        done <"/proc/$pid/cgroup"
    done
    for link in $(ip -o link show type bridge | sed -n 's/^[0-9]*: \(sc-[^@:]*\)[@:].*/\1/p'); do
        if stackctl network inspect $(stackctl network ls --json | json_ids) 2>/dev/null | grep -q "${link#sc-}"; then
            traced_links+=("$link")
            for pid in $(ip -o link show master "$link" | sed -n 's/^[0-9]*: \([^@:]*\)[@:].*/\1/p'); do
                traced_links+=("$pid")
            done
        fi
    done
}

json_ids() { sed -n 's/^ *"Id": "\(.*\)",\{0,1\}$/\1/p'; }

# When a process began, so that a reused pid is not taken for it.
start_of() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# Looks for each remembered thing, and for mounts, processes, rules and cgroups of the data root.
search_traces() {
    local root=$1 left=() item pid start path
    while read -r path; do left+=("mount $path"); done < <(awk -v root="$root/" 'index($5, root) == 1 { print $5 }' /proc/self/mountinfo)
    for item in "${traced_pids[@]}"; do
        pid=${item%%:*} start=${item#*:}
        if [ -n "$start" ] && [ "$(start_of "$pid")" = "$start" ]; then
            left+=("process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)")
        fi
    done
    for path in /proc/[0-9]*; do
        pid=${path#/proc/}
        [ "$pid" != "$$" ] && [ "$pid" != "${BASHPID:-0}" ] || continue
        item=$(tr '\0' ' ' <"$path/cmdline" 2>/dev/null) || continue
        case $item in *"$root/"*) left+=("process $pid: $item") ;; esac
    done
    for item in "${traced_netns[@]}"; do
        for path in /proc/[0-9]*/ns/net; do
            [ "$(readlink "$path" 2>/dev/null)" != "$item" ] || { left+=("network namespace $item"); break; }
        done
    done
    for item in "${traced_links[@]}"; do
        [ ! -e "/sys/class/net/$item" ] || left+=("link $item")
    done
    for item in "${traced_cgroups[@]}"; do
        for path in /sys/fs/cgroup "/sys/fs/cgroup"/*/; do
            [ ! -d "${path%/}$item" ] || left+=("cgroup ${path%/}$item")
        done
    done
    for item in $(parent_cgroups); do
        # One with groups in it is another daemon's: ours are looked for by name.
        [ -z "$(find "$item" -mindepth 1 -type d -print -quit)" ] || continue
        case " $known_cgroups " in *" $item "*) ;; *) left+=("cgroup $item") ;; esac
    done
    for item in $(our_tables); do
        for path in "${traced_links[@]}"; do
            if nft list table inet "$item" 2>/dev/null | grep -q "\"$path\""; then
                left+=("nftables table $item"); break
            fi
        done
        case " $known_tables " in *" $item "*) ;; *) left+=("nftables table $item") ;; esac
    done
    [ ${#left[@]} -eq 0 ] && return 0
    printf '  left: %s\n' "${left[@]}" >&2
    return 1
}
