// Draws one plain table. It runs inside gr.HTML, behind plain_table.js.

const show = (value) => element.querySelector("section").replaceChildren(...(value ? [plainTable(value)] : []));
show(unpacked());
watch("value", () => show(unpacked()));
