"""Predictions from elsewhere: read from files, kept as runs, and on the board beside what was trained here."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, f1_score

from benchmark.board.choice import which
from benchmark.board.compare_two import compare_two
from benchmark.board.entries import find_runs, make_entries
from benchmark.board.matrix import legend, matrices, table_of
from benchmark.board.pages import wide
from benchmark.board.store import pages, publish, verify
from benchmark.from_logits.label_errors import audit
from benchmark.imported.answers import Given, ids_of, read_given
from benchmark.imported.import_run import Costs, check_name, import_run, parse_costs
from benchmark.tasks.registry import TASKS, Task, write_task
from benchmark.tasks.rows import Rows, Split, write_splits
from benchmark.training.runs import read_runs
from encoder_zoo import main
from tests.benchmark.conftest import WriteRun, make_predictions
from zoo.errors import UserError

FEEDBACK, SST2 = TASKS["feedback"], TASKS["sst2"]
SIZES = {"validation": 2, "test": 3}


def _rows(task: Task, n: int = 60) -> Rows:
    """The rows that synthetic runs are of."""
    found = make_predictions(len(task.labels), task.multi_label, 0, n)
    texts = [f"text {number}" for number in range(n)]
    return Rows(
        Split(texts, found.test_y_true), Split(texts, found.validation_y_true), Split(texts, found.test_y_true), "rows"
    )


def _csv(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, index=False)
    return path


def _feedback_scores(n: int = 5) -> pd.DataFrame:
    values = np.random.default_rng(0).random((n, 8)).round(4)
    return pd.DataFrame(values, columns=list(FEEDBACK.labels))


# Reading


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_scores_are_put_in_the_order_of_the_ids(tmp_path: Path, ending: str) -> None:
    table = _feedback_scores().assign(id=ids_of(SIZES))
    path, shuffled = tmp_path / f"scores.{ending}", table.sample(frac=1, random_state=1)
    if ending == "csv":
        shuffled.to_csv(path, index=False)
    elif ending == "jsonl":
        shuffled.to_json(path, orient="records", lines=True)
    else:
        shuffled.to_parquet(path)
    found = read_given(path, FEEDBACK, SIZES)
    assert found.kind == "probabilities"
    np.testing.assert_allclose(found.values["validation"], table[list(FEEDBACK.labels)].to_numpy()[:2])
    np.testing.assert_allclose(found.values["test"], table[list(FEEDBACK.labels)].to_numpy()[2:])


def test_the_output_of_predict_is_read_with_its_scores(tmp_path: Path) -> None:
    """It has labels and scores; the scores say more. As CSV its columns are score_LABEL, as JSONL one object."""
    table = _feedback_scores()
    as_csv = table.add_prefix("score_").assign(labels='["price"]', row=range(5))
    lines = [json.dumps({"labels": ["price"], "scores": row}) for row in table.to_dict("records")]
    (tmp_path / "out.jsonl").write_text("\n".join(lines))
    for path in (_csv(tmp_path / "out.csv", as_csv), tmp_path / "out.jsonl"):
        np.testing.assert_allclose(read_given(path, FEEDBACK, SIZES).values["test"], table.to_numpy()[2:])


def test_a_label_can_be_called_as_another_column(tmp_path: Path) -> None:
    task = Task("mails", "multi_label_classification", "en", ("text", "price"), "f1_macro")
    table = pd.DataFrame({"text": ["a"] * 5, "score_text": [0.5] * 5, "score_price": [0.25] * 5})
    found = read_given(_csv(tmp_path / "out.csv", table), task, SIZES)
    np.testing.assert_array_equal(found.values["test"], [[0.5, 0.25]] * 3)


def test_bare_labels_by_row_order_need_the_test_rows_alone(tmp_path: Path) -> None:
    path = _csv(tmp_path / "labels.csv", pd.DataFrame({"labels": ["price|refund", "", '["praise"]']}))
    found = read_given(path, FEEDBACK, SIZES)
    assert (found.kind, list(found.values)) == ("labels", ["test"])
    assert [[FEEDBACK.labels[at] for at in np.flatnonzero(row)] for row in found.values["test"]] == [
        ["price", "refund"],
        [],
        ["praise"],
    ]
    one = _csv(tmp_path / "one.csv", pd.DataFrame({"label": ["positive", "negative", "positive"]}))
    np.testing.assert_array_equal(read_given(one, SST2, SIZES).values["test"], [[0, 1], [1, 0], [0, 1]])


def test_scores_of_0_and_1_alone_are_bare_labels(tmp_path: Path) -> None:
    table = (_feedback_scores() > 0.5).astype(int)
    assert read_given(_csv(tmp_path / "flags.csv", table), FEEDBACK, SIZES).kind == "labels"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.head(4), r"has 4 rows and no column 'id'; .* 2 validation rows and then the 3 test rows"),
        (lambda t: t.drop(columns="refund"), "none called 'refund'"),
        (lambda t: t.assign(price=[0.1, 0.2, "much", 0.4, 0.5]), r"row 3 has 'much' as the score of 'price'"),
        (lambda t: t.assign(price=[0.1, None, 0.3, 0.4, 0.5]), r"row 2 has '' as the score of 'price'"),
        (lambda t: t.assign(price=t["price"] + 1), r"a probability is from 0 to 1; give --scores logits"),
        (lambda t: t.assign(id=ids_of(SIZES)).tail(3), r"lacks 2 of 2 validation rows, such as 'validation-1'"),
        (lambda t: t.assign(id=ids_of(SIZES)).head(4), r"lacks 1 of 3 test rows, such as 'test-3'"),
        (lambda t: t.assign(id=["test-1"] * 5), r"the id 'test-1' 5 times"),
        (lambda t: t.assign(id=[*ids_of(SIZES)[:4], "test-4"]), r"1 rows with ids that the task has not.*'test-4'"),
        (lambda t: pd.DataFrame({"text": ["a"]}), r"neither scores .* nor names of labels \(a column 'labels'\)"),
        (lambda t: pd.DataFrame({"labels": ["pricee", "", ""]}), r"Unknown label in .* 'pricee'. Did you mean 'price'"),
    ],
)  # fmt: skip
def test_what_is_missing_or_unknown_is_told(tmp_path: Path, change: object, told: str) -> None:
    path = _csv(tmp_path / "scores.csv", change(_feedback_scores()))  # type: ignore[operator]
    with pytest.raises(UserError, match=told):
        read_given(path, FEEDBACK, SIZES)


def test_one_label_a_text_is_held_to_it(tmp_path: Path) -> None:
    table = pd.DataFrame({"negative": [0.9] * 5, "positive": [0.8] * 5})
    with pytest.raises(UserError, match=r"row 1 has probabilities that sum to 1\.7"):
        read_given(_csv(tmp_path / "a.csv", table), SST2, SIZES)
    assert read_given(_csv(tmp_path / "a.csv", table), SST2, SIZES, "logits").kind == "logits"
    with pytest.raises(UserError, match="row 2 has 0 labels"):
        read_given(_csv(tmp_path / "b.csv", pd.DataFrame({"label": ["positive", "", "negative"]})), SST2, SIZES)


# Names and costs


def test_names_and_costs() -> None:
    assert parse_costs(["ms=350", "parameters=7e9", "0.3 USD per 1,000 texts"]) == Costs(
        7e9, 350.0, 0.0, "0.3 USD per 1,000 texts"
    )
    with pytest.raises(UserError, match="it takes parameters=NUMBER"):
        parse_costs(["seconds=3"])
    check_name("gpt-x/2026:mini")
    for name in ("../x", ".hidden", "", "minilm-l6", "probe:minilm-l6", "zero-shot:x", "setfit-8:x"):
        with pytest.raises(UserError):
            check_name(name)


# The command line, with data of one's own


def test_rows_are_written_with_ids_and_come_back_as_a_run_of_own_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Task("mails", "multi_label_classification", "en", ("a", "b"), "f1_macro")
    rows = Rows(*(Split(["x, y", "z"], np.eye(2, dtype=np.int8)) for _ in range(3)), "rows")
    write_task(tmp_path / "results", task)
    write_splits(task, rows, tmp_path / "data")
    where = ["--task", "mails", "--results", str(tmp_path / "results"), "--data-dir", str(tmp_path / "data")]

    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["encoder-zoo", *arguments, *where])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    assert call("rows", "--to", str(tmp_path / "rows.csv")) == 0
    written = pd.read_csv(tmp_path / "rows.csv")
    assert written["id"].tolist() == ["validation-1", "validation-2", "test-1", "test-2"]
    assert written["text"].tolist() == ["x, y", "z"] * 2
    scored = _csv(tmp_path / "scores.csv", written.assign(a=[0.9, 0.1] * 2, b=[0.2, 0.7] * 2)[::-1])
    capsys.readouterr()
    for seed in ("4294967295", "4294967296"):
        assert call("import", str(scored), str(scored), "--name", "spacy", "--first-seed", seed) == 1
        assert "seeds end at 4,294,967,295" in capsys.readouterr().err
    assert call("import", str(scored), "--name", "spacy", "--cost", "0.1 USD") == 0
    assert "probabilities of validation and test rows; thresholds are fitted" in capsys.readouterr().out
    assert call("import", str(scored), str(scored), "--name", "twice", "--first-seed", "1") == 0
    assert call("import", str(scored), str(scored), "--name", "twice") == 1
    assert "give --first-seed 2" in capsys.readouterr().err
    (run, *others) = read_runs(tmp_path / "results")
    assert [each.info.recipe.seed for each in others] == [1, 2]  # of the files that were refused, none was written
    assert (run.info.encoder, run.info.recipe.cost) == ("spacy", "0.1 USD")  # type: ignore[union-attr]
    np.testing.assert_allclose(expit(run.predictions.test_logits), [[0.9, 0.2], [0.1, 0.7]], atol=1e-3)


# On the board


def _import(results: Path, task: Task, name: str, seed: int = 0, kind: str = "probabilities", **costs: float) -> Path:
    rows, found = _rows(task), make_predictions(len(task.labels), task.multi_label, 90 + seed)
    squash = expit if task.multi_label else lambda logits: softmax(logits, axis=1)
    values = {"validation": squash(found.validation_logits), "test": squash(found.test_logits)}
    if kind == "labels":
        values = {"test": (values["test"] >= 0.5).astype(float)}
    return import_run(Given(kind, values), task, rows, name, seed, Costs(**costs), results)  # type: ignore[arg-type]


@pytest.fixture
def results(write_synthetic: WriteRun, tmp_path: Path) -> Path:
    for task in ("feedback", "sst2"):
        for encoder in ("minilm-l6", "granite-30m"):
            for seed in range(2):
                write_synthetic(task=task, encoder=encoder, seed=seed)
    return tmp_path / "results"


def test_imported_models_stand_in_ranks_pairs_and_matrix_and_are_verified(results: Path) -> None:
    for task in (FEEDBACK, SST2):
        _import(results, task, "gpt-x", ms=350.0)
        _import(results, task, "rules", kind="labels")
    board, _ = publish(results)
    assert len(board.problems) == 0
    main = wide(board.cells, FEEDBACK).set_index("encoder")
    assert (main["rank"] != "–").all()
    assert main.loc["gpt-x [imported]", "seeds"] == "imported"
    assert (main.loc["gpt-x [imported]", "latency p50 (ms)"], main.loc["gpt-x [imported]", "MiB"]) == (350.0, "–")
    assert (main.loc["rules [imported]", "map"], main.loc["rules [imported]", "training (s)"]) == ("–", "–")
    assert (board.pairs["task"] == "feedback").sum() == 6  # of 4 entries
    (found,) = matrices(board)
    table = table_of(found).set_index("encoder")
    assert table.loc["gpt-x (imported)", "ms a text"] == "350.0"
    assert table.loc["rules (imported)", "parameters (M)"] == "–"
    assert "imported model" in " ".join(legend([found]))
    assert which(found).best.encoder in ("minilm-l6", "granite-30m")
    page = pages(board)["feedback/README.md"]
    assert "rules [imported]: bare labels: it has none of the metrics that need scores." in page
    assert " nan" not in page
    assert verify(results).differs == []
    for task in (FEEDBACK, SST2):
        _check_bare(board.cells[board.cells["task"] == task.name], task)


def _check_bare(cells: pd.DataFrame, task: Task) -> None:
    """No threshold is fitted to bare labels, under whichever rule: the score is scikit-learn's of the labels."""
    found = make_predictions(len(task.labels), task.multi_label, 90)
    expected = (
        f1_score(found.test_y_true, found.test_logits >= 0, average="macro", zero_division=0)
        if task.multi_label
        else accuracy_score(found.test_y_true.argmax(axis=1), found.test_logits.argmax(axis=1))
    )
    of_rules = cells[cells["encoder"] == "rules"]
    main = of_rules.loc[of_rules["metric"] == task.main_metric, "value"]
    assert main.to_numpy() == pytest.approx(expected, abs=1e-6)
    assert not {"scores", "raw"} & set(of_rules["rule"])


