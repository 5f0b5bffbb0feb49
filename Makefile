# Two commands for a newcomer: `make demo` and `make test`. Each makes its own virtual environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SAY := @printf '\033[1m%s\033[0m\n'

.PHONY: help demo test test-long lint bench verify docs gallery wheel lock clean

help:
	@echo "make demo    run a virtual beamtime from raw files to lithium maps, and print where the page is"
	@echo "make test    run the test suite"
	@echo "make test-long  the tests whose claims lithiscope verify shows too"
	@echo "make lint    formatting, lint, types and the import contract"
	@echo "make verify  every claim beside what is measured"
	@echo "make bench   every yardstick as a ratio to its peer"
	@echo "make docs    renew docs/reference/stages.md and docs/verification.md"
	@echo "make gallery run the demo and renew the pictures of docs/gallery.md"
	@echo "make wheel   build dist/*.whl and try it in an environment of its own"
	@echo "make lock    renew constraints.txt from pyproject.toml"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lithiscope needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(SAY) "[1/3] making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(SAY) "[2/3] installing lithiscope (about a minute, once)"
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(SAY) "[2/3] installing lithiscope and its test tools (about two minutes, once)"
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.core

demo: $(VENV)/.core
	$(SAY) "[3/3] a virtual beamtime: three platelets, raw files, lithium maps"
	@$(BIN)/lithiscope demo demo

test: $(VENV)/.dev
	$(SAY) "[3/3] running the tests"
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal
	$(SAY) "all tests passed; what is promised and measured: docs/verification.md"

test-long: $(VENV)/.dev
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m long

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

verify: $(VENV)/.core
	@$(BIN)/lithiscope verify

docs: $(VENV)/.dev
	@$(BIN)/python docs/make_reference.py
	@$(BIN)/python docs/make_verification.py

gallery: $(VENV)/.dev
	@$(BIN)/lithiscope demo demo
	@$(BIN)/python docs/make_gallery.py .

wheel: $(VENV)/.dev
	@rm -rf dist && mkdir dist
	@$(BIN)/uv build --quiet --out-dir dist
	$(SAY) "trying the wheel alone"
	@$(PYTHON) -m venv dist/stranger
	@dist/stranger/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt dist/*.whl
	@cd dist && stranger/bin/lithiscope --version && stranger/bin/lithiscope demo demo
	@rm -rf dist/stranger dist/demo

bench: $(VENV)/.dev
	@for script in benchmarks/*.py; do OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python $$script || exit 1; done

lock: $(VENV)/.dev
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --strip-extras --upgrade --quiet --output-file constraints.txt

clean:
	rm -rf $(VENV) demo
