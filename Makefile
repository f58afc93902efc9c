# Every target does its own set-up in .venv. PYTHON is any Python from 3.11 to 3.14.
PYTHON ?= python3
PORT ?= 7860
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
export TOKENIZERS_PARALLELISM ?= false

.DEFAULT_GOAL := help
.PHONY: help app benchmark leaderboard verify test test-slow test-all test-gpu check fix bench-train bench-sizes bench-statistics bench-board bench-ray bench-serve bench-app screenshots space clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

# torch goes in first and alone: the pin then holds while everything else is resolved, and no second build comes in.
.venv/installed: requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) "$$(grep '^torch==' requirements.txt)"
	$(PIP) -r requirements.txt setuptools
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

define CHECK_PYTHON
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 14):
    sys.exit("Encoder Zoo needs Python 3.11 to 3.14; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12" % sys.version_info[:2])
endef
export CHECK_PYTHON

.venv/installed-dev: requirements-dev.txt requirements-onnx.txt requirements-lora.txt requirements-setfit.txt requirements-mapie.txt .venv/installed
	$(PIP) -r requirements-dev.txt
	@touch $@

app: .venv/installed ## serve the app on 127.0.0.1; PORT=7860 RESULTS=folder CHECKPOINTS=folder
	$(BIN)/encoder-zoo app --port $(PORT) $(if $(RESULTS),--results $(RESULTS)) $(if $(CHECKPOINTS),--checkpoints $(CHECKPOINTS))

benchmark: .venv/installed ## compare the encoders that come with the project on its own task, into results/
	$(BIN)/encoder-zoo run --tasks feedback --encoders tfidf-lr,minilm-l6,granite-30m --seeds 3 --checkpoints checkpoints
	$(BIN)/encoder-zoo board
	@echo "Open the app on these runs: make app RESULTS=results CHECKPOINTS=checkpoints"

leaderboard: .venv/installed ## make the committed leaderboard and the README's again from benchmark/results
	$(BIN)/encoder-zoo board --results benchmark/results

verify: .venv/installed ## compute the committed leaderboard again and fail on any difference
	$(BIN)/encoder-zoo verify --results benchmark/results || test $$? -eq 3  # 3: entries of one seed, which have no rank

# Three at a time on two cores: browsers and other processes are waited for a third of the time.
PYTEST := $(BIN)/python -m pytest
BESIDE := --dist loadfile --no-loadscope-reorder

test: .venv/installed-dev ## run the quick tests, a few minutes
	$(PYTEST) -n 3 $(BESIDE)

test-slow: .venv/installed-dev ## run the tests that take up to a minute each, then those that hold something to a time
	$(PYTEST) -m slow -n 3 $(BESIDE)
	$(PYTEST) -m "alone and not campaign"

test-all: test test-slow ## run all tests, those that take minutes each as well
	$(PYTEST) -m "campaign and not alone" -n 2 $(BESIDE)
	$(PYTEST) -m "campaign and alone"

test-gpu: .venv/installed ## check and measure all that a GPU does, in 8 minutes without a download, into build/gpu.json
	$(BIN)/python -m demo.check_gpu

check: .venv/installed-dev ## check lint, format and types; nothing is changed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: .venv/installed-dev ## mend what the linter and the formatter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-train: .venv/installed ## time fine-tuning against transformers' example settings (needs ENCODER_ZOO_DATA)
	$(BIN)/python -m benchmark.speed.bench_train

bench-sizes: .venv/installed-dev ## memory and seconds of encoders of real size (into docs/recipes.md), and predict's speed
	$(BIN)/python -m benchmark.speed.bench_sizes --write

bench-statistics: .venv/installed ## how often the statistics are right (into docs/statistics.md), and how fast they are
	$(BIN)/python -m benchmark.speed.simulate_statistics --write $(if $(TRIALS),--trials $(TRIALS))
	$(BIN)/python -m benchmark.speed.bench_statistics

bench-serve: .venv/installed-dev ## start, memory and speed of a model served by torch, by onnxruntime, and in int8
	$(BIN)/python -m benchmark.speed.bench_serve

bench-board: .venv/installed ## time the leaderboard of 250, 500, 1,000 and 2,000 runs; measure memory
	$(BIN)/python -m benchmark.speed.bench_board

bench-ray: .venv/installed ## time a grid on a local Ray cluster against one process (needs requirements-ray.txt)
	$(BIN)/python -m benchmark.speed.bench_ray

bench-app: .venv/installed-dev ## time the app's start, pages, sliders, texts and 50 clients; measure memory; PARTS="visits rest"
	$(BIN)/python -m demo.bench_app $(PARTS)

screenshots: .venv/installed-dev ## take pictures of every tab in both themes, into docs/screenshots
	$(BIN)/python -m demo.screenshots

space: .venv/installed ## write the app as a Hugging Face Space to build/space
	$(BIN)/python -m demo.space

clean: ## remove the virtual environment and the caches
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
