# Everything runs in .venv, which the first target that needs it sets up. Try `make run`.

# The first of these that is new enough; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell scripts/find_python.sh)
BIN := .venv/bin
STAMP := .venv/.complete

.PHONY: help run test soak check format bench setup libraries clean

help:
	@echo "make run     the demo: a simulated tool and the live window (ARGS='--seed 1' passes options)"
	@echo "make test    the tests, small sizes, in parallel (ARGS='-k gap' passes options)"
	@echo "make check   style, types (those of boards too), import rules, spelling"
	@echo "make soak    the tests at full size; takes long"
	@echo "make bench   the benchmarks"
	@echo "make format  lay out the code as make check wants it"
	@echo "make setup   only set up; make clean removes what was made"

run: setup
	$(BIN)/iastm demo $(ARGS)

# Two workers more than cores: what speaks to tools in real time waits more than it works.
test: setup
	$(BIN)/pytest -n $$(($$($(BIN)/python -c 'import os; print(os.cpu_count())') + 2)) --dist worksteal $(ARGS)

soak: setup
	$(BIN)/pytest -n auto --dist worksteal --soak -o faulthandler_timeout=3600 $(ARGS)

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python scripts/check_stubs.py

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup
	$(BIN)/python -m benchmarks $(ARGS)

setup: libraries $(STAMP)

# What Qt needs from the system; looks first, so that the second time takes no network and no rights.
libraries:
	@scripts/system_libraries.sh

# Done when the last line has run: whatever breaks off before is taken up again next time.
$(STAMP): pyproject.toml scripts/make_venv.sh
	@scripts/make_venv.sh "$(PYTHON)" .venv
	@touch $@

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
