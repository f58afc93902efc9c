// Tables whose headings sort them. It needs dom.js.

/**
 * @param {{title: string, figure: ?boolean, value: function, cell: ?function}[]} columns `value(row)` is a number, a
 *   text, or null for none, which comes last; `cell(row)` is what stands in the cell, a node or a text
 * @param {object[]} rows
 * @param {{most: ?number, dress: ?function, cards: ?boolean}} options how many rows are shown at first; `dress(node, row)`
 *   changes a row; with `cards`, a row is a block on a phone, its cells below one another
 * @returns the node; its `fill(rows)` shows other rows in the same order
 */
function sortedTable(columns, rows, { most = Infinity, dress = () => {}, cards = false } = {}) {
  let by = null; // the place of a column, and 1 or -1
  let all = false;
  const body = make("tbody");
  const heads = columns.map(({ title, figure }, place) => {
    const node = button(title, () => ((by = [place, by?.[0] === place ? -by[1] : figure ? -1 : 1]), fill()), "zoo-sort");
    return make("th", { scope: "col", class: figure ? "zoo-figure" : null }, node);
  });
  const order = (a, b) => inOrder(...[a, b].map(columns[by[0]].value), by[1]);
  const more = button("", () => ((all = true), fill()));
  const fill = (others = rows) => {
    rows = others;
    heads.forEach((head, place) => {
      if (by?.[0] === place) head.setAttribute("aria-sort", by[1] > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    const sorted = by ? [...rows].sort(order) : rows;
    const shown = all ? sorted : sorted.slice(0, most);
    body.replaceChildren(...shown.map(row));
    more.hidden = shown.length === rows.length;
    more.textContent = zooText("show_rows", { number: rows.length.toLocaleString("en-US") });
  };
  const row = (of) => {
    const cells = columns.map(({ title, figure, value, cell }) => {
      const shown = cell ? cell(of) : value(of) ?? "–";
      return make("td", { class: figure ? "zoo-figure" : null, "data-title": title }, inCell(shown));
    });
    const node = make("tr", {}, ...cells);
    dress(node, of);
    return node;
  };
  fill();
  const table = make("table", { class: cards ? "zoo-board zoo-cards" : "zoo-board" }, make("thead", {}, make("tr", {}, ...heads)), body);
  return Object.assign(make("div", {}, scroll(table, zooText("rows")), more), { fill });
}

/** Numbers with their thousands apart, long texts in a box that cuts them after a few lines. */
function inCell(shown) {
  if (typeof shown === "number") return shown.toLocaleString("en-US", { maximumFractionDigits: 4 });
  return typeof shown === "string" && shown.length > 60 ? make("div", { class: "zoo-text", title: shown }, shown) : shown;
}

/** The table of {columns: [{title, figure}], rows: [[cell, ...]]}, the cells plain texts, numbers or null. */
function plainTable({ columns, rows }) {
  return sortedTable(columns.map((column, place) => ({ ...column, value: (row) => row[place] })), rows, { most: 200 });
}
