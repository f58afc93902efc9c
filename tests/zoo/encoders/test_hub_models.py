"""Any model of the hub as an encoder, with the real client against a hub on loopback."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import close_session, constants
from transformers import AutoModel, AutoTokenizer

from benchmark.tasks.registry import Task
from benchmark.training.grid import plan
from benchmark.training.look_ahead import find_faults
from benchmark.training.recipes import Recipe
from benchmark.training.runs import run_id
from tests.conftest import ToyRows
from tests.hub_server import Failure, Hub
from tests.zoo.encoders.conftest import REPO
from zoo.encoders.registry import ENCODERS, get_encoder
from zoo.encoders.weights import fetch_weights
from zoo.errors import UserError


def unplug(hub: Hub) -> None:
    """From here on nobody listens at the hub's address."""
    hub.server.shutdown()
    hub.server.server_close()
    close_session()


def contents(folder: Path, card: str = "language: en\nlicense: mit") -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return files | {"README.md": f"---\n{card}\n---\n# A card\n".encode()}


def test_a_model_that_the_registry_does_not_have_is_asked_for_once_and_pinned(hub: Hub, tiny_bert: Path) -> None:
    repo = hub.add(REPO, contents(tiny_bert), private=False)
    told: list[str] = []
    encoder = get_encoder(f"hub:{REPO}", told.append)
    assert (encoder.name, encoder.source, encoder.location) == (REPO, "hub", REPO)
    assert (encoder.family, encoder.language, encoder.licence) == ("bert", "en", "mit")
    assert encoder.parameters == get_encoder(str(tiny_bert)).parameters
    assert encoder.revision == repo.commits[-1][0]
    assert hub.sent("/org/tiny") == 1
    repo.commit({"README.md": b"all is gone"})
    weights = fetch_weights(encoder)
    assert weights.revision == encoder.revision
    assert AutoTokenizer.from_pretrained(weights.folder)("a text")["input_ids"]
    assert AutoModel.from_pretrained(weights.folder).config.model_type == "bert"
    assert told == []


def test_a_revision_is_part_of_the_name_and_a_model_needs_no_organisation(hub: Hub, tiny_roberta: Path) -> None:
    repo = hub.add("tiny", contents(tiny_roberta), private=False)
    first = repo.commits[-1][0]
    repo.commit({})
    encoder = get_encoder(f"hub:tiny@{first}")
    assert (encoder.name, encoder.family, encoder.revision) == (f"tiny@{first}", "roberta", first)
    assert fetch_weights(encoder).revision == first


@pytest.mark.parametrize(
    ("card", "language", "licence"),
    [
        ("language:\n- zh", "zh", "unknown"),
        ("language:\n- en\n- zh\nlicense: apache-2.0", "any", "apache-2.0"),
        ("language: fr", "any", "unknown"),
        ("tags:\n- x", "any", "unknown"),
    ],
)
def test_language_and_licence_are_those_of_the_card_with_the_hub_and_without(
    card: str, language: str, licence: str, hub: Hub, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, contents(tiny_bert, card), private=False)
    encoder = get_encoder(f"hub:{REPO}@main")
    assert (encoder.language, encoder.licence) == (language, licence)
    weights = fetch_weights(encoder)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    pinned = get_encoder(f"hub:{REPO}@{encoder.revision}")
    assert (pinned.language, pinned.licence) == (language, licence)
    assert (pinned.family, pinned.parameters, pinned.revision) == ("bert", encoder.parameters, encoder.revision)
    assert fetch_weights(pinned) == weights


def test_without_a_connection_the_copy_in_the_cache_is_taken_and_told(hub: Hub, tiny_bert: Path) -> None:
    hub.add(REPO, contents(tiny_bert), private=False)
    online = get_encoder(f"hub:{REPO}")
    fetch_weights(online)
    unplug(hub)
    told: list[str] = []
    assert get_encoder(f"hub:{REPO}", told.append) == online
    assert told == [
        f"The hub cannot be reached; {REPO} is the copy in the local cache, revision {online.revision[:12]}"
    ]


def test_a_damaged_copy_in_the_cache_is_told(hub: Hub, tiny_bert: Path) -> None:
    hub.add(REPO, contents(tiny_bert), private=False)
    config = fetch_weights(get_encoder(f"hub:{REPO}")).folder / "config.json"
    unplug(hub)
    config.write_text("{")
    with pytest.raises(UserError, match=r"^The local copy .* is damaged \(JSONDecodeError: .*\); delete it and fetch"):
        get_encoder(f"hub:{REPO}")


def test_of_several_copies_in_the_cache_none_is_picked(
    hub: Hub, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = hub.add(REPO, contents(tiny_bert), private=False)
    first = get_encoder(f"hub:{REPO}")
    repo.commit(contents(tiny_bert, "language: zh"))
    second = get_encoder(f"hub:{REPO}")
    for encoder in (first, second):
        fetch_weights(encoder)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="several revisions") as caught:
        get_encoder(f"hub:{REPO}")
    for encoder in (first, second):
        assert f"hub:{REPO}@{encoder.revision}" in str(caught.value)
        assert get_encoder(f"hub:{REPO}@{encoder.revision}").language == encoder.language
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
        get_encoder(f"hub:{REPO}@v1")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"auto_map": {"AutoModel": "x.Y"}}, "'org/odd' asks for code of its own"),
        ({"model_type": "gpt2"}, "'gpt2'; these"),
    ],
)
def test_what_is_not_trained_is_told_before_it_is_downloaded(
    values: dict[str, object], words: str, hub: Hub, tiny_bert: Path
) -> None:
    files = contents(tiny_bert)
    config = json.dumps(json.loads(files["config.json"]) | values).encode()
    hub.add("org/odd", files | {"config.json": config}, private=False)
    with pytest.raises(UserError, match=words) as caught:
        get_encoder("hub:org/odd")
    assert "\n" not in str(caught.value)
    assert hub.sent("resolve") == 0


