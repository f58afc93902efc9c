// A link that opens the same view, and Python code that asks the server for it. A part of the comparison: see script.js,
// whose variables it uses.

/** The part of a link after "#": the text, task and checkpoints, and each threshold that was set by hand. */
function linkOf({ text, task, answers }, thresholds, calibrated) {
  const state = new URLSearchParams({ task, text });
  for (const answer of answers) state.append("checkpoint", answer.name);
  for (const [label, threshold] of thresholds) state.append("threshold", `${threshold} ${label}`);
  if (!calibrated) state.set("scores", "raw");
  return `#${state}`;
}

/** The thresholds set by hand and the kind of scores in a link; what does not fit the labels is left out. */
function viewIn(link, labels) {
  const state = new URLSearchParams(link.slice(1));
  const thresholds = new Map();
  for (const each of state.getAll("threshold")) {
    const [, value, label] = each.match(/^([\d.]+) (.*)$/s) ?? [];
    if (labels.includes(label) && Number(value) <= 1) thresholds.set(label, readThreshold(value));
  }
  return { thresholds, calibrated: state.get("scores") !== "raw" };
}

/** Python code that asks the app for this view; JSON strings, numbers and null-free lists are Python's too. */
function pythonOf({ text, task, answers }, thresholds, calibrated) {
  const lines = [
    "from gradio_client import Client",
    "",
    `client = Client(${JSON.stringify(location.origin + location.pathname)})`,
    "found = client.predict(",
    `    text=${JSON.stringify(text)},`,
    `    task=${JSON.stringify(task)},`,
    `    checkpoints=${JSON.stringify(answers.map((answer) => answer.name))},`,
  ];
  if (!calibrated) lines.push("    calibrated=False,");
  if (thresholds.size) lines.push(`    thresholds=${JSON.stringify(Object.fromEntries(thresholds))},`);
  lines.push('    api_name="/classify",', ")", 'print({answer["name"]: answer["decided"] for answer in found["answers"]})');
  return lines.join("\n");
}

function sharing() {
  // Into the address without a reload, which `hashchange` would bring about.
  const here = (event) => (event.preventDefault(), history.replaceState(null, "", all.link.href));
  all.link = make("a", { href: "#", onclick: here }, zooText("link_here"));
  all.python = make("code");
  const copyLink = copier("copy_link", () => all.link.href);
  const copyPython = copier("copy_python", () => all.python.textContent);
  const block = make("pre", { tabindex: 0, "aria-label": "Python" }, all.python);
  const buttons = make("div", { class: "zoo-buttons" }, copyLink, copyPython, all.link);
  return make("details", { class: "zoo-sharing" }, make("summary", {}, zooText("share")), buttons, block);
}

function updateSharing() {
  all.link.href = location.href.split("#")[0] + linkOf(comparison, byHand(), calibrated);
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
