// Draws a comparison (the JSON of demo.compare.as_json) and applies thresholds to it, all in the browser. Runs inside
// gr.HTML after decide.js: `element`, `props` and `watch` are gradio's. Text reaches the page as textContent only.

const SHOWN = 12; // labels, before "show all"
const root = element.querySelector(".zoo");
// Each label's threshold: null is fitted (every model its own), a number is set by hand, for all models.
let chosen = new Map();
let comparison = null;
let expanded = false;
let rows = []; // one a label: {label, index, row, slider, field, cells: [{bar, tick, mark}]}
let heads = []; // one an answer: the element that lists its decided labels
let all = {}; // the controls that stand for all labels

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children); // strings become text nodes
  return node;
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const fitted = (index) => mean(comparison.answers.map((answer) => answer.thresholds[index]));
const thresholdsOf = (answer) => comparison.labels.map((label, i) => chosen.get(label) ?? answer.thresholds[i]);

function show(value) {
  comparison = null;
  if (!value) return;
  if (value.problem) return root.replaceChildren(notice("", value.problem));
  comparison = JSON.parse(JSON.stringify(value));
  if (comparison.labels.some((label) => !chosen.has(label)) || comparison.labels.length !== chosen.size) forget();
  const failures = comparison.failures.map((failure) => notice(failure.name, failure.error));
  root.replaceChildren(...failures);
  if (comparison.answers.length === 0) return;
  root.append(controls(), table());
  if (rows.length > SHOWN) root.append(more());
  else update();
}

function forget() {
  chosen = new Map(comparison.labels.map((label) => [label, null]));
  expanded = false;
}

function notice(name, text) {
  return make("p", { class: "zoo-notice", role: "alert" }, make("strong", {}, name ? `${name} failed: ` : ""), text);
}

// -- controls for all labels ------------------------------------------------------------------------------------

function controls() {
  all.slider = slider("Threshold of all labels", (value) => set(comparison.labels, value));
  all.field = field("Threshold of all labels, as a number", (value) => set(comparison.labels, value));
  all.fitted = button("Fitted thresholds", () => set(comparison.labels, null));
  all.half = button("0.5", () => set(comparison.labels, 0.5));
  const reset = button("Reset", () => (forget(), show(comparison)));
  all.mode = make("p", { class: "zoo-quiet zoo-mode", "aria-live": "polite" });
  const global = make("div", { class: "zoo-global" }, make("strong", {}, "All labels"), all.slider, all.field);
  const buttons = make("div", { class: "zoo-buttons" }, all.fitted, all.half, reset);
  return make("div", { class: "zoo-controls" }, global, buttons, all.mode);
}

function button(text, onclick) {
  return make("button", { type: "button", class: "zoo-button", onclick }, text);
}

function slider(name, onvalue) {
  const oninput = (event) => onvalue(Number(event.target.value));
  return make("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": name, oninput });
}

function field(name, onvalue) {
  const oninput = ({ target }) => {
    try {
      onvalue(readThreshold(target.validity.badInput ? "this" : target.value), target);
    } catch (error) {
      target.setAttribute("aria-invalid", "true");
      all.mode.textContent = error.message;
    }
  };
  const range = { min: 0, max: 1, step: "any", placeholder: "fitted", inputmode: "decimal" };
  return make("input", { type: "number", class: "zoo-field", "aria-label": name, ...range, oninput });
}

function set(labels, value) {
  for (const label of labels) chosen.set(label, value);
  update();
}

// -- one row a label, one column a checkpoint -------------------------------------------------------------------

function table() {
  const { answers, labels } = comparison;
  heads = answers.map(() => make("div", { class: "zoo-decided" }));
  const top = (index) => Math.max(...answers.map((answer) => answer.scores[index]));
  const order = labels.map((_, index) => index).sort((a, b) => top(b) - top(a));
  rows = order.map(labelRow);
  const legend = "The upright line in a bar is the threshold; ✓ marks the labels that reach it.";
  const corner = make("th", { scope: "col", class: "zoo-corner" }, "Label and threshold. ", legend);
  const head = make("tr", {}, corner, ...answers.map((answer, i) => answerHead(answer, heads[i])));
  const body = make("tbody", {}, ...rows.map(({ row }) => row));
  return make("table", { class: "zoo-table", style: `--models:${answers.length}` }, make("thead", {}, head), body);
}

function answerHead(answer, decided) {
  const { tokens, max_length: most, truncated } = answer;
  const facts = `${tokens} token${tokens === 1 ? "" : "s"} · ${answer.milliseconds.toFixed(1)} ms`;
  const head = make("th", { scope: "col" }, make("div", { class: "zoo-name" }, answer.name));
  head.append(make("div", { class: "zoo-quiet" }, facts), decided);
  if (truncated) head.append(make("div", { class: "zoo-cut" }, `Cut: only the first ${most} tokens were read`));
  return head;
}

