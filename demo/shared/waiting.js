// A click on a button waits while an answer that the button depends on is under way, such as the preview of a file. Then
// it counts. `demo/shared/waiting.py` says which answers these are.

const NEEDS = { classify: "compare", "flag-send": "compare", "batch-run": "batch", "audit-make": "audit" };
const underWay = {}; // by the name in NEEDS: how many answers
const zooBegins = (name) => (underWay[name] = (underWay[name] ?? 0) + 1);
const zooEnds = (name) => (underWay[name] -= 1);
const isLoading = (name) => underWay[name] > 0 || document.querySelector(`#${name}-file .uploading`) !== null;

function clickLater(button, name) {
  button.setAttribute("aria-busy", "true");
  let quiet = 0; // times in a row: between two answers, nothing is under way for a moment
  const timer = setInterval(() => {
    quiet = isLoading(name) ? 0 : quiet + 1;
    if (quiet < 2) return;
    clearInterval(timer);
    button.removeAttribute("aria-busy");
    button.click();
  }, 50);
}

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.("button");
    const name = NEEDS[button?.id];
    if (!name || !isLoading(name)) return;
    event.stopImmediatePropagation();
    if (!button.hasAttribute("aria-busy")) clickLater(button, name);
  },
  true,
);
