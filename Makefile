# stockfold: `make help` lists what there is.
#
# Needs make and Python 3.11 to 3.13 on the PATH, nothing else: Java, Kafka and PostgreSQL come with
# the Python packages. Of several Pythons the fastest is taken; PYTHON=/path/to/python chooses.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
GIVEN = $(if $(PYTHON),"$(PYTHON)")
FIND_PYTHON = for p in $(or $(GIVEN),python3 python3.13 python3.12 python3.11 python); do \
	if "$$p" -I -c '' >/dev/null 2>&1 && "$$p" infra/pick_python.py $(GIVEN) 2>/dev/null; \
	then exit 0; fi; done; \
	echo "stockfold needs Python 3.11, 3.12 or 3.13 with its venv module." >&2; \
	echo "where: PATH=$$PATH" >&2; \
	echo "to do: install one (Debian, Ubuntu: python3-venv too), or: make PYTHON=/path/to/python" >&2; \
	exit 1

# Only from the command line: many shells export LINES as the height of the terminal.
ifeq ($(origin LINES),command line)
DEMO_LINES := --lines $(LINES)
endif
ifneq ($(filter-out 0,$(EXIT)),)
DEMO_EXIT := --exit
endif

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	@python="$$($(FIND_PYTHON))"; echo "making $(VENV) with $$python ($$("$$python" -c 'import platform; print(platform.python_version())'))"; "$$python" -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing stockfold"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing stockfold and its development tools"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.installed-demo $@

$(VENV)/.installed-browser: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing stockfold, its development tools and what drives a browser"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	@touch $(VENV)/.installed-demo $(VENV)/.installed-dev $@

$(VENV)/.installed-profile: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing stockfold, its development tools and a sampling profiler"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[profile]'
	@touch $(VENV)/.installed-demo $(VENV)/.installed-dev $@

.PHONY: venv
venv: $(BIN)/python ## Make the virtual environment only

.PHONY: setup
setup: $(VENV)/.installed-demo ## Install stockfold alone into .venv: for whoever runs it

.PHONY: install
install: $(VENV)/.installed-dev ## Install stockfold with its development tools into .venv

.PHONY: run
run: $(VENV)/.installed-demo ## See it work on real orders; EXIT=1 stops after the summary, LINES=n or all
	@$(BIN)/python -m infra.demo $(DEMO_LINES) $(DEMO_EXIT)

.PHONY: up
up: $(VENV)/.installed-demo ## Start the service alone, with embedded servers unless set otherwise
	@$(BIN)/stockfold up

SHOP_PORT ?= 8089

.PHONY: facts
facts: $(VENV)/.installed-dev ## Check the facts of WooCommerce on a real test shop: WOOCOMMERCE_URL, _KEY, _SECRET
	@: "$${WOOCOMMERCE_URL:?the address of a shop made for tests}" "$${WOOCOMMERCE_KEY:?}" "$${WOOCOMMERCE_SECRET:?}"
	@$(BIN)/python -m pytest tests/contract/woocommerce $(ARGS)

.PHONY: shop
shop: $(VENV)/.installed-demo ## Serve an imitation of WooCommerce to try things on; SHOP_PORT=n, ARGS="--products 500"
	@$(BIN)/python -m tests.support.woo_shop --port $(SHOP_PORT) --products 200 --quantity 25 $(ARGS)

.PHONY: test
test: $(VENV)/.installed-dev ## Run every test, four at a time: most of them wait; ARGS="-k name" chooses
	@$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: test-browser
test-browser: $(VENV)/.installed-browser ## Test the console in a real headless Chromium, on a real demo run
	@$(BIN)/python -m pytest tests/browser $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.installed-browser ## Write the console's pictures in infra/docs/console anew, from a demo run
	@$(BIN)/python -m infra.screenshots $(ARGS)

SIMULATED := $(if $(ORDERS),--orders) $(if $(SEED),--seed $(SEED),--histories $(or $(HISTORIES),1000) --first $(or $(FIRST),0))

PROMTOOL ?= promtool

.PHONY: test-alerts
test-alerts: ## Try every alert rule, firing and not, with Prometheus' own promtool; PROMTOOL=path
	@command -v $(PROMTOOL) >/dev/null || { echo "promtool is not there: apt-get install prometheus" \
	  "(Debian, Ubuntu), or Prometheus' own archive; then PROMTOOL=/path/to/promtool" >&2; exit 1; }
	@$(PROMTOOL) check config infra/observability/prometheus.yaml
	@$(PROMTOOL) test rules infra/observability/rules_test_*.yaml

GO ?= go

