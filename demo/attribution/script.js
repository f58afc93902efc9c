// Draws an attribution (the JSON of demo.attribution.handlers.as_view). It runs inside gr.HTML: `element`, `props` and
// `watch` are gradio's. Text reaches the page only as textContent.

const root = element.querySelector(".zoo");

function make(tag, name, ...children) {
  const node = document.createElement(tag);
  node.className = name;
  node.append(...children); // strings become text nodes
  return node;
}

function show(value) {
  if (!value) return root.replaceChildren();
  if (value.problem) return root.replaceChildren(alert(value.problem));
  const facts = make("p", "zoo-quiet", value.facts);
  facts.setAttribute("aria-live", "polite");
  const text = make("p", "zoo-explained", ...value.pieces.map(piece));
  root.replaceChildren(text, ...value.lists.map(list), ...value.notes.map((note) => make("p", "zoo-cut", note)), facts);
}

function alert(problem) {
  const node = make("p", "zoo-notice", problem);
  node.setAttribute("role", "alert");
  return node;
}

function piece({ text, strength, title, unread }) {
  if (unread) return make("span", "zoo-quiet", text);
  if (!strength) return text;
  const node = make("span", strength > 0 ? "zoo-for" : "zoo-against", text);
  node.style.setProperty("--strength", Math.abs(strength));
  node.title = title;
  return node;
}

function list({ title, words }) {
  const shown = words.length ? words.join(" · ") : zooText("attribution_none");
  return make("p", "zoo-list", make("strong", "", `${title}: `), shown);
}

// The words of a text that has changed since are taken away; script.js of demo/compare says when.
window.addEventListener("zoo-text", () => {
  const shown = root.querySelector(".zoo-explained")?.textContent;
  if (shown !== undefined && shown !== document.querySelector("#text textarea")?.value) show(null);
});

show(props.value);
watch("value", () => show(props.value));
