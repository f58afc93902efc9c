"""What is `on_gpu` gives the same where the package `spaces` runs it in another process, as ZeroGPU does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from demo.attribution.handlers import explain
from demo.batch.handlers import Results, classify_rows
from demo.batch.inputs import BatchRows
from demo.compare.handlers import classify
from demo.shared.gpu import on_gpu

ROOT = Path(__file__).parents[3]
TEXTS = ["it came late, and the box was open.", "good", "was it the price?"]
# Stands in for the package: every call in a process of its own, pickled both ways, errors without their messages.
SPACES = """
import functools, inspect, multiprocessing, pickle

def _work(task, sent, results):
    try:
        found = task(*pickle.loads(sent))
        for each in found if inspect.isgenerator(found) else [found]:
            results.put((each, None))
    except Exception as error:
        results.put((None, type(error).__name__))
    results.put(None)

def GPU(task):
    context = multiprocessing.get_context("fork")

    def stream(*arguments):
        results = context.SimpleQueue()
        worker = context.Process(target=_work, args=(task, pickle.dumps(arguments), results))
        worker.start()
        while (got := results.get()) is not None:
            if got[1]:
                raise RuntimeError(got[1])
            yield got[0]
        worker.join()

    return stream if inspect.isgeneratorfunction(task) else lambda *arguments: next(stream(*arguments))
"""
ASK = """
import gc, json, sys
from pathlib import Path
import zoo.attribution  # once, before any process starts; it brings torch
from transformers import PreTrainedModel
from demo.attribution.handlers import explain
from demo.batch.handlers import classify_rows
from demo.batch.inputs import BatchRows
from demo.compare.view import compare
from zoo.errors import UserError

root, texts = Path(sys.argv[1]), json.loads(sys.argv[2])
one = compare(texts[0], "feedback", ["alpha", "beta"], root)
*_, many = classify_rows(BatchRows(texts), "feedback", ["alpha", "beta"], root)
word = explain(texts[0], "feedback", "beta", "price", root)
try:
    explain("\\u200b", "feedback", "beta", "price", root)
except UserError as error:
    told = str(error)
print(json.dumps({
    "one": [answer["scores"] for answer in one["answers"]],
    "many": [scores.tolist() for scores in many.scores.values()],
    "word": [[span.start, span.end, span.score] for span in word.words],
    "told": told,
    "models here": sum(isinstance(each, PreTrainedModel) for each in gc.get_objects()),
}))
"""


@pytest.mark.campaign
def test_another_process_answers_the_same_and_no_model_is_loaded_outside_it(checkpoints: Path, tmp_path: Path) -> None:
    (tmp_path / "spaces.py").write_text(SPACES, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-c", ASK, str(checkpoints), json.dumps(TEXTS)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["models here"] == 0
    answers = classify(TEXTS[0], "feedback", ["alpha", "beta"], checkpoints).answers
    np.testing.assert_allclose(found["one"], [answer.scores for answer in answers], rtol=1e-5)
    *_, many = classify_rows(BatchRows(TEXTS), "feedback", ["alpha", "beta"], checkpoints)
    assert isinstance(many, Results)
    np.testing.assert_allclose(found["many"], list(many.scores.values()), rtol=1e-5)
    words = explain(TEXTS[0], "feedback", "beta", many.labels[1], checkpoints).words
    np.testing.assert_allclose(found["word"], [(word.start, word.end, word.score) for word in words], atol=1e-4)
    assert "no token" in found["told"]


def test_outside_zerogpu_a_function_stays_itself() -> None:
    assert on_gpu(classify) is classify
