// Draws the results of a batch (the JSON of demo.batch.handlers.as_view): the metrics, the thresholds, and every row, of
// which a visitor may want only those where the checkpoints differ or are wrong. It runs inside gr.HTML, in one scope with
// the files that demo.batch.view puts before it.

const root = element.querySelector("section");
const MOST = 100; // rows, before "show all"
const only = { differ: false, wrong: false };
let found = null;
let asked = null; // what was classified: the pasted texts, the file, how it is read
let now = null; // the same as it stands in the form
let parts = null; // the notes that these rows are old and how many they are, the metrics, the filters, the table

const same = (one, other) => one.length === other.length && one.every((label) => other.includes(label));
const differs = ({ decided }) => decided.some((labels) => !same(labels, decided[0]));
const isWrong = ({ gold }, labels) => gold !== null && !same(labels, gold);
const wrong = (row) => row.decided.some((labels) => isWrong(row, labels));
const wanted = (row) => (!only.differ || differs(row)) && (!only.wrong || wrong(row));
const listed = (labels) => labels.map((label) => zooLabel(found.task, label)).join(", ") || "–";

function draw() {
  if (!found) return root.replaceChildren();
  parts = {
    stale: make("p", { class: "zoo-stale-note", role: "status" }),
    metrics: make("div"),
    filters: make("div", { class: "zoo-filters" }),
    about: make("p", { class: "zoo-quiet", "aria-live": "polite" }),
    table: sortedTable(columns(), [], { most: MOST, dress: openable, cards: true }),
  };
  root.replaceChildren(parts.stale, parts.metrics, ...thresholdPart(), parts.filters, parts.about, parts.table);
  refresh();
  tellOld();
}

/** Tell where other texts are chosen now than those that were classified. */
function tellOld() {
  const old = found !== null && asked !== now;
  root.classList.toggle("zoo-stale", old);
  if (found) parts.stale.textContent = old ? zooText("batch_stale") : "";
}

window.zooBatchAsked = (texts) => (asked = now = JSON.stringify(texts));
window.zooBatchNow = (texts) => {
  now = JSON.stringify(texts);
  tellOld();
};

/** Show the rows as they are decided now, and these metrics of theirs: by default, those of the fitted thresholds. */
function refresh(metrics = null) {
  showMetrics(metrics);
  parts.filters.replaceChildren(...filters());
  list();
}

function list() {
  const rows = found.rows.filter(wanted);
  parts.about.textContent = zooText("batch_shown", { shown: rows.length, all: found.rows.length });
  parts.table.fill(rows);
}

/** The table of metrics: those of the fitted thresholds are the server's; of others, the intervals follow the values. */
function showMetrics(values = null, intervals = null) {
  if (!found.metrics.length) return;
  const cellsOf = ({ name, cells }) => (values && name in values[0] ? values.map((each, i) => ({ value: each[name], span: intervals?.[i][name] })) : cells.map(known));
  const head = [zooText("batch_metric"), ...found.names].map((name, i) => make("th", { scope: "col", class: i ? "zoo-figure" : null }, name));
  const body = found.metrics.map((metric) => make("tr", {}, make("th", { scope: "row" }, metric.name), ...metricCells(metric.name, cellsOf(metric))));
  const table = make("table", { class: "zoo-board" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
  const title = zooText("batch_measured", { rows: found.rows.length.toLocaleString("en-US") });
  const framed = scroll(table, title);
  framed.classList.add("zoo-metrics");
  parts.metrics.replaceChildren(make("p", { class: "zoo-quiet" }, title), framed);
}

const known = (cell) => cell && { value: cell.value, span: [cell.low, cell.high] };

function metricCells(name, cells) {
  const values = cells.map((cell) => cell?.value ?? NaN);
  const best = found.lower.includes(name) ? Math.min(...values) : Math.max(...values);
  return cells.map((cell) => {
    if (!cell) return make("td", { class: "zoo-figure" }, "–");
    const number = make(cells.length > 1 && cell.value === best ? "strong" : "span", {}, cell.value.toFixed(3));
    const span = make("span", { class: "zoo-quiet" }, ` ${cell.span?.map((end) => end.toFixed(3)).join("–") ?? "…"}`);
    return make("td", { class: "zoo-figure" }, number, span);
  });
}

function filters() {
  const boxes = [];
  if (found.names.length > 1) boxes.push(box("differ", found.rows.filter(differs).length));
  if (found.rows[0].gold !== null) boxes.push(box("wrong", found.rows.filter(wrong).length));
  return boxes;
}

function box(name, number) {
  const onchange = ({ target }) => {
    only[name] = target.checked;
    list();
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

function compare({ text }) {
  const threshold = found.labels.flatMap((label, i) => (chosen[i] === null ? [] : [`${chosen[i]} ${label}`]));
  zooAddress.go("compare", { task: found.task, checkpoint: found.names, text, draft: null, threshold, policy: null, scores: null });
}

/** A click anywhere in a row opens it in Compare, unless it ends a selection of text. */
function openable(node, row) {
  node.classList.add("zoo-openable");
  if (differs(row)) node.classList.add("zoo-differs");
  node.addEventListener("click", ({ target }) => target.closest("button") ?? (String(getSelection()) || compare(row)));
}

function show(value) {
  clearTimeout(resting);
  found = value;
  Object.assign(only, { differ: false, wrong: false });
  if (found) forgetThresholds();
  draw();
}

show(unpacked());
watch("value", () => show(unpacked()));
