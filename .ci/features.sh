#!/usr/bin/env bash
# The program is built of the same crates, with the same features, alone and for a bench. Else the profile of the one
# (deploy/qaqpa.profdata) knows no function of the other, and nobody is told.
set -euo pipefail
cd "$(dirname "$0")/.."

features() { # the edges
    cargo tree --locked --quiet --package qaqpa --prefix none --format '{p} {f}' "$@" | sed 's/ (\*)$//' | sort -u
}
alone=$(features --edges no-dev)
benched=$(features)
differ=$(comm -23 <(echo "$alone") <(echo "$benched"))
if [ -n "$differ" ]; then
    printf 'features: built otherwise for a bench than alone (cure: ask for the same features in Cargo.toml):\n%s\n' "$differ" >&2
    exit 1
fi
