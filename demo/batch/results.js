// Draws the results of a batch (the JSON of demo.batch.handlers.as_view): the metrics, and every row, of which a visitor
// may want only those where the checkpoints differ or are wrong. It runs inside gr.HTML, behind dom.js and plain_table.js.

const root = element.querySelector("section");
const MOST = 100; // rows, before "show all"
const only = { differ: false, wrong: false };
let found = null;

const same = (one, other) => one.length === other.length && one.every((label) => other.includes(label));
const differs = ({ decided }) => decided.some((labels) => !same(labels, decided[0]));
const isWrong = ({ gold }, labels) => gold !== null && !same(labels, gold);
const wrong = (row) => row.decided.some((labels) => isWrong(row, labels));
const wanted = (row) => (!only.differ || differs(row)) && (!only.wrong || wrong(row));
const listed = (labels) => labels.map((label) => zooLabel(found.task, label)).join(", ") || "–";

function draw() {
  if (!found) return root.replaceChildren();
  const rows = found.rows.filter(wanted);
  const about = make("p", { class: "zoo-quiet", "aria-live": "polite" }, zooText("batch_shown", { shown: rows.length, all: found.rows.length }));
  root.replaceChildren(...measured(), filters(), about, sortedTable(columns(), rows, { most: MOST, dress: openable, cards: true }));
}

function measured() {
  if (!found.metrics.length) return [];
  const head = [zooText("batch_metric"), ...found.names].map((name, i) => make("th", { scope: "col", class: i ? "zoo-figure" : null }, name));
  const body = found.metrics.map(({ name, cells }) => make("tr", {}, make("th", { scope: "row" }, name), ...cells.map(metricCell)));
  const table = make("table", { class: "zoo-board" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  const title = zooText("batch_measured", { rows: found.rows.length.toLocaleString("en-US") });
  return [make("p", { class: "zoo-quiet" }, title), make("div", { class: "zoo-scroll zoo-metrics", tabindex: 0, role: "region", "aria-label": title }, table)];
}

function metricCell(cell) {
  if (!cell) return make("td", { class: "zoo-figure" }, "–");
  const number = make(cell.best && found.names.length > 1 ? "strong" : "span", {}, cell.value.toFixed(3));
  const span = make("span", { class: "zoo-quiet" }, ` ${cell.low.toFixed(3)}–${cell.high.toFixed(3)}`);
  return make("td", { class: "zoo-figure" }, number, span);
}

function filters() {
  const boxes = [];
  if (found.names.length > 1) boxes.push(box("differ", found.rows.filter(differs).length));
  if (found.rows[0].gold !== null) boxes.push(box("wrong", found.rows.filter(wrong).length));
  return make("div", { class: "zoo-filters" }, ...boxes);
}

function box(name, number) {
  const onchange = ({ target }) => {
    only[name] = target.checked;
    draw();
    root.querySelector(`#batch-only-${name}`).focus();
  };
  const input = make("input", { type: "checkbox", id: `batch-only-${name}`, onchange });
  input.checked = only[name];
  return make("label", { class: "zoo-leave" }, input, zooText(`batch_only_${name}`, { number }));
}

function columns() {
  const number = { title: zooText("batch_row"), figure: true, value: (row) => row.number, cell: opener };
  const text = { title: zooText("batch_text"), value: (row) => row.text, cell: (row) => make("div", { class: "zoo-text" }, row.text) };
  const gold = { title: zooText("batch_gold"), value: (row) => listed(row.gold) };
  const of = (name, i) => ({ title: name, value: (row) => listed(row.decided[i]), cell: (row) => decided(row, row.decided[i]) });
  return [number, text, ...(found.rows[0].gold === null ? [] : [gold]), ...found.names.map(of)];
}

function decided(row, labels) {
  if (row.gold === null) return listed(labels);
  const right = !isWrong(row, labels);
  const mark = make("span", { class: right ? "zoo-right" : "zoo-wrong", role: "img", "aria-label": zooText(right ? "batch_right" : "batch_wrong") }, right ? "✓" : "✗");
  return make("span", {}, mark, ` ${listed(labels)}`);
}

function opener(row) {
  const node = button(String(row.number), () => compare(row), "zoo-open");
  node.title = zooText("batch_open", { row: row.number });
  node.setAttribute("aria-label", node.title);
  return node;
}

const compare = ({ text }) =>
  zooAddress.go("compare", { task: found.task, checkpoint: found.names, text, draft: null, threshold: null, policy: null, scores: null });

/** A click anywhere in a row opens it in Compare, unless it ends a selection of text. */
function openable(node, row) {
  node.classList.add("zoo-openable");
  if (differs(row)) node.classList.add("zoo-differs");
  node.addEventListener("click", ({ target }) => target.closest("button") ?? (String(getSelection()) || compare(row)));
}

function show(value) {
  found = value ? JSON.parse(JSON.stringify(value)) : null;
  Object.assign(only, { differ: false, wrong: false });
  draw();
}

show(props.value);
watch("value", () => show(props.value));
