// Draws the Leaderboard tab (the value of demo.leaderboard.page): which encoder to take, the matrix, and the table of one
// task. It runs inside gr.HTML, in one scope with the files that demo.leaderboard.view puts before it. Whatever is chosen
// stands in the address, and the whole is drawn anew from there.

const root = element.querySelector(".zoo");
let page = null;

const taskOf = (name) => page.tasks.find((task) => task.name === name);

/** What is chosen; what the address leaves open or has wrong is chosen by the page. */
function chosen() {
  const asked = zooAddress.read();
  const oneOf = (name, choices, otherwise) => (choices.includes(asked.get(name)) ? asked.get(name) : otherwise);
  const languages = Object.keys(page.answers);
  const board = taskOf(asked.get("board"));
  const language = oneOf("language", languages, languageOf(board) ?? (zooChinese && page.answers.zh ? "zh" : languages[0]));
  const kinds = page.answers[language];
  const labels = oneOf("labels", Object.keys(kinds), "");
  const { tasks, timed } = kinds[labels];
  const task = taskOf(oneOf("board", tasks, tasks.includes(timed) ? timed : tasks[0]));
  const speed = oneOf("ms", page.speeds, ""); // the milliseconds that a text may take
  const { rows, within, ...told } = kinds[labels];
  const fast = rows.filter(({ ms }) => !speed || (ms ?? Infinity) <= Number(speed));
  const answer = { ...told, rows: fast, ...(speed ? { problem: undefined, ...within[speed] } : {}) };
  return { language, labels, speed, answer, task, ...tableChoice(task, asked) };
}

function languageOf(task) {
  return task && Object.keys(page.answers).find((code) => page.answers[code][""].tasks.includes(task.name));
}

/** Note a choice in the address and draw; the element that had the focus has it again. */
function choose(changes, step = false) {
  zooAddress.write(changes, step);
  const key = document.activeElement?.dataset?.key;
  draw();
  if (key) root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

function draw() {
  const state = chosen();
  root.replaceChildren(answer(state), matrix(state), ...taskPart(state), ending());
  root.setAttribute("aria-label", zooText("tab_leaderboard"));
}

function show(value) {
  root.classList.add("zoo-drawn");
  if (value.problem) return root.replaceChildren(make("p", { class: "zoo-notice", role: "alert" }, value.problem));
  page = value;
  draw();
}

/** The metrics of all tasks as a file, and how to cite them. */
function ending() {
  const file = make("a", { class: "zoo-button", id: "board-csv", href: "leaderboard.csv", download: "leaderboard.csv" }, zooText("board_csv"));
  const cite = make("details", { class: "zoo-cite" }, make("summary", {}, zooText("cite")), make("pre", { tabindex: 0 }, page.cite));
  return make("div", { class: "zoo-ending" }, file, cite);
}

const fill = () => zooBoard().then(show);
if (zooAddress.tab() === "leaderboard") fill();
else zooOpened.leaderboard = () => page ?? fill();
