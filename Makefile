# Everything needs Python 3.11 or newer, make and a package index, and nothing else: `make run`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA_DIR ?= $(CURDIR)/var
export DATA_DIR
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# The locks are complete: nothing is left to be resolved.
FROM_LOCK := --require-hashes --no-deps --requirement
# What is more than a week old has been looked at by others.
COOL_OFF_DAYS ?= 7
BENCH_PEER := var/bench/litellm-venv
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --exclude-newer $$($(BIN)/python -c 'import datetime as d; print(d.date.today() - d.timedelta(days=$(COOL_OFF_DAYS)))')

.DEFAULT_GOAL := help
.PHONY: help install run serve worker test proof fuzz bench bench_usage bench-usage soak peer lint lock clean

help: ## Show this list
	@sed -n 's/^\([a-z_]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done

install: $(VENV)/.installed ## Install the locked dependencies into .venv and write secrets where there are none
	@test -n "$$SECRET_KEY" -a -n "$$BYOK_ENCRYPTION_KEY" || $(BIN)/python -m opscenter.secrets_file "$(DATA_DIR)"

run: install ## Run everything on this machine: web, worker, a demo model server; PORT is 8084 unless set
	@exec $(BIN)/python manage.py run $(ARGS)

serve: install ## Run the web processes alone; WEB_CONCURRENCY says how many
	@exec $(BIN)/python manage.py serve $(ARGS)

worker: install ## Run background tasks with their schedule; ARGS=--no-beat for every further one
	@exec $(BIN)/python manage.py worker $(ARGS)

bench: $(VENV)/.installed-dev $(BENCH_PEER)/.installed ## Measure this gateway beside LiteLLM's; ARGS=--help says what can be chosen
	@$(BIN)/python -m bench $(ARGS)

bench_usage: $(VENV)/.installed-dev ## Time every page of usage with ten million requests; ARGS="--requests 1000000" with fewer
	$(BIN)/python -m bench.usage $(ARGS)

bench-usage: bench_usage

peer: $(BENCH_PEER)/.installed

# A module's tests stay together, so that what they start is started once; tests/conftest.py says which begin first.
PYTEST = $(BIN)/python -m pytest -p tests.services -n 3 --dist=loadscope --no-loadscope-reorder

test: $(VENV)/.installed-dev $(BENCH_PEER)/.installed ## Run all tests with PostgreSQL and Redis, those about the database on SQLite too; ARGS go to pytest
	$(PYTEST) --database=postgres $(ARGS)
	$(PYTEST) --database=sqlite --again $(ARGS) $(if $(ARGS),|| test $$? -eq 5 # none of those that were asked for)

proof: $(VENV)/.installed-dev ## Run the proofs of the ledger whole, and write docs/proofs.md; ARGS="3 8" for two of them
	$(BIN)/python -m tests.proofs $(ARGS)

soak: $(VENV)/.installed-dev ## Half an hour of mixed load with faults; what it leaves behind is in bench/SOAK.md; ARGS="--minutes 5" for less
	@$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(VENV)/.installed-dev ## Ask the API what its description allows for and what not, and write docs/fuzzing.md; ARGS=--cases=2000
	$(BIN)/python -m tests.fuzz $(ARGS)

lint: $(VENV)/.installed-dev ## Check style, types, import directions, the locks and the migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/python .ci/check_locks.py
	@set -e; data=$$(mktemp -d); trap 'rm -rf "$$data"' EXIT; \
	export DATA_DIR="$$data" DATABASE_URL= REDIS_URL= ; \
	$(BIN)/python -m opscenter.secrets_file "$$data"; \
	for check in mypy "python manage.py check --fail-level WARNING" "python manage.py makemigrations --check --dry-run"; do \
		echo "$(BIN)/$$check"; $(BIN)/$$check; done

lock: $(VENV)/.installed-dev ## Renew the lock files from pyproject.toml; ARGS=--upgrade for newer versions
	$(UV_COMPILE) $(ARGS) --output-file requirements.lock pyproject.toml
	$(UV_COMPILE) $(ARGS) --output-file requirements-dev.lock --constraint requirements.lock --group dev pyproject.toml
	sed -n 's/^litellm==\([^ ;]*\).*/litellm[proxy]==\1/p' requirements.lock | \
		$(UV_COMPILE) $(ARGS) --output-file bench/litellm-proxy.lock -

clean: ## Remove .venv and caches; var/ with its data and secrets stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is none. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.lock
	@echo "Installing the locked dependencies into $(VENV) (a minute, the first time)"
	@$(PIP) install $(FROM_LOCK) requirements.lock
	@touch $@

$(BENCH_PEER)/.installed: bench/litellm-proxy.lock | $(VENV)/.made
	@echo "Installing the LiteLLM proxy, to test and measure with, into $(BENCH_PEER) (a minute, the first time)"
	@rm -rf $(BENCH_PEER) && $(PYTHON) -m venv --without-pip $(BENCH_PEER)
	@$(PIP) --python $(BENCH_PEER)/bin/python install $(FROM_LOCK) $<
	@touch $@

# The development lock holds everything of the other one.
$(VENV)/.installed-dev: $(VENV)/.made requirements-dev.lock requirements.lock
	@echo "Installing the locked development dependencies into $(VENV)"
	@$(PIP) install $(FROM_LOCK) requirements-dev.lock
	@touch $(VENV)/.installed $@
