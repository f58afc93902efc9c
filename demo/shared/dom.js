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

/** The value that `packed` of demo.shared.drawing has made a text of; null where there is none. `props` is gradio's. */
const unpacked = () => (props.value ? JSON.parse(props.value)[0] : null);
