"""The endpoints that programs ask, through gradio's own client."""

from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from demo.compare.handlers import classify


def test_the_endpoints_that_are_meant_are_public_and_no_others(address: str, checkpoints: Path) -> None:
    client = Client(address, verbose=False)
    assert set(client.view_api(return_format="dict")["named_endpoints"]) == {
        "/tasks",
        "/classify",
        "/classify_batch",
        "/board",
    }
    batch = client.predict(["well made.", "late."], "feedback", ["beta", "alpha"], api_name="/classify_batch")
    for position, text in enumerate(("well made.", "late.")):
        alone = classify(text, "feedback", ["alpha"], checkpoints).answers[0]
        assert batch["checkpoints"]["alpha"]["scores"][position] == pytest.approx(alone.scores, abs=1e-5)
    for texts, message in (([], "no text"), (["", "x"], "1"), (["x"] * 3000, "2,000"), ("xyz", "a list")):
        with pytest.raises(AppError, match=message):
            client.predict(texts, "feedback", ["alpha"], api_name="/classify_batch")
    board = client.predict("feedback", api_name="/board")
    assert [(row["encoder"], row["value"], row["rank_low"]) for row in board] == [
        ("large", 0.8, 1),
        ("small", 0.7, 1),
        ("words", 0.6, 1),
    ]
    with pytest.raises(AppError, match="Did you mean 'feedback'"):
        client.predict("feedbak", api_name="/board")
    found = client.predict("well made.", "feedback", ["alpha"], None, api_name="/classify")
    expected = classify("well made.", "feedback", ["alpha"], checkpoints)
    assert found["answers"][0]["scores"] == list(expected.answers[0].scores)
    assert found["answers"][0]["decided"] == expected.decided(expected.answers[0])
    by_hand = client.predict("well made.", "feedback", ["alpha"], {"price": 0.0}, api_name="/classify")
    assert "price" in by_hand["answers"][0]["decided"]
    bad_threshold = ["x", "feedback", ["alpha"], {"price": 1.5}]
    for bad in (["", "feedback", ["alpha"]], ["x", "nothing", ["alpha"]], bad_threshold):
        with pytest.raises(AppError, match=r"no text|Unknown task|from 0 to 1"):
            client.predict(*bad, api_name="/classify")
