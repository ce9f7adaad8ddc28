# Everything a newcomer needs: `make demo` and `make test`. Each sets itself up; later runs are quick.

PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(shell command -v $(name) 2>/dev/null)))
BIN := .venv/bin
# The virtual environment is made again when what it is made from has changed.
MARK := .venv/made-from-$(shell cat pyproject.toml requirements/dev.lock 2>/dev/null | sha256sum | cut -c1-16)
ARGS ?=
VISITS ?= 4

.DEFAULT_GOAL := help
.PHONY: help setup lock demo wall serve test simulate hostile contract docs bench style types

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: $(MARK) ## Make the virtual environment (.venv) if it is not there

$(MARK):
	@PYTHON="$(PYTHON)" .ci/system python3-venv libgl1 libglib2.0-0 libssl3 libasound2-data
	@echo "setting up .venv (once; a few minutes)"
	@rm -rf .venv && "$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --custom-compile-command 'make lock' pyproject.toml

lock: $(MARK) ## Write the locks again from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(BIN)/$(LOCK) $(ARGS) --extra dev --output-file requirements/dev.lock
	@$(BIN)/$(LOCK) $(ARGS) --extra oidc --constraint requirements/dev.lock --output-file requirements/run.lock

demo: $(MARK) ## One whole visit on this machine, in under three minutes (ARGS='--help' shows options)
	@$(BIN)/huijian demo $(ARGS)

wall: $(MARK) ## Live visits that go on until Ctrl-C, to try the pages (VISITS=1 to 9, ARGS='--help')
	@$(BIN)/huijian wall --visits $(VISITS) $(ARGS)

serve: $(MARK) ## A server on ./data that stays, demonstration sites allowed (ARGS=...)
	@$(BIN)/huijian serve --demo $(ARGS)

test: $(MARK) ## The whole suite, on all cores (ARGS='tests/broker -k journal')
	@.ci/system chromium ffmpeg fonts-noto-cjk gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav xvfb xdotool cage xwayland openbox systemd
	@$(BIN)/python -m tests $(ARGS)

simulate: $(MARK) ## Simulated visits with faults from seeds, for hours (ARGS='--seeds 100000', '--seed 7')
	@$(BIN)/python -m tests.simulation $(ARGS)

hostile: $(MARK) ## Floods beside a live visit, by class of attacker (ARGS='--help' shows options)
	@$(BIN)/python -m tests.hostile $(ARGS)

contract: $(MARK) ## The interface against its OpenAPI document, as each role, ten minutes (ARGS='--help' shows options)
	@$(BIN)/python -m tests.contract $(ARGS)

docs: $(MARK) ## Write again the documents that are made from the code
	@$(BIN)/python -m tests.support.documents

bench: $(MARK) ## Measure the relay beside Janus and aiortc (ARGS='--help' shows options)
	@$(BIN)/python -m tests.bench $(ARGS)

style: $(MARK) ## Formatting, lint, and known vulnerabilities of what is locked
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m tests.support.supply_chain

types: $(MARK) ## Static types, strictly
	@$(BIN)/mypy