def test_what_is_not_there_or_not_open_is_told_with_its_cause(
    hub: Hub, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add(REPO, contents(tiny_bert), private=False)
    hub.add("org/ckpt", {"config.json": b"{}", "tf_model.h5": b"1", "training_args.bin": b"1"}, private=False)
    hub.add("org/private", contents(tiny_bert))
    refused = {"X_Error_Code": "GatedRepo"}
    hub.failures = [
        Failure("GET /api/models/org/gated", 403, refused),
        Failure("/org/busy", 429, {"Retry_After": "600"}, times=9),
    ]
    monkeypatch.setattr("zoo.hub.TRIES", 2)
    for name, words in {
        "org/nothing": r"no 'org/nothing', or it is private .*404",
        "org/private": r"no 'org/private', or it is private .*hf auth login",
        f"{REPO}@nowhere": "no such revision",
        "org/ckpt": "neither model.safetensors nor pytorch_model.bin",
        "org/gated": "'org/gated' is gated; accept its terms at http.*/org/gated, then log in",
        "org/busy": r"fewer requests \(429\); try again in 600 s\.$",
        "": "is no model of the hub",
        "org/a/b": "is no model of the hub",
        "org/a b": "is no model of the hub",
        "../up": "is no model of the hub",
    }.items():
        with pytest.raises(UserError, match=words) as caught:
            get_encoder(f"hub:{name}")
        assert "\n" not in str(caught.value)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
        get_encoder("hub:org/other")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    unplug(hub)
    with pytest.raises(UserError, match=r"connection to .* broke \(ConnectError\)"):
        get_encoder("hub:org/other")


def test_a_download_goes_on_after_a_busy_answer_and_a_cut(
    hub: Hub, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)  # what has come is kept in pieces of this size
    hub.add(REPO, contents(tiny_bert), private=False)
    hub.failures = [
        Failure(f"GET /api/models/{REPO}$", 429, {"Retry_After": "0"}),
        Failure("GET .*/tree/", 503, {"Retry_After": "0"}),
        Failure("GET .*/resolve/.*safetensors", cut="half"),
    ]
    told: list[str] = []
    weights = fetch_weights(get_encoder(f"hub:{REPO}", told.append), told.append)
    assert json.loads((weights.folder / "config.json").read_text())["model_type"] == "bert"
    assert "The hub asks for fewer requests (429); trying again in 0 s (1 of 3)" in told
    assert any(re.search(r"trying again in \d s", line) for line in told[1:])
    assert hub.sent(r"GET .*safetensors from byte [1-9]") == 1  # the half that had come is not fetched again


def test_where_there_are_safetensors_no_bin_is_fetched(hub: Hub, tiny_bert: Path) -> None:
    hub.add(REPO, contents(tiny_bert) | {"pytorch_model.bin": b"pickled"}, private=False)
    fetch_weights(get_encoder(f"hub:{REPO}"))
    assert hub.sent("GET .*resolve.*[.]bin") == 0


def test_a_dry_run_checks_the_small_files_and_says_what_is_to_fetch(
    hub: Hub, tiny_bert: Path, toy_task: Task, toy_rows: ToyRows, tmp_path: Path
) -> None:
    hub.add(REPO, contents(tiny_bert), private=False)
    encoder, rows = get_encoder(f"hub:{REPO}"), {toy_task: toy_rows(toy_task)}

    def look(**changes: object) -> tuple[dict[str, str], list[str]]:
        said: list[str] = []
        return find_faults(plan(rows, [encoder], range(2), tmp_path, **changes), said.append), said

    faults, said = look(max_length=161)
    assert "reads 160 tokens at most, and the recipe's max_length is 161" in faults[REPO]
    faults, said = look(max_length=160)
    assert faults == {}
    (line,) = said
    cost = r"training will take about \d\.\d GiB of memory with all texts of 160 tokens"
    assert re.fullmatch(rf"{REPO}: 0 MB to fetch; {cost}", line)
    assert hub.sent("GET .*resolve.*safetensors") == 0
    fetch_weights(encoder)
    assert "its weights are in the local cache" in look(max_length=160)[1][0]
    hub.add("org/gone", {}, private=False)
    gone = replace(encoder, name="org/gone", location="org/gone", revision="0" * 40)
    assert "no such revision" in find_faults(plan(rows, [gone], [0], tmp_path))["org/gone"]


def test_a_moved_branch_makes_another_run(hub: Hub, tiny_bert: Path, toy_task: Task, tmp_path: Path) -> None:
    repo = hub.add(REPO, contents(tiny_bert), private=False)
    recipe = Recipe()
    before = [run_id(get_encoder(f"hub:{REPO}@main"), toy_task, "rows", recipe) for _ in range(2)]
    repo.commit(contents(tiny_bert, "language: zh"))
    assert before[0] == before[1] != run_id(get_encoder(f"hub:{REPO}@main"), toy_task, "rows", recipe)


def test_a_registered_encoder_whose_weights_are_gone_is_told_with_its_cause(hub: Hub) -> None:
    with pytest.raises(UserError, match=r"Cannot get 'roberta-base' from the hub.*The hub has no 'roberta-base'"):
        fetch_weights(ENCODERS["roberta-base"])
