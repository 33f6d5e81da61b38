# Run `make` for a list of targets. Needs Python 3.11 or newer with venv and pip, and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 3  # of two cores: tests wait for half of their time
WITH_PEERS := drain threads processes enqueue latency idle compare crash
ALONE := tracing scale memory observability startup web_pages ticks ceiling interpreters
PEERS ?= all
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs
EXAMPLES := batch database email_digest fan_out_fan_in image_thumbnails measure_library periodic_report web_crawler
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

# What one of the hundreds of processes that tests start has compiled, the others read.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo dev examples setup format check test test-failed test-all test-servers generate screenshots structure changelog \
	package extras sbom release verify bench bench-quick bench-chart clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready-to-run  ## Run the demo application on an embedded Redis; ends by itself
	$(BIN)/python examples/measure_library.py

dev: $(VENV)/ready-to-run  ## Run a small application; it starts again when its code changes
	cd examples && ../$(BIN)/pyasynq dev first_queue:app

examples: $(VENV)/ready-to-test  ## Run each example that ends by itself, on a Redis of its own
	@folder=$$(mktemp -d) && cd $$folder && for name in $(EXAMPLES); do \
		echo "== $$name.py"; $(CURDIR)/$(BIN)/python $(CURDIR)/examples/$$name.py || exit; \
	done; status=$$?; rm -rf $$folder; exit $$status

setup: $(VENV)/ready-to-test  ## Create .venv with everything the other targets need

format: $(VENV)/ready-to-test  ## Format the code and fix what the linter can fix
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .

check: $(VENV)/ready-to-test  ## Check style, spelling, types, layers, generated files and fragments of the changelog
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/codespell src tests docs deploy examples benchmarks changes tools *.md
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/generate.py --check
	$(BIN)/python tools/changelog.py --check

test: $(VENV)/ready-to-test  ## Run the tests in parallel (less than ten minutes on two cores)
	$(BIN)/pytest -q -n $(JOBS) -m "not long" $(ARGS)

test-failed: $(VENV)/ready-to-test  ## Run alone what failed in the last `make test`, if that was at most three tests
	$(BIN)/python tools/failed_again.py

test-all: $(VENV)/ready-to-release  ## Run the tests and their long forms, and measure coverage
	HYPOTHESIS_PROFILE=random $(BIN)/pytest -q -n $(JOBS) --cov --cov-report=term-missing:skip-covered $(ARGS)

test-servers: $(VENV)/ready-to-test  ## Run tests on other Redis and Valkey servers, a cluster, Sentinel, proxies (SERVERS="cluster redis-6.2", RECORD=yes)
	@$(BIN)/python tools/run_on_servers.py --only "$(SERVERS)" $(if $(RECORD),--record) $(ARGS)

generate: $(VENV)/ready-to-test  ## Write the generated files again (protobuf code, sync twins)
	$(BIN)/python tools/generate.py

screenshots: $(VENV)/ready-to-test  ## Take the pictures of the web UI for README and docs (needs Chromium)
	$(BIN)/python -m tests.web.browser.pictures

.PHONY: docs docs-serve
docs: $(VENV)/ready-for-docs  ## Build the documentation site in build/site; a broken link is an error
	$(MKDOCS) build $(ARGS)

docs-serve: $(VENV)/ready-for-docs  ## Show the documentation on http://127.0.0.1:8000, built again when a page changes
	$(MKDOCS) serve $(ARGS)

structure: $(VENV)/ready-to-run  ## Count rooms, arrows and circles of src/ (REF=a-git-ref, UNDER=worker)
	@$(BIN)/python tools/structure.py $(if $(REF),--ref $(REF)) $(if $(UNDER),--under $(UNDER))

changelog: $(VENV)/ready-to-run  ## Move the fragments of changes/ into CHANGELOG.md, for a release
	$(BIN)/python tools/changelog.py

package: $(VENV)/ready-to-release  ## Build sdist and wheel into dist/, twice, and check them
	$(BIN)/python tools/package.py

extras: $(VENV)/ready-to-release  ## Install the wheel of dist/ with each extra in a clean environment, and try it
	$(BIN)/python tools/try_extras.py $(ARGS)

sbom: $(VENV)/ready-to-release  ## Describe in dist/ what the wheel and its extras are made of; check licences
	$(BIN)/python tools/sbom.py

release: $(VENV)/ready-to-run  ## Write a version into the source, the changelog and the chart (VERSION=1.2.0)
	$(BIN)/python tools/release.py $(VERSION)

verify: $(VENV)/ready-to-release  ## Try each extra of what an index offers (VERSION=1.2.0)
	$(BIN)/python tools/try_extras.py --of pyasynq==$(VERSION) $(ARGS)

bench: $(VENV)/ready-to-test  ## Run all benchmarks, beside Go Asynq (where Go is installed) and other queues
	for question in $(WITH_PEERS); do $(BIN)/python -m benchmarks.$$question $(if $(PEERS),--peers $(PEERS)) || exit; done
	for question in $(ALONE); do $(BIN)/python -m benchmarks.$$question || exit; done

bench-quick: $(VENV)/ready-to-test  ## Run them with fewer tasks and one round, in less than ten minutes
	for question in $(WITH_PEERS) $(ALONE); do $(BIN)/python -m benchmarks.$$question --quick || exit; done

bench-chart: $(VENV)/ready-to-test  ## Draw what `make bench` recorded, and write its tables into the docs
	$(BIN)/python -m benchmarks.chart
	$(BIN)/python -m benchmarks.report

clean:  ## Remove everything that the other targets made
	rm -rf $(VENV) .servers .pictures build dist .mypy_cache .ruff_cache .pytest_cache .coverage*

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready-to-run: pyproject.toml requirements/constraints.txt | $(BIN)/python
	$(PIP) install -c requirements/constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/ready-to-test: $(VENV)/ready-to-run requirements/tools.txt
	$(PIP) install -c requirements/constraints.txt -r requirements/tools.txt -e '.[dev]'
	@touch $@

$(VENV)/ready-for-docs: $(VENV)/ready-to-run requirements/docs.txt
	$(PIP) install -c requirements/constraints.txt -r requirements/docs.txt
	@touch $@

$(VENV)/ready-to-release: $(VENV)/ready-to-test requirements/release.txt
	$(PIP) install -c requirements/constraints.txt -r requirements/release.txt
	@touch $@
