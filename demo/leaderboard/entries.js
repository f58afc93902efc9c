// The table of a task, and the verdict on two of its entries. A part of the leaderboard: see script.js.

const unfolded = new Set(); // encoders whose trials are shown
const SIZES = [
  ["", 0, Infinity],
  ["size_1", 0, 25],
  ["size_2", 25, 100],
  ["size_3", 100, Infinity],
]; // millions of parameters

const sizeOf = (entry) => entry.numbers["parameters (M)"] ?? NaN;
// An imported model may be of unknown size: it is shown where no size is chosen.
const inSize = (entry, key) => SIZES.some(([name, low, high]) => name === key && low <= sizeOf(entry) && sizeOf(entry) < high);

function tableChoice(task, asked) {
  const families = [...new Set(task.entries.map(({ family }) => family))].sort();
  const family = families.includes(asked.get("family")) ? asked.get("family") : "";
  const size = SIZES.some(([name]) => name === asked.get("size")) ? asked.get("size") : "";
  const more = asked.getAll("column").filter((name) => task.columns.includes(name) && !page.usual.includes(name));
  const names = task.entries.map(({ name }) => name);
  const picked = asked.getAll("pick").filter((name) => names.includes(name));
  const first = task.entries.filter(({ rank }) => rank).slice(0, 2).map(({ name }) => name);
  return { families, family, size, more, sort: asked.get("sort"), picked: asked.has("pick") ? picked : first };
}

function taskPart(state) {
  const { task } = state;
  const title = make("h2", {}, task.name, task.link ? " " : "", task.link ? outside(task.link, task.name) : "");
  const told = make("p", {}, task.first.join(SPACE));
  const note = make("p", { class: "zoo-quiet" }, task.note);
  const parts = [title, told, note, verdict(state), filters(state), scroll(entryTable(state), task.name), front(state)];
  if (task.published.rows.length) parts.push(publishedPart(task.published));
  return [make("div", { class: "zoo-of-task" }, ...parts)];
}

// -- two entries ----------------------------------------------------------------------------------------------------

function verdict({ task, picked }) {
  const box = make("div", { class: "zoo-verdict", "aria-live": "polite" });
  if (picked.length < 2) return box.append(make("p", { class: "zoo-quiet" }, zooText("pick_two"))), box;
  const both = picked.map((name) => task.entries.find((entry) => entry.name === name));
  const [a, b] = both.map(({ encoder, variant }) => JSON.stringify([encoder, variant]));
  const has = ({ entries }) => entries.every((key) => [a, b].includes(JSON.stringify(key)));
  const pair = task.pairs.find(has);
  const told = pair ? pair.told.join(SPACE) : zooText("pair_none");
  const open = button(zooText("pair_open"), () =>
    zooAddress.go("explore", { explore: task.name, a, b, seed: null, judged: null, gold: null }),
  );
  const word = pair ? make("span", { class: `zoo-badge zoo-${pair.verdict}` }, zooText(`verdict_${pair.verdict}`)) : "";
  box.append(make("strong", {}, zooText("pair_title", { a: picked[0], b: picked[1] })), " ", word, make("p", {}, told), open);
  return box;
}

function pick(state, name, on) {
  const picked = state.picked.filter((each) => each !== name);
  choose({ pick: on ? [...picked.slice(-1), name] : picked.length ? picked : [""] });
}

// -- the table ------------------------------------------------------------------------------------------------------

function filters(state) {
  const { task, families, family, size, more } = state;
  const sizes = SIZES.filter(([name]) => !name || task.entries.some((entry) => inSize(entry, name))).map(([name]) => name);
  const parts = [];
  if (families.length > 1) parts.push(select("family_filter", "family", ["", ...families], family, (name) => name || zooText("all_families")));
  if (sizes.length > 2) parts.push(select("size_filter", "size", sizes, size, (name) => zooText(name || "any_size")));
  const others = task.columns.filter((name) => !page.usual.includes(name));
  const boxes = others.map((name) => {
    const onchange = ({ target }) => choose({ column: target.checked ? [...more, name] : more.filter((each) => each !== name) });
    const box = make("input", { type: "checkbox", onchange, "data-key": `column=${name}` });
    box.checked = more.includes(name);
    return make("label", {}, box, task.headings[name]);
  });
  const list = make("details", { class: "zoo-columns" }, make("summary", {}, zooText("more_columns")), make("div", {}, ...boxes));
  list.open = columnsOpen;
  list.addEventListener("toggle", () => (columnsOpen = list.open));
  return make("div", { class: "zoo-filters" }, ...parts, list);
}
let columnsOpen = false;

function select(key, name, choices, value, text) {
  const options = choices.map((each) => make("option", { value: each }, text(each)));
  const node = make("select", { class: "zoo-field", "data-key": name, onchange: ({ target }) => choose({ [name]: target.value || null }) }, ...options);
  node.value = value;
  return make("label", {}, zooText(key), node);
}

function entryTable(state) {
  const { task, more } = state;
  const rows = shownRows(state);
  const columns = [...page.usual, ...more];
  const low = Math.min(...rows.map((entry) => entry.low));
  const high = Math.max(...rows.map((entry) => entry.high));
  const score = zooText("col_score", { metric: task.metric });
  const head = [
    make("td", { class: "zoo-pick" }),
    sortable(state, "rank", zooText("col_rank"), "zoo-figure"),
    sortable(state, "encoder", zooText("col_encoder")),
    sortable(state, "score", score, "zoo-figure"),
    ...columns.map((name) => sortable(state, name, task.headings[name], "zoo-figure")),
  ];
  const body = rows.flatMap((entry) => entryRows(entry, state, columns, [low, high]));
  return make("table", { class: "zoo-board" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body));
}

