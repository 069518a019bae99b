// The page by keyboard. Never while something is typed, nor with a modifier: those keys belong to the browser. But Escape closes a menu always.
import "/js/focus.js";

const $ = selector => document.querySelector(selector);
const TYPED = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
const help = [
  ["/", "Search"], ["j", "Next row"], ["k", "Previous row"], ["Enter", "Open the row’s page"], ["r", "Refresh"], ["?", "Show these keys"], ["Esc", "Close them, or a menu"],
];
const seen = new WeakSet();

// The menu knows first; other pages were told by the server.
const isOff = () => $("#view [name=keys]") ? !$("#view [name=keys]").checked : document.body.dataset.keys === "off";
const row = () => document.activeElement.closest("#usage-table tbody > tr");

function step(by) {
  const rows = [...document.querySelectorAll("#usage-table .usage > tbody > tr")];
  const at = rows.indexOf(row());
  const next = at < 0 ? rows.find(r => r.getBoundingClientRect().top >= 0) ?? rows[0] : rows[at + by];
  if (!next) return at >= 0;
  next.tabIndex = -1; // morphs leave it alone: see htmx-config
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function search() {
  $("#search")?.focus();
  $("#search")?.select();
  return $("#search");
}

function press(selector) {
  const element = $(selector);
  element?.click();
  return element;
}

function open() {
  const link = document.activeElement.matches("#usage-table tbody > tr") && row().querySelector("a[href]");
  if (link) link.click();
  return link;
}

function show() {
  let dialog = $("#keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "keys";
    dialog.className = "card";
    dialog.setAttribute("aria-labelledby", "keys-title");
    dialog.innerHTML = `<h2 id="keys-title">Keyboard</h2><dl class="facts-list"></dl><p class="note">The menu View of the usage page turns them off.</p>
      <form method="dialog"><button class="button">Close</button></form>`;
    for (const [key, text] of help) {
      const line = document.createElement("div");
      line.innerHTML = "<dt><kbd></kbd></dt><dd></dd>";
      line.querySelector("kbd").textContent = key;
      line.querySelector("dd").textContent = text;
      dialog.querySelector("dl").append(line);
    }
    document.body.append(dialog);
  }
  dialog.showModal();
  return true;
}

function closeMenu() {
  const menu = $(".menu[open]"), focused = document.activeElement;
  if (!menu || $("dialog[open]")) return false;
  menu.open = false;
  if (menu.contains(focused) || focused === document.body) menu.querySelector("summary").focus();
  return true;
}

const acts = { "/": search, j: () => step(1), k: () => step(-1), Enter: open, r: () => press("#refresh-now"), "?": show };

function hit(event) {
  if (seen.has(event)) return;
  seen.add(event);
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && closeMenu()) return event.preventDefault();
  if (isOff() || event.target.closest?.(TYPED) || $("dialog[open]")) return;
  if (Object.hasOwn(acts, event.key) && acts[event.key]()) event.preventDefault();
}

document.addEventListener("keydown", hit);

/** What was hit before this file had come. */
export { hit as hear };
