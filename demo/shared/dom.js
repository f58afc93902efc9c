// What the scripts of the tabs draw with. Text reaches the page only as text nodes.

const SPACE = zooChinese ? "" : " "; // between two sentences

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children); // strings become text nodes
  return node;
}

function button(text, onclick, name = "zoo-button") {
  return make("button", { type: "button", class: name, onclick }, text);
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Reached by the keyboard, since it scrolls.
const scroll = (table, name) => make("div", { class: "zoo-scroll", tabindex: 0, role: "region", "aria-label": name }, table);

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** How two numbers or texts are sorted, up with the `sign` 1 and down with -1; null comes last. */
function inOrder(one, other, sign) {
  if (one === null || other === null) return (one === null) - (other === null);
  return sign * (typeof one === "string" ? one.localeCompare(other) : one - other);
}

/** The value that `packed` of demo.shared.drawing has made a text of; null where there is none. `props` is gradio's. */
const unpacked = () => (props.value ? JSON.parse(props.value)[0] : null);