function labelRow(index) {
  const label = comparison.labels[index];
  const own = slider(`Threshold of ${label}`, (value) => set([label], value));
  const number = field(`Threshold of ${label}, as a number`, (value) => set([label], value));
  const name = make("span", { class: "zoo-label" }, label);
  const head = make("th", { scope: "row" }, make("div", { class: "zoo-own" }, name, own, number));
  const cells = comparison.answers.map((answer) => scoreCell(answer, answer.scores[index]));
  return { label, index, row: make("tr", {}, head, ...cells.map(({ cell }) => cell)), slider: own, field: number, cells };
}

function scoreCell(answer, score) {
  const tick = make("i", { class: "zoo-tick" });
  const bar = make("div", { class: "zoo-bar" }, make("b", { style: `width:${100 * score}%` }), tick);
  const mark = make("span", { class: "zoo-mark" });
  const number = make("span", { class: "zoo-score" }, score.toFixed(3));
  const name = make("span", { class: "zoo-whose" }, answer.name);
  return { cell: make("td", {}, name, bar, number, mark), tick, mark };
}

function more() {
  const more = button("", () => expand(!expanded));
  more.classList.add("zoo-more");
  all.more = more;
  expand(expanded);
  return more;
}

function expand(whether) {
  expanded = whether;
  rows.forEach(({ row }, i) => (row.hidden = !expanded && i >= SHOWN));
  all.more.textContent = expanded ? `Show the first ${SHOWN}` : `Show all ${rows.length} labels`;
  update();
}

// Hidden rows are left as they are until they are shown, so that a move of a slider stays quick with any task.
const shown = () => (expanded ? rows : rows.slice(0, SHOWN));

// -- thresholds to marks: what every move of a slider runs ------------------------------------------------------

function update() {
  const values = [...chosen.values()];
  const shared = values.every((value) => value === values[0]) ? values[0] : undefined;
  place(all, shared ?? mean(comparison.labels.map((label, i) => chosen.get(label) ?? fitted(i))), shared ?? null);
  for (const row of shown()) place(row, chosen.get(row.label) ?? fitted(row.index), chosen.get(row.label));
  comparison.answers.forEach(mark);
  all.fitted.setAttribute("aria-pressed", String(shared === null));
  all.half.setAttribute("aria-pressed", String(shared === 0.5));
  all.mode.textContent = mode(values, shared);
}

function place(controls, position, value) {
  if (Number(controls.slider.value) !== position) controls.slider.value = position;
  controls.slider.style.setProperty("--at", `${100 * position}%`);
  controls.slider.classList.toggle("zoo-fitted", value === null);
  controls.slider.setAttribute("aria-valuetext", value === null ? "fitted" : value.toFixed(2));
  controls.field.removeAttribute("aria-invalid");
  if (controls.field !== document.activeElement) controls.field.value = value === null ? "" : String(value);
}

function mark(answer, column) {
  const thresholds = thresholdsOf(answer);
  const decided = decide(comparison.problem_type, answer.scores, thresholds);
  for (const { index, cells } of shown()) {
    const { cell, tick, mark } = cells[column];
    tick.style.transform = `translateX(${100 * thresholds[index]}%)`;
    tick.title = `threshold ${thresholds[index].toFixed(3)}`;
    if (cell.classList.toggle("zoo-on", decided[index] === 1)) mark.replaceChildren(tickMark());
    else mark.replaceChildren();
  }
  const names = rows.filter(({ index }) => decided[index]).map(({ label }) => label);
  const text = JSON.stringify(names);
  if (heads[column].dataset.names === text) return;
  heads[column].dataset.names = text;
  heads[column].replaceChildren(...summary(names));
}

function summary(names) {
  if (names.length === 0) return [make("span", { class: "zoo-none" }, "none above threshold")];
  const chips = names.slice(0, SHOWN).map((name) => make("span", { class: "zoo-chip" }, name));
  if (names.length > SHOWN) chips.push(make("span", { class: "zoo-quiet" }, `and ${names.length - SHOWN} more`));
  return chips;
}

function tickMark() {
  return make("span", { role: "img", "aria-label": "above its threshold" }, "✓");
}

function mode(values, shared) {
  if (shared === null) return "Fitted thresholds: each model uses its own, chosen on validation data.";
  if (shared !== undefined) return `One threshold for every label and model: ${shared.toFixed(2)}.`;
  const byHand = values.filter((value) => value !== null).length;
  return `${byHand} of ${values.length} thresholds set by hand, for all models; the others are fitted.`;
}

show(props.value);
watch("value", () => show(props.value));
