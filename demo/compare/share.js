// A link that opens on the same view, and the Python that asks the same of the server.

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
