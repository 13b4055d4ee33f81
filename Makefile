# Two commands: `make run` and `make test`. Everything they need is made here, twice in a row or after an interruption.
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps --only-binary :all:

.PHONY: help run demo test torture mutate check bench lock clean

help:
	@echo "make run    the bot: live news, in this terminal or in the chats whose tokens are in .env"
	@echo "make demo   weeks of August 2022 replayed in seconds, no network needed"
	@echo "make test   every test"
	@echo "make torture  a thousand kills of the whole bot, and every crash point; half an hour"
	@echo "make mutate   do the tests notice when the code is wrong? Half an hour"
	@echo "make check  lint, types, import contracts, file lengths"
	@echo "make bench  what it costs, as ratios"
	@echo "make lock   pin dependencies anew after changing pyproject.toml"

# A stamp is touched only when the step before it has succeeded, so an interrupted install is simply done again.
$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed and was not found; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@rm -rf $(VENV)
	@echo "Making a virtual environment with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run-$(shell cksum < requirements.txt | cut -d' ' -f1): requirements.txt | $(VENV)/made
	@echo "Installing what the bot needs …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev-$(shell cksum < tests/requirements.txt | cut -d' ' -f1): tests/requirements.txt | $(VENV)/made
	@echo "Installing what the tests need …"
	@$(PIP) -r tests/requirements.txt
	@touch $@

INSTALLED := $(VENV)/run-$(shell cksum < requirements.txt | cut -d' ' -f1)
DEVELOP := $(VENV)/dev-$(shell cksum < tests/requirements.txt | cut -d' ' -f1)

run: $(INSTALLED)
	@$(RUN) -m bot run --or-demo $(ARGS)

demo: $(INSTALLED)
	@$(RUN) -m bot run --demo $(ARGS)

test: $(DEVELOP)
	@$(RUN) -m pytest $(ARGS)

torture: $(DEVELOP)
	@TOCSIN_TORTURE=1 $(RUN) -m pytest tests/faults/test_crash_points.py
	@$(RUN) -m tests.faults.torture $(ARGS)

mutate: $(DEVELOP)
	@$(RUN) -m tests.faults.mutate $(ARGS)

check: $(DEVELOP)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports --no-cache
	@$(RUN) -m pytest -n 0 tests/unit/test_architecture.py
	@$(RUN) -m bot check > /dev/null

bench: $(DEVELOP)
	@$(RUN) -m bench $(ARGS)

lock: $(DEVELOP)
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: \
		--no-emit-index-url --no-header pyproject.toml -o requirements.txt
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: \
		--no-emit-index-url --no-header pyproject.toml --extra dev -c requirements.txt -o tests/requirements.txt

clean:
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
