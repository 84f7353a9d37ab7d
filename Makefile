# Every command makes what it needs: the virtual environment first, then the local stack's jars.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
# What is compiled (pyproject.toml) is compiled again where it has changed.
COMPILED := $(shell sed -n '/^modules = \[/,/^\]/s|^ *"\(.*\)",|\1|p' pyproject.toml | sed 's|\.|/|g; s|.*|services/&.py|')
# Two workers, each with a local stack of its own (tests/conftest.py); the short tests come last.
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo bench bench-full bench-drift test unit lint format faults lock clean

help: ## Show these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

demo: $(READY) ## Decide simulated transactions on a real local broker, verify every decision, look around
	@$(BIN)/headrace demo --keep

bench: $(READY) ## Throughput and latency beside Quix Streams, Faust and a raw echo (some ten minutes)
	@$(BIN)/headrace bench

bench-full: $(READY) ## The same, and how it grows with keys, features, windows, processes (an hour)
	@$(BIN)/headrace bench --full

bench-drift: $(READY) ## How often drift is noticed where there is none, and how soon where there is (an hour)
	@$(BIN)/headrace bench-drift

test: $(READY) lint ## Everything that CI checks: lint, unit, contract, integration and fault tests
	@$(BIN)/pytest $(SIDE_BY_SIDE)

unit: $(READY) ## The tests that need no broker (seconds)
	@$(BIN)/pytest $(SIDE_BY_SIDE) tests/unit tests/contract -m "not integration and not faults"

lint: $(READY) ## Style, types and the dependency rules between the parts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## Write the style that lint expects
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

faults: $(READY) ## Every fault test with 30 seeds (long)
	@HEADRACE_FAULT_SEEDS=30 $(BIN)/pytest tests/faults -m faults --timeout 7200

lock: $(READY) ## Pin every dependency again, with hashes
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header --upgrade --all-extras --group dev pyproject.toml -o requirements.lock
	@for peer in bench/peers/*/; do (cd $$peer && $(CURDIR)/$(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade \
		requirements.in -o requirements.lock) || exit 1; done

clean: ## Stop the local stack and delete everything that these commands made
	@if [ -x $(BIN)/headrace ]; then $(BIN)/headrace down; fi
	rm -rf $(VENV) .headrace .hypothesis .build
	find services -name '*.so' -delete

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Headrace needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@echo "Making the virtual environment in $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(READY): $(INSTALLED) pyproject.toml hatch_build.py $(COMPILED)
	@echo "Compiling the hot path (where there is a C compiler) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps -e .
	@$(BIN)/headrace doctor | grep -A 1 '^fix  hot path' || true
	@touch $@
