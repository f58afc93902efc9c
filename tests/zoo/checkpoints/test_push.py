"""Publishing with the real client to a hub on loopback: the round trip, and the many ways to fail."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.hub_server import Failure, Hub
from tests.zoo.checkpoints.hub_commands import REPO, Done, Run, contents, failed
from zoo.checkpoints.loading import compress_checkpoint
from zoo.classifier import Classifier
from zoo.encoders.deltas import DELTA, write_delta
from zoo.encoders.registry import ENCODERS, get_encoder
from zoo.files import WHOLE

ROOT = Path(__file__).parents[3]
TEXTS = ["good", "The parcel arrived late and bad.", ""]


@pytest.fixture
def zoo_process(hub: Hub, tmp_path: Path) -> Run:
    """Run `encoder-zoo` as a user does, who may write to the hub."""
    own = {
        "HF_ENDPOINT": hub.address,
        "HF_TOKEN": "hf_writer",
        "HF_HOME": str(tmp_path / "home"),
        "HF_HUB_OFFLINE": "0",
    }
    own |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}

    def run(*arguments: str | Path) -> Done:
        command = [sys.executable, "-m", "zoo", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, timeout=200)
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.mark.parametrize("runner", ["zoo", pytest.param("zoo_process", marks=pytest.mark.campaign)])
def test_a_pushed_checkpoint_comes_back_and_scores_the_same(
    runner: str, hub: Hub, checkpoint: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run: Run = request.getfixturevalue(runner)
    done = run("push", checkpoint, "--repo", REPO)
    assert done.returncode == 0
    assert runner == "zoo" or done.stderr == ""  # where the client's bars are off
    repo = hub.repos[REPO]
    assert repo.private
    assert {name: data for name, data in repo.files.items() if name != ".gitattributes"} == contents(checkpoint)
    assert hub.sent("PUT /large/") == 2  # weights and tokenizer, on their own

    pd.DataFrame({"text": TEXTS}).to_csv(tmp_path / "texts.csv", index=False)
    files = ("--input", tmp_path / "texts.csv", "--output", tmp_path / "scores.jsonl")
    done = run("predict", f"hub:{REPO}@{repo.commits[-1][0]}", *files)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    scores = [list(row["scores"].values()) for row in rows]
    np.testing.assert_allclose(scores, Classifier.load(checkpoint).predict_scores(TEXTS), atol=2e-6)

    plain = tmp_path / "plain"  # what anybody gets who downloads the files
    plain.mkdir()
    for name, data in repo.files.items():
        (plain / name).write_bytes(data)
    model, tokenizer = (kind.from_pretrained(plain) for kind in (AutoModelForSequenceClassification, AutoTokenizer))
    with torch.inference_mode():
        logits = model.eval()(**tokenizer(TEXTS, padding=True, return_tensors="pt")).logits
    np.testing.assert_allclose(torch.sigmoid(logits / 1.7), scores, atol=1e-5)


@pytest.mark.slow
def test_a_small_checkpoint_is_published_as_the_whole_model_that_it_stands_for(
    hub: Hub, zoo: Run, checkpoint: Path, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = get_encoder(str(tiny_bert))
    monkeypatch.setitem(ENCODERS, encoder.name, encoder)
    compress_checkpoint(checkpoint, tmp_path / "small", partial(write_delta, bits=4))
    done = zoo("push", tmp_path / "small", "--repo", REPO)
    assert done.returncode == 0
    assert "shards" not in done.stderr  # no bar for a save that takes milliseconds
    files = {name: data for name, data in hub.repos[REPO].files.items() if name != ".gitattributes"}
    assert files.keys() == contents(checkpoint).keys()
    (tmp_path / "whole").mkdir()
    for name, data in files.items():
        (tmp_path / "whole" / name).write_bytes(data)
    small, whole = (Classifier.load(tmp_path / name).predict_logits(TEXTS) for name in ("small", "whole"))
    np.testing.assert_array_equal(small, whole)


def test_a_checkpoint_without_its_card_is_not_published(hub: Hub, zoo: Run, checkpoint: Path, tmp_path: Path) -> None:
    whole, small = (shutil.copytree(checkpoint, tmp_path / name) for name in ("whole", "small"))
    (small / WHOLE).rename(small / DELTA)  # is not read before the card is missed
    for bare, option in ((whole, ()), (whole, ("--dry-run",)), (small, ())):
        (bare / "README.md").unlink(missing_ok=True)
        done = zoo("push", bare, "--repo", REPO, *option)
        assert done.returncode == 1
        assert "has no README.md, its model card" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_dry_run_shows_the_files_and_the_card_and_asks_nobody(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    done = zoo("push", checkpoint, "--repo", REPO, "--dry-run")
    assert done.returncode == 0
    assert f"as the private model {REPO}" in done.stdout
    assert all(name in done.stdout for name in contents(checkpoint))
    assert "license: apache-2.0" in done.stdout
    assert hub.requests == []


def test_what_is_stale_is_removed_by_the_same_commit(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    repo = hub.add(REPO, {".gitattributes": b"", "checkpoint.json": b"{}", "vocab.txt": b"old"})
    assert zoo("push", checkpoint, "--repo", REPO).returncode == 0
    assert len(repo.commits) == 2
    assert repo.files.keys() == {".gitattributes", *contents(checkpoint)}


def test_a_repository_of_something_else_or_of_all_the_world_is_left_alone(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    other = hub.add("ann/other", {"weights.gguf": b"1"})
    public = hub.add(REPO, {"checkpoint.json": b"{}"}, private=False)
    failed(zoo("push", checkpoint, "--repo", "ann/other"), "'ann/other' holds something else", "--repo")
    failed(zoo("push", checkpoint, "--repo", REPO), f"'{REPO}' is public", "--public")
    assert len(other.commits) == len(public.commits) == 1
    assert zoo("push", checkpoint, "--repo", REPO, "--public").returncode == 0
    assert "model.safetensors" in public.files


@pytest.mark.parametrize(
    ("token", "words"), [("hf_wrong", ("401", "hf auth login", "HF_TOKEN")), ("hf_reader", ("403", "write"))]
)
def test_a_token_that_may_not_publish_is_told(
    token: str, words: tuple[str, ...], hub: Hub, zoo: Run, checkpoint: Path
) -> None:
    failed(zoo("push", checkpoint, "--repo", REPO, token=token), "Nothing was published", *words)
    assert hub.repos == {}


@pytest.mark.parametrize("repo", ["toy", "ann/bob/toy", "ann/to y", ""])
def test_a_name_that_is_none_is_told_before_anything_is_read_or_asked(
    repo: str, hub: Hub, zoo: Run, tmp_path: Path
) -> None:
    failed(zoo("push", tmp_path, "--repo", repo), f"'{repo}'", "user/name")
    assert hub.requests == []


def test_a_busy_hub_is_asked_again_when_it_says(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    hub.failures = [
        Failure("POST /api/repos/create", 429, {"Retry_After": "1"}),
        Failure("POST .*/commit/main", 503),
    ]
    done = zoo("push", checkpoint, "--repo", REPO)
    assert done.returncode == 0, done.stderr
    assert "The hub asks for fewer requests (429); trying again in 1 s" in done.stdout
    assert "The hub answers 503; trying again in 1 s" in done.stdout
    assert len(hub.repos[REPO].commits) == 2


def test_a_hub_that_asks_for_an_hour_is_not_waited_for(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    hub.failures = [Failure("POST /api/repos/create", 429, {"Retry_After": "3600"})]
    failed(zoo("push", checkpoint, "--repo", REPO), "429", "Nothing was published")
    assert hub.sent("create") == 1


def test_a_connection_cut_in_mid_upload_is_tried_again(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    hub.failures = [Failure("PUT /large/", cut="request")]
    assert zoo("push", checkpoint, "--repo", REPO).returncode == 0
    assert hub.sent("PUT /large/") == 3
    assert hub.repos[REPO].files["model.safetensors"] == (checkpoint / "model.safetensors").read_bytes()


def test_an_upload_that_is_refused_publishes_nothing(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    hub.failures = [Failure("PUT /large/", 403, times=9)]
    failed(zoo("push", checkpoint, "--repo", REPO), "403", "Nothing was published")
    assert hub.repos[REPO].files.keys() == {".gitattributes"}


@pytest.mark.campaign
def test_an_upload_that_is_cut_again_and_again_publishes_nothing(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    hub.failures = [Failure("PUT /large/", cut="request", times=99)]
    failed(zoo("push", checkpoint, "--repo", REPO), "The connection", "broke", "Nothing was published")
    assert hub.repos[REPO].files.keys() == {".gitattributes"}


def test_a_commit_whose_answer_is_lost_is_there_as_a_whole(hub: Hub, zoo: Run, checkpoint: Path) -> None:
    hub.failures = [Failure("POST .*/commit/main", cut="answer")]
    done = zoo("push", checkpoint, "--repo", REPO)
    assert done.returncode == 0
    assert "broke" in done.stdout
    assert {**hub.repos[REPO].files, ".gitattributes": b""} == {**contents(checkpoint), ".gitattributes": b""}


def test_a_commit_that_removes_files_and_whose_answer_is_lost_is_there_as_a_whole(
    hub: Hub, zoo: Run, checkpoint: Path
) -> None:
    repo = hub.add(REPO, contents(checkpoint) | {"old.txt": b"old", "config.json": b"{}"})
    hub.failures = [Failure("POST .*/commit/main", cut="answer")]
    done = zoo("push", checkpoint, "--repo", REPO)
    assert done.returncode == 0, done.stderr
    assert repo.files == contents(checkpoint)


def test_a_space_becomes_its_folder(hub: Hub, zoo: Run, tmp_path: Path) -> None:
    space = tmp_path / "space"
    (space / "zoo" / "__pycache__").mkdir(parents=True)
    (space / "zoo" / "__pycache__" / "a.pyc").write_bytes(b"0")
    files = {"README.md": "---\nsdk: gradio\n---\n", "app.py": "print()\n", "zoo/weights.safetensors": "w" * 5000}
    for name, text in files.items():
        (space / name).write_text(text)
    done = zoo("push-space", space, "--repo", "ann/app", "--dry-run")
    assert "zoo/weights.safetensors" in done.stdout
    assert hub.requests == []
    done = zoo("push-space", space, "--repo", "ann/app")
    assert done.returncode == 0, done.stderr
    repo = hub.repos["ann/app"]
    assert (repo.kind, repo.private) == ("space", True)
    assert repo.files == {name: text.encode() for name, text in files.items()} | {".gitattributes": b""}
    shutil.rmtree(space / "zoo")
    assert zoo("push-space", space, "--repo", "ann/app").returncode == 0
    assert "zoo/weights.safetensors" not in repo.files
    failed(zoo("push-space", tmp_path, "--repo", "ann/app"), "no Space", "make space")
