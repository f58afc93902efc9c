// Draws the suspected label errors of a task (the JSON of demo.audit.handlers.as_view) with a person's answers, which the
// browser keeps. It runs inside gr.HTML, behind dom.js and plain_table.js.

const root = element.querySelector("section");
const ANSWERS = ["keep", "change", "unsure"];
let found = null;
let answers = new Map(); // by the key of a row
let count = null;

const keyOf = ({ part, row, label }) => JSON.stringify([part, row, label]);
const place = () => `zoo-audit-${found.task}`;
const nameOf = (label) => zooLabel(found.task, label);

/** The answers as the server takes them. */
window.zooJudged = () => JSON.stringify([...answers].map(([key, answer]) => [...JSON.parse(key), answer]));

function remembered() {
  try {
    const known = new Set(found.rows.map(keyOf));
    return new Map(JSON.parse(localStorage.getItem(place()) ?? "[]").filter(([key, answer]) => known.has(key) && ANSWERS.includes(answer)));
  } catch {
    return new Map(); // not allowed here, or not what this page wrote
  }
}

function judge(row, answer, buttons) {
  const key = keyOf(row);
  if (answers.get(key) === answer) answers.delete(key);
  else answers.set(key, answer);
  try {
    localStorage.setItem(place(), JSON.stringify([...answers]));
  } catch {
    // not allowed here: the answers hold until the page is left
  }
  press(row, buttons);
  tell();
}

function press(row, buttons) {
  for (const [answer, node] of Object.entries(buttons)) node.setAttribute("aria-pressed", String(answers.get(keyOf(row)) === answer));
}

function tell() {
  const given = [...answers.values()];
  const number = (answer) => given.filter((each) => each === answer).length;
  count.textContent = zooText("audit_count", { done: given.length, all: found.rows.length, change: number("change"), unsure: number("unsure") });
}

function choice(row) {
  const buttons = {};
  for (const answer of ANSWERS) {
    buttons[answer] = button(zooText(`audit_${answer}`), () => judge(row, answer, buttons));
  }
  press(row, buttons);
  return make("div", { class: "zoo-buttons zoo-judge", role: "group", "aria-label": zooText("audit_answer", { row: row.row }) }, ...Object.values(buttons));
}

function suggestion({ add, suggestion: label }) {
  if (!found.several) return nameOf(label);
  return make("span", { class: add ? "zoo-right" : "zoo-wrong" }, `${add ? "+" : "−"} ${nameOf(label)}`);
}

function columns() {
  const text = (row) => make("div", { class: "zoo-whole" }, row.text);
  return [
    { title: zooText("batch_text"), value: (row) => row.text, cell: text },
    { title: zooText("batch_gold"), value: (row) => row.gold.map(nameOf).join(", ") || "–" },
    { title: zooText("audit_suggestion"), value: (row) => nameOf(row.suggestion), cell: suggestion },
    { title: zooText("audit_score"), figure: true, value: (row) => row.score, cell: (row) => row.score.toFixed(2) },
    { title: zooText("audit_against"), figure: true, value: (row) => row.against, cell: (row) => `${Math.round(100 * row.against)} %` },
    { title: zooText("audit_your"), value: (row) => answers.get(keyOf(row)) ?? null, cell: choice },
  ];
}

function show(value) {
  found = value;
  answers = new Map();
  if (!found) return root.replaceChildren();
  answers = remembered();
  count = make("p", { class: "zoo-told", "aria-live": "polite" });
  const about = make("p", { class: "zoo-quiet" }, zooText("audit_about", { shown: found.rows.length, total: found.total }));
  const next = make("p", { class: "zoo-quiet" }, zooText("audit_next"), " ");
  next.append(make("code", {}, `encoder-zoo run-data ${found.task}-corrected --${found.several ? "label-list labels" : "label-column label"}`));
  root.replaceChildren(about, count, sortedTable(columns(), found.rows, { most: 50, cards: true }), next);
  tell();
}

show(unpacked());
watch("value", () => show(unpacked()));
