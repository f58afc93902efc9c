// Draws a comparison (the JSON of demo.compare.view) and applies thresholds to it, all in the browser. It runs inside
// gr.HTML, in one scope with the files that demo.compare.view puts before it; `element`, `props` and `watch` are
// gradio's. Text reaches the page only as textContent.

const SHOWN = 12; // labels, before "show all"
const root = element.querySelector(".zoo");
let comparison = null;
let followed = false; // the address that the comparison was opened with
const cache = new Map(); // the answers and failures that are known of this text and task, by checkpoint
let wanted = null; // the checkpoints that are ticked, where the form has changed since the answer
let policy = ""; // what the thresholds are fitted for, such as "precision=0.9"; "" is what each checkpoint came with
let undecided = false; // whether a single-label task may leave a text without a label
let scrolls = false; // whether the result is to be scrolled to
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
let resting = 0; // the timer of what waits until no slider moves
let detail = null; // the open label's figures: {row, plots, lines}

const scoresOf = (answer) => (calibrated ? answer.scores : answer.raw_scores);
const fittedOf = (answer) => (calibrated ? answer.thresholds : answer.raw_thresholds);
const thresholdsOf = (answer) => comparison.labels.map((label, i) => chosen.get(label) ?? fittedOf(answer)[i]);
const fitted = (index) => mean(comparison.answers.map((answer) => fittedOf(answer)[index]));
const byHand = () => new Map([...chosen].filter(([, value]) => value !== null));
/** Whether thresholds can be moved: with one label a text, only where a text may be left undecided. */
const slides = () => !single() || undecided;
const shownName = (label) => zooLabel(comparison.task, label);
const single = () => comparison.problem_type === "single_label_classification";

// A fitted threshold is compared with the calibrated score whichever is shown, so that rounding decides nothing.
function decidedBy(answer) {
  const kind = comparison.problem_type;
  if (single()) return limit(decide(kind, scoresOf(answer), thresholdsOf(answer)), scoresOf(answer), answer);
  const isFitted = (i) => chosen.get(comparison.labels[i]) === null;
  const scores = scoresOf(answer).map((score, i) => (isFitted(i) ? answer.scores[i] : score));
  const thresholds = thresholdsOf(answer).map((value, i) => (isFitted(i) ? answer.thresholds[i] : value));
  return limit(decide(kind, scores, thresholds), answer.scores, answer);
}

function show(value) {
  comparison = null;
  if (!value) return;
  root.classList.add("zoo-drawn");
  if (value.unknown_policy) forgetPolicy();
  if (value.problem) return root.replaceChildren(notice("", value.problem));
  comparison = value;
  policy = comparison.policy;
  remember();
  if (!followed || comparison.task !== shownTask || comparison.labels.some((label) => !chosen.has(label))) forget();
  if (!followed) follow(viewIn(zooAddress.read(), comparison.labels));
  followed = true;
  keepAddress(true);
  drawAll();
  window.dispatchEvent(new CustomEvent("zoo-text"));
  if (scrolls) root.scrollIntoView({ behavior: "smooth", block: "start" });
  scrolls = false;
}

function drawAll() {
  const failures = comparison.failures.map((failure) => notice(failure.name, failure.error));
  root.replaceChildren(...failures);
  if (comparison.answers.length === 0) return;
  root.setAttribute("aria-label", zooText("comparison"));
  all = { table: make("div", { class: "zoo-scroll" }), stale: make("p", { class: "zoo-stale-note", role: "status" }) };
  root.append(all.stale, ...lookedAt(), controls(), tools(), all.table, sharing());
  draw();
  markStale();
}

/** Keep what is known of a text, so that a model which is ticked again needs no server. */
function remember() {
  const { task, text, answers, failures } = comparison;
  const known = { task, text, policy: comparison.policy };
  if (Object.keys(known).some((key) => cache.get(key) !== known[key])) cache.clear();
  if (task !== shownTask) wanted = null;
  for (const [key, value] of Object.entries(known)) cache.set(key, value);
  for (const each of [...answers, ...failures]) cache.set(`model ${each.name}`, each);
  if (wanted && knows(wanted)) only(wanted);
}

const knows = (names) => names.length > 0 && names.every((name) => cache.has(`model ${name}`));

function only(names) {
  const known = names.map((name) => cache.get(`model ${name}`));
  comparison.answers = known.filter(({ scores }) => scores);
  comparison.failures = known.filter(({ error }) => error);
}

window.zooCompare = {
  /** Show these checkpoints; the server is asked only for what is not known yet. */
  choose(names) {
    const order = [...document.querySelectorAll("#checkpoints label")].map((label) => label.textContent.trim());
    wanted = [...names].sort((a, b) => order.indexOf(a) - order.indexOf(b)); // gradio has them in the order of clicks
    if (!comparison || !knows(wanted) || isStale()) return trigger("submit");
    only(wanted);
    keepAddress();
    drawAll();
  },
  /** What is on screen: the text, the task and the models; null where nothing is. */
  shown: () => comparison && [comparison.text, comparison.task, ...comparison.answers.map(({ name }) => name)],
  /** The policy that the next answer is to follow: until there is one, that of the address. */
  policy: () => (followed ? policy : (zooAddress.read().get("policy") ?? "")),
};
/** What stays in the text box when an answer proposes a text: a visitor's own text. */
window.zooKeepText = (text, proposed) => (text.trim() && !EXAMPLES.has(text) ? text : proposed);
zooReopen.compare = () => {
  [followed, wanted] = [false, null];
  trigger("apply");
};

