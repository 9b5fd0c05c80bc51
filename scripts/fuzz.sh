#!/usr/bin/env bash
# Fuzzes the parsers with libFuzzer and AddressSanitizer: each target, or those named, for SECONDS.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]
#
# An input that breaks something is kept in .build/fuzz/findings; `FUZZ_TARGET=... .build/fuzz/debug/Fuzzing FILE`
# runs it again. Once the parser is right, the input goes into Tests/Fuzzing/Corpus/TARGET, and `make test` replays it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(ls Tests/Fuzzing/Corpus))
folder=.build/fuzz
mkdir -p "$folder/findings"

STACKCTL_FUZZ=1 "${SWIFT:-swift}" build --scratch-path "$folder" --product Fuzzing --sanitize fuzzer \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -O -Xswiftc -use-ld=lld >"$folder/build.log" 2>&1 || {
    tail -30 "$folder/build.log" >&2
    exit 1
}

failed=0
# Memory that a few bytes ask for, and time that grows faster than the input, count as findings too.
limits=(-rss_limit_mb=1024 -malloc_limit_mb=256 -timeout=10 -max_len=65536 -print_funcs=0)
for target in "${targets[@]}"; do
    [ -d "Tests/Fuzzing/Corpus/$target" ] || { echo "fuzz: there is no target $target" >&2; exit 2; }
    mkdir -p "$folder/corpus/$target"
    scratch=$(mktemp -d)
    log=$folder/$target.log
    # The first folder gets what is new; the repository's seeds stay as they are.
    if TMPDIR=$scratch FUZZ_TARGET=$target SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:symbolize=0:quarantine_size_mb=16 \
        "$folder/debug/Fuzzing" -max_total_time="$seconds" "${limits[@]}" -print_final_stats=1 \
        -artifact_prefix="$folder/findings/$target-" "$folder/corpus/$target" "Tests/Fuzzing/Corpus/$target" \
        >"$log" 2>&1
    then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        cover=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
        echo "fuzz: $target: nothing found in ${runs:-?} runs ($cover)"
    else
        failed=1
        echo "fuzz: $target: FOUND something, see $log" >&2
        grep -E 'Fatal error|ERROR|Test unit written' "$log" >&2 || tail -5 "$log" >&2
    fi
    rm -rf "$scratch"
done
exit $failed
