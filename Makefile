# make run     set up what is missing, start everything, stay in the foreground
# make setup   the set-up alone: dependencies, PBX, prompts, state folder
# make demo    a whole call, told and verified
# make test    the checks, then all tests      make check   formats, types, laws and unit tests
# make bench   measurements
# make fault   the service killed at each step of callbacks, on the real PBX
# make science the router beside the literature and the estimates beside what came, as tables
# make fmt     format         make clean   remove what make made (the state folder stays)
#
# PYTHON=python3.12 chooses the interpreter, ARGS="…" is passed on.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=
RUN := $(VENV)/.stamp-run
DEV := $(VENV)/.stamp-dev
# Those that need a processor each, and those that need a PBX and the time on the wall: these mostly
# wait, so that two can go on beside each other, each with a Sala of its own.
SIDE_BY_SIDE := --numprocesses auto --dist worksteal
TWO_AT_ONCE := --numprocesses 2 --dist loadfile --no-loadscope-reorder
ON_THE_PBX := tests/contract tests/e2e tests/fault

.PHONY: help run setup demo test check bench fault science fmt clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

run: $(RUN)
	@$(BIN)/sala up $(ARGS)

setup: $(RUN)
	@$(BIN)/sala setup $(ARGS)

demo: $(RUN)
	@$(BIN)/sala setup
	@$(BIN)/sala demo $(ARGS)

test: check
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/science
	@$(BIN)/sala setup
	$(BIN)/python -m pytest $(TWO_AT_ONCE) $(ON_THE_PBX)

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) tests/unit

bench: $(DEV)
	@$(BIN)/sala setup
	@$(BIN)/python -m lab.bench $(ARGS)

fault: $(DEV)
	@$(BIN)/sala setup
	@$(BIN)/python -m lab.fault $(ARGS)

science: $(DEV)
	@$(BIN)/python tests/science $(ARGS)

fmt: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache
	find . -name __pycache__ -not -path './.sala/*' -prune -exec rm -rf {} +

# --- the virtual environment ---------------------------------------------------------------------

# The first interpreter of a version that serves, and can make environments; else what to type.
$(BIN)/python:
	@found=; seen=; \
	for name in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	  command -v "$$name" >/dev/null || continue; \
	  version=$$("$$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || continue; \
	  case "$$version" in \
	    3.11|3.12|3.13) found=$$name; break;; \
	    *) seen="$$seen $$name is $$version;"; \
	  esac; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Sala needs Python 3.11, 3.12 or 3.13, and$${seen:- $(or $(PYTHON),python3) was not found;}" >&2; \
	  case "$${seen:-none} $$(. /etc/os-release 2>/dev/null; echo "$${VERSION_CODENAME:-}")" in \
	    none\ jammy|*3.[0-9]\;*|*3.10\;*) need="python3.11 python3.11-venv";; \
	    none*) need="python3 python3-venv";; \
	    *) need="python3.13 python3.13-venv";; \
	  esac; \
	  echo "run:  sudo apt-get install $$need" >&2; \
	  echo "or name one that is here:  make PYTHON=/path/of/python3.11 $(MAKECMDGOALS)" >&2; \
	  exit 2; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found cannot make virtual environments;" >&2; \
	  case "$$found" in \
	    */*|python3) echo "run:  sudo apt-get install python3-venv" >&2;; \
	    *) echo "run:  sudo apt-get install $$found-venv" >&2;; \
	  esac; \
	  exit 2; \
	fi; \
	echo "• making $(VENV) with $$found ($$version)"; \
	"$$found" -m venv $(VENV)

# $(call install,FILE): install the pinned packages of FILE with a line that moves on; on failure
# show the end of pip's own words. Then the project itself, which needs nothing from outside.
define install
	@total=$$(grep -c '^[a-z0-9].*==' $(1)); count=0; log=$(VENV)/pip.log; \
	echo "• installing $$total pinned packages of $(1) (a minute or two, once)"; \
	if ! $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off \
	    --require-hashes -r $(1) 2>&1 | tee $$log | while read -r word rest; do \
	      case "$$word" in \
	        Collecting|Processing) count=$$((count + 1)); \
	          if [ -t 1 ]; then printf '\r\033[K  %s %s' "$$count" "$${rest%% *}"; \
	          elif [ $$((count % 10)) = 0 ]; then echo "  $$count packages"; fi;; \
	        Installing) \
	          if [ -t 1 ]; then printf '\r\033[K'; fi; echo "  unpacking";; \
	      esac; \
	    done; then \
	  if [ -t 1 ]; then echo; fi; tail -n 15 $$log >&2; \
	  echo "pip could not install $(1); its whole words are in $$log" >&2; exit 1; \
	fi; \
	$(BIN)/python -m pip install --disable-pip-version-check --no-input --quiet \
	  --no-deps --no-build-isolation -e .
endef

$(RUN): requirements.txt pyproject.toml | $(BIN)/python
	$(call install,requirements.txt)
	@touch $@

$(DEV): requirements-dev.txt pyproject.toml | $(BIN)/python
	$(call install,requirements-dev.txt)
	@touch $@ $(RUN)