.PHONY: test-dashboards
test-dashboards: ## Read the Grafana dashboards by Grafana's own schema, strictly; needs Go 1.21, GO=path
	@command -v $(GO) >/dev/null || { echo "go is not there: apt-get install golang-go (Debian, Ubuntu)," \
	  "or Go's own archive; then GO=/path/to/go" >&2; exit 1; }
	@cd infra/observability/grafana_check && $(GO) run . ../grafana/*.json

PRISM := build/prism
PRISM_VERSION := 5.16.0

$(PRISM)/.installed-$(PRISM_VERSION):
	@for tool in node npm; do command -v $$tool >/dev/null || { echo "$$tool is not there: Prism needs Node on the" \
	  "PATH (24.18 or later by its own word; 20 was seen to do)" >&2; exit 1; }; done
	@echo "installing @stoplight/prism-cli $(PRISM_VERSION) into $(PRISM)"
	@mkdir -p $(PRISM)
	@npm install --prefix $(PRISM) --ignore-scripts --no-audit --no-fund --loglevel error @stoplight/prism-cli@$(PRISM_VERSION)
	@touch $@

.PHONY: test-prism
test-prism: $(VENV)/.installed-dev $(PRISM)/.installed-$(PRISM_VERSION) ## Have vendors' documents judge adapters and imitations: SPAPI_MODELS=path [EBAY_OPENAPI=path]; Node
	@command -v node >/dev/null || { echo "node is not there: Prism needs Node on the PATH" >&2; exit 1; }
	@test -d "$(SPAPI_MODELS)/models" || { echo "SPAPI_MODELS has no folder models: git clone" \
	  "https://github.com/amzn/selling-partner-api-models, then SPAPI_MODELS=/path/to/it" >&2; exit 1; }
	@test -n "$(EBAY_OPENAPI)" || echo "eBay is not judged: no EBAY_OPENAPI=/path/to/sell_inventory_v1_oas3.json"
	@test -z "$(EBAY_OPENAPI)" || test -f "$(EBAY_OPENAPI)" || { echo "EBAY_OPENAPI: no such file" >&2; exit 1; }
	@SPAPI_MODELS="$(SPAPI_MODELS)" EBAY_OPENAPI="$(EBAY_OPENAPI)" $(BIN)/python -m pytest \
		tests/prism/test_amazon.py $(if $(EBAY_OPENAPI),tests/prism/test_ebay.py) $(ARGS)

MONITOR := .venv-monitor

$(MONITOR)/.installed: pyproject.toml constraints.txt infra/monitor-constraints.txt
	@python="$$($(FIND_PYTHON))"; test -x $(MONITOR)/bin/python || "$$python" -m venv $(MONITOR)
	@echo "installing the monitor with faust-streaming into $(MONITOR)"
	@grep -v '^click==' constraints.txt > $(MONITOR)/constraints.txt
	@$(MONITOR)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c $(MONITOR)/constraints.txt -c infra/monitor-constraints.txt -e '.[dev,monitor]'
	@touch $@

.PHONY: monitor
monitor: $(MONITOR)/.installed ## Run the monitor of promises kept (faust-streaming), beside what runs already
	@$(MONITOR)/bin/stockfold-monitor

.PHONY: test-monitor
test-monitor: $(MONITOR)/.installed ## Test the monitor and the subscriber with Faust, on a real Kafka
	@$(MONITOR)/bin/python -m pytest tests/monitor/check_worker.py tests/monitor/check_subscriber.py $(ARGS)

.PHONY: simulate
simulate: $(VENV)/.installed-dev ## Replay one simulated history, SEED=n; or run many, HISTORIES=n; ORDERS=1: of orders
	@$(BIN)/python -m tests.simulation $(SIMULATED)

.PHONY: lint
lint: $(VENV)/.installed-dev ## Check style, formatting, types, layers and the schemas' promises
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/stockfold schemas check

.PHONY: format
format: $(VENV)/.installed-dev ## Mend what can be mended by itself
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: faults
faults: $(VENV)/.installed-dev ## Kill and starve everything, and prove nothing lost; KILLS=n SEED=s ONLY=name
	@$(BIN)/python -m tests.faults --kills $(or $(KILLS),20) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

.PHONY: inflight
inflight: $(VENV)/.installed-dev ## Orders on their way while stock is written: 10,000 histories; HISTORIES=n FIRST=s
	@$(BIN)/python -m tests.inflight --histories $(or $(HISTORIES),10000) --first $(or $(FIRST),0)

.PHONY: profile
profile: $(VENV)/.installed-profile ## Sample the ledger's loop while it folds: build/ledger.svg, a flame graph, and a table
	@$(BIN)/python -m infra.bench.profiling $(ARGS)

.PHONY: bench
bench: $(VENV)/.installed-demo ## Race other stream processors, measure the parts: build/bench.json; PEERS=all: Kafka Streams too; PARTS="race kits"
	@$(BIN)/python -m infra.bench $(if $(PEERS),--peers $(PEERS)) $(if $(PARTS),--parts $(PARTS)) $(ARGS)

.PHONY: docs
docs: $(VENV)/.installed-dev ## Write anew what is drawn from tables and schemas
	@$(BIN)/python -m infra.docs.lifecycles
	@$(BIN)/python -m infra.docs.order_lifecycle
	@$(BIN)/python -m infra.docs.runbook_pages
	@$(BIN)/python -m infra.docs.sizing
	@$(BIN)/stockfold schemas asyncapi --out schemas/asyncapi.yaml
	@$(BIN)/python -m infra.generate.client_events
	@$(BIN)/python -m infra.generate.http_channel
	@$(BIN)/python -m infra.observability

.PHONY: constraints
constraints: ## Pin every dependency anew, with the oldest Python we support
	@infra/constraints.sh

.PHONY: clean
clean: ## Remove what was built, not the data (.data) nor .venv
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find libs services schemas infra tests -name __pycache__ -type d -prune -exec rm -rf {} +
