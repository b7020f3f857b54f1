# The one list of commands. Each target installs what it needs first; a second run finds it there.
PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# One resolution for every platform and Python; the registry stays whatever the user's pip is set to.
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--fork-strategy fewest --no-emit-index-url --no-emit-find-links --no-annotate --no-header

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(STAMPS)/base ## Make a world with known detours, ingest it, find them: the page is demo/index.html.
	$(BIN)/entrepot demo --out demo

.PHONY: test
test: $(STAMPS)/test ## Run the tests (ARGS="-k word" for some; real customs files are used where they lie).
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadscope $(ARGS)

.PHONY: bench
bench: $(STAMPS)/test ## Run the benchmarks and print their tables (ARGS=--write keeps them in docs/benchmarks.md).
	$(BIN)/python benchmarks/run.py $(ARGS)

.PHONY: lint
lint: $(STAMPS)/test $(STAMPS)/lint ## Check style, format, types, import direction and spelling.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

.PHONY: docs
docs: $(STAMPS)/base $(STAMPS)/docs ## Build the documentation: site/index.html opens without a network.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.PHONY: lock
lock: $(STAMPS)/lint ## Resolve the dependencies again and rewrite requirements/*.lock.
	$(COMPILE) --upgrade --all-extras --group dev --output-file $(STAMPS)/all.lock
	$(COMPILE) --constraints $(STAMPS)/all.lock --group build --output-file requirements/base.lock
	$(COMPILE) --constraints $(STAMPS)/all.lock --group test --all-extras --output-file requirements/test.lock
	$(COMPILE:pyproject.toml=) --constraints $(STAMPS)/all.lock --group pyproject.toml:lint --output-file requirements/lint.lock
	$(COMPILE:pyproject.toml=) --constraints $(STAMPS)/all.lock --group pyproject.toml:docs --output-file requirements/docs.lock

.PHONY: clean
clean: ## Remove everything that the other targets made, the virtual environment included.
	rm -rf $(VENV) build dist site demo bench-data .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what the targets need: a stamp is as new as the lock that it installed

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: entrepot needs Python 3.11 or newer, and $(PYTHON) is not (or is missing)" >&2; \
	  echo "hint:  make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) cannot make virtual environments: its module ensurepip is missing" >&2; \
	  echo "hint:  on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/base: requirements/base.lock pyproject.toml | $(STAMPS)/venv
	$(PIP) --require-hashes --requirement requirements/base.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/test: requirements/test.lock $(STAMPS)/base
	$(PIP) --require-hashes --requirement requirements/test.lock
	@touch $@

$(STAMPS)/lint: requirements/lint.lock | $(STAMPS)/venv
	$(PIP) --require-hashes --requirement requirements/lint.lock
	@touch $@

$(STAMPS)/docs: requirements/docs.lock | $(STAMPS)/venv
	$(PIP) --require-hashes --requirement requirements/docs.lock
	@touch $@
