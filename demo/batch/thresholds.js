// The thresholds of a batch: moved here, they decide all rows anew in the browser, and the metrics follow. A part of the
// results: see results.js, whose variables it uses.

const ALL = "";
let chosen = []; // one a label: null is fitted (every model its own), a number holds for all models
let slid = ALL; // the label whose threshold the slider moves
let told = null; // the line that says what holds
let resting = 0;

const isFitted = () => chosen.every((value) => value === null);
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function forgetThresholds() {
  [chosen, slid] = [found.labels.map(() => null), ALL];
  for (const model of found.models) model.scores = new Float64Array(bytesOf(model.scores).buffer);
}

/** The controls; none where the highest score wins. */
function thresholdPart() {
  if (found.single) return [];
  const name = zooText("batch_threshold_of");
  const choices = found.labels.map((label) => make("option", { value: label }, zooLabel(found.task, label)));
  const choice = make("select", { class: "zoo-field", "aria-label": name }, make("option", { value: ALL }, zooText("all_labels")), ...choices);
  const everywhere = found.labels.map((_, i) => i);
  const places = () => (slid === ALL ? everywhere : [found.labels.indexOf(slid)]);
  const fitted = button(zooText("fitted_thresholds"), () => set(null, everywhere));
  const show = () => {
    const values = places().map((i) => chosen[i]);
    const one = values.every((value) => value === values[0]) ? values[0] : null;
    place(controls, one ?? mean(places().flatMap((i) => found.models.map(({ thresholds }) => thresholds[i]))), one);
    fitted.setAttribute("aria-pressed", String(isFitted()));
    told.textContent = inWords();
  };
  const set = (value, at = places()) => {
    for (const i of at) chosen[i] = value;
    show();
    decideAll();
  };
  const controls = {
    slider: slider(zooText("batch_threshold"), (value) => set(value)),
    field: field(zooText("batch_threshold_number"), (value) => set(value), (problem) => (told.textContent = problem)),
  };
  choice.addEventListener("change", () => ((slid = choice.value), show()));
  told = make("p", { class: "zoo-quiet zoo-mode", "aria-live": "polite" });
  show();
  const moved = make("div", { class: "zoo-global" }, choice, controls.slider, controls.field);
  return [make("div", { class: "zoo-controls" }, moved, make("div", { class: "zoo-buttons" }, fitted), told)];
}

/** What holds, in words. */
function inWords() {
  if (isFitted()) return zooText("mode_fitted");
  const one = chosen.every((value) => value === chosen[0]) ? chosen[0] : null;
  const number = chosen.filter((value) => value !== null).length;
  const words = one === null ? zooText("mode_by_hand", { number, all: chosen.length }) : zooText("mode_shared", { value: one.toFixed(2) });
  return `${words} ${zooText("batch_files_fitted")}`;
}

/** Decide every row at the chosen thresholds. The intervals follow when the slider rests. */
function decideAll() {
  const { labels, models, rows } = found;
  const kind = "multi_label_classification";
  models.forEach((model, at) => {
    const thresholds = labels.map((_, i) => chosen[i] ?? model.thresholds[i]);
    rows.forEach((row, place) => {
      const scores = [...model.scores.subarray(place * labels.length, (place + 1) * labels.length)];
      const decided = limit(decide(kind, scores, thresholds), scores, model);
      row.decided[at] = labels.filter((_, i) => decided[i]);
    });
  });
  clearTimeout(resting);
  const measured = rows[0].gold && !isFitted() ? models.map((_, at) => columnsFor(at)) : null;
  refresh(measured?.map(measure));
  if (measured) resting = setTimeout(() => showMetrics(measured.map(measure), measured.map(intervalsOf)), 250);
}

function columnsFor(at) {
  const ones = (of) => Uint8Array.from(found.rows.flatMap((row) => found.labels.map((label) => Number(of(row).includes(label)))));
  return columnsOf(ones((row) => row.gold), ones((row) => row.decided[at]), found.labels.length);
}
