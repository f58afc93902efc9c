// Precision, recall and F1 of a threshold on the validation rows, from the counts of demo.compare.validation, and their curve.

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]; // Okabe and Ito's
const FITTED = 101; // where the counts of the fitted threshold stand, after those of 0.00, 0.01 ... 1.00

/** The place of a threshold in the counts: null is fitted, a number a multiple of 0.01. */
const placeOf = (threshold) => (threshold === null ? FITTED : Math.round(100 * threshold));

/**
 * @param {{predicted: number[][], right: number[][]}} counts of one kind of scores
 * @param {number[]} positives how many rows have each label
 * @param {number} index of the label
 * @param {?number} threshold
 * @returns {{predicted: number, right: number, positives: number}}
 */
function countsAt(counts, positives, index, threshold) {
  const place = placeOf(threshold);
  return { predicted: counts.predicted[index][place], right: counts.right[index][place], positives: positives[index] };
}

/** Precision, recall and F1 as scikit-learn has them with zero_division=0. */
function precisionRecall({ predicted, right, positives }) {
  const share = (part, whole) => (whole ? part / whole : 0);
  return {
    precision: share(right, predicted),
    recall: share(right, positives),
    f1: share(2 * right, predicted + positives),
  };
}

/** Micro- and macro-F1 of all labels, and the share of rows that are right where each row has one label. */
function overall(every, rows) {
  const sum = (name) => every.reduce((total, counts) => total + counts[name], 0);
  const all = { predicted: sum("predicted"), right: sum("right"), positives: sum("positives") };
  const f1s = every.map((counts) => precisionRecall(counts).f1);
  return {
    micro: precisionRecall(all).f1,
    macro: f1s.reduce((total, f1) => total + f1, 0) / f1s.length,
    accuracy: all.right / rows,
  };
}

/** The points [recall, precision] of a label's thresholds from 1 down to 0, without those that decide nothing. */
function curvePoints(counts, positives, index) {
  const points = [];
  for (let place = FITTED - 1; place >= 0; place--) {
    if (counts.predicted[index][place] === 0) continue;
    const { precision, recall } = precisionRecall(countsAt(counts, positives, index, place / 100));
    points.push([recall, precision]);
  }
  return points;
}

const acrossOf = (recall) => 30 + 170 * recall;
const downOf = (precision) => 10 + 130 * (1 - precision);

/** An empty precision-recall plot with a curve and a dot for each model; `place(i, counts)` moves a model's dot. */
function precisionRecallPlot(curves, title) {
  const grid = [0, 0.5, 1].flatMap((share) => [
    svg("line", { x1: 30, x2: 200, y1: downOf(share), y2: downOf(share), class: "zoo-grid" }),
    svg("line", { y1: 10, y2: 140, x1: acrossOf(share), x2: acrossOf(share), class: "zoo-grid" }),
    svg("text", { x: 26, y: downOf(share) + 4, "text-anchor": "end" }, String(share)),
    svg("text", { x: acrossOf(share), y: 153, "text-anchor": "middle" }, String(share)),
  ]);
  const axes = [
    svg("text", { x: 115, y: 166, "text-anchor": "middle" }, zooText("recall")),
    svg("text", { x: 0, y: 0, "text-anchor": "middle", transform: "translate(9 75) rotate(-90)" }, zooText("precision")),
  ];
  const lines = curves.map((points, i) =>
    svg("polyline", {
      points: points.map(([recall, precision]) => `${acrossOf(recall)},${downOf(precision)}`).join(" "),
      stroke: COLOURS[i % COLOURS.length],
      class: "zoo-curve",
    }),
  );
  const dots = curves.map((_, i) => svg("circle", { r: 5, fill: COLOURS[i % COLOURS.length], class: "zoo-dot" }));
  const plot = svg("svg", { viewBox: "0 0 208 170", role: "img", "aria-label": title, class: "zoo-plot" });
  plot.append(...grid, ...axes, ...lines, ...dots);
  const place = (i, counts) => {
    const { precision, recall } = precisionRecall(counts);
    dots[i].style.transform = `translate(${acrossOf(recall)}px, ${downOf(precision)}px)`;
  };
  return { plot, place };
}
