"""The place above a tab's results for a problem or a few lines, which are always shown as plain text."""

from typing import Any

import gradio as gr

_TEMPLATE = '<section class="zoo" aria-live="polite"></section>'
# A script, not a template with `{{value}}`: gradio evaluates a filled template as JavaScript, and with it whatever a
# file, a label or a link holds.
_SCRIPT = """
const line = (text, name) => {
  const node = document.createElement("p");
  node.className = name;
  node.textContent = text;
  if (name === "zoo-notice") node.setAttribute("role", "alert");
  return node;
};
const show = (value) => {
  const { problem, told, lines = [], progress } = value ?? {};
  const nodes = lines.map((text) => line(text, "zoo-quiet"));
  if (told) nodes.unshift(line(told, "zoo-told"));
  if (problem) nodes.unshift(line(problem, "zoo-notice"));
  if (progress !== undefined) {
    const bar = Object.assign(document.createElement("progress"), { max: 1, value: progress });
    bar.setAttribute("aria-label", lines[0] ?? "");
    nodes.push(bar);
  }
  element.querySelector("section").replaceChildren(...nodes);
};
show(props.value);
watch("value", () => show(props.value));
"""


def notes(elem_id: str, **layout: Any) -> gr.HTML:
    """Return a widget for `{"problem": str, "told": str, "lines": [str, ...]}`, the most important first; each may be
    missing. With `"progress"`, a share from 0 to 1, a bar stands below."""
    return gr.HTML({}, html_template=_TEMPLATE, js_on_load=_SCRIPT, apply_default_css=False, elem_id=elem_id, **layout)
