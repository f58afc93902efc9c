// Draws a comparison (the JSON of demo.compare_view) and applies thresholds to it, all in the browser. Runs inside
// gr.HTML after decide.js, figures.js and share.js: `element`, `props` and `watch` are gradio's. Text reaches the page
// as textContent only.

const SHOWN = 12; // labels, before "show all"
const root = element.querySelector(".zoo");
let comparison = null;
let followed = false; // the link that the page was opened with
// Each label's threshold: null is fitted (every model its own), a number is set by hand, for all models.
let shownTask = null;
let chosen = new Map();
let calibrated = true;
let order = "score";
let filter = "";
let expanded = false;
let opened = null; // the label whose figures are open
let rows = []; // one a label, as ordered: {label, index, row, slider, field, opener, cells: [{cell, tick, mark}]}
let heads = []; // one an answer: {decided, figures}
let all = {}; // the controls that stand for all labels
let detail = null; // the open label's figures: {row, plots, lines}

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
const scoresOf = (answer) => (calibrated ? answer.scores : answer.raw_scores);
const fittedOf = (answer) => (calibrated ? answer.thresholds : answer.raw_thresholds);
const thresholdsOf = (answer) => comparison.labels.map((label, i) => chosen.get(label) ?? fittedOf(answer)[i]);
const fitted = (index) => mean(comparison.answers.map((answer) => fittedOf(answer)[index]));
const byHand = () => new Map([...chosen].filter(([, value]) => value !== null));
const single = () => comparison.problem_type === "single_label_classification";

// A fitted threshold is compared with the calibrated score whichever is shown, so that rounding decides nothing.
function decidedBy(answer) {
  if (single()) return decide(comparison.problem_type, scoresOf(answer), thresholdsOf(answer));
  const isFitted = (i) => chosen.get(comparison.labels[i]) === null;
  const scores = scoresOf(answer).map((score, i) => (isFitted(i) ? answer.scores[i] : score));
  const thresholds = thresholdsOf(answer).map((value, i) => (isFitted(i) ? answer.thresholds[i] : value));
  return decide(comparison.problem_type, scores, thresholds);
}

function show(value) {
  comparison = null;
  if (!value) return;
  if (value.problem) return root.replaceChildren(notice("", value.problem));
  comparison = JSON.parse(JSON.stringify(value));
  if (comparison.task !== shownTask || comparison.labels.some((label) => !chosen.has(label))) forget();
  if (!followed && location.hash.length > 1) follow(viewIn(location.hash, comparison.labels));
  followed = true;
  const failures = comparison.failures.map((failure) => notice(failure.name, failure.error));
  root.replaceChildren(...failures);
  if (comparison.answers.length === 0) return;
  root.setAttribute("aria-label", zooText("comparison"));
  all = { table: make("div", { class: "zoo-scroll" }) };
  root.append(controls(), tools(), all.table, sharing());
  draw();
}

function forget() {
  shownTask = comparison.task;
  chosen = new Map(comparison.labels.map((label) => [label, null]));
  [expanded, filter, opened] = [false, "", null];
}

function follow(view) {
  for (const [label, threshold] of view.thresholds) chosen.set(label, threshold);
  calibrated = view.calibrated;
}

function notice(name, text) {
  const failed = name ? zooText("failed", { name }) : "";
  return make("p", { class: "zoo-notice", role: "alert" }, make("strong", {}, failed), text);
}

// -- controls for all labels ------------------------------------------------------------------------------------

function controls() {
  all.slider = slider(zooText("threshold_all"), (value) => set(comparison.labels, value));
  all.field = field(zooText("threshold_all_number"), (value) => set(comparison.labels, value));
  all.fitted = button(zooText("fitted_thresholds"), () => set(comparison.labels, null));
  all.half = button("0.5", () => set(comparison.labels, 0.5));
  const reset = button(zooText("reset"), () => (forget(), show(comparison)));
  all.mode = make("p", { class: "zoo-quiet zoo-mode", "aria-live": "polite" });
  const name = make("strong", {}, zooText("all_labels"));
  const global = make("div", { class: "zoo-global" }, name, all.slider, all.field);
  const buttons = make("div", { class: "zoo-buttons" }, all.fitted, all.half, reset);
  return make("div", { class: "zoo-controls" }, global, buttons, all.mode);
}

