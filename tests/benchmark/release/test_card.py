"""Model cards: what the hub and its readers take from them, and that the shipped ones are those of their runs."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from sklearn.metrics import f1_score
from transformers import AutoTokenizer

from benchmark.release.card import write_card, write_cards
from benchmark.release.ship import ship_best
from benchmark.tasks.registry import TASKS
from benchmark.training.runs import RESULTS, read_run
from tests.benchmark.conftest import WriteRun
from tests.checkpoints import SHIPPED, toy_info
from zoo.checkpoints.checkpoint import CHECKPOINTS, read_checkpoint
from zoo.checkpoints.loading import new_model, save_checkpoint
from zoo.classifier import Classifier
from zoo.decision import Decision
from zoo.errors import UserError


@pytest.mark.parametrize("task", ["feedback", "sst2", "reuters21578"])
def test_the_front_matter_has_every_metric_with_its_interval(task: str, write_synthetic: WriteRun) -> None:
    run = read_run(write_synthetic(task))
    data = ModelCard(write_card(run, TASKS[task])).data
    assert (data.language, data.license, data.pipeline_tag) == ("en", "apache-2.0", "text-classification")
    assert data.datasets == (["stanfordnlp/sst2"] if task == "sst2" else None)
    for result in data.eval_results:
        low, high = map(float, re.findall(r"\d\.\d{4}", result.metric_name))
        assert low <= result.metric_value <= high
        assert result.dataset_split == TASKS[task].reported
    main = {result.metric_type: result.metric_value for result in data.eval_results}[TASKS[task].main_metric]
    decision = _decision(write_card(run, TASKS[task]), TASKS[task].labels)
    y_pred = decision.decide(decision.scores(run.predictions.test_logits))
    average = {"accuracy": "micro", "f1_macro": "macro", "f1_micro": "micro"}[TASKS[task].main_metric]
    score = f1_score(run.predictions.test_y_true, y_pred, average=average, zero_division=0)
    assert main == pytest.approx(score, abs=0.01)  # the card has 4 digits of each threshold


@pytest.mark.parametrize("task", ["feedback", "sst2"])
def test_a_card_has_the_f1_of_each_label(task: str, write_synthetic: WriteRun) -> None:
    run = read_run(write_synthetic(task))
    card, y_true = write_card(run, TASKS[task]), run.predictions.test_y_true
    rows = re.findall(r"^\| ([\w-]+) \| (\d\.\d{4}) \| (\d+) \|$", card.split("## Metrics")[1], re.M)
    assert [(label, int(number)) for label, _, number in rows] == list(
        zip(TASKS[task].labels, y_true.sum(axis=0), strict=True)
    )
    decision = _decision(card, TASKS[task].labels)
    y_pred = decision.decide(decision.scores(run.predictions.test_logits))
    expected = f1_score(y_true, y_pred, average=None, zero_division=0)
    assert [float(value) for _, value, _ in rows] == pytest.approx(list(expected), abs=0.03)


@pytest.mark.parametrize(
    ("encoder", "base"),
    [
        ("minilm-l6", "sentence-transformers/all-MiniLM-L6-v2"),
        ("granite-30m", "ibm-granite/granite-embedding-30m-english"),
        ("bge-small-zh-v1.5", "BAAI/bge-small-zh-v1.5"),
        ("roberta-base", "roberta-base"),
        ("zoo-bert-en", None),
    ],
)
def test_a_card_names_the_encoder_where_the_hub_has_it(
    encoder: str, base: str | None, write_synthetic: WriteRun
) -> None:
    card = write_card(read_run(write_synthetic("sst2", encoder)), TASKS["sst2"])
    assert ModelCard(card).data.base_model == base
    cited = card.split("## Licence and citation")[1]
    assert (f"https://huggingface.co/{base})" in cited) == bool(base)
    assert "https://huggingface.co/datasets/stanfordnlp/sst2)" in cited


@pytest.mark.parametrize(("encoder", "base"), [("org/tiny@main", "org/tiny"), ("folder@1a2b3c4d", None)])
def test_a_card_names_an_encoder_of_the_hub_that_the_registry_does_not_have(
    encoder: str, base: str | None, write_synthetic: WriteRun
) -> None:
    run = read_run(write_synthetic("sst2"))
    card = write_card(replace(run, info=run.info.model_copy(update={"encoder": encoder})), TASKS["sst2"])
    assert ModelCard(card).data.base_model == base
    assert ("https://huggingface.co/org/tiny)" in card) == bool(base)


def test_a_card_on_a_users_own_data_says_how_they_were_split(write_synthetic: WriteRun) -> None:
    run, how = read_run(write_synthetic("feedback")), "iteratively stratified with seed 0"
    own = replace(TASKS["feedback"], name="mine", language="any", embedded=False, own_splits=how)
    card = write_card(replace(run, info=run.info.model_copy(update={"task": "mine"})), own)
    assert ModelCard(card).data.language is None
    assert f"`mine` is a user's own data. It was split like this: {how}. Temperature" in card
    assert "The scores come from 60 test rows." in card
    assert "the source of the data" in card
    for word in ("official", "any)", "language:"):
        assert word not in card
    before = write_card(run, TASKS["feedback"])
    assert "`feedback` (en) comes with Encoder Zoo." in before
    assert "60 test rows: the official test split" in before


def _decision(card: str, labels: tuple[str, ...]) -> Decision:
    """The temperature and thresholds that a reader finds in the text of a card."""
    temperature = float(re.search(r"temperature of ([\d.]+),", card)[1])  # type: ignore[index]
    rows = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|$", card.split("## Thresholds")[1].split("##")[0], re.M))
    kind = "multi_label_classification" if rows else "single_label_classification"
    thresholds = tuple(float(rows[label]) if rows else 0.0 for label in labels)
    rule = "per_label" if rows else "argmax"
    return Decision(problem_type=kind, rule=rule, temperature=temperature, thresholds=thresholds)


@pytest.mark.parametrize("task", ["feedback", "sst2"])
def test_the_code_of_a_card_decides_as_the_classifier_does(
    task: str, tiny_bert: Path, tmp_path: Path, write_synthetic: WriteRun, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, run = TASKS[task], read_run(write_synthetic(task))
    card = write_card(run, spec)
    torch.manual_seed(3)
    model = new_model(tiny_bert, spec.problem_type, spec.labels)
    torch.nn.init.normal_(model.classifier.weight, std=2.0)
    info = toy_info(task=task, problem_type=spec.problem_type, labels=spec.labels, max_length=128, run=run.info.id)
    decision = _decision(card, spec.labels)
    save_checkpoint(tmp_path / "c", info, decision, model, AutoTokenizer.from_pretrained(tiny_bert), card)
    code = re.search(r"```python\n(.*?)```", (tmp_path / "c" / "README.md").read_text(), re.S)
    assert code is not None
    exec(code[1].replace('snapshot_download("user/name")', repr(str(tmp_path / "c"))), {})
    classifier = Classifier.load(tmp_path / "c")
    decided = classifier.decide(classifier.predict_scores(["a text", "another one"]))
    expected = [[spec.labels[i] for i in np.flatnonzero(row)] for row in decided]
    assert capsys.readouterr().out.splitlines()[-1] == str(expected)


@pytest.mark.parametrize("folder", SHIPPED)
def test_a_shipped_card_is_the_one_of_its_run(folder: Path) -> None:
    checkpoint = read_checkpoint(folder)
    info = checkpoint.info
    (run,) = RESULTS.glob(f"{info.task}/*/*-{info.run}")
    card = write_card(read_run(run), TASKS[info.task], checkpoint)
    assert (folder / "README.md").read_text(encoding="utf-8") == card, "run: encoder-zoo cards"


def test_cards_are_written_for_the_checkpoints_whose_run_is_there(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    with pytest.raises(UserError, match="is a checkpoint of a run in"):
        write_cards(CHECKPOINTS, tmp_path / "results")
    with pytest.raises(UserError, match="/no/such/folder"):
        write_cards(Path("/no/such/folder"), RESULTS)


def test_a_damaged_run_without_a_checkpoint_stands_in_no_ones_way(tmp_path: Path, write_synthetic: WriteRun) -> None:
    damaged = write_synthetic(encoder="minilm-l6")
    (damaged / "predictions.npz").write_bytes(b"")
    results = damaged.parents[2]
    with pytest.raises(UserError, match="has its checkpoint in"):
        list(ship_best(results, tmp_path / "none", tmp_path / "shipped", TASKS, None))
    shipped = CHECKPOINTS / "feedback" / "zoo-bert-en"
    checkpoint = shutil.copytree(shipped, tmp_path / "checkpoints" / "feedback" / "zoo-bert-en")
    (run,) = RESULTS.glob(f"feedback/*/*-{read_checkpoint(shipped).info.run}")
    shutil.copytree(run, results / run.relative_to(RESULTS))
    (checkpoint / "README.md").unlink()
    assert write_cards(tmp_path / "checkpoints", results) == [checkpoint / "README.md"]
    assert (checkpoint / "README.md").read_text(encoding="utf-8") == (shipped / "README.md").read_text("utf-8")
