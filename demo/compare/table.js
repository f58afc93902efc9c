// The table: one row for each label, one column for each checkpoint; and the figures of the label that is open. A part of
// the comparison: see script.js, whose variables it uses.

function draw() {
  const { answers } = comparison;
  heads = answers.map(() => ({ decided: make("div", { class: "zoo-decided" }), figures: make("div", { class: "zoo-quiet" }) }));
  rows = ordered().map(labelRow);
  const corner = make("th", { scope: "col", class: "zoo-corner" }, zooText(slides() ? "legend" : "legend_highest"));
  const head = make("tr", {}, corner, ...answers.map((answer, i) => answerHead(answer, heads[i])));
  const body = make("tbody", {}, ...rows.map(({ row }) => row));
  const table = make("table", { class: "zoo-table", style: `--columns:${answers.length}` }, make("thead", {}, head), body);
  all.table.replaceChildren(table);
  all.table.classList.toggle("zoo-fits", answers.length <= 4);
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
    name: (a, b) => shownName(labels[a]).localeCompare(shownName(labels[b])),
  };
  const wanted = filter.trim().toLowerCase();
  const has = (label) => `${label} ${shownName(label)}`.toLowerCase().includes(wanted);
  const matching = labels.map((_, index) => index).filter((index) => has(labels[index]));
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
  const shown = shownName(label);
  const own = slider(zooText("threshold_of", { label: shown }), (value) => set([label], value));
  const number = field(zooText("threshold_of_number", { label: shown }), (value) => set([label], value), outOfRange);
  const opener = make("button", { type: "button", class: "zoo-opener", "aria-expanded": "false" }, shown);
  opener.addEventListener("click", () => (opened === label ? close() : open(label)));
  const head = make("th", { scope: "row" }, make("div", { class: "zoo-own" }, opener, ...(slides() ? [own, number] : [])));
  const cells = comparison.answers.map((answer) => scoreCell(answer, label, scoresOf(answer)[index]));
  const row = make("tr", {}, head, ...cells.map(({ cell }) => cell));
  return { label, index, row, slider: own, field: number, opener, cells };
}

function scoreCell(answer, label, score) {
  const tick = make("i", { class: "zoo-tick" });
  const bar = make("div", { class: "zoo-bar" }, make("b", { style: `width:${100 * score}%` }), ...(slides() ? [tick] : []));
  const mark = make("span", { class: "zoo-mark" });
  const number = button(score.toFixed(3), () => window.zooExplain(box().value, comparison.task, answer.name, label), "zoo-score");
  number.title = zooText("explain_score", { label: shownName(label), name: answer.name });
  number.setAttribute("aria-label", `${score.toFixed(3)}. ${number.title}`);
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

// -- the figures of one label on validation ------------------------------------------------------------------------

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
  const { plot, place } = precisionRecallPlot(curves, zooText("curve_of", { label: shownName(label) }));
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
