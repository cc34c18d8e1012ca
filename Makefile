.DEFAULT_GOAL := help
.PHONY: help up demo check otel test screenshots chaos corpora lint format lock clean

PYTHON ?= python3
SECONDS ?= 300
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

ifdef UV
MAKE_VENV = $(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
else
MAKE_VENV = $(PYTHON) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

COMPILE = $(or $(UV),uvx --from uv uv) pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml

help: ## show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

up: $(VENV)/.run ## install what is pinned and start everything (sandbox API unless a key is set)
	@exec $(BIN)/autoreply up

demo: $(VENV)/.run ## beside `make up`: post sample webhooks and watch what becomes of them
	@$(BIN)/autoreply demo

check: $(VENV)/.run ## check settings, Redis and templates
	@$(BIN)/autoreply check

otel: $(VENV)/.run ## install what exports traces with OpenTelemetry, too
	@$(INSTALL) -r requirements-otel.lock

test: $(VENV)/.dev ## run the whole test suite against a real server, which it starts itself
	$(BIN)/python -m pytest -n 2 --dist loadgroup

screenshots: $(VENV)/.dev ## pictures of the console with sample data, into docs/img (needs Chromium)
	@$(BIN)/python -m bench.screenshots

chaos: $(VENV)/.run ## kill and break everything for 5 minutes, then count (SECONDS=60, SEED=1)
	@PYTHONPATH=tests:bench $(BIN)/python -m chaos --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

corpora: $(VENV)/.run ## how much of third-party mails is read right, and how fast hostile ones are
	@PYTHONPATH=bench $(BIN)/python -m corpora

lint: $(VENV)/.dev ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## pin the newest versions that fit
	$(COMPILE) -o requirements.lock
	$(COMPILE) --extra otel -c requirements.lock -o requirements-otel.lock
	$(COMPILE) --extra otel --group dev -c requirements-otel.lock -o requirements-dev.lock

clean: ## remove what was installed; var/ (the ledger) stays
	rm -rf $(VENV)

$(VENV)/.run: requirements.lock pyproject.toml
	@echo "installing into $(VENV) (about a minute, only once) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; run: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(MAKE_VENV)
	@$(INSTALL) -r requirements.lock
	@$(INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	@echo "installing the test tools …"
	@$(INSTALL) -r requirements-dev.lock
	@touch $@
