// The view in the page's address, and Python code that asks the server for it. A part of the comparison: see script.js,
// whose variables it uses.

/** Note the view in the page's address; with `step`, Back returns to the text or task before. What is typed since stands
 * beside it as a draft. */
function keepAddress(step = false) {
  const { text, task, answers, failures } = comparison;
  const threshold = [...byHand()].map(([label, value]) => `${value} ${label}`);
  const kind = { scores: calibrated ? null : "raw", order: order === "score" ? null : order, find: filter || null, policy: policy || null };
  const now = zooAddress.read();
  const moved = step && now.has("text") && (now.get("text") !== text || now.get("task") !== task);
  if (moved) zooAddress.write({ draft: null });
  const checkpoint = [...answers, ...failures].map(({ name }) => name);
  zooAddress.write({ task, text, checkpoint, threshold, draft: isStale() ? box().value : null, ...kind }, moved);
}

/** The thresholds set by hand, the kind of scores and the order in an address; what does not fit is left out. */
function viewIn(state, labels) {
  const thresholds = new Map();
  for (const each of state.getAll("threshold")) {
    const [, value, label] = each.match(/^([\d.]+) (.*)$/s) ?? [];
    if (labels.includes(label) && Number(value) <= 1) thresholds.set(label, readThreshold(value));
  }
  const asked = state.get("order");
  const order = ["disagreement", "name"].includes(asked) ? asked : "score";
  return { thresholds, calibrated: state.get("scores") !== "raw", order, filter: state.get("find") ?? "" };
}

/** Python code that asks the app for this view; JSON strings, numbers and null-free lists are Python's too. Thresholds of a
 * policy differ from model to model, so each model is asked with its own. */
function pythonOf({ text, task, answers, labels }, thresholds, calibrated) {
  const of = (answer) => Object.fromEntries(labels.map((label, i) => [label, thresholds.get(label) ?? fittedOf(answer)[i]]));
  const each = policy ? Object.fromEntries(answers.map((answer) => [answer.name, of(answer)])) : null;
  const names = answers.map((answer) => answer.name);
  const asked = each ? "[name]" : JSON.stringify(names);
  const given = each ? "thresholds[name]" : JSON.stringify(Object.fromEntries(thresholds));
  const call = [
    "found = client.predict(",
    `    text=${JSON.stringify(text)},`,
    `    task=${JSON.stringify(task)},`,
    `    checkpoints=${asked},`,
    ...(calibrated ? [] : ["    calibrated=False,"]),
    ...(each || thresholds.size ? [`    thresholds=${given},`] : []),
    '    api_name="/classify",',
    ")",
    'print({answer["name"]: answer["decided"] for answer in found["answers"]})',
  ];
  const lines = ["from gradio_client import Client", "", `client = Client(${JSON.stringify(location.origin + location.pathname)})`];
  if (!each) return [...lines, ...call].join("\n");
  const loop = [`thresholds = ${JSON.stringify(each)}`, "for name in thresholds:", ...call.map((line) => `    ${line}`)];
  return [...lines, ...loop].join("\n");
}

function sharing() {
  all.python = make("code");
  const copyLink = copier("copy_link", () => location.href);
  const copyPython = copier("copy_python", () => all.python.textContent);
  const block = make("pre", { tabindex: 0, "aria-label": "Python" }, all.python);
  const buttons = make("div", { class: "zoo-buttons" }, copyLink, copyPython);
  return make("details", { class: "zoo-sharing" }, make("summary", {}, zooText("share")), buttons, block);
}

function updateSharing() {
  all.python.textContent = pythonOf(comparison, byHand(), calibrated);
}

function copier(key, content) {
  const copy = button(zooText(key), async () => {
    try {
      await navigator.clipboard.writeText(content());
      copy.textContent = zooText("copied");
    } catch {
      copy.textContent = zooText("not_copied"); // no permission, or no https: the text stands there to be marked
    }
    setTimeout(() => (copy.textContent = zooText(key)), 1500);
  });
  return copy;
}
