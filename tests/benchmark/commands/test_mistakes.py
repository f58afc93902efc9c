"""Mistakes in what a command is asked end in one line each, before anything is written."""

from pathlib import Path

import pytest

from tests.benchmark.commands.calls import BASE, Call, one_line

MINILM = ("run", "--encoders", "minilm-l6", "--tasks", "feedback")
PROBE = ("run", "--encoders", "probe:minilm-l6", "--tasks", "feedback")
OWN = ("run-data", "my.csv", "--encoders", "tfidf-lr")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "--encoders", "tfidf", "--tasks", "feedback"), "Did you mean 'tfidf-lr'?"),
        (("run", "--encoders", "tfidf-lr", "--tasks", "feedbak"), "Did you mean 'feedback'?"),
        (("run", "--encoders", "", "--tasks", "feedback"), "--encoders takes names with commas between them, got ''"),
        (
            ("run", "--encoders", "tfidf-lr", "--tasks", " , "),
            "--tasks takes names with commas between them, got ' , '",
        ),
        ((*BASE, "--recipe", "{epochs: 1}"), "{epochs: 1}"),
        ((*BASE, "--recipe", "[1]"), "[1]"),
        ((*BASE, "--recipe", "3"), "JSON object"),
        ((*MINILM, "--recipe", '{"epoch": 1}'), "Did you mean 'epochs'?"),
        ((*BASE, "--recipe", '{"ngrams": [3, 1]}'), "ngrams"),
        ((*BASE, "--recipe", '{"inverse_regularisation": Infinity}'), "inverse_regularisation"),
        ((*BASE, "--first-seed", "99999999999"), "seed"),
        ((*MINILM, "--recipe", '{"epochs": 0}'), "epochs"),
        ((*MINILM, "--recipe", '{"learning_rate": NaN}'), "nan"),
        ((*MINILM, "--recipe", '{"seed": 7}'), "--first-seed"),
        ((*MINILM, "--recipe", '{"results": "x"}'), "results"),
        ((*MINILM, "--recipe", '{"tasks": "x"}'), "tasks"),
        ((*MINILM, "--long-text", "cut"), "'truncate', 'head-tail' or 'windows', got 'cut'"),
        (("run", "--encoders", "tfidf-lr", "--tasks", "reuters21578"), "--data-dir"),
        (("run", "--encoders", "tfidf-lr", "--tasks", "sst2"), "HF_HUB_OFFLINE forbids any call to the hub"),
        (("run", "--encoders", "tfidf-lr", "--tasks", "sst2", "--data-dir", "/no/such/folder"), "/no/such/folder"),
        (OWN, "Say where the labels are in one way"),
        (("run-data", "/no/my.csv", "--encoders", "tfidf-lr", "--label-column", "l"), "no file or folder /no/my.csv"),
        (("run-data", "sst2.csv", "--encoders", "tfidf-lr", "--label-column", "l"), "--name"),
        (("board", "--results", "/no/such/folder"), "no runs"),
        (("verify", "--results", "/no/such/folder"), "no runs"),
        (("compare", "minilm-l6", "tfidf-lr", "--task", "feedbak"), "Did you mean 'feedback'?"),
        (
            ("compare", "minilm-l6", "tfidf-lr", "--task", "feedback", "--metric", "f1_marco"),
            "Did you mean 'f1_macro'?",
        ),
        (("compare", "minilm-l6", "tfidf-lr", "--task", "feedback"), "no runs of 'feedback'"),
        (("compare", "minilm-l6", "minilm-l6", "--task", "feedback"), "cannot be compared with itself"),
        (("ship", "--tasks", "feedback", "--results", "/no/such/folder"), "--checkpoints"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_mistakes_end_in_one_line(
    arguments: tuple[str, ...], named: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENCODER_ZOO_DATA", raising=False)
    results = () if "--results" in arguments else ("--results", tmp_path / "results")
    one_line(call(*arguments, *results), named)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*BASE, "--recipe", '{"epochs": 1}'), "Recipe: epochs does not apply to tfidf-lr"),
        ((*BASE, "--long-text", "windows"), "Recipe: long_text does not apply to tfidf-lr"),
        ((*MINILM, "--recipe", '{"min_df": 1}'), "Recipe: min_df does not apply to minilm-l6"),
        ((*BASE, "--recipe", '{"teacher": "minilm-l6"}'), "Recipe: teacher does not apply to tfidf-lr"),
        ((*MINILM, "--teacher", "/no/such/model"), "There is no folder /no/such/model"),
        ((*BASE, "--policy", "recall=0.9"), "no model is kept; give --checkpoints"),
        ((*BASE, "--checkpoints", "kept", "--policy", "prais:recall=1"), "Unknown label 'prais'"),
        ((*OWN, "--label-column", "l", "--recipe", '{"epochs": 1}'), "Recipe: epochs does not apply to tfidf-lr"),
        (
            (*MINILM, "--long-text", "windows", "--recipe", '{"long_text": "truncate"}'),
            "--long-text and long_text in --recipe say the same thing",
        ),
        ((*PROBE, "--micro-batch", "4"), "--micro-batch and --gradient-checkpointing do not apply: no encoder is"),
        ((*PROBE, "--checkpoints", "kept"), "--checkpoints does not apply: probe:minilm-l6 leaves no checkpoint"),
        ((*BASE, "--data-dir", "data"), "--data-dir does not apply: the rows of feedback come with the project"),
        ((*OWN, "--label-column", "l", "--delimiter", ";"), "--delimiter ';' applies to --label-list alone"),
        ((*OWN, "--label-columns", "a,b", "--delimiter", ";"), "--delimiter ';' applies to --label-list alone"),
        ((*OWN, "--label-column", "l", "--label-list", "m"), "Say where the labels are in one way"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else None,
)
def test_an_option_that_does_not_apply_is_told(
    arguments: tuple[str, ...], told: str, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one_line(call(*arguments), told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "option"),
    [((*BASE, option, "x"), option) for option in ("--language", "--label-column", "--splits-to", "--name")]
    + [((*OWN, "--label-column", "l", option, "x"), option) for option in ("--tasks", "--data-dir")],
)
def test_an_option_of_another_command_is_refused(arguments: tuple[str, ...], option: str, call: Call) -> None:
    ended = call(*arguments)
    assert (ended.code, ended.stdout) == (2, "")
    assert f"No such option: {option}" in ended.stderr


def test_a_folder_in_the_environment_is_no_option_that_was_given(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENCODER_ZOO_DATA", str(tmp_path))
    assert call(*BASE, "--results", tmp_path / "results", "--dry-run").code == 0


@pytest.mark.parametrize("option", ["--results", "--checkpoints"])
def test_a_folder_that_is_a_file_is_told_before_anything_is_trained(
    option: str, call: Call, tmp_path: Path, tiny_bert: Path
) -> None:
    (tmp_path / "file").write_text("kept")
    folders = {name: tmp_path / name.strip("-") for name in ("--results", "--checkpoints")}
    folders[option] = tmp_path / "file"
    given = ("run", "--encoders", tiny_bert, "--tasks", "feedback")
    one_line(call(*given, *[part for pair in folders.items() for part in pair]), str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "kept"
    assert not list(tmp_path.glob("results/*"))
