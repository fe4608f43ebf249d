# `make up` is all that a fresh machine needs: Python >= 3.11 with venv, make,
# tar and gpg. PYTHON=... chooses the interpreter, ARGS=... goes to the command.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check
# Nextflow for the tests, in the data directory: it outlasts `make clean`.
NEXTFLOW := var/nextflow
# Without a database makemigrations warns that it can't look at one.
EXAMPLE := SEQHUB_CONFIG=tests/data/example.yaml $(BIN)/python \
	-W ignore::RuntimeWarning manage.py

.PHONY: up install test check lock bench wheel nextflow clean

up: .venv/installed
	@exec $(BIN)/python manage.py up $(ARGS)

install: .venv/installed

test: .venv/installed-dev
	$(BIN)/pytest -n auto --maxprocesses 4 $(ARGS)

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(EXAMPLE) makemigrations --check --dry-run
	$(EXAMPLE) check --deploy --fail-level WARNING

# Versions and hashes only: no address of any package index is written.
lock: .venv/installed-dev
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url \
		--no-header pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url \
		--no-header pyproject.toml --group dev -c requirements.lock \
		-o requirements-dev.lock

bench: .venv/installed-dev
	@for file in tests/benchmarks/bench_*.py; do \
		name=$$(basename $$file .py); echo "== $$name"; \
		$(BIN)/python -m tests.benchmarks.$$name $(ARGS) || exit 1; \
	done

wheel: .venv/installed-dev
	$(BIN)/python -m build --no-isolation --wheel

# Java programs, from where the machine's own Maven settings say.
nextflow: $(NEXTFLOW)/installed

# The data directory stays.
clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

# Each stamp is written last, so an interrupted installation is taken up again.
# pip only adds: what the developers' lock brought stays when `make up` installs.
.venv/installed: requirements.lock pyproject.toml CHANGELOG.md
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is missing or older than 3.11: apt install python3" \
		"python3-venv, or name another one: make up PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) can't make a virtual environment: apt install" \
		"python3-venv" >&2; exit 1; }
	@echo "Installing SeqHub into .venv (about a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install -q --require-hashes -r requirements.lock
	@$(PIP) install -q --no-build-isolation --no-deps -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@$(PIP) install -q --require-hashes -r requirements-dev.lock
	@touch $@

$(NEXTFLOW)/installed: tests/nextflow/pom.xml tests/nextflow/nextflow
	@command -v java >/dev/null && command -v mvn >/dev/null || { \
		echo "Nextflow needs Java and Maven: apt install" \
		"openjdk-17-jre-headless maven" >&2; exit 1; }
	@echo "Installing Nextflow into $(NEXTFLOW) (40 MB, once)"
	@rm -rf $(NEXTFLOW)
	@mkdir -p $(NEXTFLOW)
	@mvn --batch-mode --quiet -f tests/nextflow/pom.xml \
		dependency:copy-dependencies -DincludeScope=runtime \
		-DoutputDirectory="$(CURDIR)/$(NEXTFLOW)/lib"
	@cp tests/nextflow/nextflow $(NEXTFLOW)/
	@NXF_HOME=$(NEXTFLOW)/home $(NEXTFLOW)/nextflow -version >/dev/null
	@touch $@
