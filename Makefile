# sopbot: `make` alone lists what there is.
SHELL := /bin/sh
# The first Python that is new enough, has venv and really starts (a pyenv shim may not). The system's
# own comes first: it is compiled with profiles, which pyenv leaves out, and takes a third less time.
PYTHON ?= $(shell for p in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
PY := .venv/bin/python
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo play setup postgres nats acp otel qdrant retrieval run gateway systems quick check test mutants chaos faults installs wheel release pictures services schemathesis bench messages lock clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 18

.venv/.python:
	@test -n "$(PYTHON)" || { echo 'sopbot needs Python 3.11 or newer with its venv module, and found none. On Debian or Ubuntu: apt-get install python3 python3-venv' >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo 'This Python has no venv module. On Debian or Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@echo "Setting up .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv .venv
	@touch $@

.venv/.run: requirements.txt .venv/.python
	@echo 'Installing what the bot needs (pinned and hashed)'
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.python
	@echo 'Installing what the tests need (pinned and hashed)'
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/.run

demo: .venv/.run  ## play the whole job on this machine, no account needed
	@$(PY) -m bot.demo

play: .venv/.run  ## the demo, left running: open the page it prints
	@$(PY) -m bot.demo --keep

setup: .venv/.run  ## install what the bot needs into .venv, and nothing else

postgres: requirements-postgres.txt .venv/.run  ## install PostgreSQL's driver too, for a STORE_URL of postgresql://
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-postgres.txt

nats: requirements-nats.txt .venv/.run  ## install the NATS library too, for NATS_URL
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-nats.txt

acp: requirements-acp.txt .venv/.run  ## install the Agent Client Protocol too, for ADVISOR=acp
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-acp.txt

otel: requirements-otel.txt .venv/.run  ## install OpenTelemetry too, for OTEL_EXPORTER_OTLP_ENDPOINT
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-otel.txt

qdrant: requirements-qdrant.txt .venv/.run  ## install the client of Qdrant too, for RUNBOOK_QDRANT_URL
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-qdrant.txt

retrieval: requirements-retrieval.txt .venv/.run  ## install word vectors too, which judge whether a runbook fits
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-retrieval.txt

run: .venv/.run  ## the bot, with the settings of .env
	@$(PY) -m bot

systems: requirements-gateway.txt .venv/.run  ## install what the gateway needs for databases, Redis and SSH too
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-gateway.txt

gateway: .venv/.run  ## the reference gateway, with config/gateway.yaml
	@$(PY) -m bot.gateway --config config/gateway.yaml

test: .venv/.dev  ## every test, in parallel; COVERAGE=1 measures coverage, ARGS="tests/intake -q" runs a part, plainly
ifneq ($(strip $(ARGS)),)
	@$(PY) -m pytest $(ARGS)
else ifeq ($(COVERAGE),1)
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m pytest -n auto --dist worksteal
	@$(PY) -m coverage combine --quiet && $(PY) -m coverage report
else
	@$(PY) -m pytest -n auto --dist worksteal
endif

quick: .venv/.dev  ## format, lint, types and the unit tests of what changed; SINCE=main compares with it
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@tests=$$($(PY) -m tests.changed $(SINCE)) || exit 1; \
	if [ -z "$$tests" ]; then echo 'No unit test imports what changed.'; else \
	$(PY) -m pytest -q -n auto --store sqlite -m 'not chaos and not browser and not services' $$tests; fi

check: .venv/.dev  ## format, lint, types, import rules, docs, tests
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(MAKE) --no-print-directory test

mutants: .venv/.dev  ## remove one behaviour at a time: does a test fail? ARGS="store audit" picks some
	@$(PY) -m tests.mutants $(ARGS)

# Another seed each time, unless SOPBOT_SEED names one: what fails prints it, and how to see it again.
chaos: .venv/.dev  ## the long fault runs, by SOPBOT_SEED or a new seed; ARGS=… runs a part
	@seed=$${SOPBOT_SEED:-$$(date +%s)}; echo "SOPBOT_SEED=$$seed"; \
	SOPBOT_SEED=$$seed $(PY) -m pytest -m chaos -v -n auto --dist worksteal $(ARGS) || \
	{ echo "make chaos failed; the same again: SOPBOT_SEED=$$seed make chaos" >&2; exit 1; }

# Builds images and boots small Debian roots, so it needs root, debootstrap and a package index.
installs: .venv/.dev  ## install each way of docs/install.md, and try it; ARGS=… runs a part
	@$(PY) -m pytest -m installs -v $(ARGS)

faults: .venv/.dev  ## break real systems, and let an approver's press repair each; writes docs/faults.md
	@$(PY) -m tests.faults $(ARGS)

wheel: .venv/.python  ## build dist/sopbot-….whl, which pipx installs; see docs/install.md
	@rm -rf build/lib build/bdist.*  # setuptools would pack modules of an earlier build
	@$(PY) -m pip wheel --quiet --no-deps --wheel-dir dist . && ls dist/*.whl

# The tag says which commit a version is; the kept wheel is what the next version's upgrade begins with.
release: wheel  ## tag this commit as its version, and keep its wheel in releases/ for the test of upgrades
	@version=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml); \
	test -z "$$(git status --porcelain)" || { echo 'Commit first: a release is a commit.' >&2; exit 1; }; \
	git tag -a "v$$version" -m "sopbot $$version" && \
	cp "dist/sopbot-$$version-py3-none-any.whl" releases/ && \
	echo "Tagged v$$version. Commit releases/, raise the version of pyproject.toml, begin a section of CHANGELOG.md."

pictures: .venv/.dev  ## pictures of cards, threads, the Home tab and modals, in build/pictures
	@SOPBOT_PICTURES=build/pictures $(PY) -m pytest -q tests/test_pictures.py

services:  ## Debian/Ubuntu: install the servers that integration tests use
	@sh tests/services.sh

.PHONY: spark
spark: .spark/bin/spark-submit  ## install Spark into .spark, for the tests of a real master (needs Java)

.spark/bin/spark-submit:
	$(PYTHON) -m venv .spark
	.spark/bin/pip install -q 'pyspark>=3.5.9,<3.6'

.PHONY: airflow
airflow: .airflow/2/bin/airflow .airflow/3/bin/airflow  ## install Airflow 2 and 3 into .airflow, for the tests of real ones

# Airflow breaks with newer versions of its libraries: none is newer than the release.
.airflow/2/bin/airflow: .airflow/uv/bin/uv
	$(PYTHON) -m venv .airflow/2
	.airflow/uv/bin/uv pip install -q --python .airflow/2/bin/python --exclude-newer 2025-03-01 apache-airflow==2.10.5

.airflow/3/bin/airflow: .airflow/uv/bin/uv
	$(PYTHON) -m venv .airflow/3
	.airflow/uv/bin/uv pip install -q --python .airflow/3/bin/python --exclude-newer 2025-12-10 apache-airflow==3.1.3

.airflow/uv/bin/uv:
	$(PYTHON) -m venv .airflow/uv
	.airflow/uv/bin/pip install -q uv

schemathesis: .schemathesis/bin/schemathesis .venv/.dev  ## requests made from the gateway's OpenAPI document
	SCHEMATHESIS=$(CURDIR)/.schemathesis/bin/schemathesis $(PY) -m pytest -q -m chaos tests/gateway/test_openapi.py

.schemathesis/bin/schemathesis:
	$(PYTHON) -m venv .schemathesis
	.schemathesis/bin/pip install -q 'schemathesis>=4.32,<5'

bench: .venv/.dev  ## every benchmark beside its floor; ONLY=id runs one, QUICK=1 only asks whether they run
	@$(PY) -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

messages: .venv/.dev  ## write the catalogues of messages after a sentence changed; see docs/languages.md
	@$(PY) -m tests.catalogue

lock:  ## pin the dependencies again (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements.txt
	uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-postgres.txt
	uv pip compile pyproject.toml --extra nats --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-nats.txt
	uv pip compile pyproject.toml --extra acp --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-acp.txt
	uv pip compile pyproject.toml --extra otel --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-otel.txt
	uv pip compile pyproject.toml --extra qdrant --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-qdrant.txt
	uv pip compile pyproject.toml --extra retrieval --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-retrieval.txt
	uv pip compile pyproject.toml --extra postgres --extra gateway-mongodb --extra gateway-mysql --extra gateway-redis --extra gateway-ssh --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-gateway.txt
	uv pip compile pyproject.toml --extra acp --extra dev --extra gateway-mongodb --extra gateway-mysql --extra gateway-redis --extra gateway-ssh --extra nats --extra otel --extra postgres --extra qdrant --extra retrieval --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements-dev.txt

clean:  ## remove what was made here
	rm -rf .venv .schemathesis .spark .airflow .coverage* .mypy_cache .ruff_cache .import_linter_cache build *.egg-info
