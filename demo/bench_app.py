"""How quick the app is, and whether it holds: start, sliders, single texts, many clients, memory.

    make bench-app            # or: python -m demo.bench_app --clients 50 --requests 20

It starts `app.py` as a visitor's server would, in a process of its own, and drives it through HTTP and a headless
Chromium. Times are of this machine with whatever else it does; the ratios are what to compare.

On 2 cores that multiply matrices at 94 GFLOP/s each and had nothing else to do, medians of 5 visits, of which each
begins without a cache: first paint 0.5 s, the board 1.0 to 1.3 s, the form 0.5 to 0.7 s, tick and untick 26 to 36 ms,
task switch 0.5 to 0.6 s, Explore 0.5 s, layout shift 0.03; first page after 3.4 s. Three checkpoints on 70 tokens take
0 to 16 % over the bare forward passes. 50 REST clients x 20 requests, which share the cores with the app: all right,
p50 0.8 to 1.1 s, p95 1.2 to 1.4 s, of which the forward passes are nearly all. Before the values of the page were texts
(see `demo.shared.drawing`), the board took 1.8 s, the form 0.9 s, a tick 52 ms, a task switch 1.4 s.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import httpx
import numpy as np
import psutil
import typer
from playwright.sync_api import sync_playwright
from rich.console import Console

from demo.bench_page import ASKED, visit

TASK = "feedback"
NAMES = ["zoo-bert-en", "zoo-bert-wwm-en", "zoo-roberta-en"]
TEXT = (
    "The parcel came two weeks late and the mug inside was cracked, but your support team answered within minutes and "
    "sent the money back the same day. Could you please add a green one to the shop before the summer, and tell me "
    "what the delivery to the islands would cost, because the last page of the order form did not say so?"
)
# Moves a slider and waits for the frame after the one that shows it.
MOVE = """([name, value]) => new Promise((done) => {
  const slider = document.querySelector(`input[type=range][aria-label='${name}']`);
  const start = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
  const worked = performance.now() - start;
  requestAnimationFrame(() => setTimeout(() => done([worked, performance.now() - start])));
})"""
LONGEST = 600  # seconds that the requests of one part may take
PARTS = ("start", "sliders", "visits", "text", "rest", "gradio", "memory")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    parts: Annotated[list[str] | None, typer.Argument(help=f"which of {', '.join(PARTS)}; none named is all")] = None,
    clients: Annotated[int, typer.Option(min=1)] = 50,
    requests: Annotated[int, typer.Option(min=1, help="a client")] = 20,
    repeats: Annotated[int, typer.Option(min=1, help="requests over which memory is watched")] = 2000,
) -> None:
    """Measure, print each figure as it is known, and fail if a request was lost or answered wrongly."""
    if unknown := set(parts or ()) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    lost = 0
    with serve() as (server, address, first_page):
        for part in parts or PARTS:
            if part == "start":
                _tell("python app.py to the first page, s", f"{first_page:.1f}", "6")
            elif part == "sliders":
                for name, value, wanted in in_the_browser(address):
                    _tell(name, f"{value:.1f}", wanted)
            elif part == "visits":
                for name, value, wanted in visits(address):
                    _tell(name, f"{value:.2f}", wanted)
            elif part == "text":
                _tell(*single_text())
            elif part == "memory":
                asked, half, whole = memory_growth(server, address, repeats)
                name = f"memory after {asked // 2:,} and {asked:,} requests against before"
                _tell(name, f"{half:+.1%}, {whole:+.1%}", "±5 %")
            else:
                answered, wrong, times = load(address, clients, requests, part)
                lost += clients * requests - answered + wrong
                right = f"{answered - wrong} of {clients * requests}"
                _tell(f"{clients} clients x {requests}, {part}: right answers", right, "all")
                p50, p95 = median(times), np.quantile(times, 0.95)
                _tell("  p50 and p95 of a request, s", f"{p50:.2f}, {p95:.2f}", "p95 1")
    if lost:
        sys.exit(f"{lost} requests were lost or answered wrongly")


def _tell(what: str, measured: str, asked_for: str) -> None:
    typer.echo(f"{what:<70} {measured:>20}   {asked_for}")


@contextmanager
def serve(
    folder: Path = Path(__file__).parents[1],
    python: str = sys.executable,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[tuple[psutil.Process, str, float]]:
    """Run the app in `folder` on a free port; give its process, its address and the seconds to its first page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, start = f"http://127.0.0.1:{port}", time.perf_counter()
    process = subprocess.Popen(
        [python, "app.py"], cwd=folder, env={**environment, "PORT": str(port)}, stdout=subprocess.DEVNULL
    )
    try:
        while not _answers(address):
            if process.poll() is not None:
                sys.exit("app.py ended at once; run it to see why")
            time.sleep(0.05)
        yield psutil.Process(process.pid), address, time.perf_counter() - start
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def find_chromium() -> str | None:
    """Return the path of the machine's Chromium; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def in_the_browser(address: str) -> list[tuple[str, float, str]]:
    """Return what a visitor waits for: the opened page, a moved slider, the figures beside it."""
    executable = find_chromium()
    if executable is None:
        return [("in the browser: no Chromium on this machine", float("nan"), "")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(40_000)
        compare = f"{address}#tab=compare"
        page.goto(compare)
        page.wait_for_selector(".zoo-table")  # the models are loaded by then
        page.goto("about:blank")
        start = time.perf_counter()
        page.goto(compare)
        page.wait_for_selector(".zoo-table")
        opened = time.perf_counter() - start
        values = [0.1, 0.9, 0.3, 0.7, 0.5] * 4
        shared = [page.evaluate(MOVE, ["Threshold of all labels", value]) for value in values]
        page.locator(".zoo-opener", has_text="price").click()
        own = [page.evaluate(MOVE, ["Threshold of price", value]) for value in values]
        browser.close()
    return [
        ("page opened with its comparison, s", opened, "2"),
        ("slider of all labels, ms of work", median(work for work, _ in shared), ""),
        ("  on screen, ms", median(total for _, total in shared), "20"),
        ("slider of a label with its figures, ms of work", median(work for work, _ in own), ""),
        ("  on screen, ms", median(total for _, total in own), "50"),
    ]


def visits(address: str, times: int = 5) -> list[tuple[str, float, str]]:
    """Return the medians of several visits, after one that warms up; tell each visit with the time that is left."""
    executable = find_chromium()
    if executable is None:
        return []
    found: list[dict[str, float]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        for number in range(times + 1):
            start, page = time.perf_counter(), browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(40_000)
            found.append(visit(page, address))
            page.close()
            left = (times - number) * (time.perf_counter() - start)
            Console().print(f"visit {number + 1} of {times + 1}; about {left:.0f} s left for visits")
        browser.close()
    return [(name, median(each[name] for each in found[1:]), wanted) for name, wanted in ASKED.items()]


def single_text(repeats: int = 40) -> tuple[str, str, str]:
    """Compare one text through all of a task's checkpoints with the bare forward passes."""
    import torch

    from demo.compare.handlers import classify
    from demo.shared.models import catalogue, load
    from zoo.classifier import Classifier

    folders = {name: catalogue()[TASK][name] for name in NAMES}
    classifiers = [each for folder in folders.values() if isinstance(each := load(folder), Classifier)]
    batches = [each.tokenizer([TEXT], return_tensors="pt").to(each.model.device) for each in classifiers]

    def passes() -> None:
        with torch.inference_mode():
            for classifier, batch in zip(classifiers, batches, strict=True):
                classifier.model(**batch)

    ours: list[float] = []
    bare: list[float] = []
    for _ in range(repeats):  # in turn, so that both meet the same neighbours
        bare.append(_seconds(passes))
        ours.append(_seconds(lambda: classify(TEXT, TASK, list(folders))))
    tokens = len(batches[0]["input_ids"][0])
    what = f"{len(folders)} checkpoints, {tokens} tokens: time over the bare forward passes"
    return what, f"{median(ours) / median(bare) - 1:+.0%} ({1000 * median(ours):.0f} ms)", "+15 %"


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def load(address: str, clients: int, requests: int, kind: str) -> tuple[int, int, list[float]]:
    """Let many clients ask at once, by gradio's API ("gradio") or as "rest"; return how many requests were
    answered, how many wrongly, and their seconds."""
    from demo.compare.handlers import classify

    texts = [f"{TEXT.split('.')[0]}, order {number}." for number in range(requests)]
    expected = [[answer.scores for answer in classify(text, TASK, NAMES).answers] for text in texts]

    def connect(number: int) -> Callable[[dict[str, Any]], Any]:
        ask = _asker(address, kind)
        ask({"text": TEXT, "task": TASK, "checkpoints": NAMES})  # the models are loaded by then
        return ask

    def one(client: int, ask: Callable[[dict[str, Any]], Any]) -> list[tuple[bool, float]]:
        found = []
        for number in range(requests) if client else _counted(requests, f"{kind}, each client"):  # one tells
            text, scores, start = texts[number], expected[number], time.perf_counter()
            answer = ask({"text": text, "task": TASK, "checkpoints": NAMES})
            right = np.allclose([each["scores"] for each in answer["answers"]], scores, atol=1e-5)
            found.append((bool(right), time.perf_counter() - start))
        return found

    with ThreadPoolExecutor(clients) as pool:
        connected = list(pool.map(connect, range(clients)))  # all of them, before the first one asks
        done = [each for of_client in pool.map(one, range(clients), connected) for each in of_client]
    return len(done), sum(not right for right, _ in done), [seconds for _, seconds in done]


