# `make` lists the targets. Everything is installed into .venv; data of `make up` lives in var/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LISTEN ?= 127.0.0.1:9000
URL := clickhouse://$(LISTEN)/loghouse
# Logs of this machine where there are any, else the sample node in the repository.
LOGS ?= $(firstword $(wildcard /var/log/pods/*) $(wildcard /var/lib/docker/containers/*))
ifeq ($(LOGS),)
SOURCE := tests/data/node/var/log/pods
else
SOURCE := $(patsubst %/,%,$(dir $(LOGS)))
endif

.PHONY: help up down setup test test-slow check format bench dist

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -m venv $(VENV) || { apt-get update -q && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --upgrade pip
	@$(BIN)/pip install --quiet -e '.[embedded]'
	@touch $@

$(VENV)/dev: $(VENV)/installed
	@$(BIN)/pip install --quiet --group dev
	@touch $@

setup: $(VENV)/dev  ## a virtual environment with everything development needs

up: $(VENV)/installed  ## install, start the embedded store, ship real logs, say what to try
	@BIN=$(BIN) LISTEN=$(LISTEN) SOURCE=$(SOURCE) sh deploy/local/up.sh

down:  ## stop the store of `make up`
	@sh deploy/local/down.sh

test: setup servers  ## install what the tests need and run all of them
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/pytest -m "not slow" -n 2 --dist loadfile || $(BIN)/pytest -m "not slow" --last-failed --last-failed-no-failures none

test-slow: setup servers  ## also the tests that take minutes
	@$(BIN)/pytest --hypothesis-profile default

.PHONY: servers
servers:  ## the real servers that tests start (Debian; others skip visibly)
	@sh tests/install-servers.sh

check: setup  ## ruff and mypy
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: setup  ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: lab
lab: setup servers  ## real servers, exporters, both Prometheus, Alertmanager and logs, to look at
	@PYTHONPATH=tests $(BIN)/python -m lab

dist: setup  ## build the wheel
	@$(BIN)/pip wheel --no-deps --wheel-dir dist .
