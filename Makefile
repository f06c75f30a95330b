# make demo   the main job: makes one level 3 module faster, proves it, times it (on the GPU if there is one)
# make demo-llm   replays recorded replies of a language model: a run without a key, judged anew
# make test   the test suite; `make test-all` with the slow tests; `make check` the linters and types
# make docs   the documentation, into site/
# make gpu    on a machine with a GPU: its ceilings, the gpu tests, baselines, every solution checked and timed;
#             `make gpu PART=ops` does one part (doctor, tests, baselines, ops, level3, autotune)
# make gpu-rehearsal   without one: compiles every CUDA and Triton source for sm_90, as a bare GPU machine would,
#             and leaves the cubins in .gpu-carry/, to be copied there with the checkout
# All set-up happens here: a virtual environment in .venv (PYTHON=... chooses the interpreter).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS ?= $(shell command -v nvidia-smi >/dev/null 2>&1 && echo '[cuda13]')
DEMO_BUDGET ?= 60s

.PHONY: demo demo-llm test test-all check docs gpu gpu-rehearsal clean
.DELETE_ON_ERROR:

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else f"kernelevo needs Python 3.11 or 3.12, and $(PYTHON) is {v[0]}.{v[1]}: try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt 'torch==2.13.0'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.$(EXTRAS)' --group dev
	@touch $@

DEMO := $(BIN)/kernelevo run kernelbench:3/13 --budget $(DEMO_BUDGET) --seed 1
demo: $(STAMP)
	@if command -v nvidia-smi >/dev/null 2>&1; then \
	  $(DEMO) --device cuda || { echo "not on the GPU (see above); on the CPU:"; $(DEMO); }; \
	else $(DEMO); fi

# Recorded replies of a language model as a run of its own, judged anew: two for circle packing, a minute each.
# A recorded kernel run (benchmarks/recorded/README.md) takes longer, since its baselines are compiled first.
demo-llm: $(STAMP)
	$(BIN)/kernelevo run examples/circle_packing.py:score --replay benchmarks/recorded/circle_packing.jsonl \
	  --replay-loosely --budget 2 --no-knowledge

# Two processes side by side: one for the rooms whose tests time programs or count processes, and two more, so
# that each takes about as long as the other; one for all others. Each one's words are printed when it ends.
TIMED := $(wildcard $(addprefix tests/,adversarial api bare cli evaluators gpu kernels sandbox))
# OpenMP's threads sleep while they wait: those of one process would spin on the cores that the other one needs.
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -q
.PHONY: test-timed test-others
BOTH := @$(MAKE) --no-print-directory -j2 --output-sync=target test-timed test-others
test: $(STAMP)
	$(BOTH) QUICK='and not slow'

test-all: $(STAMP)
	$(BOTH)

test-timed: $(STAMP)
	$(PYTEST) -m 'not gpu $(QUICK)' $(TIMED)

test-others: $(STAMP)
	$(PYTEST) -m 'not gpu $(QUICK)' $(addprefix --ignore=,$(TIMED)) tests

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# A bare GPU machine has its packages already and no network: GPU_PYTHON is used as it is.
# A folder that `make gpu-rehearsal` filled is its build cache, unless KERNELEVO_CACHE names another one: CUDA
# programs are found built there.
GPU_PYTHON ?= python3
PART ?=
CARRY ?= .gpu-carry
gpu:
	$(if $(wildcard $(CARRY)),KERNELEVO_CACHE="$${KERNELEVO_CACHE:-$(abspath $(CARRY))}") $(GPU_PYTHON) -m benchmarks.gpu.suite $(if $(PART),--part $(PART)) $(GPU_ARGS)

# The bare machine's packages and no more. A cubin is found there if NVRTC and cuda-core have the versions of
# here: name those of that machine, e.g. make gpu-rehearsal NVRTC='==13.0.88' CUDA_CORE='==0.4.1'
NVRTC ?=
CUDA_CORE ?=
REHEARSAL := .venv-rehearsal
gpu-rehearsal:
	$(PYTHON) -m venv $(REHEARSAL)
	$(REHEARSAL)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(REHEARSAL)/bin/python -m pip install --quiet 'torch==2.13.0' 'triton==3.6.0' numpy ninja rich 'typer<0.29' \
	  'cuda-core$(CUDA_CORE)' cuda-bindings 'nvidia-cuda-nvrtc$(NVRTC)'
	$(REHEARSAL)/bin/python -m benchmarks.gpu.rehearsal --carry $(CARRY)

clean:
	rm -rf $(VENV) $(REHEARSAL) $(CARRY) build dist
