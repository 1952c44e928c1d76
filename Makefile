# The house's commands. `make` alone lists them; each stops at its first failure.
# A colon-and-hash line (`target: ## words`) is what `make help` prints.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

tools := target/tools
export PATH := $(PATH):$(CURDIR)/$(tools)/bin:$(CURDIR)/$(tools)/venv/bin
cargo := cargo
# What the profile does not know, because it has changed since, is no warning to who only builds.
between := $(shell printf '\037')
profile := -Cprofile-use=$(CURDIR)/deploy/qaqpa.profdata$(between)-Cllvm-args=-no-pgo-warn-mismatch
step = printf '\n-- %s\n'

# How often `make crash` kills on each store; the goal of a release is 200.
CRASH_ROUNDS ?= 50
# How often `make kills` kills on each store: four times at each of the 39 steps of an order, a bank's call and a refund.
KILLS ?= 156

# How often `make reload` changes the configuration under load.
RELOADS ?= 100

# How long each stage of `make footing` asks.
FOOTING_SECONDS ?= 10

# How long `make flood` attacks in each way; 5 show whether it works at all.
FLOOD_SECONDS ?= 30

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

# Release builds are laid out by a profile of the gateway at work. `make instructions` counts without it, so that its
# counts are the code's alone.
build demo bench bench-full bench-one soak design bench-steps bench-peers figures gost-speed flood reconcile footing: \
	export CARGO_ENCODED_RUSTFLAGS = $(profile)

.PHONY: profile
profile: tools ## writes that profile anew, deploy/qaqpa.profdata: after a change of the compiler or of hot code; 30 min
	@.ci/tools.sh profile
	@.ci/profile.sh

.PHONY: demo
demo: ## the gateway, agencies, banks and a client on this machine; needs nothing but Rust, make and a C compiler
	@$(cargo) run --release --locked --quiet -- demo

.PHONY: build
build: ## the release binary, target/release/qaqpa
	@$(cargo) build --release --locked

.PHONY: test
test: tools format lint doc unit deploy-check ## everything that must be green before a commit lands
	@$(step) "all green"

.PHONY: tools
tools: ## installs what the checks need and the machine lacks
	@$(step) "tools"
	@.ci/tools.sh

.PHONY: format
format: ## code is laid out as rustfmt lays it
	@$(step) "format"
	@$(cargo) fmt --all --check

.PHONY: lint
lint: ## no warning of the compiler or of clippy; the program is the same alone and for a bench
	@$(step) "lint"
	@.ci/features.sh
	@$(cargo) clippy --workspace --all-targets --locked -- -D warnings

.PHONY: doc
doc: ## the documentation builds, private items included; every link in it leads somewhere
	@$(step) "doc"
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(cargo) doc --workspace --no-deps --document-private-items --locked --quiet

.PHONY: unit
unit: ## every test: units, flows on loopback, the house law
	@$(step) "tests"
	@if $(cargo) nextest --version >/dev/null 2>&1; then \
		$(cargo) nextest run --config-file .ci/nextest.toml --workspace --locked --no-fail-fast \
			--status-level fail --final-status-level slow; \
		$(cargo) test --workspace --locked --quiet --doc; \
	else \
		$(cargo) test --workspace --locked --quiet --no-fail-fast; \
	fi

.PHONY: deploy-check
deploy-check: ## what deploy/ ships, judged by hadolint, promtool and systemd
	@$(step) "deploy"
	@hadolint deploy/Dockerfile
	@promtool check config --lint-fatal deploy/prometheus/scrape.yml
	@promtool test rules deploy/prometheus/alerts.test.yml
	@python3 .ci/dashboard.py deploy/grafana/qaqpa.json >$(tools)/dashboard.rules.yml
	@promtool check rules $(tools)/dashboard.rules.yml
	@sed -E 's/^(ExecStart|ExecReload)=[^ ]*/\1=\/bin\/true/' deploy/qaqpa.service >$(tools)/qaqpa.service
	@if command -v systemd-analyze >/dev/null; then \
		systemd-analyze verify $(tools)/qaqpa.service; \
		systemd-analyze security --offline=true --threshold=20 --no-pager $(tools)/qaqpa.service | tail -1; \
	else \
		echo "no systemd here: the unit is not checked"; \
	fi

.PHONY: bench
bench: ## the whole gateway under load for five minutes: CPU, latency over load, memory; target/bench/load.html
	@$(cargo) bench --locked --quiet --bench load

.PHONY: bench-full
bench-full: tools ## the same with 1 to 2 000 connections, RSA answers, no TLS, PostgreSQL; three rounds
	@$(cargo) bench --locked --quiet --bench load -- --full --rounds 3

# A build of its own: frame pointers and names for perf, and no link-time optimisation, which melts steps together;
# that has other names for its functions than the profile knows.
.PHONY: bench-phases
bench-phases: ## where the CPU of a call goes, step by step, as perf samples it: target/bench/phases.html
	@.ci/tools.sh phases
	@CARGO_TARGET_DIR=target/phases CFLAGS=-fno-omit-frame-pointer RUSTFLAGS="-C force-frame-pointers=yes" \
		CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
		$(cargo) bench --locked --quiet --bench load -- --phases

# How long `make soak` takes for a day.
SOAK_MINUTES ?= 60

.PHONY: soak design
soak: ## a working day in SOAK_MINUTES, hour by hour: is anything lost, does memory grow by more than 2 %; 10 GB of memory
	@$(cargo) bench --locked --quiet --bench day -- --minutes $(SOAK_MINUTES)

