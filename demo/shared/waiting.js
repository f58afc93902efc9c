// A click on a button waits while an answer that the button depends on is under way, such as the preview of a file. Then
// it counts. `demo/shared/waiting.py` says which answers these are.

const NEEDS = { classify: "compare", "flag-send": "compare", "batch-run": "batch", "audit-make": "audit" };
const underWay = {}; // by the name in NEEDS: how many answers
const uploading = {}; // by the name: when a file was last seen on its way to the server
const UPLOADED = 5000; // ms from the end of an upload until its file is asked about, at most; after a failed one it never is

function zooBegins(name) {
  underWay[name] = (underWay[name] ?? 0) + 1;
  delete uploading[name];
}

const zooEnds = (name) => (underWay[name] -= 1);

function isLoading(name) {
  if (document.querySelector(`#${name}-file .uploading`)) uploading[name] = performance.now();
  return underWay[name] > 0 || performance.now() - uploading[name] < UPLOADED;
}

for (const chosen of ["change", "drop"]) {
  document.addEventListener(
    chosen,
    ({ target }) => {
      if (chosen === "drop" || target.files?.length) {
        const name = target.closest?.("[id$='-file']")?.id.replace(/-file$/, "");
        if (name) uploading[name] = performance.now();
      }
    },
    true,
  );
}

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
