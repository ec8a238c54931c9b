# Everything runs from the checkout's own `.venv`, which `install` makes; no step needs activation.
.DEFAULT_GOAL := help
PY := .venv/bin/python
BENCHMARKS := start overhead http engine browser api data sandbox broker
PYTHONS := $(if $(PYTHON),"$(PYTHON)",$(PY) python3.14 python3.13 python3.12 python3.11 python3)
QUICK := -m "not long and not services" --durations=10
COMPLETE := import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
# The first complete Python installs; where there is none, the last one says what it lacks.
INSTALL = for python in $(PYTHONS); do \
		"$$python" -c '$(COMPLETE)' 2>/dev/null && break; \
	done; \
	command -v "$$python" >/dev/null || { \
		echo "$$python not found: install Python 3.11 or newer with its venv module" >&2; exit 1; }; \
	"$$python" -m cluster.install --browser

.PHONY: help install browser run stop test test-all check fix bench doctor lock proto release clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

install: ## Install what is missing (every target below does)
	@$(INSTALL)

browser: ## Look for a browser again; ATH_INSTALL_SYSTEM=yes allows the system's package
	@$(INSTALL) --again

run: install ## Start the platform and run the bundled example
	@$(PY) -m examples.demo

stop: ## Stop what run started
	@.venv/bin/ath down

test: check ## Run every check, and every test that needs no server of its own
	@$(PY) -m pytest tests/unit tests/architecture tests/contracts $(QUICK) \
		-n logical --maxprocesses 4 --dist loadfile
	@$(PY) -m pytest tests/process tests/ray tests/e2e $(QUICK)

test-all: check ## Run every test
	@$(PY) -m pytest tests --durations=25

check: install ## Check format, lint, types and layers
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache --no-logo

fix: install ## Format, and repair what the linter can; check names the rest
	@$(PY) -m ruff check --quiet --fix --exit-zero .
	@$(PY) -m ruff format .

bench: install ## Run the benchmarks
	@set -e; for name in $(BENCHMARKS); do $(PY) -m "benchmarks.$$name"; done

doctor: install ## Check this machine, each finding with its remedy
	@.venv/bin/ath doctor

lock: install ## Resolve the dependencies anew; UPGRADE=--upgrade takes the newest
	@printf 'uv\nhatchling\neditables\n' | .venv/bin/uv pip compile pyproject.toml - --quiet \
		--all-extras --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command 'make lock' \
		$(UPGRADE) --output-file requirements.lock

proto: install ## Make the Python of proto/ anew
	@$(PY) -m grpc_tools.protoc -Iproto --python_out=api/grpc/generated \
		--pyi_out=api/grpc/generated ath/v1/sandbox.proto

release: install ## Build the wheel and the source distribution into dist
	@$(PY) -m hatchling build

clean: ## Remove .venv, caches and builds; the platform's data in .ath stays
	@rm -rf .venv dist build site test-results .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
