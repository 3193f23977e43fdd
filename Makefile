# Molva. `make` lists the targets. Nothing need be installed but make and Python 3.11, 3.12 or 3.13.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first interpreter that Molva runs on; `make setup PYTHON=/path/to/python3` chooses another.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	"$$name" -c '$(SUPPORTED)' >/dev/null 2>&1 && { echo "$$name"; break; }; done)
endif

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := dev,train,charts,tracing,sources
DATA ?= $(or $(MOLVA_DATA),../shared/data)

.PHONY: help setup demo demo-sources test chaos lint format bench train env lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything that Molva and its tests need

$(READY): pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "make setup: no Python 3.11, 3.12 or 3.13 on the PATH (python3 is: $$(python3 --version 2>&1))." >&2; \
		echo "Install one, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; fi
	@if ! "$(PYTHON)" -c '$(SUPPORTED)'; then \
		echo "make setup: Molva needs Python 3.11, 3.12 or 3.13; $(PYTHON) is: $$("$(PYTHON)" --version 2>&1)" >&2; \
		exit 1; fi
	@if ! "$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "make setup: $(PYTHON) lacks the venv module (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; fi
	@if [ -x $(BIN)/python ] && ! $(BIN)/python -c '$(SUPPORTED)'; then \
		echo "make setup: $(VENV) is of an unsupported or removed Python; making it anew"; rm -rf $(VENV); fi
	@[ -x $(BIN)/python ] || { echo "making $(VENV) with $$("$(PYTHON)" --version)"; "$(PYTHON)" -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[$(EXTRAS)]'
	@test -x $(BIN)/molva
	$(BIN)/python -m compileall -q agents pipeline schemas
	@touch $@
	@echo "ready: $(BIN)/molva --help"

demo: setup ## the whole pipeline on this machine with a bundled story, under two minutes
	$(BIN)/molva demo

demo-sources: setup ## every agent against a local server of its platform, killed three times, under three minutes
	$(BIN)/python -m tests.demo_sources

test: setup ## the whole test suite, in three processes; TEST="tests/core -x" for a part of it
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(TEST)

chaos: setup ## schedules of faults on Apache Kafka and ClickHouse, at most 30 minutes; CHAOS="--minutes 5 ..."
	$(BIN)/python -m tests.chaos.campaign --minutes 30 $(CHAOS)

lint: setup ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## let ruff format the code and fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## the benchmarks, as JSON into build/bench; those on real data with DATA=DIR
	@mkdir -p build/bench
	@set -e; \
	run() { name=$$1; shift; echo "$$name"; $(BIN)/python -m benchmarks.$$name "$$@" > build/bench/$$name.json; }; \
	run matcher; run detector_simulation; run clickhouse_bytes --posts 20000; run probes full; run ingest; run records; \
	if [ -f "$(DATA)/tweets_banks_2014.jsonl" ]; then \
		export MOLVA_DATA="$(DATA)"; \
		run mentions; run detector_incidents; run spikes_2014; run enrichment; \
		run sentiment full "$(DATA)"; run sentiment_svm "$(DATA)"; run languages; run clusters; run same_answers; \
		run storage --data "$(DATA)"; run start --runs 5; \
		$(BIN)/molva bench entities --posts 3000 --json > build/bench/entities.json; \
		$(BIN)/molva bench pipeline --naive --json > build/bench/pipeline.json; \
		run overload --minutes 2; \
	else echo "without real data: $(DATA) holds none; name its folder with DATA=DIR"; fi

train: setup ## train the sentiment models anew from the data sets in DATA
	$(BIN)/molva train sentiment --model open --data "$(DATA)"
	$(BIN)/molva train sentiment --model full --data "$(DATA)"

env: ## write .env for docker-compose.yml with fresh random secrets
	@"$(PYTHON)" deploy/new_env.py .env

lock: ## write constraints.txt anew from the newest versions that pyproject.toml allows
	rm -rf .venv-lock
	"$(PYTHON)" -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	{ sed -n '/^#/p' constraints.txt; .venv-lock/bin/python -m pip freeze --exclude-editable; } > constraints.txt.new
	mv constraints.txt.new constraints.txt
	rm -rf .venv-lock

clean: ## remove .venv, caches and build outputs; the data under .molva stays
	rm -rf $(VENV) .venv-lock *.egg-info build dist htmlcov .coverage
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find agents benchmarks deploy pipeline schemas tests -type d -name __pycache__ -prune -exec rm -rf {} +
