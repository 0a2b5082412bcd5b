# Everything a newcomer needs: `make run` and `make test`. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BINARY := target/release/seogo
TIMES := target/times.txt
# cargo-nextest runs tests in parallel processes; plain cargo test does where it is not installed.
TEST := $(shell command -v cargo-nextest >/dev/null && echo cargo nextest run || echo cargo test --all-targets)

# $(call part,NAME,COMMANDS): runs the commands and says how long they took.
define part
	@echo "== $(1)"; start=$$SECONDS; ( $(2) ); \
	mkdir -p target; echo "== $(1): $$(( SECONDS - start )) s" | tee -a $(TIMES)
endef

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1 \t/' | expand -t 16

.PHONY: run
run: setup build ## Install what is needed, build, start Seogo with a few sample files
	@[[ -e data || -n "$${SEOGO_DATA_DIR:-}$${SEOGO_LIBRARY_DIR:-}" ]] || $(MAKE) samples
	$(BINARY) serve

.PHONY: setup
setup: ## Install the system packages that running and building need
	@deploy/system-packages.sh run

.PHONY: setup-test
setup-test:
	@deploy/system-packages.sh test

# The first time only: once there is a data folder, its content is the owner's.
.PHONY: samples
samples:
	@mkdir -p data/library
	cp -R fixtures/samples/{Inbox,Recordings,Videos} data/library/
	$(BINARY) note --title "환영합니다 · Welcome" fixtures/samples/welcome.md

.PHONY: build
build: web/build/index.html ## Build target/release/seogo with the web app inside
	$(call part,release build,cargo build --release --locked --package seogo)

web/node_modules/.package-lock.json: web/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
		|| { echo "Building the web app needs Node 20.19 or later; this is $$(node --version || echo none). See https://nodejs.org/en/download" >&2; exit 1; }
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/build/index.html: web/node_modules/.package-lock.json $(shell find web/src web/static web/*.js web/*.ts web/*.json -type f 2>/dev/null)
	cd web && npm run build
	@touch $@

.PHONY: test
test: ## Run everything that CI runs
	@rm -f $(TIMES)
	$(call part,system packages,$(MAKE) setup-test)
	$(call part,formatting,cargo fmt --all --check)
	$(call part,web app: install,$(MAKE) web/node_modules/.package-lock.json)
	$(call part,web app: check,cd web && npm run check)
	$(call part,web app: tests,cd web && npm test)
	$(call part,web app: build,$(MAKE) web/build/index.html)
	$(call part,clippy,cargo clippy --workspace --all-targets --locked -- -D warnings)
	$(call part,tidy,cargo xtask tidy)
	$(call part,tests,cargo xtask with-postgres -- $(TEST) --workspace --locked)
	@$(MAKE) build
	$(call part,end to end,cd e2e && npm ci --no-audit --no-fund && SEOGO_BINARY=$(CURDIR)/$(BINARY) node --test)
	@echo; echo "All tests passed. Where the time went:"; cat $(TIMES)

.PHONY: bench
bench: bench-queue bench-media ## Measure Seogo beside its peers (BENCH="--quick" for a short look)

.PHONY: bench-queue
bench-queue: ## Measure the queue alone; the result is target/bench/queue.md
	cargo xtask bench-queue $(BENCH)

.PHONY: bench-media
bench-media: ## Measure videos alone (needs Debian's nginx-light); the result is target/bench/media.md
	cargo xtask bench-media $(BENCH)

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all
