# Everything from a bare machine with Python 3.11 or newer and make:
#
#   make demo    the main job on real images, in under three minutes on two cores
#   make test    the tests (make test JOBS=4 for more processes)
#   make slow    tests that start processes and kill them, and every benchmark on a few rows
#   make fuzz    bad values for every argument
#   make lint    ruff and mypy          make format  let ruff rewrite the code
#   make docs    the documentation      make build   sdist and wheel in dist/
#   make clean   remove the environment, the demo's run and everything that was built
#
# The environment is .venv; it is made once, and anew after a change of pyproject.toml or constraints.txt.
# Another Python: make test PYTHON=python3.13

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
JOBS ?= 2

# The first that starts and is new enough: a name on the PATH may belong to an older or absent Python.
CANDIDATES := python3.11 python3.12 python3.13 python3 python3.14 python
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$python && break; \
	done)

.DEFAULT_GOAL := help
.PHONY: help install demo test slow fuzz lint format docs build clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

install: $(VENV)/.stamp

# A virtual environment that no longer starts (its Python is gone) is made anew; any other is kept.
$(VENV)/.stamp: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; name one with PYTHON=/path/to/python3" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing sksvp and what it needs into $(VENV) ($$($(BIN)/python --version)) ..."
	@$(PIP_INSTALL) -e ".[dev]"
	@echo "Building fasttext from source ..."
	@$(PIP_INSTALL) fasttext >$(VENV)/fasttext.log 2>&1 || echo "fasttext could not be built (it needs a C++ \
	compiler; see $(VENV)/fasttext.log): FastTextClassifier will not run, everything else does."
	@touch $@

# Takes up an interrupted run, and only shows the table of a finished one (make clean removes it); then asks a pilot.
demo: $(VENV)/.stamp
	$(BIN)/sksvp coreset --dataset digits --jobs 2 --out runs/demo --resume
	OMP_NUM_THREADS=1 $(BIN)/python examples/plot_pilot.py

# One torch thread in each process: more would fight for the same cores.
test: $(VENV)/.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

slow: $(VENV)/.stamp
	$(MAKE) test PYTEST_ARGS="-m slow"

fuzz: $(VENV)/.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/test_fuzz.py tests/test_cli_fuzz.py -m fuzz -n $(JOBS) --dist worksteal

lint: $(VENV)/.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.docs-stamp: $(VENV)/.stamp
	@echo "Installing what the documentation needs ..."
	@$(PIP_INSTALL) -e ".[docs]"
	@touch $@

# Pages of names that are gone would stay and be warned of.
docs: $(VENV)/.docs-stamp
	rm -rf docs/api/generated
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

build: $(VENV)/.stamp
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist runs/demo docs/_build docs/auto_examples docs/api/generated
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache *.egg-info
	find sksvp tests -name __pycache__ -type d -prune -exec rm -rf {} +
