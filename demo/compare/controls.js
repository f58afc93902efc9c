// The controls for all labels. A part of the comparison: see script.js, whose variables it uses.

function controls() {
  const reset = button(zooText("reset"), () => (forget(), policy ? followPolicy("") : drawAll()));
  all.mode = make("p", { class: "zoo-quiet zoo-mode", "aria-live": "polite" });
  const leave = single() ? [leaveUndecided()] : [];
  if (!slides()) return make("div", { class: "zoo-controls" }, ...leave, make("div", { class: "zoo-buttons" }, reset), all.mode);
  all.slider = slider(zooText("threshold_all"), (value) => set(comparison.labels, value));
  all.field = field(zooText("threshold_all_number"), (value) => set(comparison.labels, value), outOfRange);
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

const outOfRange = (problem) => (all.mode.textContent = problem);

function set(labels, value) {
  for (const label of labels) chosen.set(label, value);
  update();
}
