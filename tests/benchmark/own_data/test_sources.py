"""Where own data come from: a file, a folder of splits, a dataset of the hub."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.own_data import sources as own_sources
from benchmark.own_data.columns import Columns
from benchmark.own_data.reading import read_own
from tests.benchmark.own_data.conftest import ONE, SEVERAL, Write
from zoo.errors import UserError

ROOT = Path(__file__).parents[3]


def test_a_folder_of_splits_keeps_them(write: Write, tmp_path: Path) -> None:
    for part, rows in {"test": "x,b\n", "train": "x,a\ny,b\n", "validation": "z,a\n"}.items():
        write(f"splits/{part}.csv", f"text,label\n{rows}")
    write("splits/notes.txt", "")
    found = read_own(str(tmp_path / "splits"), ONE)
    assert found.parts == ("train", "validation", "test")
    assert found.part.tolist() == [0, 0, 1, 2]
    (tmp_path / "splits" / "validation.csv").unlink()
    assert read_own(str(tmp_path / "splits"), ONE).part.tolist() == [0, 0, 2]
    (tmp_path / "splits" / "train.csv").unlink()
    with pytest.raises(UserError, match=r"has the splits test \(beside notes.txt\); it needs train"):
        read_own(str(tmp_path / "splits"), ONE)
    write("splits/train.csv", "text,label\nx,a\n")
    write("splits/train.tsv", "text\tlabel\nx\ta\n")
    with pytest.raises(UserError, match=r"has train\.csv and train\.tsv for one split; keep one"):
        read_own(str(tmp_path / "splits"), ONE)


def test_packed_parts_of_a_split_are_told_to_be_unpacked(write: Write, tmp_path: Path) -> None:
    for number in range(2):
        write(f"splits/train-0000{number}-of-00002.csv.gz", "text,label\nx,a\n")
    with pytest.raises(UserError, match=r"train-00000-of-00002\.csv\.gz is compressed; unpack it first"):
        read_own(str(tmp_path / "splits"), ONE)
    (tmp_path / "splits" / "train-00001-of-00002.csv.gz").unlink()
    with pytest.raises(UserError, match=r"part 1 of 2 is missing; add it"):
        read_own(str(tmp_path / "splits"), ONE)


def test_a_dataset_of_the_hub_is_read_with_the_names_of_its_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The datasets library reads a folder as it reads the hub."""
    import datasets
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    kinds = ClassLabel(names=["no", "yes"])
    features = Features({"text": Value("string"), "label": kinds, "labels": Sequence(kinds)})
    rows = {"text": ["x", "y", "z"], "label": [1, 0, 1], "labels": [[1, 0], [], [1]]}
    (tmp_path / "hub").mkdir()
    for part in ("train", "test"):
        Dataset.from_dict(rows, features).to_parquet(tmp_path / "hub" / f"{part}.parquet")
    source = f"hub:{tmp_path / 'hub'}"
    found = read_own(source, ONE)
    assert (found.labels, found.parts) == (("no", "yes"), ("train", "test"))
    assert found.y_true.toarray().tolist() == [[0, 1], [1, 0], [0, 1]] * 2
    assert read_own(source, SEVERAL).y_true.toarray().tolist() == [[1, 1], [0, 0], [0, 1]] * 2
    with pytest.raises(UserError, match="has no column 'topic'; it has: text, label"):
        read_own(source, Columns("text", ("topic",), "one"))
    monkeypatch.setattr(own_sources, "MAX_BYTES", 2**10)
    monkeypatch.setattr(datasets, "load_dataset", None)  # it is refused before anything is downloaded
    with pytest.raises(UserError, match=r"hub has 0\.00 GiB and .* is the most"):
        read_own(source, ONE)


def test_a_configuration_of_a_dataset_is_read_and_those_there_are_are_listed(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    configs = ""
    for name, rows in {"one": "x,a\ny,b\n", "two": "x,c\ny,d\nz,c\n"}.items():
        write(f"hub/{name}/train.csv", f"text,label\n{rows}")
        configs += f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/train.csv\n"
    write("hub/README.md", f"---\nconfigs:\n{configs}---\n")
    source = f"hub:{tmp_path / 'hub'}"
    assert read_own(f"{source}:two", ONE).labels == ("c", "d")
    assert read_own(f"{source}:one", ONE).labels == ("a", "b")
    for name, message in (("", "has several configurations"), (":three", "has no configuration 'three'")):
        with pytest.raises(UserError, match=rf"{message}; give one as {source}:CONFIG: one, two$"):
            read_own(source + name, ONE)


def test_the_hub_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"hub:nobody/nothing cannot be loaded from the hub\. HF_HUB_OFFLINE forbids"):
        read_own("hub:nobody/nothing", ONE)


def test_a_2_gb_file_is_told_before_it_is_read_in_little_memory(tmp_path: Path) -> None:
    """A real process, so that its peak is its own; the file has no blocks on disk."""
    big = tmp_path / "big.csv"
    big.touch()
    os.truncate(big, 2 * 10**9)
    code = (
        "import resource, sys\n"
        "from benchmark.own_data.columns import Columns\n"
        "from benchmark.own_data.reading import read_own\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: read_own(sys.argv[1], Columns('text', ('label',), 'one'))\n"
        "except Exception as error: print(error)\n"
        "print(peak() - before)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(big)], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    message, kib = ended.stdout.splitlines()
    assert message == f"{big} has 1.86 GiB and 1 GiB is the most; give fewer rows"
    assert int(kib) < 50 * 1024
    assert own_sources.MAX_BYTES == 2**30
