/**
 * The twin of `zoo.decision.Decision.decide`, for one text: tests/demo holds the two equal.
 *
 * A label is decided when its score reaches its threshold; in a single-label problem only the label with the highest
 * score, the first of equals, can be.
 *
 * @param {string} problemType "single_label_classification" or "multi_label_classification"
 * @param {number[]} scores one for each label, in [0, 1]
 * @param {number[]} thresholds one for each label, in [0, 1]
 * @returns {number[]} 1 for each decided label, else 0
 */
function decide(problemType, scores, thresholds) {
  const best = scores.indexOf(Math.max(...scores));
  const single = problemType === "single_label_classification";
  return scores.map((score, i) => (score >= thresholds[i] && (!single || i === best) ? 1 : 0));
}

/** The threshold that a person typed or slid to, in steps of 0.01; null where the field is empty; an error where it
 * is none, with the text as its message. */
function readThreshold(text) {
  if (text.trim() === "") return null;
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new RangeError(text);
  return Math.round(100 * value) / 100;
}
