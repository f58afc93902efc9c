// Shows openapi.json: each endpoint with its arguments and its answer, and a form that asks it. Nothing comes from
// elsewhere.
const main = document.querySelector("main");

function add(parent, tag, text = "", attributes = {}) {
  const element = Object.assign(document.createElement(tag), attributes);
  element.textContent = text;
  parent.append(element);
  return element;
}

// A schema in words: string, list of numbers, null or Decision ...
function words(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(", ");
  if (schema.prefixItems) return `[${schema.prefixItems.map(words).join(", ")}]`;
  if (schema.type === "array") return `list of ${words(schema.items ?? {})}`;
  if (schema.additionalProperties) return `object of ${words(schema.additionalProperties)}`;
  return schema.type ?? "anything";
}

function table(parent, title, rows) {
  if (!rows.length) return;
  const body = add(parent, "table", "");
  add(body, "caption", title);
  for (const cells of rows) {
    const row = add(body, "tr");
    add(add(row, "th"), "code", cells[0]);
    for (const cell of cells.slice(1)) add(row, "td", cell);
  }
}

function rowsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, each]) => [
    name,
    words(each),
    each.description ?? "",
    required.has(name) ? "" : "optional",
  ]);
}

function addForm(section, path, method, example) {
  const body = add(section, "textarea", JSON.stringify(example, null, 1), { rows: 8, ariaLabel: `Arguments of ${path}` });
  body.hidden = !Object.keys(example).length;
  const button = add(section, "button", `${method} ${path}`);
  const answer = add(section, "pre");
  button.onclick = async () => {
    answer.textContent = "…";
    const get = method === "GET";
    try {
      const query = get ? `?${new URLSearchParams(JSON.parse(body.value))}` : "";
      const asked = { method, ...(get ? {} : { body: body.value, headers: { "content-type": "application/json" } }) };
      const found = await fetch(`.${path}${query}`, asked);
      answer.textContent = `${found.status}\n${JSON.stringify(await found.json(), null, 1)}`;
    } catch (error) {
      answer.textContent = String(error);
    }
  };
}

function addEndpoint(path, method, spec, shapes) {
  const section = add(main, "section");
  add(add(section, "h2"), "code", `${method} ${path}`);
  add(section, "p", spec.description);
  const body = spec.requestBody?.content["application/json"].schema;
  const inQuery = (spec.parameters ?? []).map((each) => [each.name, { ...each.schema, ...each }]);
  const given = body ? shapes[body.$ref.split("/").pop()] : { properties: Object.fromEntries(inQuery), required: [] };
  if (!body) given.required = Object.keys(given.properties);
  table(section, "Arguments", rowsOf(given));
  const examples = Object.entries(given.properties).filter(([, each]) => each.examples);
  const example = examples.map(([name, each]) => [name, each.examples[0]]);
  addForm(section, path, method, Object.fromEntries(example));
  add(section, "p", `Answer: ${words(spec.responses["200"].content["application/json"].schema)}`);
}

async function show() {
  const api = await (await fetch("openapi.json")).json();
  add(main, "h1", "Encoder Zoo: REST API");
  add(main, "p", api.info.description);
  add(main, "a", "openapi.json", { href: "openapi.json" });
  const shapes = api.components.schemas;
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, spec] of Object.entries(methods)) addEndpoint(path, method.toUpperCase(), spec, shapes);
  }
  for (const [name, shape] of Object.entries(shapes)) {
    if (!name.endsWith("Shape")) continue;
    const section = add(main, "section");
    add(section, "h3", name);
    table(section, shape.description ?? "", rowsOf(shape));
  }
}

show();
