// The answer and the matrix. A part of the leaderboard: see script.js, whose functions it uses.

function answer({ language, labels, speed, answer: found, task }) {
  const { take, cost, problem } = found;
  const sentences = problem ? [make("p", {}, problem)] : [taking(take), make("p", {}, cost)];
  const chips = found.tasks.map((name) => taskChip(taskOf(name), name === task.name));
  const first = Object.keys(page.answers);
  const names = { en: "english", zh: "chinese", any: "any_language" };
  const languages = first.map((code) => toggle(zooText(names[code]), code === language, `language=${code}`, () => anew({ language: code, labels: null })));
  const kinds = Object.keys(page.answers[language]);
  const shown = kinds.length > 2 ? kinds : [""]; // tasks of one kind alone leave nothing to choose
  const of = shown.map((kind) => toggle(zooText(`kind_${kind || "any"}`), kind === labels, `labels=${kind}`, () => anew({ labels: kind || null })));
  const speeds = ["", ...page.speeds].map((ms) => toggle(ms ? zooText("speed_within", { ms }) : zooText("any_speed"), ms === speed, `ms=${ms}`, () => choose({ ms: ms || null }, true)));
  return make(
    "div",
    { class: "zoo-answer" },
    make("h2", {}, zooText("answer")),
    make("div", { class: "zoo-kinds" }, group("kind_language", languages), of.length > 1 ? group("kind_labels", of) : "", group("kind_speed", speeds)),
    make("div", { class: "zoo-sentences", "aria-live": "polite" }, ...sentences, ...onTask(found.rows, task)),
    make("div", { class: "zoo-tasks" }, ...chips),
  );
}

/** The sentence that says what to take is larger than those that say why. */
function taking(take) {
  const [first, end, why] = take.split(/(\. |。)(.*)/s);
  return make("p", {}, make("strong", { class: "zoo-take" }, first, (end ?? "").trimEnd()), why ? SPACE : "", why ?? "");
}

/** Who is best on the chosen task, and the fastest of these. The time of an imported model may be unknown. */
function onTask(rows, { name: task, first }) {
  const best = rows.filter(({ cells }) => cells[task].best);
  if (!best.length && rows.some(({ cells }) => cells[task].group != null)) return [];
  const [fastest] = best.filter(({ ms }) => ms !== null).sort((one, other) => one.ms - other.ms);
  if (!fastest) return [make("p", {}, `${task}: ${first[0]}`)];
  const values = { task, number: best.length, fastest: fastest.encoder, ms: fastest.ms.toFixed(1) };
  return [make("p", {}, zooText(best.length > 1 ? "answer_task_many" : "answer_task_one", values))];
}

function group(key, buttons) {
  return make("div", { class: "zoo-buttons", role: "group", "aria-label": zooText(key) }, make("span", {}, zooText(key)), ...buttons);
}

/** Choose other tasks: what was chosen of one of those before is chosen no more. */
const anew = (changes) => choose({ ...changes, board: null, pick: null, sort: null }, true);

/** A button that is pressed or not; its `key` finds it again when all is drawn anew. */
function toggle(text, pressed, key, onclick, name) {
  const node = button(text, onclick, name);
  node.setAttribute("aria-pressed", String(pressed));
  node.dataset.key = key;
  return node;
}

function taskChip({ name, about }, pressed) {
  const node = toggle("", pressed, `task=${name}`, () => openTask(name), "zoo-task");
  node.append(make("strong", {}, name), make("span", {}, about));
  return node;
}

const openTask = (name) => choose({ board: name, pick: null, sort: null, family: null, size: null }, true);

// -- the matrix -----------------------------------------------------------------------------------------------------

