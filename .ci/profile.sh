#!/usr/bin/env bash
# Writes deploy/qaqpa.profdata: how often each branch is taken while the gateway does everything that has a bench.
# The compiler lays release builds out by it. What is run here counts as hot, what is not as cold, so a new
# kind of work belongs into a bench below.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD/target/profile
profile=deploy/qaqpa.profdata

say() { printf '   %s\n' "$*"; }

# Counted code is slow: nothing that these runs measure may stay among the figures.
kept=$PWD/target/bench.kept
restore() { rm -rf target/bench && if [ -d "$kept" ]; then mv "$kept" target/bench; fi; }
[ ! -d target/bench ] || mv target/bench "$kept"
trap restore EXIT

rm -rf "$root/raw"
export CARGO_TARGET_DIR=$root LLVM_PROFILE_FILE=$root/raw/%m.profraw
export CARGO_ENCODED_RUSTFLAGS="-Cprofile-generate=$root/raw"
# Steps are counted before the crates are linked together, so that can be spared; the units must be those of a release.
export CARGO_PROFILE_RELEASE_LTO=off
run() { # the bench, its arguments
    local bench=$1
    shift
    say "$bench $*"
    cargo bench --locked --quiet --bench "$bench" -- "$@" >"$root/$bench.log" 2>&1 \
        || { tail -20 "$root/$bench.log" >&2; exit 1; }
}
mkdir -p "$root"
say "building"
# What the compiler's own plugins count is nobody's work.
LLVM_PROFILE_FILE=/dev/null cargo bench --locked --quiet --no-run \
    --bench load --bench peers --bench payments --bench gost --bench reconcile
run load --full --requests 1500
run peers --own --rounds 1 --requests 1200
run payments door
run gost
QAQPA_RECONCILE_ROWS=300000 run reconcile

tool=$(ls "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata 2>/dev/null || echo target/tools/bin/llvm-profdata)
"$tool" merge --sparse -o "$profile" "$root"/raw/*.profraw
say "$profile: $(stat -c %s "$profile") bytes"
