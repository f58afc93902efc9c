// Quality against cost, one dot an entry that is not folded. A part of the leaderboard: see script.js. The names stand
// beside the plot, in the order of the dots and apart from each other, so that none is printed over another.

const FRONT = { plot_time: "latency p50 (ms)", plot_training: "training (s)" };
let drawnFront = "plot_time";

function front(state) {
  const toggles = Object.keys(FRONT).map((key) => toggle(zooText(key), key === drawnFront, key, () => ((drawnFront = key), choose({}))));
  const entries = shownRows(state).filter((entry) => entry.numbers[FRONT[drawnFront]] > 0);
  const kinds = make("div", { class: "zoo-buttons", role: "group", "aria-label": zooText("which_plot") }, ...toggles);
  return make("div", { class: "zoo-front" }, kinds, ...(entries.length ? [plotOf(entries, state.task)] : []));
}

/** The powers of ten between two exponents; where these are few, what lies between them, too. */
function roundCosts(cheap, dear) {
  const powers = Array.from({ length: Math.ceil(dear) - Math.floor(cheap) + 1 }, (_, i) => 10 ** (Math.floor(cheap) + i));
  const between = dear - cheap > 2.5 ? [1] : dear - cheap > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 5, 7];
  const found = powers.flatMap((power) => between.map((times) => times * power));
  return found.filter((cost) => cost >= 10 ** cheap && cost <= 10 ** dear);
}

function plotOf(entries, { metric, headings }) {
  const width = Math.max(320, Math.min(root.clientWidth || 760, 900));
  const wide = Math.max(...entries.map(({ name }) => name.length)) > 18 && width < 600 ? 150 : 190;
  const [left, right, top, bottom] = [44, width - wide, 28, 46 + Math.max(230, 18 * entries.length)];
  const costs = entries.map((entry) => Math.log10(entry.numbers[FRONT[drawnFront]]));
  const [cheap, dear] = [Math.min(...costs) - 0.1, Math.max(...costs) + 0.1];
  const [low, high] = [Math.min(...entries.map((entry) => entry.low)), Math.max(...entries.map((entry) => entry.high))];
  const across = (cost) => left + ((right - left) * (cost - cheap)) / (dear - cheap);
  const down = (value) => bottom - ((bottom - top) * (value - low)) / (high - low || 1);
  const marks = [];
  for (const value of [low, (low + high) / 2, high]) {
    marks.push(svg("line", { x1: left, x2: right, y1: down(value), y2: down(value), class: "zoo-grid" }));
    marks.push(svg("text", { x: left - 6, y: down(value) + 4, "text-anchor": "end" }, (100 * value).toFixed(0)));
  }
  for (const cost of roundCosts(cheap, dear)) {
    const x = across(Math.log10(cost));
    marks.push(svg("line", { y1: top, y2: bottom, x1: x, x2: x, class: "zoo-grid" }));
    marks.push(svg("text", { x, y: bottom + 15, "text-anchor": "middle" }, cost.toLocaleString("en-US")));
  }
  const cost = zooText("plot_log", { cost: headings[FRONT[drawnFront]] });
  marks.push(svg("text", { x: 0, y: 12 }, metric), svg("text", { x: left, y: bottom + 32 }, cost));
  const order = entries.map((entry, i) => ({ entry, x: across(costs[i]), y: down(entry.value) })).sort((a, b) => a.y - b.y);
  let last = top - 10;
  const room = Math.max(14, Math.min(18, (bottom - top) / order.length));
  order.forEach((dot, i) => (last = dot.label = Math.min(Math.max(dot.y, last + room), bottom - room * (order.length - 1 - i))));
  for (const { entry, x, y, label } of order) {
    marks.push(svg("line", { x1: x, x2: x, y1: down(entry.low), y2: down(entry.high), class: "zoo-whisker" }));
    marks.push(svg("polyline", { points: `${x},${y} ${right - 6},${label} ${right},${label}`, class: "zoo-leader" }));
    const dot = svg("circle", { cx: x, cy: y, r: 5, class: "zoo-point" }, svg("title", {}, `${entry.name}: ${(100 * entry.value).toFixed(1)}`));
    const long = entry.name.length > 24 ? `${entry.name.slice(0, 23)}…` : entry.name;
    marks.push(dot, svg("text", { x: right + 4, y: label + 4, class: "zoo-dot-name" }, long));
  }
  return svg("svg", { viewBox: `0 0 ${width} ${bottom + 40}`, width, role: "img", "aria-label": `${metric}, ${cost}`, class: "zoo-front-plot" }, ...marks);
}
