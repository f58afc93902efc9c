# Every target does its own set-up in .venv. PYTHON is any Python 3.11 or 3.12.
PYTHON ?= python3
PORT ?= 7860
BIN := .venv/bin
export TOKENIZERS_PARALLELISM ?= false

.DEFAULT_GOAL := help
.PHONY: help app benchmark leaderboard verify test test-slow check fix bench-train bench-statistics bench-app screenshots space clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# torch goes in first and alone: the pin then holds while everything else is resolved, and no second build comes in.
.venv/installed: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements-onnx.txt .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

app: .venv/installed ## serve the app on 127.0.0.1, PORT=7860
	PORT=$(PORT) $(BIN)/python app.py

benchmark: .venv/installed ## train and compare the packaged encoders on the embedded task, 3 seeds, into results/
	$(BIN)/python -m benchmark run --encoders tfidf-lr,minilm-l6,granite-30m --tasks feedback --seeds 3 --results results
	$(BIN)/python -m benchmark leaderboard --results results

leaderboard: .venv/installed ## rebuild the committed leaderboard and the README's from benchmark/results
	$(BIN)/python -m benchmark leaderboard

verify: .venv/installed ## compute the committed leaderboard anew and fail on any difference
	$(BIN)/python -m benchmark verify || test $$? -eq 3  # entries of one seed, kept without a rank

# Three at a time on two cores: browsers and other processes are waited for a third of the time.
test: .venv/installed-dev ## run the tests, a few minutes
	$(BIN)/python -m pytest -n 3 --dist loadfile

test-slow: .venv/installed-dev ## run the tests that take minutes each
	$(BIN)/python -m pytest -m slow

check: .venv/installed-dev ## lint, format and types, nothing is changed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: .venv/installed-dev ## mend what the linter and the formatter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-train: .venv/installed ## fine-tuning speed against transformers' example settings (needs ENCODER_ZOO_DATA)
	$(BIN)/python -m benchmark.speed.bench_train

bench-statistics: .venv/installed ## the bootstrap against a loop over scikit-learn, and how long a whole board takes
	$(BIN)/python -m benchmark.speed.bench_statistics

bench-app: .venv/installed-dev ## the app's start, sliders, single texts, 50 clients at once, memory
	$(BIN)/python -m demo.bench_app

screenshots: .venv/installed-dev ## pictures of every tab in both themes, into docs/screenshots
	$(BIN)/python -m demo.screenshots

space: .venv/installed ## the app as a Hugging Face Space, in build/space
	$(BIN)/python -m demo.space

clean: ## remove the virtual environment and the caches
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis
