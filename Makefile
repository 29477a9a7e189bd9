# Verbs for people and CI. Every verb that touches a cloud touches the three emulated ones, with a state of its own in
# .state/; real accounts are plain `pulumi preview` and `pulumi up` (README).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

STACK ?= sandbox
SET ?=
DRILL ?=
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PULUMI := .venv/.pulumi
quoted = '$(subst ','\'',$(1))'
ON_STACK = --stack $(call quoted,$(STACK)) $(foreach value,$(SET),--set $(call quoted,$(value)))
CBC := build/cbc
RUNTIMES := $(foreach cloud,aws gcp azure,build/runtimes/$(cloud)/.installed)
STACKCTL = $(BIN)/python -m tools.stack

##@ The program on the emulated clouds (STACK=sandbox|dev|staging|prod, SET="workload.requests_per_second=128 ...")
.PHONY: preview up refresh destroy status outage replan leftovers remove-leftovers env wipe plan
preview: setup ## Show what `up` would change
	@$(STACKCTL) preview $(ON_STACK)
up: setup ## Build the stack; ends with the plan, its cost and the endpoint
	@$(STACKCTL) up $(ON_STACK)
refresh: setup ## Take what changed in the clouds into the state
	@$(STACKCTL) refresh $(ON_STACK)
destroy: setup ## Take the stack down
	@$(STACKCTL) destroy $(ON_STACK)
status: setup ## Groups and machines of the emulated clouds; with STACK= those of one stack
	@$(BIN)/python -m sandbox status $(if $(filter file,$(origin STACK)),,--tag $(call quoted,skyblend-stack=$(STACK)))
plan: setup ## The plan alone, without Pulumi
	@$(BIN)/python -m allocator plan $(ON_STACK)
leftovers: setup ## What an interrupted run created without the state knowing
	@$(STACKCTL) leftovers $(ON_STACK)
remove-leftovers: setup ## Remove it
	@$(STACKCTL) leftovers $(ON_STACK) --remove
outage: setup ## Play an outage on the stack that is up (DRILL="--region us-east-2 --second-region ...")
	@$(BIN)/python -m drills outage --stack $(call quoted,$(STACK)) $(DRILL)
replan: setup ## Plan anew with what the reactors saw, and bring it up
	@$(BIN)/python -m tools.replan $(ON_STACK)
env: setup ## Shell exports for plain `pulumi stack output ...` on the emulated state: eval with make -s env
	@$(STACKCTL) env
wipe: ## Forget the emulated clouds and Pulumi's state of them, together
	@echo "removing .state: the emulated clouds and Pulumi's state of" \
	  $$(find .state/backend/.pulumi/stacks -name '*.json' -exec basename {} .json \; 2>/dev/null || echo no stack)
	@rm -rf .state

##@ Development
.PHONY: setup check format test profile-measure bench bench-baselines bench-joint bench-mix bench-profile bench-replay pins clean help
setup: ## Install everything (pip and the Pulumi CLI, side by side); a second run does nothing
	@$(MAKE) -s -j2 $(INSTALLED) $(PULUMI) $(RUNTIMES)
check: setup ## Formatter, linter, types, who may import whom
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
format: setup ## Format and fix what can be fixed
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .
test: setup ## All tests (about 7 minutes)
	@echo "tests: allocator, infra, emulated clouds, and the real engine end to end; about 7 minutes ..."
	@PATH="$$(cat $(PULUMI)):$(CURDIR)/$(BIN):$$PATH" VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/python -m pytest
profile-measure: setup ## Measure an endpoint: ENDPOINT=http://host:8000/v1 MODEL=qwen3-8b GPU=H200 OUT=table.json ARGS="--window 5"
	@$(BIN)/python -m allocator profile measure --endpoint $(call quoted,$(ENDPOINT)) --model $(call quoted,$(MODEL)) \
	  --gpu $(call quoted,$(GPU)) --out $(call quoted,$(OUT)) $(ARGS)
bench: setup ## Wall time and largest process of plan, preview and up
	@$(BIN)/python -m bench.stack --stack sandbox
	@$(BIN)/python -m bench.stack --stack prod
bench-baselines: setup ## What prod's plan saves against other ways of buying, for every shipped workload
	@$(BIN)/python -m bench.baselines
bench-replay: setup ## The hedge policy against the published ones on recorded spot capacity (about 5 minutes)
	@$(BIN)/python -m bench.replay
bench-joint: setup ## The whole optimizer on shipped and generated markets (about 5 minutes)
	@$(BIN)/python -m bench.joint
bench-profile: setup ## The performance model against measured engines and published estimates
	@$(BIN)/python -m bench.profile
bench-mix: setup $(CBC)/.installed ## The GPU mix against the published integer program under CBC (about 20 minutes)
	@$(BIN)/python -m bench.mix.compare $(CBC)/bin/python --write
pins: setup ## Write requirements*.txt from requirements*.in
	@tools/pins.sh
clean: wipe ## Remove what make made here (not the cached CLI)
	@for made in .venv build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis; do \
	  [ ! -e "$$made" ] || { echo "removing $$made"; rm -rf "$$made"; }; done
help: ## This text
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $$($(PYTHON) --version) is too old: install Python 3.11 or newer, or set PYTHON=" >&2; exit 1; }
	@echo "python: installing the pinned packages into .venv (1.3 GB), about 2 minutes ..." >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.txt
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --no-deps --no-build-isolation -e .
	@echo "python: compiling them to bytecode, about 1 minute; it saves 25 s at every preview ..." >&2
	@$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null || true
	@touch $@
$(PULUMI): tools/pulumi/install.sh
	@tools/pulumi/install.sh $@
build/runtimes/%/.installed: sandbox/runtimes/%.txt
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install -q --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes -r $<
	@touch $@
$(CBC)/.installed: bench/mix/requirements.txt
	@$(PYTHON) -m venv $(CBC)
	@$(CBC)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@
