# `make demo` and `make test` need git, Python 3.11+ and make; everything else they install into .venv.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# The vault holds what identifies people; it lies beside the workspace, never in it.
export PAXFLOW_VAULT ?= $(CURDIR)-vault
# uv does not read pip's setting of the same meaning.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
INSTALL = UV_NO_PROGRESS=1 $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -c constraints.txt

.PHONY: help demo test check lint types constraints clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	$(INSTALL) -e .
	@touch $@

.venv/dev: .venv/demo
	$(INSTALL) -e '.[dev]'
	@touch $@

demo: .venv/demo ## the whole way on the real sample: from landing zone to a published release, under five minutes
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/paxflow demo

check: .venv/dev lint types ## the quick part of `make test`, for while you work
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not slow and not browser"

test: .venv/dev lint types ## ruff, mypy --strict, import-linter and every test
	@command -v chromium >/dev/null || .ci/chromium
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=. $(BIN)/lint-imports

types: .venv/dev
	$(BIN)/mypy

constraints: ## resolve every dependency anew into constraints.txt
	test -x $(BIN)/uv || ($(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet uv)
	UV_FIND_LINKS= $(BIN)/uv pip compile --quiet --all-extras --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate \
		--custom-compile-command "make constraints" pyproject.toml -o constraints.txt

clean: ## remove what can be made again (not the vault)
	rm -rf .venv work release data .dvc/cache .dvc/tmp .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