const VALUES = { rank: ({ rank }) => rank?.[0] ?? null, encoder: ({ name }) => name, score: ({ value }) => value };
const valueOf = (entry, column) => (VALUES[column] ? VALUES[column](entry) : entry.numbers[column] ?? null);

/** The entries that are not folded, filtered and sorted; what has no number comes last. */
function shownRows({ task, family, size, speed, sort }) {
  const isFast = ({ numbers }) => !speed || (numbers["latency p50 (ms)"] ?? Infinity) <= Number(speed);
  const kept = (entry) => (!family || entry.family === family) && (!size || inSize(entry, size)) && isFast(entry);
  const rows = task.entries.filter((entry) => !entry.folded && kept(entry));
  if (!sort) return rows;
  const [sign, column] = sort.startsWith("-") ? [-1, sort.slice(1)] : [1, sort];
  return [...rows].sort((a, b) => inOrder(valueOf(a, column), valueOf(b, column), sign));
}

/** The heading of a column: a click sorts by it, the best or largest first; the next click turns it round. */
function sortable({ sort }, column, text, name = "") {
  const down = !["rank", "encoder"].includes(column);
  const [first, second] = down ? [`-${column}`, column] : [column, `-${column}`];
  const node = button(text, () => choose({ sort: sort === first ? second : first }), "zoo-sort");
  node.dataset.key = `sort=${column}`;
  const sorted = { [column]: "ascending", [`-${column}`]: "descending" }[sort];
  return make("th", { scope: "col", class: name, "aria-sort": sorted ?? null }, node);
}

function entryRows(entry, state, columns, range) {
  const trials = state.task.entries.filter(({ encoder, folded }) => folded && encoder === entry.encoder);
  const rows = [entryRow(entry, state, columns, range)];
  const first = state.task.entries.find(({ encoder }) => encoder === entry.encoder) === entry;
  if (!trials.length || !first) return rows;
  const open = unfolded.has(entry.encoder);
  const text = zooText(trials.length === 1 ? "folded_one" : "folded_many", { number: trials.length });
  const fold = button(`${open ? "▾" : "▸"} ${text}`, () => (open ? unfolded.delete(entry.encoder) : unfolded.add(entry.encoder), choose({})), "zoo-fold");
  fold.setAttribute("aria-expanded", String(open));
  fold.dataset.key = `fold=${entry.encoder}`;
  rows[0].querySelector("th").append(fold);
  return open ? [...rows, ...trials.map((trial) => entryRow(trial, state, columns, range))] : rows;
}

function entryRow(entry, state, columns, range) {
  const { name, encoder, variant, rank, why, opens, numbers } = entry;
  const opened = opens ? { task: state.task.name, name: opens } : null;
  const onchange = ({ target }) => pick(state, name, target.checked);
  const box = make("input", { type: "checkbox", onchange, "aria-label": zooText("pick", { name }), "data-key": `pick=${name}` });
  box.checked = state.picked.includes(name);
  const ranks = [rank && (rank[0] < rank[1] ? `${rank[0]}–${rank[1]}` : String(rank[0])), why].filter(Boolean).join(" ");
  const cells = columns.map((column) => make("td", { class: "zoo-figure" }, figure(column, numbers[column])));
  const place = make("td", { class: `zoo-figure${rank ? "" : " zoo-gap"}` }, ranks);
  const row = make("tr", {}, make("td", { class: "zoo-pick" }, box), place, encoderHead(entry, encoder, opened, variant), scoreCellOf(entry, range), ...cells);
  if (entry.folded) row.classList.add("zoo-folded");
  return openable(row, opened);
}

function scoreCellOf({ value, low, high, flags }, [from, to]) {
  const at = (number) => `${to > from ? (100 * (number - from)) / (to - from) : 50}%`;
  const percent = (number) => (100 * number).toFixed(1);
  const line = make("i", { style: `left:${at(low)};width:calc(${at(high)} - ${at(low)})` });
  const drawn = make("span", { class: "zoo-range", "aria-hidden": "true" }, line, make("b", { style: `left:${at(value)}` }));
  const span = make("span", { class: "zoo-quiet" }, `${percent(low)}–${percent(high)}`);
  const cell = make("td", { class: "zoo-figure zoo-interval" }, make("strong", {}, percent(value)), drawn, span);
  if (flags) cell.append(make("abbr", { title: zooText("narrow_interval", { flags }) }, "*"));
  return cell;
}

function figure(column, value) {
  if (value === null || value === undefined) return "–";
  if (column === "truncated") return `${(100 * value).toFixed(1)} %`;
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.abs(value) >= 1 ? 1 : 3);
}

function publishedPart({ headings, rows, links }) {
  const head = make("tr", {}, ...headings.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.map((row, i) => {
    const last = links[i] ? make("a", { href: links[i], target: "_blank", rel: "noopener" }, row.at(-1)) : row.at(-1);
    return make("tr", {}, ...row.slice(0, -1).map((cell) => make("td", {}, cell)), make("td", {}, last));
  });
  const table = make("table", { class: "zoo-board" }, make("thead", {}, head), make("tbody", {}, ...body));
  return make("details", { class: "zoo-published" }, make("summary", {}, zooText("published")), scroll(table, zooText("published")));
}
