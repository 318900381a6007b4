# ValueWeave: everything a fresh clone needs is `make serve` or `make test`.
#
# The environment lives in .venv/ and holds exactly what requirements/*.lock name. Stamp files in it say what is
# installed, so a second run installs nothing and needs no network.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8000
PYTEST_ARGS ?=
LOCK_ARGS ?=
BENCH_ARGS ?=
HTTP_ARGS ?=

BIN := $(VENV)/bin
STAMP_RUNTIME := $(VENV)/.runtime-installed
STAMP_DEV := $(VENV)/.dev-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
UV_VERSION := 0.13.9

.PHONY: help setup serve test check format build dist lock clean bench mutate

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP_DEV) ## Create .venv with everything for serving, testing and checking

serve: $(STAMP_RUNTIME) ## Build the graph and serve it (HOST=127.0.0.1 PORT=8000)
	@$(BIN)/valueweave build
	@$(BIN)/valueweave serve --host $(HOST) --port $(PORT)

build: $(STAMP_RUNTIME) ## Build the graph (does nothing when it is up to date)
	@$(BIN)/valueweave build

# Files of tests are handed out to several processes; each file runs whole and in its order in one of them.
test: $(STAMP_DEV) ## Run every test (PYTEST_ARGS='-k name' narrows it, -n0 runs it in one process)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: $(STAMP_DEV) ## Check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP_DEV) ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(STAMP_DEV) ## Measure reasoning and HTTP, write docs/performance.md (BENCH_ARGS='--sizes 110000', HTTP_ARGS='--rounds 1': less)
	$(BIN)/python bench/reasoning.py $(BENCH_ARGS)
	$(BIN)/python bench/serving.py $(HTTP_ARGS)

mutate: $(STAMP_DEV) ## List axioms and rules that no test or question protects (writes docs/mutation.md)
	$(BIN)/python bench/mutate.py

dist: $(STAMP_RUNTIME) ## Build the wheel into dist/
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

# The output must not depend on the machine: no index addresses, and the comment names this command.
lock: export UV_CUSTOM_COMPILE_COMMAND = make lock
lock: $(VENV)/pyvenv.cfg ## Pin the requirements with hashes (LOCK_ARGS=--upgrade takes newer versions)
	$(PIP) install --quiet uv==$(UV_VERSION)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 $(LOCK_ARGS) \
	  --group build --output-file requirements/runtime.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 $(LOCK_ARGS) \
	  --constraint requirements/runtime.lock --group build --group dev --extra owl --output-file requirements/dev.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 $(LOCK_ARGS) \
	  --no-deps --output-file requirements/owlapi.txt requirements/owlapi.in

clean: ## Remove the environment, the store and all caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# -- environment ----------------------------------------------------------------------------------------------------

$(VENV)/pyvenv.cfg:
	@python=''; \
	for candidate in $(PYTHON) python3 python python3.14 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "ValueWeave needs Python 3.11 or later, and none was found. Install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 1; \
	fi; \
	echo "Creating $(VENV) with $$("$$python" --version)" >&2; \
	rm -rf $(VENV); \
	if ! "$$python" -m venv $(VENV); then \
	  rm -rf $(VENV); \
	  echo "$$python cannot make virtual environments. Install its venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; \
	fi

$(STAMP_RUNTIME): requirements/runtime.lock pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing the packages that requirements/runtime.lock names" >&2
	$(PIP) install --quiet --require-hashes --requirement requirements/runtime.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMP_DEV): requirements/dev.lock requirements/owlapi.txt $(STAMP_RUNTIME)
	@echo "Installing the packages that requirements/dev.lock and requirements/owlapi.txt name" >&2
	$(PIP) install --quiet --require-hashes --requirement requirements/dev.lock
	$(PIP) install --quiet --require-hashes --no-deps --requirement requirements/owlapi.txt
	@touch $@
