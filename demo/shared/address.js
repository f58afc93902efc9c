// The view stands in the address, after "#": the tab, and what is chosen in each. So reload, Back and a shared link bring
// it back. Every tab writes its own names; what it opens on, it reads there.

const zooAddress = {
  read: () => new URLSearchParams(location.hash.slice(1)),

  /** Set names to a text or a list of texts; null takes a name out. With `step`, Back returns to what was there. */
  write(changes, step = false) {
    const state = this.read();
    for (const [name, value] of Object.entries(changes)) {
      state.delete(name);
      for (const each of [value ?? []].flat()) state.append(name, each);
    }
    if (String(state) === String(this.read())) return;
    // Not "#..." alone: the page has a <base>, against which that would lose the query, and with it the language.
    history[step ? "pushState" : "replaceState"](null, "", `${location.pathname}${location.search}#${state}`);
  },

  /** The tab that is asked for: a link of an older version names none, and its texts are those of Compare. */
  tab() {
    const state = this.read();
    const compare = ["task", "text", "checkpoint", "threshold"].some((name) => state.has(name));
    return state.get("tab") ?? (compare ? "compare" : "leaderboard");
  },

  /** Note that a tab was opened. */
  opened(tab) {
    if (tab === shownTab) return; // gradio also tells the tab that the page is built with
    shownTab = tab;
    if (this.tab() !== tab) this.write({ tab }, true);
    zooOpened[tab]?.();
  },

  /** Go to another tab with some of its choices made. */
  go(tab, changes) {
    this.write({ ...changes, tab }, true);
    zooReopen[tab]?.();
    if (!click(tab)) location.reload(); // the page opens on the tab that its address names
  },
};
const zooOpened = {}; // by tab: fills a tab that is opened
const zooReopen = {}; // by tab: reads the address again, where a tab that was opened before has to
let shownTab = "leaderboard"; // as the page is built

const buttonOf = (tab) => document.querySelector(`button[role="tab"][data-tab-id="${CSS.escape(tab)}"]`);

/** Open a tab; return whether it could be: on a phone, gradio has no button for those behind its "...". */
function click(tab) {
  if (tab === shownTab) return true;
  const found = buttonOf(tab);
  found?.click();
  return Boolean(found);
}

/** Click the tab that the address asks for as soon as it is there; until then the page hides what is in the tabs. */
function openTab() {
  if (!buttonOf("leaderboard")) return requestAnimationFrame(openTab);
  click(zooAddress.tab());
  requestAnimationFrame(() => document.documentElement.classList.remove("zoo-opening"));
}

const withoutTab = () => (([state]) => (state.delete("tab"), String(state)))([zooAddress.read()]);
let before = withoutTab();
for (const name of ["pushState", "replaceState"]) {
  const write = history[name].bind(history);
  history[name] = (...state) => (write(...state), (before = withoutTab()));
}
// Back, or another link put into the address of an open page. Another tab is clicked; anything else is read anew.
window.addEventListener("popstate", () => {
  if (withoutTab() !== before) return location.reload();
  if (!click(zooAddress.tab())) location.reload();
});
document.documentElement.classList.add("zoo-opening");
openTab();

/** What the Leaderboard tab shows. It is asked for at once where the page opens on that tab. */
const zooBoard = () =>
  (zooAsking ??= fetch(`leaderboard/${zooChinese ? "zh" : "en"}.json`)
    .then((answer) => answer.json())
    .catch(() => ((zooAsking = null), { problem: zooText("board_failed") })));
let zooAsking = null;
if (zooAddress.tab() === "leaderboard") zooBoard();

// Enter makes a line in the text, Ctrl+Enter classifies it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.closest?.("#text")) return;
  event.preventDefault();
  document.querySelector("#classify").click();
});
// In a list of choices, what is typed takes the place of the choice that stands there.
document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.('input[role="listbox"], input[role="combobox"]')) setTimeout(() => target.select());
});
