# recux: `make demo` sets up and runs a whole synthetic pilot; `make test` sets up and tests.
# Benchmarks and tests read the public data sets in the folder RECUX_DATA (docs/benchmarks.md), else ../shared/data.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test check bench bench-train bench-stats bench-evaluation bench-alerts bench-suggest bench-web bench-admin bench-api bench-load bench-chaos audit clean
install: .venv/.runtime

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "recux needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip

.venv/.runtime: .venv/bin/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt -e .
	@touch $@

.venv/.dev: .venv/.runtime
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: .venv/.runtime
	$(BIN)/recux demo

test: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python deploy/audit.py

audit: .venv/.dev
	$(BIN)/python deploy/audit.py

bench-load: .venv/.dev
	$(BIN)/python -m benchmarks.load

bench-chaos: .venv/.dev
	$(BIN)/python -m benchmarks.chaos

bench: bench-stats bench-suggest bench-train

bench-train: .venv/.dev
	$(BIN)/python -m benchmarks.train

bench-stats: .venv/.dev
	$(BIN)/python -m benchmarks.stats

bench-evaluation: .venv/.dev
	$(BIN)/python -m benchmarks.evaluation

bench-alerts: .venv/.dev
	$(BIN)/python -m benchmarks.alerts

bench-suggest: .venv/.dev
	$(BIN)/python -m benchmarks.suggest

bench-web: .venv/.dev
	$(BIN)/python -m benchmarks.web

bench-admin: .venv/.dev
	$(BIN)/python -m benchmarks.admin

bench-api: .venv/.dev
	$(BIN)/python -m benchmarks.api

clean:
	rm -rf .venv build dist *.egg-info
