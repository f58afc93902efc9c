/**
 * The twin of `zoo.decision`, for one text: tests/demo holds the two equal.
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
  const best = highest(scores);
  const single = problemType === "single_label_classification";
  return scores.map((score, i) => (score >= thresholds[i] && (!single || i === best) ? 1 : 0));
}

/** The place of the highest score, the first of equals. */
const highest = (scores) => scores.indexOf(Math.max(...scores));

/**
 * What a policy makes of decided labels: at least one of them, and at most so many, those with the highest scores.
 *
 * @param {number[]} decided as `decide` returns it
 * @param {number[]} scores one for each label
 * @param {{at_least_one: boolean, at_most: ?number}} policy
 * @returns {number[]} 1 for each label that is left, else 0
 */
function limit(decided, scores, policy) {
  const found = [...decided];
  if (policy.at_least_one && !found.includes(1)) found[highest(scores)] = 1;
  if (policy.at_most === null) return found;
  const order = scores.map((_, i) => i).filter((i) => found[i]);
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  for (const i of order.slice(policy.at_most)) found[i] = 0;
  return found;
}

/**
 * Whether a person should look at a text: a score, in a single-label problem the highest, is unsure.
 *
 * @param {string} problemType as in `decide`
 * @param {number[]} scores one for each label
 * @param {?number[][]} unsure of each label the low and the high threshold; null where nothing is left to a person
 */
function handOver(problemType, scores, unsure) {
  if (unsure === null) return false;
  const best = highest(scores);
  const possible = (i) => problemType === "multi_label_classification" || i === best;
  return scores.some((score, i) => possible(i) && score >= unsure[i][0] && score < unsure[i][1]);
}

/** The threshold that a person typed or slid to, in steps of 0.01; null where the field is empty; an error where it
 * is none, with the text as its message. */
function readThreshold(text) {
  if (text.trim() === "") return null;
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new RangeError(text);
  return Math.round(100 * value) / 100;
}
