// Draws an attribution (the JSON of demo.attribution.handlers.as_view): its words are marked in the text box itself, and
// listed below it. It runs inside gr.HTML, behind dom.js: `element`, `props`, `watch` and `trigger` are gradio's. Text
// reaches the page only as textContent.

const root = element.querySelector(".zoo");
const box = () => document.querySelector("#text textarea");
let asked = null; // text, task, checkpoint and label
let over = null; // the words' colours, in front of the text box

window.zooWords = () => asked;
/** Show which words of the text speak for a label. */
window.zooExplain = (text, task, name, label) => {
  asked = [text, task, name, label];
  show(null);
  trigger("submit");
};

function show(value) {
  over?.remove();
  over = null;
  if (!value) return root.replaceChildren();
  if (value.problem) return root.replaceChildren(make("p", { class: "zoo-notice", role: "alert" }, value.problem));
  if (box()?.value !== value.text) return root.replaceChildren(); // written on since
  const facts = make("p", { class: "zoo-quiet" }, value.facts);
  const notes = value.notes.map((note) => make("p", { class: "zoo-cut" }, note));
  const more = make("details", { class: "zoo-columns" }, make("summary", {}, zooText("attribution_more")), ...notes, facts);
  const clear = button(zooText("attribution_clear"), () => show(null));
  root.replaceChildren(make("p", { class: "zoo-told", "aria-live": "polite" }, value.title), ...value.lists.map(list), more, clear);
  mark(value.pieces);
  box().scrollIntoView({ behavior: "smooth", block: "nearest" }); // the score that was clicked may stand far below
}

/** Lay the words' colours over the text box, letter on letter. */
function mark(pieces) {
  const area = box();
  const style = getComputedStyle(area);
  over = make("div", { class: "zoo-over", "aria-hidden": "true" }, ...pieces.map(piece));
  const same = ["fontFamily", "fontSize", "fontWeight", "letterSpacing", "lineHeight", "textAlign", "padding"];
  for (const name of same) over.style[name] = style[name];
  area.parentElement.style.position = "relative";
  area.parentElement.append(over);
  const fit = () => {
    const place = { left: area.offsetLeft + area.clientLeft, top: area.offsetTop + area.clientTop, width: area.clientWidth, height: area.clientHeight };
    for (const [name, value] of Object.entries(place)) over.style[name] = `${value}px`;
    over.scrollTop = area.scrollTop;
  };
  fit();
  area.addEventListener("scroll", () => over && (over.scrollTop = area.scrollTop));
  new ResizeObserver(() => over && fit()).observe(area);
}

function piece({ text, strength, title, unread }) {
  if (unread) return make("span", { class: "zoo-unread" }, text);
  if (!strength) return text;
  return make("span", { class: strength > 0 ? "zoo-for" : "zoo-against", style: `--strength: ${Math.abs(strength)}`, title }, text);
}

function list({ title, words }) {
  const shown = words.length ? words.join(" · ") : zooText("attribution_none");
  return make("p", { class: "zoo-list" }, make("strong", {}, `${title}: `), shown);
}

// The words of a text that has changed since are taken away; script.js of demo/compare says when.
window.addEventListener("zoo-text", () => {
  if (over && over.textContent !== box()?.value) show(null);
});

show(unpacked());
watch("value", () => show(unpacked()));
