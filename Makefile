# Everything a newcomer needs: `make help`. Python 3.11 or newer and make are all that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BOROUGH ?= Hillingdon
RAW := data/raw
QUICK ?=
export PYTHONUTF8 := 1

.PHONY: help env check test test-fast bench report reports clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

env: $(VENV)/.installed ## create .venv with the pinned packages

check: env ## format, lint, types and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p sna
	$(BIN)/lint-imports

test: env ## all tests, two files at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-fast: env ## tests that need no browser, notebook or simulation
	$(BIN)/python -m pytest -m "not browser and not notebook and not simulation and not slow"

bench: env ## measure speed as ratios (QUICK=1: reduced form)
	$(BIN)/python -m tests.bench $(if $(QUICK),--quick)

data/processed/store.json: env
	@if [ -z "$$(find $(RAW) -type f ! -name README.md | head -n 1)" ]; then $(BIN)/sna sample --out $(RAW); fi
	$(BIN)/sna build

report: data/processed/store.json ## simulated London if data/raw is empty; build; one borough's reports (BOROUGH=…)
	$(BIN)/sna report "$(BOROUGH)"

reports: data/processed/store.json ## reports of every borough
	$(BIN)/sna report --all

clean: ## remove what can be rebuilt: processed tables, reports, simulated files, caches
	rm -rf data/raw/simulated .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find data/processed reports -mindepth 1 ! -name .gitkeep -delete