def test_an_imported_model_is_compared_by_its_name_alone_and_bare_labels_are_no_evidence(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(2):
        _import(results, FEEDBACK, "gpt-x", seed)
        _import(results, FEEDBACK, "rules", seed, kind="labels")
    runs = find_runs(results)[0]
    found = compare_two(runs, FEEDBACK, ("gpt-x", ""), ("minilm-l6", ""), "f1_macro")
    again = compare_two(runs, FEEDBACK, ("gpt-x", "imported"), ("minilm-l6", ""), "f1_macro")
    assert found == again
    for option in (["--at-least", "nan"], ["--margin", "inf"]):
        monkeypatch.setattr(sys, "argv", ["encoder-zoo", "compare", "a", "b", "--task", "feedback", *option])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
    with pytest.raises(UserError, match="Bare labels alone are no evidence"):
        audit(FEEDBACK, [entry for entry in make_entries(runs) if entry.encoder == "rules"])


def test_scores_have_a_temperature_and_several_sets_are_seeds(results: Path) -> None:
    for seed in range(3):
        _import(results, FEEDBACK, "gpt-x", seed)
    runs, problems = find_runs(results)
    entry = next(each for each in make_entries(runs) if each.encoder == "gpt-x")
    assert problems == {}
    assert (entry.random, len(entry.seeds.temperatures), entry.name) == (True, 3, "gpt-x [imported]")
    assert set(entry.seeds.temperatures.values()) != {1.0}


def test_what_is_there_already_is_not_written_over(results: Path) -> None:
    folder = _import(results, FEEDBACK, "gpt-x")
    with pytest.raises(UserError, match="is there already; delete it, or give --first-seed 1"):
        _import(results, FEEDBACK, "gpt-x")
    with pytest.raises(UserError, match="holds probabilities of 'gpt-x', and these are labels"):
        _import(results, FEEDBACK, "gpt-x", 1, kind="labels")
    assert folder.is_dir()
    assert _import(results, FEEDBACK, "gpt/x").parent == _import(results, FEEDBACK, "gpt--x").parent