function tools() {
  const orders = ["score", "disagreement", "name"].map((name) => make("option", { value: name }, zooText(`order_${name}`)));
  const sorted = make("select", { class: "zoo-field", onchange: ({ target }) => ((order = target.value), draw()) }, ...orders);
  sorted.value = order;
  const oninput = ({ target }) => ((filter = target.value), draw());
  const search = make("input", { type: "search", class: "zoo-field", placeholder: zooText("filter_labels"), oninput });
  search.value = filter;
  search.setAttribute("aria-label", zooText("filter_labels"));
  const kind = make("input", { type: "checkbox", onchange: ({ target }) => ((calibrated = target.checked), draw()) });
  kind.checked = calibrated;
  all.differ = make("span", { class: "zoo-quiet", "aria-live": "polite" });
  const ordering = make("label", {}, zooText("order_by"), sorted);
  return make("div", { class: "zoo-tools" }, ordering, search, make("label", {}, kind, zooText("calibrated")), all.differ);
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
      onvalue(readThreshold(target.validity.badInput ? "?" : target.value), target);
    } catch (error) {
      target.setAttribute("aria-invalid", "true");
      all.mode.textContent = zooText("threshold_range", { value: error.message });
    }
  };
  // What counts is a multiple of 0.01: the field says so as soon as it is left.
  const onchange = ({ target }) => {
    if (target.value && target.getAttribute("aria-invalid") !== "true") target.value = readThreshold(target.value);
  };
  const range = { min: 0, max: 1, step: 0.01, placeholder: zooText("fitted"), inputmode: "decimal" };
  const about = { class: "zoo-field zoo-number", "aria-label": name };
  return make("input", { type: "number", ...about, ...range, oninput, onchange });
}

function set(labels, value) {
  for (const label of labels) chosen.set(label, value);
  update();
}

// -- one row a label, one column a checkpoint -------------------------------------------------------------------

function draw() {
  const { answers } = comparison;
  heads = answers.map(() => ({ decided: make("div", { class: "zoo-decided" }), figures: make("div", { class: "zoo-quiet" }) }));
  rows = ordered().map(labelRow);
  const corner = make("th", { scope: "col", class: "zoo-corner" }, zooText("legend"));
  const head = make("tr", {}, corner, ...answers.map((answer, i) => answerHead(answer, heads[i])));
  const body = make("tbody", {}, ...rows.map(({ row }) => row));
  const table = make("table", { class: "zoo-table", style: `--columns:${answers.length}` }, make("thead", {}, head), body);
  all.table.replaceChildren(table);
  if (rows.length === 0) all.table.append(make("p", { class: "zoo-quiet zoo-more" }, zooText("no_label_matches")));
  detail = null;
  const open = rows.find(({ label }) => label === opened);
  if (open) openDetail(open);
  if (rows.length > SHOWN) all.table.append(more());
  else update();
}

function ordered() {
  const { answers, labels } = comparison;
  const of = (index) => answers.map((answer) => scoresOf(answer)[index]);
  const top = (index) => Math.max(...of(index));
  const spread = (index) => top(index) - Math.min(...of(index));
  const by = {
    score: (a, b) => top(b) - top(a),
    disagreement: (a, b) => spread(b) - spread(a),
    name: (a, b) => labels[a].localeCompare(labels[b]),
  };
  const wanted = filter.trim().toLowerCase();
  const matching = labels.map((_, index) => index).filter((index) => labels[index].toLowerCase().includes(wanted));
  return matching.sort(by[order]);
}

function answerHead(answer, { decided, figures }) {
  const { tokens, capacity: most, truncated } = answer;
  const facts = zooText(tokens === 1 ? "one_token" : "tokens", { tokens, ms: answer.milliseconds.toFixed(1) });
  const head = make("th", { scope: "col" }, make("div", { class: "zoo-name" }, answer.name));
  head.append(make("div", { class: "zoo-quiet" }, facts), figures, decided);
  if (truncated) head.append(make("div", { class: "zoo-cut" }, zooText("cut", { most })));
  return head;
}

function labelRow(index) {
  const label = comparison.labels[index];
  const own = slider(zooText("threshold_of", { label }), (value) => (open(label), set([label], value)));
  const number = field(zooText("threshold_of_number", { label }), (value) => (open(label), set([label], value)));
  const opener = make("button", { type: "button", class: "zoo-opener", "aria-expanded": "false" }, label);
  opener.addEventListener("click", () => (opened === label ? close() : open(label)));
  const head = make("th", { scope: "row" }, make("div", { class: "zoo-own" }, opener, own, number));
  const cells = comparison.answers.map((answer) => scoreCell(answer, scoresOf(answer)[index]));
  const row = make("tr", {}, head, ...cells.map(({ cell }) => cell));
  return { label, index, row, slider: own, field: number, opener, cells };
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
  all.more = button("", () => expand(!expanded));
  all.more.classList.add("zoo-more");
  expand(expanded);
  return all.more;
}