function matrix({ answer: found, task }) {
  const head = [make("th", { scope: "col" }, zooText("col_encoder")), ...found.tasks.map((name) => taskHead(taskOf(name), task))];
  const costs = ["parameters", "ms_a_text"].map((key) => zooText(key));
  costs.push(zooText("training_min", { task: found.timed }));
  head.push(...costs.map((text) => make("th", { scope: "col", class: "zoo-figure" }, text)));
  const rows = found.rows.map((row) => matrixRow(row, found, task));
  const table = make("table", { class: "zoo-board" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  const marks = found.rows.flatMap(({ cells }) => Object.values(cells).map(({ mark }) => mark?.at(-1)));
  const meanings = Object.entries(MARKS).filter(([mark]) => marks.includes(mark));
  const told = [zooText("matrix_how"), zooText("matrix_about"), ...meanings.map(([, key]) => zooText(key))];
  if (found.rows.some(({ imported }) => imported)) told.push(zooText("matrix_imported"));
  if (found.machines.length) told.push(zooText("matrix_times", { machines: found.machines.join(", ") }));
  const about = make("p", { class: "zoo-quiet" }, told.join(SPACE));
  return make("div", { class: "zoo-matrix" }, make("h2", {}, zooText("matrix")), scroll(table, zooText("matrix")), about);
}

const MARKS = { "†": "mark_one_seed", "‡": "mark_trials", "–": "mark_not_run" };

function taskHead({ name, metric, link }, task) {
  const head = make("th", { scope: "col", class: `zoo-figure${name === task.name ? " zoo-chosen" : ""}` }, name);
  head.append(make("div", { class: "zoo-quiet" }, metric, link ? " " : "", link ? outside(link, name) : ""));
  return head;
}

const outside = (href, name) =>
  make("a", { href, target: "_blank", rel: "noopener", "aria-label": zooText("about_link", { name }), title: href }, "↗");

function matrixRow(row, found, task) {
  const opens = checkpointOf(row.encoder, [task.name, ...found.tasks]);
  const cells = found.tasks.map((name) => matrixCell(row, name, task));
  const costs = [row.parameters, row.ms, row.minutes].map((cost) => make("td", { class: "zoo-figure" }, cost?.toFixed(1) ?? "–"));
  return openable(make("tr", {}, encoderHead(row, row.encoder, opens, row.imported ? zooText("imported") : ""), ...cells, ...costs), opens);
}

function matrixCell(row, name, task) {
  const { value, best, group: place, mark, gap } = row.cells[name];
  const text = mark ?? (100 * value).toFixed(1);
  const cell = button(text, () => openTask(name), "zoo-cell");
  if (gap) {
    cell.title = gap;
    cell.setAttribute("aria-label", `${text} ${gap}`);
  }
  cell.dataset.key = `${row.encoder}:${name}`;
  if (best) cell.classList.add("zoo-best");
  const shade = value === undefined || place === null ? "" : ` zoo-shade-${Math.min(place, 4)}`;
  const kind = value === undefined ? " zoo-gap" : "";
  return make("td", { class: `zoo-figure${shade}${kind}${name === task.name ? " zoo-chosen" : ""}` }, cell);
}

/** The first task that has a checkpoint of the encoder's default recipe, or of any; null where none has. */
function checkpointOf(encoder, tasks) {
  for (const task of tasks) {
    const found = taskOf(task).entries.filter((entry) => entry.encoder === encoder && entry.opens);
    const entry = found.find(({ variant }) => variant === "") ?? found[0];
    if (entry) return { task, name: entry.opens };
  }
  return null;
}

function encoderHead({ link, licence }, name, opens, variant = "") {
  const shown = opens ? button(name, () => compare(opens), "zoo-open") : make("span", { class: "zoo-closed" }, name);
  shown.title = opens ? zooText("open_compare", { name }) : zooText("no_checkpoint");
  const facts = make("span", { class: "zoo-quiet" }, licence ? zooText("licence", { licence }) : "", " ");
  if (link) facts.append(outside(link, name));
  const badge = opens ? make("span", { class: "zoo-badge" }, zooText("tab_compare")) : "";
  const recipe = variant ? make("span", { class: "zoo-variant" }, variant) : "";
  return make("th", { scope: "row" }, shown, " ", badge, recipe, make("div", {}, facts));
}

/** A row that a click anywhere opens in Compare. */
function openable(row, opens) {
  if (!opens) return row;
  row.classList.add("zoo-openable");
  row.addEventListener("click", ({ target }) => target.closest("button, a, input, label") ?? compare(opens));
  return row;
}

const compare = ({ task, name }) => zooAddress.go("compare", { task, checkpoint: [name], threshold: null, scores: null });
