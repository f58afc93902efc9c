// Draws the place above a tab's results: a problem, or a few lines. It runs inside gr.HTML, behind dom.js.

function show({ problem, told, lines = [], progress }) {
  const nodes = lines.map((text) => make("p", { class: "zoo-quiet" }, text));
  if (told) nodes.unshift(make("p", { class: "zoo-told" }, told));
  if (problem) nodes.unshift(make("p", { class: "zoo-notice", role: "alert" }, problem));
  if (progress !== undefined) nodes.push(make("progress", { max: 1, value: progress, "aria-label": lines[0] ?? "" }));
  element.querySelector("section").replaceChildren(...nodes);
}

show(props.value ?? {});
watch("value", () => show(props.value ?? {}));