function expand(whether) {
  expanded = whether;
  rows.forEach(({ row }, i) => (row.hidden = !expanded && i >= SHOWN));
  const text = expanded ? zooText("show_first", { number: SHOWN }) : zooText("show_all", { number: rows.length });
  all.more.textContent = text;
  if (detail) detail.row.hidden = rows.find(({ label }) => label === detail.label).row.hidden;
  update();
}

// Hidden rows are left as they are until they are shown, so that a move of a slider stays quick with any task.
const shown = () => (expanded ? rows : rows.slice(0, SHOWN));

// -- one label's figures on validation --------------------------------------------------------------------------

const countsOf = ({ validation }) => (calibrated ? validation.calibrated : validation.raw);
const judged = () => comparison.answers.filter(({ validation }) => validation);

function open(label) {
  if (opened === label && detail) return;
  close();
  opened = label;
  const row = rows.find((each) => each.label === label);
  if (row) openDetail(row);
  update();
}

function close() {
  detail?.row.remove();
  for (const { opener } of rows) opener.setAttribute("aria-expanded", "false");
  detail = opened = null;
}

function openDetail({ row, opener, label, index }) {
  const curves = judged().map((answer) => curvePoints(countsOf(answer), answer.validation.positives, index));
  const lines = judged().map(() => make("li", {}));
  const { plot, place } = precisionRecallPlot(curves, zooText("curve_of", { label }));
  const about = make("p", { class: "zoo-quiet" }, zooText(lines.length ? "validation_figures" : "no_validation"));
  const figures = make("div", { class: "zoo-figures" }, about, make("ul", {}, ...lines));
  const content = make("div", { class: "zoo-detail" }, ...(lines.length ? [plot] : []), figures);
  const cell = make("td", { colspan: comparison.answers.length + 1 }, content);
  detail = { row: make("tr", {}, cell), index, label, lines, place };
  row.after(detail.row);
  opener.setAttribute("aria-expanded", "true");
}

function updateDetail() {
  judged().forEach((answer, i) => {
    const { rows: number, positives } = answer.validation;
    const counts = countsAt(countsOf(answer), positives, detail.index, chosen.get(detail.label));
    const { precision, recall, f1 } = precisionRecall(counts);
    const values = { precision: precision.toFixed(3), recall: recall.toFixed(3), f1: f1.toFixed(3) };
    const swatch = make("i", { class: "zoo-swatch", style: `background:${COLOURS[i % COLOURS.length]}` });
    const support = zooText("support", { positives: counts.positives, rows: number });
    const text = make("span", { class: "zoo-quiet" }, ` ${support}`);
    detail.lines[i].replaceChildren(swatch, make("strong", {}, answer.name), " ", zooText("figures", values), text);
    detail.place(i, counts);
  });
}

// -- thresholds to marks: what every move of a slider runs ------------------------------------------------------

function update() {
  const values = [...chosen.values()];
  const shared = values.every((value) => value === values[0]) ? values[0] : undefined;
  place(all, shared ?? mean(comparison.labels.map((label, i) => chosen.get(label) ?? fitted(i))), shared ?? null);
  for (const row of shown()) place(row, chosen.get(row.label) ?? fitted(row.index), chosen.get(row.label));
  const decided = comparison.answers.map(decidedBy);
  comparison.answers.forEach((answer, column) => mark(answer, column, decided[column]));
  compareMarks(decided);
  if (detail) updateDetail();
  all.fitted.setAttribute("aria-pressed", String(shared === null));
  all.half.setAttribute("aria-pressed", String(shared === 0.5));
  all.mode.textContent = mode(values, shared);
  updateSharing();
}

function place(controls, position, value) {
  if (Number(controls.slider.value) !== position) controls.slider.value = position;
  controls.slider.style.setProperty("--at", `${100 * position}%`);
  controls.slider.classList.toggle("zoo-fitted", value === null);
  controls.slider.setAttribute("aria-valuetext", value === null ? zooText("fitted") : value.toFixed(2));
  controls.field.removeAttribute("aria-invalid");
  if (controls.field !== document.activeElement) controls.field.value = value === null ? "" : String(value);
}

