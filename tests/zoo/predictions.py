"""A file of texts to predict: how the tests write it, and how they predict it."""

from pathlib import Path
from typing import Any

import pandas as pd

from zoo.predict import predict_file
from zoo.row_files.row_reader import look_through

LABELS = ("good", "bad, or worse", "漢字")
TEXTS = ["good", "", "very bad service! " * 9, 'a "quoted", text', "two\nlines", "漢字 🦓", "late parcel"]


def write_texts(path: Path, texts: list[str]) -> Path:
    frame = pd.DataFrame({"id": range(len(texts)), "text": texts})
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


def predict_texts(checkpoint: Path, source: Path, target: Path, column: str = "text", **options: Any) -> int:
    return predict_file(checkpoint, look_through(source, [column]), target, column, **options)
