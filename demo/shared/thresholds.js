// The slider and the field that move a threshold, in Compare and in Batch. They need dom.js and compare/decide.js.

function slider(name, onvalue) {
  const oninput = (event) => onvalue(Number(event.target.value));
  return make("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": name, oninput });
}

/** A field whose value is null where it is empty; what is typed and is no threshold goes to `onfault`. */
function field(name, onvalue, onfault) {
  const oninput = ({ target }) => {
    try {
      onvalue(readThreshold(target.validity.badInput ? "?" : target.value));
    } catch (error) {
      target.setAttribute("aria-invalid", "true");
      onfault(zooText("threshold_range", { value: error.message }));
    }
  };
  // What counts is a multiple of 0.01: the field says so as soon as it is left.
  const onchange = ({ target }) => {
    if (target.value && target.getAttribute("aria-invalid") !== "true") target.value = readThreshold(target.value);
  };
  const range = { min: 0, max: 1, step: 0.01, placeholder: zooText("fitted"), inputmode: "decimal" };
  const about = { class: "zoo-field zoo-number", "aria-label": name };
  return make("input", { type: "number", ...about, ...range, oninput, onchange });
}

/** Show a threshold in its two controls: at `position`, and in numbers unless `value` is null, which is fitted. */
function place(controls, position, value) {
  if (Number(controls.slider.value) !== position) controls.slider.value = position;
  controls.slider.style.setProperty("--at", `${100 * position}%`);
  controls.slider.classList.toggle("zoo-fitted", value === null);
  controls.slider.setAttribute("aria-valuetext", value === null ? zooText("fitted") : value.toFixed(2));
  controls.field.removeAttribute("aria-invalid");
  if (controls.field !== document.activeElement) controls.field.value = value === null ? "" : String(value);
}