function forget() {
  shownTask = comparison.task;
  chosen = new Map(comparison.labels.map((label) => [label, null]));
  [expanded, filter, opened, calibrated, order, undecided] = [false, "", null, true, "score", false];
}

function follow(view) {
  for (const [label, threshold] of view.thresholds) chosen.set(label, threshold);
  ({ calibrated, order, filter } = view);
  undecided = single() && (view.thresholds.size > 0 || policy !== "");
}

// -- the text box -----------------------------------------------------------------------------------------------

const box = () => document.querySelector("#text textarea");
const isStale = () => comparison !== null && box() !== null && box().value !== comparison.text;
let writing = 0;

function markStale() {
  root.classList.toggle("zoo-stale", isStale());
  if (all.stale) all.stale.textContent = isStale() ? zooText("stale") : "";
}

document.addEventListener("input", ({ target }) => {
  if (!target.closest?.("#text")) return;
  markStale();
  window.dispatchEvent(new CustomEvent("zoo-text"));
  clearTimeout(writing);
  writing = setTimeout(() => zooAddress.write({ draft: isStale() ? target.value : null }), 300);
});
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("#classify")) scrolls = matchMedia("(max-width: 760px)").matches;
});

/** Say that a text is in another language than the task. */
function lookedAt() {
  const { looks } = comparison;
  if (!looks) return [];
  const told = make("p", { class: "zoo-looks" }, zooText(`looks_${looks.language}`), " ");
  const other = () => zooAddress.go("compare", { task: looks.task, checkpoint: null, threshold: null, draft: box().value });
  if (looks.task) told.append(button(zooText("looks_other", { task: looks.task }), other));
  return [told];
}

function notice(name, text) {
  const failed = name ? zooText("failed", { name }) : "";
  return make("p", { class: "zoo-notice", role: "alert" }, make("strong", {}, failed), text);
}

// -- thresholds to marks: what every move of a slider runs ------------------------------------------------------

function update() {
  const values = [...chosen.values()];
  const shared = values.every((value) => value === values[0]) ? values[0] : undefined;
  if (slides()) {
    place(all, shared ?? mean(comparison.labels.map((label, i) => chosen.get(label) ?? fitted(i))), shared ?? null);
    for (const row of shown()) place(row, chosen.get(row.label) ?? fitted(row.index), chosen.get(row.label));
    all.fitted.setAttribute("aria-pressed", String(shared === null && !policy));
    markPolicy(shared === null);
    all.half.setAttribute("aria-pressed", String(shared === 0.5));
  }
  const decided = comparison.answers.map(decidedBy);
  comparison.answers.forEach((answer, column) => mark(answer, column, decided[column]));
  compareMarks(decided);
  if (detail) updateDetail();
  all.mode.textContent = slides() ? mode(values, shared) : zooText("mode_highest");
  keepAddress();
  updateSharing();
  clearTimeout(resting);
  resting = setTimeout(reachScrolling, 100);
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
  heads[column].decided.replaceChildren(...summary(names), ...toPerson(answer));
}

/** What scrolls is reached by the keyboard. Asked at once, it would lay the page out anew for each model. */
function reachScrolling() {
  for (const { decided } of heads) {
    const scrolls = decided.scrollHeight > decided.clientHeight || decided.scrollWidth > decided.clientWidth;
    if (scrolls) decided.setAttribute("tabindex", "0");
    else decided.removeAttribute("tabindex");
  }
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
  const chips = names.slice(0, SHOWN).map((name) => make("span", { class: "zoo-chip" }, shownName(name)));
  if (names.length > SHOWN) chips.push(make("span", { class: "zoo-quiet" }, zooText("and_more", { number: names.length - SHOWN })));
  return chips;
}

// What is unsure was fitted on calibrated scores, and thresholds set by hand do not move it.
function toPerson(answer) {
  if (!handOver(comparison.problem_type, answer.scores, answer.unsure)) return [];
  return [make("span", { class: "zoo-cut zoo-unsure" }, zooText("to_person"))];
}

function tickMark() {
  return make("span", { role: "img", "aria-label": zooText("above") }, "✓");
}

function mode(values, shared) {
  if (shared === null) return policy ? zooText("mode_policy", { policy: policyName() }) : zooText("mode_fitted");
  if (shared !== undefined) return zooText("mode_shared", { value: shared.toFixed(2) });
  return zooText("mode_by_hand", { number: values.filter((value) => value !== null).length, all: values.length });
}

show(unpacked());
watch("value", () => show(unpacked()));
if (!props.value) trigger("apply");
