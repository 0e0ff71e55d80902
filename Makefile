# `make` lists what there is to do. Needs Python 3.11 or newer with venv, and make.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test lint format bench docs constraints audit clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Telemox needs Python 3.11 or newer; set PYTHON=python3.12 or so")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## a simulated cluster and a chat page in the browser: no account, no settings
	@$(BIN)/telemox demo

test: lint ## everything CI runs: format, lint, types, imports, tests, the browser walk
	$(BIN)/pytest

lint: $(READY) ## ruff (format and lint), mypy strict, import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(READY) ## let ruff format and sort
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## speed and memory against a floor measured in the same run
	$(BIN)/python -m tests.bench

docs: $(READY) ## write everything that is generated: README tables, .env.example, pveum.sh, pictures
	$(BIN)/python -m docs.generate

constraints: $(READY) ## pin every dependency with its hashes (no addresses)
	$(BIN)/pip-compile --quiet --all-extras --all-build-deps --allow-unsafe --generate-hashes --strip-extras \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
		--output-file constraints.txt pyproject.toml

audit: $(READY) ## known vulnerabilities of what is pinned
	$(BIN)/pip-audit --require-hashes --disable-pip -r constraints.txt

clean: ## forget the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
