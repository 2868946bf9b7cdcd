# Two commands matter: `make chat` and `make test`. Both build the environment first and skip what is up to date.

VENV ?= .venv
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
HOST ?= 127.0.0.1
PORT ?= 7860
WORKERS ?= 2
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
INPUTS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup dev chat test check format bench ingest eval clean

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.setup  ## the environment alone: .venv with the project, pinned by constraints.txt

chat: $(VENV)/.setup  ## environment, index if there is none, then the page on http://127.0.0.1:7860
	@$(BIN)/advisor chat --host $(HOST) --port $(PORT)

test: $(VENV)/.dev  ## the same environment with the development tools, then every test
	@echo "Running every test; the browser test needs Chromium (set ADVISOR_CHROMIUM to its path if it is not found)."
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

check: $(VENV)/.dev  ## formatting of imports, lint and strict types
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/.dev  ## let ruff repair what it can
	@$(BIN)/ruff check --fix .

ingest: $(VENV)/.setup  ## add or update documents: make ingest DOCS="path ..." (default: the shipped corpus)
	@$(BIN)/advisor ingest $(DOCS)

eval: $(VENV)/.setup  ## the question suites, offline: make eval [SUITE=advisor] [GATE=eval/gate.yaml]
	@$(BIN)/advisor eval $(SUITE) $(if $(GATE),--gate $(GATE))

bench: $(VENV)/.setup  ## start-up, ingestion, search and answer times beside a plain LlamaIndex + Chroma pipeline
	@$(BIN)/python -m eval.bench

clean:  ## remove the environment and caches (never the data folder)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found; install one, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Creating the virtual environment $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.setup: $(INPUTS) | $(BIN)/python
	@echo "Installing the project and its dependencies from the package registry (a few minutes the first time) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.setup $(INPUTS)
	@echo "Installing the development tools ..."
	@$(PIP) --editable '.[dev]'
	@touch $@
