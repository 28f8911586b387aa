# `make demo` and `make test` do everything from a clean clone: nothing but Python and make is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# TensorFlow keeps what it has traced, up to 5 GB a process over half of the tests; so in two halves, and not on more cores.
PYTEST_PARALLEL := --numprocesses auto --maxprocesses 3 --dist loadfile

.PHONY: help demo presets test coverage bench bench-check lint format clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/installed: setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@

demo: $(VENV)/installed ## train a small model on the built-in corpus, look at what it writes, export it
	$(BIN)/textgen demo

presets: $(VENV)/installed ## train the models that come with the package anew (hours)
	$(BIN)/python -m training.presets

test: $(VENV)/installed ## the whole test suite
	$(BIN)/python -m pytest $(PYTEST_PARALLEL) tests/zoo $(PYTEST_OPTIONS)
	$(BIN)/python -m pytest $(PYTEST_PARALLEL) tests/keras_textgen tests/training $(PYTEST_OPTIONS)

coverage: $(VENV)/installed ## the whole test suite, a quarter slower, and what it does not reach
	rm -f .coverage
	$(MAKE) test PYTEST_OPTIONS="--cov --cov-append --cov-report=term:skip-covered $(PYTEST_OPTIONS)"

bench: $(VENV)/installed ## speed beside PyTorch, into runs/bench (half an hour; BENCH_OPTIONS="--only draws decoding")
	$(BIN)/python benchmarks/bench.py $(BENCH_OPTIONS)

bench-check: $(VENV)/installed ## what became slower than benchmarks/baseline.json, in processor seconds
	$(BIN)/python benchmarks/regression.py $(BENCH_OPTIONS)

lint: $(VENV)/installed ## style, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(VENV)/installed ## put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the virtual environment and what was built
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .coverage
