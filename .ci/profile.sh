#!/usr/bin/env bash
# Writes deploy/qaqpa.profdata: how often each branch is taken while the gateway does everything that has a bench.
# The compiler lays release builds out by it. What is not run here is compiled as without it, so a new kind of work
# belongs into a bench below.
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
export CARGO_TARGET_DIR=$root
export CARGO_ENCODED_RUSTFLAGS="-Cprofile-generate=$root/raw"
# Built like a release in all else: a function is known by its name, and in that is how its crate was compiled.
run() { # which half of the profile, the bench, its arguments
    local half=$1 bench=$2
    shift 2
    say "$bench $*"
    LLVM_PROFILE_FILE=$root/raw/$half/%m.profraw \
        cargo bench --locked --quiet --bench "$bench" -- "$@" >"$root/$bench.log" 2>&1 \
        || { tail -20 "$root/$bench.log" >&2; exit 1; }
}
mkdir -p "$root"
say "building"
# What the compiler's own plugins count is nobody's work.
LLVM_PROFILE_FILE=/dev/null cargo bench --locked --quiet --no-run \
    --bench load --bench peers --bench payments --bench gost --bench reconcile
run calls load --full --requests 1500
run calls peers --own --rounds 1 --requests 1200
run calls payments door
run rest gost
QAQPA_RECONCILE_ROWS=300000 run rest reconcile

tool=$(ls "$(rustc --print sysroot)"/lib/rustlib/*/bin/llvm-profdata 2>/dev/null || echo target/tools/bin/llvm-profdata)
# A reconciliation goes through its loops a billion times; unweighed, nothing that a call does would count as hot.
weigh() { for raw in "$root/raw/$1"/*.profraw; do echo "--weighted-input=$2,$raw"; done; }
mapfile -t inputs < <(weigh calls 200; weigh rest 1)
"$tool" merge --sparse -o "$profile" "${inputs[@]}"
say "$profile: $(stat -c %s "$profile") bytes"
# Cargo does not see that a profile has changed.
unset CARGO_TARGET_DIR
cargo clean --quiet --release
