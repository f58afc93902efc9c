// The controls for all labels. A part of the comparison: see script.js, whose variables it uses.

function controls() {
  const reset = button(zooText("reset"), () => (forget(), policy ? followPolicy("") : drawAll()));
  all.mode = make("p", { class: "zoo-quiet zoo-mode", "aria-live": "polite" });
  const leave = single() ? [leaveUndecided()] : [];
  if (!slides()) return make("div", { class: "zoo-controls" }, ...leave, make("div", { class: "zoo-buttons" }, reset), all.mode);
  all.slider = slider(zooText("threshold_all"), (value) => set(comparison.labels, value));
  all.field = field(zooText("threshold_all_number"), (value) => set(comparison.labels, value));
  all.fitted = button(zooText("fitted_thresholds"), () => (policy ? followPolicy("") : set(comparison.labels, null)));
  all.half = button("0.5", () => set(comparison.labels, 0.5));
  const name = make("strong", {}, zooText("all_labels"));
  const global = make("div", { class: "zoo-global" }, name, all.slider, all.field);
  const buttons = make("div", { class: "zoo-buttons" }, all.fitted, all.half, policyPart(), reset);
  return make("div", { class: "zoo-controls" }, ...leave, global, buttons, all.mode);
}

/** A single-label task has thresholds only where a text whose highest score is low may be left without a label. */
function leaveUndecided() {
  const onchange = ({ target }) => {
    undecided = target.checked;
    for (const label of comparison.labels) chosen.set(label, undecided ? 0.5 : null);
    if (policy) followPolicy("");
    else drawAll();
  };
  const box = make("input", { type: "checkbox", onchange });
  box.checked = undecided;
  return make("label", { class: "zoo-leave" }, box, zooText("unsure"));
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
