// The thresholds of a batch: moved here, they decide all rows anew in the browser, and the metrics follow. A part of the
// results: see results.js, whose variables it uses.

const ALL = "";
let chosen = []; // one a label: null is fitted (every model its own), a number holds for all models
let slid = ALL; // the label whose threshold the slider moves
let told = null; // what holds, in words
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
  const label = make("select", { class: "zoo-field", "aria-label": name }, make("option", { value: ALL }, zooText("all_labels")), ...choices);
  const slider = make("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": zooText("batch_threshold") });
  const field = make("input", { type: "number", min: 0, max: 1, step: 0.01, class: "zoo-field zoo-number", placeholder: zooText("fitted"), "aria-label": zooText("batch_threshold_number") });
  const everywhere = found.labels.map((_, i) => i);
  const places = () => (slid === ALL ? everywhere : [found.labels.indexOf(slid)]);
  const fitted = button(zooText("fitted_thresholds"), () => set(null, everywhere));
  const show = () => {
    const values = places().map((i) => chosen[i]);
    const one = values.every((value) => value === values[0]) ? values[0] : null;
    const at = one ?? mean(places().flatMap((i) => found.models.map(({ thresholds }) => thresholds[i])));
    slider.value = at;
    slider.style.setProperty("--at", `${100 * at}%`);
    slider.classList.toggle("zoo-fitted", one === null);
    field.removeAttribute("aria-invalid");
    if (field !== document.activeElement) field.value = one ?? "";
    fitted.setAttribute("aria-pressed", String(isFitted()));
  };
  const set = (value, at = places()) => {
    for (const i of at) chosen[i] = value;
    show();
    decideAll();
  };
  label.addEventListener("change", () => ((slid = label.value), show()));
  slider.addEventListener("input", () => set(Number(slider.value)));
  field.addEventListener("input", () => {
    let value;
    try {
      value = readThreshold(field.validity.badInput ? "?" : field.value);
    } catch {
      return field.setAttribute("aria-invalid", "true");
    }
    set(value);
  });
  told = make("p", { class: "zoo-quiet zoo-mode", "aria-live": "polite" }, zooText("mode_fitted"));
  show();
  const moved = make("div", { class: "zoo-global" }, label, slider, field);
  return [make("div", { class: "zoo-controls" }, moved, make("div", { class: "zoo-buttons" }, fitted), told)];
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Decide every row at the chosen thresholds. The intervals follow when the slider rests. */
function decideAll() {
  const { labels, models, rows } = found;
  const kind = "multi_label_classification";
  const one = chosen.every((value) => value === chosen[0]) ? chosen[0] : null;
  const number = chosen.filter((value) => value !== null).length;
  const words = one === null ? zooText("mode_by_hand", { number, all: labels.length }) : zooText("mode_shared", { value: one.toFixed(2) });
  told.textContent = isFitted() ? zooText("mode_fitted") : `${words} ${zooText("batch_files_fitted")}`;
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
