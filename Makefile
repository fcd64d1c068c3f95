# Everything a person runs. Each verb does its own set-up; only Python 3.11+, make and libc are needed.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH := $(CURDIR):$(CURDIR)/client
# Without compiled modules every process compiles its imports anew: seconds each.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --require-hashes
COMPILE := uv pip compile --quiet pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header
EXTRAS := --extra embedded --extra demo --extra fast --extra text --extra images --extra embed \
	--extra vectors
PORTAL_SOURCES := $(shell find frontend -path frontend/node_modules -prune -o -path frontend/dist \
	-prune -o -type f -print 2>/dev/null)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev portal browser demo up down test check check-types check-rules \
	check-contract check-portal audit bench screenshots lock openapi clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.installed $(BIN)/fairmesh  ## the environment that runs the platform
setup-dev: $(VENV)/.installed-dev  ## and what tests and checks need
portal: frontend/dist/.built  ## build the portal with the node of a wheel

browser: setup-dev
	@$(BIN)/python -m tests.browser

$(UV):
	@test -n "$(PYTHON)" || { echo "Fairmesh needs Python 3.11, 3.12 or 3.13 as python3." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.installed: requirements.lock | $(UV)
	$(INSTALL) -r requirements.lock
	@touch $@

# The command of the client as it lies here: nothing has to be built or fetched for it.
$(BIN)/fairmesh: $(VENV)/.installed
	@printf '#!/bin/sh\nPYTHONPATH="%s/client" exec "%s/$(BIN)/python" -m fairmesh "$$@"\n' \
		"$(CURDIR)" "$(CURDIR)" > $@
	@chmod +x $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(INSTALL) -r requirements-dev.lock
	@touch $@

frontend/node_modules/.installed: frontend/package-lock.json $(VENV)/.installed
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

frontend/dist/.built: frontend/node_modules/.installed $(PORTAL_SOURCES)
	cd frontend && npm run --silent build
	@touch $@

demo: setup portal  ## start everything, do the whole job on real data, report, stop
	$(BIN)/python -m demo

up: setup portal  ## the whole platform, until Ctrl-C
	@exec $(BIN)/python manage.py up

down: setup  ## end what `make up` started
	@$(BIN)/python manage.py down

test: setup-dev portal browser  ## all tests on SQLite; on PostgreSQL again what is asked of a database
	$(BIN)/python -m pytest -n 3
	$(BIN)/python -m tests.postgres -n 3

# Its parts may run side by side: `make -j2 check`.
check: check-types check-rules check-contract check-portal  ## linters, types, contracts, migrations, schemas

check-types: setup-dev
	mypy

check-rules: setup-dev
	ruff check .
	ruff format --check .
	lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.deployment

check-contract: setup-dev
	$(BIN)/python manage.py spectacular --validate --file $(VENV)/openapi.yaml
	diff -u docs/reference/openapi.yaml $(VENV)/openapi.yaml

check-portal: frontend/node_modules/.installed
	cd frontend && npm run --silent check
	cd frontend && npx --no openapi-typescript ../docs/reference/openapi.yaml --output ../$(VENV)/schema.d.ts
	diff -u frontend/src/api/schema.d.ts $(VENV)/schema.d.ts

openapi: setup-dev frontend/node_modules/.installed  ## write the OpenAPI file and the portal's types
	$(BIN)/python manage.py spectacular --validate --file docs/reference/openapi.yaml
	cd frontend && npm run --silent types

audit: setup-dev  ## ask whether a locked package has a known weakness (needs the network)
	pip-audit --disable-pip --require-hashes -r requirements-dev.lock

bench: setup-dev  ## make bench NAME=copy
	@test -n "$(NAME)" || { echo "Which? make bench NAME=x, one of:" benchmarks/*.py >&2; exit 1; }
	$(BIN)/python -m benchmarks.$(NAME)

screenshots: setup-dev portal browser  ## the pictures of the README
	$(BIN)/python -m demo.screenshots

lock: $(UV)  ## choose the newest allowed versions
	$(COMPILE) --upgrade $(EXTRAS) --output-file requirements.lock
	$(COMPILE) --upgrade $(EXTRAS) --extra ray --extra bench --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean:  ## remove what was built; the state in .fairmesh stays
	rm -rf $(VENV) frontend/node_modules frontend/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