def _asker(address: str, kind: str) -> Callable[[dict[str, Any]], Any]:
    """Return what asks one question. It speaks HTTP itself: gradio's own Python client makes a TLS context for each
    request, 50 ms of work, and 50 such clients on the app's own machine would measure themselves."""
    rest = kind == "rest"
    http = httpx.Client(base_url=f"{address}/{'api/v1' if rest else 'gradio_api/call'}/", timeout=120)

    def ask(question: dict[str, Any]) -> Any:
        if rest:
            return http.post("classify", json=question).raise_for_status().json()
        asked = http.post("classify", json={"data": [*question.values(), None, True]}).raise_for_status().json()
        told = http.get(f"classify/{asked['event_id']}").raise_for_status().text
        return json.loads(told.rpartition("event: complete\ndata: ")[2])[0]

    return ask


def memory_growth(server: psutil.Process, address: str, repeats: int) -> tuple[int, float, float]:
    """Return how many requests were sent, and by which part the server's memory grows over half of them and over all,
    after a tenth of `repeats` to warm up: what leaks goes on growing, what settles does not. On a slow machine, fewer
    are sent: as many as take about LONGEST."""
    ask_once = _asker(address, "gradio")

    def ask(times: int) -> int:
        for number in _counted(times, "memory"):
            ask_once({"text": f"{TEXT} {number}", "task": TASK, "checkpoints": NAMES})
        return int(server.memory_info().rss)

    start = time.perf_counter()
    before = ask(repeats // 10)
    each = (time.perf_counter() - start) / max(1, repeats // 10)
    asked = min(repeats, max(2, int(LONGEST / each)))
    half = ask(asked // 2)
    return asked, half / before - 1, ask(asked - asked // 2) / before - 1


def _counted(times: int, what: str) -> Iterator[int]:
    """Count, and tell every 20 s how far it is and how much time is left."""
    start = told = time.perf_counter()
    for number in range(times):
        if (now := time.perf_counter()) - told > 20:
            left = (now - start) / number * (times - number)
            Console().print(f"{what}: {number:,} of {times:,}; about {left:.0f} s left")
            told = now
        yield number


if __name__ == "__main__":
    app()
