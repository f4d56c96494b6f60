# `make help` lists what there is. Needs Python 3.11, make, bash and coreutils; no system packages.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

PY := .venv/bin/python
WORKERS ?= 2

.PHONY: help setup setup-dev run demo test test-fast lint format schema reliability screenshots hooks clean

help: ## Show this list
	@while IFS= read -r line; do \
	  if [[ $$line =~ ^([a-z-]+):.*'## '(.*)$$ ]]; then \
	    printf '  make %-12s %s\n' "$${BASH_REMATCH[1]}" "$${BASH_REMATCH[2]}"; \
	  fi; \
	done <Makefile

setup: ## Make .venv and install what the platform needs (TORCH=cuda: PyTorch for NVIDIA)
	@scripts/setup.sh run

setup-dev: ## The same, and what tests and checks need
	@scripts/setup.sh dev

run: setup ## Serve the platform at http://127.0.0.1:8000; Ctrl-C stops it
	@$(PY) manage.py up

demo: setup ## Name real faces in a terminal (DATASET=folder, PROBES=folder for your own)
	@$(PY) manage.py demo $${DATASET:+--dataset "$$DATASET"} $${PROBES:+--probes "$$PROBES"}

test: setup-dev ## Run all tests (ARGS="tests/core -k lease" for some, WORKERS=4 for more at once)
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-fast: setup-dev ## Run the tests that need no browser, no server processes and little time
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile -m "not browser and not stack and not slow" $(ARGS)

lint: setup-dev ## Check style, types, imports, migrations, packages and the API schema
	@scripts/lint.sh

format: setup-dev ## Format the code and mend what can be mended by itself
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

schema: setup ## Write docs/openapi.yaml from the code
	@$(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

reliability: setup-dev ## Record what bad inputs are answered with, in docs/reliability.md
	@rm -f docs/reliability/bad_inputs.json
	@RECORD_RESULTS=1 $(PY) -m pytest -n $(WORKERS) --dist loadfile tests/bad_inputs
	@$(PY) -m scripts.render_reliability

screenshots: setup-dev ## Photograph the pages into docs/screenshots (needs Chromium)
	@$(PY) -m scripts.screenshots

hooks: setup-dev ## Run the checks before every commit from now on
	@$(PY) -m pre_commit install

clean: ## Remove caches and reports; keeps .venv and var/ (your data)
	@shopt -s globstar nullglob; rm -rf -- .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
	  .hypothesis .coverage reports __pycache__ {benchmarks,faceplatform,recognition,scripts,tests,training}/**/__pycache__
