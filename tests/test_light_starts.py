"""What starts quickly loads nothing that is slow to import. One process takes all steps, the lightest first, since each
new process takes seconds. A step finds what the steps before it loaded, so it may load what they may, and more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tests.checkpoints import write_toy_tfidf
from tests.test_command_line import NAMES
from zoo.tfidf import TfidfModel, Vocabulary

ROOT = Path(__file__).parents[1]
DRAWING = ["benchmark.board.plots", "benchmark.board.pages"]  # modules that read and draw a board
LOOKING = [  # modules that only look at results
    "benchmark.board.store",
    "benchmark.statistics.fit_decision",
    "benchmark.board.build",
    "benchmark.statistics.metrics",
    "benchmark.training.recipes",
    "benchmark.tasks.rows",
    "benchmark.training.runs",
    "benchmark.training.estimate",
    "benchmark.tasks.registry",
    "benchmark.commands.console",
    "zoo.decision",
    "zoo.encoders.registry",
    "encoder_zoo",
]
HANDLERS = [  # modules without widgets: no gradio there, and no torch before a model is asked
    "demo.api.handlers",
    "demo.attribution.handlers",
    "demo.audit.handlers",
    "demo.batch.downloads",
    "demo.batch.handlers",
    "demo.batch.inputs",
    "demo.compare.examples",
    "demo.compare.handlers",
    "demo.compare.validation",
    "demo.explore.contents",
    "demo.explore.handlers",
    "demo.explore.pairs",
    "demo.flags.handlers",
    "demo.leaderboard.handlers",
    "demo.leaderboard.words",
    "demo.shared.models",
    "demo.shared.texts",
]
HEAVY = {"torch", "transformers", "datasets", "evaluate", "gradio"}
FORBIDDEN = {  # by the step, in their order
    "help": HEAVY | {"pandas", "sklearn"},
    "the app": {"captum", "torch", "transformers", "datasets", "evaluate", "sklearn", "plotly"},
    "drawing": HEAVY | {"sklearn", "joblib"},  # neither torch nor what computes a board
    "a TF-IDF checkpoint": HEAVY,
    "looking": HEAVY,
    "handlers": {"gradio", "torch"},
}
PROGRAM = """
import contextlib, importlib, io, json, os, sys
from pathlib import Path

forbidden, folder, names, drawing, looking, handlers = map(json.loads, sys.argv[1:])
found = dict.fromkeys(forbidden, "")

def see(step, what):
    loaded = sorted(set(forbidden[step]) & set(sys.modules))
    if loaded and not found[step]:
        found[step] = f"{what} loads {', '.join(loaded)}"

from encoder_zoo import commands
for arguments in (["--help"], *([name, "--help"] for name in names)):
    with contextlib.redirect_stdout(io.StringIO()):
        commands(arguments, standalone_mode=False)
    see("help", " ".join(arguments))
reader, writer = os.pipe()
if not os.fork():  # the app loads what the next steps may not, and they what it may not
    import app
    app.build()
    see("the app", "building the app")
    os.write(writer, json.dumps(found["the app"]).encode())
    os._exit(0)
os.close(writer)

def load(step, modules):
    for name in modules:
        importlib.import_module(name)
        see(step, name)

load("drawing", drawing)
from zoo.serving import load_classifier
found["scores"] = load_classifier(Path(folder)).predict_scores(["late"]).tolist()
see("a TF-IDF checkpoint", "a TF-IDF checkpoint")
load("looking", looking)
from benchmark.board.published import read_published
read_published()
see("looking", "read_published")
load("handlers", handlers)
found["the app"] = json.loads(os.fdopen(reader).read())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each step was the first to load that it may not, or nothing; and the scores of the checkpoint."""
    vocabulary = Vocabulary(analyzer="word", ngrams=(1, 1), terms=("good", "late"))
    coefficients = csr_matrix(np.array([[4.0, 0.0, 0.0], [0.0, 4.0, 0.0]]))
    model = TfidfModel(vocabulary, np.ones(2), coefficients, np.zeros(3))
    folder = write_toy_tfidf(tmp_path_factory.mktemp("tfidf"), model)
    asked = [{step: sorted(names) for step, names in FORBIDDEN.items()}, str(folder), NAMES, DRAWING, LOOKING, HANDLERS]
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(json.dumps, asked)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


@pytest.mark.parametrize("step", FORBIDDEN)
def test_no_step_loads_what_it_may_not(step: str, found: dict[str, str]) -> None:
    assert found[step] == ""


def test_the_checkpoint_answered(found: dict[str, str]) -> None:
    assert np.argmax(found["scores"]) == 1


def test_every_tabs_handlers_are_held_to_it() -> None:
    tabs = {f"demo.{path.parent.name}.handlers" for path in (ROOT / "demo").glob("*/handlers.py")}
    assert tabs <= set(HANDLERS)
