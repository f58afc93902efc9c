"""Gradio's own files, kept compressed: the same content as ever, whatever a browser takes."""

import re

import httpx

FOREVER = "public, max-age=31536000, immutable"


def test_files_are_what_gradio_serves_and_may_be_kept(address: str) -> None:
    page = httpx.get(address).text
    names = re.findall(r"""(?:src|href)="\./(assets/[^"]+)""", page)
    assert {name.rpartition(".")[2] for name in names} == {"js", "css"}
    for name in names:
        plain = httpx.get(f"{address}{name}", headers={"accept-encoding": "identity"})
        for _ in range(2):  # the first time read from gradio, the second from memory
            packed = httpx.get(f"{address}{name}", headers={"accept-encoding": "gzip, br"})
            assert packed.headers["content-encoding"] == "br"
            assert packed.headers["cache-control"] == FOREVER
            assert packed.headers["content-type"] == plain.headers["content-type"]
            assert packed.content == plain.content  # httpx has unpacked it
            assert len(packed.content) > int(packed.headers["content-length"])


def test_what_is_not_there_is_not_kept(address: str) -> None:
    for path in ("assets/none.js", "assets/../../../../etc/passwd", "assets/%2e%2e/index.html"):
        for _ in range(2):
            found = httpx.get(f"{address}{path}", headers={"accept-encoding": "br"})
            assert found.status_code in (400, 403, 404)
            assert "immutable" not in found.headers.get("cache-control", "")
