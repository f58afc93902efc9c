// The metrics of decided labels with their intervals, in the browser: what `compute_metrics` and `resample` of
// benchmark.statistics are on the server. tests/demo holds them equal.

const DRAWS = 1000;

/**
 * What each row adds to the metrics of one model, as `columnsOf` lays it out: hits, decided and gold together, F1,
 * whether all is right, Jaccard, wrong labels; then the hits and the sums of each label.
 *
 * @param {Uint8Array} gold 1 where a label is gold, row after row
 * @param {Uint8Array} decided the same
 * @param {number} labels how many there are
 */
function columnsOf(gold, decided, labels) {
  const rows = gold.length / labels;
  const width = 6 + 2 * labels;
  const columns = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * labels, row * width];
    let [hits, both] = [0, 0];
    for (let label = 0; label < labels; label++) {
      const [right, sum] = [gold[from + label] & decided[from + label], gold[from + label] + decided[from + label]];
      columns[to + 6 + label] = right;
      columns[to + 6 + labels + label] = sum;
      hits += right;
      both += sum;
    }
    const wrong = both - 2 * hits;
    columns.set([hits, both, both ? (2 * hits) / both : 0, wrong ? 0 : 1, both ? hits / (both - hits) : 0, wrong], to);
  }
  return { columns, rows, labels, width };
}

/** The metrics by name, from the sums of the columns over as many rows as there are. */
function metricsOf(sums, { rows, labels }) {
  let macro = 0;
  for (let label = 0; label < labels; label++) macro += ratio(2 * sums[6 + label], sums[6 + labels + label]);
  return {
    f1_micro: ratio(2 * sums[0], sums[1]),
    f1_macro: macro / labels,
    f1_samples: sums[2] / rows,
    subset_accuracy: sums[3] / rows,
    jaccard_samples: sums[4] / rows,
    hamming_loss: sums[5] / (rows * labels),
  };
}

const ratio = (part, whole) => (whole ? part / whole : 0);

function sumsOf({ columns, rows, width }, pick) {
  const sums = new Float64Array(width);
  for (let i = 0; i < rows; i++) {
    const from = pick(i) * width;
    for (let column = 0; column < width; column++) sums[column] += columns[from + column];
  }
  return sums;
}

const measure = (model) => metricsOf(sumsOf(model, (row) => row), model);

/** The 95 % intervals of the metrics by name, [low, high], from bootstraps of the rows around their mean. */
function intervalsOf(model) {
  const values = measure(model);
  const random = randomNumbers(1); // the same thresholds have the same intervals
  const drawn = Array.from({ length: DRAWS }, () => metricsOf(sumsOf(model, () => Math.floor(random() * model.rows)), model));
  const around = (name) => {
    const found = drawn.map((each) => each[name]).sort((a, b) => a - b);
    const centre = found.reduce((sum, each) => sum + each, 0) / DRAWS;
    const [low, high] = [0.025, 0.975].map((share) => values[name] - centre + quantile(found, share));
    return [Math.max(0, Math.min(low, values[name])), Math.min(1, Math.max(high, values[name]))];
  };
  return Object.fromEntries(Object.keys(values).map((name) => [name, around(name)]));
}

function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

/** Random numbers in [0, 1) from a seed: a linear congruential generator, with the constants of Numerical Recipes. */
function randomNumbers(seed) {
  return () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}