function mark(answer, column, decided) {
  const thresholds = thresholdsOf(answer);
  for (const { index, cells } of shown()) {
    const { cell, tick, mark } = cells[column];
    tick.style.transform = `translateX(${100 * thresholds[index]}%)`;
    tick.title = zooText("threshold_is", { value: thresholds[index].toFixed(3) });
    if (cell.classList.toggle("zoo-on", decided[index] === 1)) mark.replaceChildren(tickMark());
    else mark.replaceChildren();
  }
  const names = comparison.labels.filter((_, index) => decided[index]);
  names.sort((a, b) => scoresOf(answer)[comparison.labels.indexOf(b)] - scoresOf(answer)[comparison.labels.indexOf(a)]);
  if (answer.validation) heads[column].figures.textContent = overallText(answer);
  const text = JSON.stringify(names);
  if (heads[column].decided.dataset.names === text) return;
  heads[column].decided.dataset.names = text;
  heads[column].decided.replaceChildren(...summary(names));
}

function overallText(answer) {
  const { positives, rows: number } = answer.validation;
  const every = comparison.labels.map((label, i) => countsAt(countsOf(answer), positives, i, chosen.get(label)));
  const { micro, macro, accuracy } = overall(every, number);
  const values = { micro: micro.toFixed(3), macro: macro.toFixed(3), accuracy: accuracy.toFixed(3) };
  return zooText(single() ? "overall_single" : "overall_multi", values);
}

function compareMarks(decided) {
  const differs = (index) => decided.some((each) => each[index] !== decided[0][index]);
  for (const { index, row, opener } of shown()) {
    const differ = row.classList.toggle("zoo-differs", differs(index));
    if (differ) opener.setAttribute("aria-description", zooText("differs_here"));
    else opener.removeAttribute("aria-description");
  }
  const number = comparison.labels.filter((_, index) => differs(index)).length;
  const names = ["differ_none", "differ_one"];
  all.differ.textContent = decided.length > 1 ? zooText(names[number] ?? "differ_many", { number }) : "";
}

function summary(names) {
  if (names.length === 0) return [make("span", { class: "zoo-none" }, zooText("none_above"))];
  const chips = names.slice(0, SHOWN).map((name) => make("span", { class: "zoo-chip" }, name));
  if (names.length > SHOWN) chips.push(make("span", { class: "zoo-quiet" }, zooText("and_more", { number: names.length - SHOWN })));
  return chips;
}

function tickMark() {
  return make("span", { role: "img", "aria-label": zooText("above") }, "✓");
}

function mode(values, shared) {
  if (shared === null) return zooText("mode_fitted");
  if (shared !== undefined) return zooText("mode_shared", { value: shared.toFixed(2) });
  return zooText("mode_by_hand", { number: values.filter((value) => value !== null).length, all: values.length });
}

// -- a link and a snippet ---------------------------------------------------------------------------------------

function sharing() {
  // Into the address without a reload, which `hashchange` would bring about.
  const here = (event) => (event.preventDefault(), history.replaceState(null, "", all.link.href));
  all.link = make("a", { href: "#", onclick: here }, zooText("link_here"));
  all.python = make("code");
  const copyLink = copier("copy_link", () => all.link.href);
  const copyPython = copier("copy_python", () => all.python.textContent);
  const block = make("pre", { tabindex: 0, "aria-label": "Python" }, all.python);
  const buttons = make("div", { class: "zoo-buttons" }, copyLink, copyPython, all.link);
  return make("details", { class: "zoo-sharing" }, make("summary", {}, zooText("share")), buttons, block);
}

function updateSharing() {
  all.link.href = location.href.split("#")[0] + linkOf(comparison, byHand(), calibrated);
  all.python.textContent = pythonOf(comparison, byHand(), calibrated);
}

function copier(key, content) {
  const copy = button(zooText(key), async () => {
    try {
      await navigator.clipboard.writeText(content());
      copy.textContent = zooText("copied");
    } catch {
      copy.textContent = zooText("not_copied"); // no permission, or no https: the text stands there to be marked
    }
    setTimeout(() => (copy.textContent = zooText(key)), 1500);
  });
  return copy;
}

show(props.value);
watch("value", () => show(props.value));
window.addEventListener("hashchange", () => location.reload()); // another view's link, put into this page's address
