"""A tab is filled when it is opened, however late the browser hears that the stream of answers has ended."""

import pytest
from playwright.sync_api import Page

# Gives the page the server's last word on a stream 5 s late.
LATE = """
const ask = window.fetch;
window.fetch = async (...request) => {
  const answer = await ask(...request);
  if (!String(request[0].url ?? request[0]).includes("/queue/data")) return answer;
  const late = new TransformStream({
    async transform(chunk, stream) {
      const text = new TextDecoder().decode(chunk);
      const at = text.indexOf('data: {"msg":"close_stream"');
      if (at < 0) return stream.enqueue(chunk);
      window.closes = (window.closes ?? 0) + 1;
      stream.enqueue(new TextEncoder().encode(text.slice(0, at)));
      await new Promise((done) => setTimeout(done, 5000));
      stream.enqueue(new TextEncoder().encode(text.slice(at)));
    },
  });
  return new Response(answer.body.pipeThrough(late), answer);
};
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tab", "shown"),
    [
        ("Batch", "#batch-checkpoints input:checked"),
        ("Leaderboard", "#board .zoo-board"),
        ("Explore", "#explore-about p"),
    ],
)
def test_a_tab_that_is_opened_as_the_stream_ends_is_filled(tab: str, shown: str, blank: Page, address: str) -> None:
    blank.add_init_script(LATE)
    blank.goto(f"{address}#tab=compare")
    blank.wait_for_selector(".zoo-table")
    blank.wait_for_function("window.closes > 0")
    blank.get_by_role("tab", name=tab).click()
    blank.wait_for_selector(shown)
