# `make help` says what there is. PYTHON=... chooses the interpreter that .venv is made from.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PY := .venv/bin/python
# What runs needs less than what tests; with the larger set installed nothing else has to be.
INSTALLED := $(or $(wildcard .venv/.dev),.venv/.local)
COMPOSE ?= docker compose
# The lock is the same whoever makes it.
UV_VERSION := 0.13.8

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo up run
demo: $(INSTALLED) ## Start everything, send a job, show its answer, stop
	@$(PY) -m embedded demo

up: $(INSTALLED) ## Keep the platform running; Ctrl-C stops it (PORT, FLOWER_PORT, RECKONER_HOME, DATABASE_URL, REDIS_URL)
	@$(PY) -m embedded up

run: up ## The same as `up`

.PHONY: test check chaos api-test
test: .venv/.dev ## Run the whole suite on servers of its own (ARGS=... for pytest)
	@$(PY) -m pytest --cov --cov-report=term:skip-covered $(ARGS)

check: .venv/.dev ## Format, lint, types, import rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

chaos: .venv/.dev ## Kill, freeze, fill and cut everything under load, at length (ARGS="--seed N --scenario NAME")
	@$(PY) -m tests.chaos $(ARGS)

api-test: $(INSTALLED) ## Send a job to the platform that is running
	@$(PY) -m embedded.demo

.PHONY: reference screenshots
reference: .venv/.dev ## Make docs/reference from the code
	@$(PY) -m tests.docs.reference

screenshots: .venv/.dev ## Make docs/screenshots on a platform of its own
	@$(PY) -m tests.console.screenshots

.PHONY: bench bench-jobs bench-scan bench-etl bench-items bench-http bench-sums bench-growth bench-memory bench-floor soak
bench: bench-jobs bench-scan bench-etl bench-items bench-http bench-sums bench-growth bench-memory bench-floor ## Measure everything beside its peers

bench-jobs: .venv/.dev ## Measure jobs: submit, drain, pick-up
	@$(PY) -m bench jobs $(ARGS)

bench-scan: .venv/.dev ## Measure two-sum over workbooks and arrays
	@$(PY) -m bench scan $(ARGS)

bench-etl: .venv/.dev ## Measure loading transactions
	@$(PY) -m bench etl $(ARGS)

bench-items: .venv/.dev ## Measure the cached list of items, orders and their analytics
	@$(PY) -m bench items $(ARGS)

bench-http: .venv/.dev ## Measure the HTTP interface
	@$(PY) -m bench http $(ARGS)

bench-sums: .venv/.dev ## Measure the running sums
	@$(PY) -m bench sums $(ARGS)

bench-growth: .venv/.dev ## Measure how cost grows with jobs, payload, clients and depth
	@$(PY) -m bench growth $(ARGS)

bench-memory: .venv/.dev ## Measure the memory of the idle platform
	@$(PY) -m bench memory $(ARGS)

bench-floor: .venv/.dev ## Measure what the steps of a job cost alone, and where its processor time goes
	@$(PY) -m bench floor $(ARGS)

soak: .venv/.dev ## Hold a mixed load (ARGS="--seconds N"); memory, handles and tables must level off
	@$(PY) -m bench soak $(ARGS)

.PHONY: dev-setup monitor dev-reset lock
dev-setup: .venv/.dev ## Install everything a developer needs into .venv

monitor: $(INSTALLED) ## Say where the running platform's console and Flower are
	@$(PY) -m embedded where

dev-reset: $(INSTALLED) ## Delete the local servers and all their data (CONFIRM=yes doesn't ask)
	@$(PY) -m embedded reset $(if $(filter yes,$(CONFIRM)),--yes)

.PHONY: build docker-up docker-down docker-logs
build: ## Build the Docker image
	$(COMPOSE) build

docker-up: ## Start the platform in containers (see .env.example)
	@test -f .env || { echo "No .env: copy .env.example and fill it in."; exit 1; }
	$(COMPOSE) up --detach --build --wait

docker-down: ## Stop the containers; their data stays
	$(COMPOSE) down

docker-logs: ## Follow the containers' logs
	$(COMPOSE) logs --follow --tail 100

# What is installed is noted with the lock it came from; a newer lock is installed over it. A native part whose sources
# changed would not be loaded any more: it is built again.
NATIVE := $(wildcard core/workbook/native/*.[ch])

.venv/.local: requirements/local.txt pyproject.toml $(NATIVE)
	@requirements/install requirements/local.txt
	@.venv/bin/python -m core.workbook.build_native
	@touch $@

.venv/.dev: requirements/dev.txt pyproject.toml $(NATIVE)
	@requirements/install requirements/dev.txt
	@.venv/bin/python -m core.workbook.build_native
	@touch $@

# One resolution for every platform and Python from 3.11 on, by hash; uv comes and goes with its own environment.
# Extras are kept: a pip older than 23.3 (Debian 12 has 23.0) looks for name[extra] without the pin of name.
LOCK = "$$lock/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-strip-extras $(if $(UPGRADE),--upgrade) pyproject.toml

lock: ## Make requirements/*.txt from pyproject.toml again (UPGRADE=1 takes newer versions)
	@lock=$$(mktemp -d) && trap 'rm -rf "$$lock"' EXIT && \
	python3 -m venv "$$lock" && "$$lock/bin/pip" install --quiet --disable-pip-version-check uv==$(UV_VERSION) && \
	$(LOCK) --output-file requirements/base.txt && \
	$(LOCK) --extra local --extra native --output-file requirements/local.txt && \
	$(LOCK) --extra local --extra native --extra dev --output-file requirements/dev.txt