design: ## the country's design load for ten minutes and a burst of twice as much, as far as the machine carries it
	@$(cargo) bench --locked --quiet --bench day -- --design

.PHONY: bench-steps
bench-steps: ## what single steps cost (criterion), and that no hostile message costs ten good ones
	@.ci/tools.sh bench
	@$(cargo) bench --locked --bench guard --bench scan --bench verify --bench journal --bench payments

.PHONY: bench-peers
bench-peers: ## the gateway beside nginx, haproxy, Envoy and openssl in one run: target/bench/peers.json and a page
	@.ci/tools.sh bench
	@$(cargo) bench --locked --quiet --bench peers

.PHONY: bench-one
bench-one: tools ## one bench by its name: BENCH=payments ARGS=door
	@.ci/tools.sh bench
	@$(cargo) bench --locked --quiet --bench=$(BENCH) -- $(ARGS)

.PHONY: figures
figures: ## writes what all benches found of their peers into the README
	@$(cargo) bench --locked --quiet --bench peers -- --readme

.PHONY: gost-speed
gost-speed: tools ## signatures of the country's algorithms beside openssl's GOST engine, in one run
	@$(cargo) bench --locked --quiet --bench gost

.PHONY: instructions instructions-write
instructions: ## instructions of a call's steps, by callgrind; 3 % more or less than benches/instructions.toml is an error
	@.ci/tools.sh instructions
	@$(cargo) bench --locked --quiet --bench instructions

instructions-write: ## writes the new counts
	@.ci/tools.sh instructions
	@$(cargo) bench --locked --quiet --bench instructions -- --write

.PHONY: flood
flood: ## what a healthy caller notices of floods, slow sockets and 9 000 idle connections
	@.ci/tools.sh bench
	@$(cargo) bench --locked --quiet --bench flood -- --seconds $(FLOOD_SECONDS)

.PHONY: reconcile
reconcile: tools ## CPU, memory and time of reconciling up to 10 million rows a side, beside DuckDB (5 GB of disk)
	@$(cargo) bench --locked --quiet --bench reconcile

.PHONY: crash
crash: tools ## kills the gateway, or its database, CRASH_ROUNDS times under load; nothing may be lost or made twice
	@QAQPA_CRASH_ROUNDS=$(CRASH_ROUNDS) $(cargo) test --release --locked --test crash -- --nocapture

# How many generated documents `make canonical` compares.
C14N_DOCUMENTS ?= 120000

.PHONY: canonical
canonical: tools ## our canonical forms against libxml2's, byte for byte, over C14N_DOCUMENTS generated documents
	@QAQPA_C14N_DOCUMENTS=$(C14N_DOCUMENTS) $(cargo) test --locked --test signatures our_canonical_form -- --nocapture

# How many mutated inputs `make fuzz` feeds to each reader.
FUZZ_INPUTS ?= 10000000

.PHONY: fuzz fuzz-corpus
fuzz: tools ## mutated inputs for every reader of strangers' bytes, FUZZ_INPUTS each; libxml2 is the judge of XML
	@QAQPA_FUZZ_INPUTS=$(FUZZ_INPUTS) $(cargo) test --release --locked --test fuzz -- --nocapture --test-threads=1

fuzz-corpus: tools ## the same, and keeps for each reader the shortest input of each of its words: tests/fuzz/corpus
	@QAQPA_FUZZ_KEEP=1 QAQPA_FUZZ_INPUTS=$(FUZZ_INPUTS) $(cargo) test --release --locked --test fuzz no_input -- --nocapture

.PHONY: gost
gost: tools ## 10 000 signatures of the country's algorithms each way against openssl's GOST engine
	@QAQPA_GOST_SIGNATURES=10000 $(cargo) test --locked --test gost -- --nocapture engine

.PHONY: receipts
receipts: ## ten million receipt numbers of four processes whose clocks jump; none may be there twice
	@QAQPA_RECEIPT_NUMBERS=10000000 $(cargo) test --release --locked --test receipts -- --nocapture four_processes

.PHONY: kills
kills: tools ## kills the gateway at every step of payments and refunds, KILLS times on each store; banks' books judge
	@QAQPA_KILLS=$(KILLS) $(cargo) test --locked --test clerk kills:: -- --nocapture --test-threads=1

.PHONY: mutants
mutants: tools ## takes one safeguard of money out at a time; the test that guards it must fail
	@python3 .ci/mutants.py

# How long `make stores` leaves a database in each kind of trouble.
STORES_SECONDS ?= 60

.PHONY: stores
stores: tools ## a database stopped, frozen, followed by another, full, STORES_SECONDS each: answers, recovery, connections
	@QAQPA_STORES_SECONDS=$(STORES_SECONDS) $(cargo) test --release --locked --test crash stores:: -- --nocapture --test-threads=1

.PHONY: reload
reload: ## RELOADS changes of the configuration and of the doors' certificate under load; no call may fail
	@QAQPA_RELOADS=$(RELOADS) $(cargo) test --release --locked --test flows reload:: -- --nocapture

.PHONY: footing
footing: ## goodput beyond the limits of an agency and of the processor, fairness, and an agency of 14 faults
	@$(cargo) bench --locked --quiet --bench footing -- --seconds $(FOOTING_SECONDS)

.PHONY: cluster
cluster: ## two nodes on one PostgreSQL: one quota together, restarts one after the other under load
	@$(cargo) test --release --locked --test flows cluster:: -- --nocapture --test-threads=1
