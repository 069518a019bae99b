// Changed cells light up for a moment, after updates that nobody asked for. An animation of the browser's own changes nothing in the page:
// no layout, no attribute that a morph would take away. And who wants to hears, now and then, whose rows had news.
const $ = id => document.getElementById(id);
const QUIET = 10_000; // between two notices
const SHOWN = 6_000;
const MOST = 3; // names in a notice
let before, asked = false, names = new Set(), timer, last = -QUIET;

const cells = () => [...document.querySelectorAll("#usage-table tbody > tr[id] > td, #sums dd[id]")];
const keyOf = cell => cell.id || `${cell.parentElement.id} ${cell.className}`;

// What the reader applies by hand is no surprise. Before ask.js counts anew.
document.addEventListener("htmx:before:request", () => { asked = $("updates").textContent && ($("hold").firstChild.checked || $("previous")); }, true);

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  before = ctx.sourceElement.id === "refresh" && !asked ? new Map(cells().map(cell => [keyOf(cell), cell.textContent.trim()])) : null;
});

document.addEventListener("htmx:after:swap", () => {
  if (!before) return;
  const changed = cells().filter(cell => (before.get(keyOf(cell)) ?? cell.textContent.trim()) !== cell.textContent.trim());
  before = null;
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
    for (const cell of changed) cell.animate([{ backgroundColor: "var(--flash)" }, {}], { duration: 1_600, easing: "ease-in", id: "changed" });
  }
  if (document.querySelector("#view [name=toast]:checked")) tell(changed.filter(cell => cell.matches("td.requests")));
});

function tell(changed) {
  for (const cell of changed) names.add(cell.parentElement.querySelector(".name").textContent);
  if (names.size && !timer) timer = setTimeout(show, Math.max(0, last + QUIET - performance.now()));
}

function show() {
  const shown = [...names].slice(0, MOST), more = names.size - shown.length;
  const text = `New activity: ${shown.join(", ")}${more ? ` and ${more} more` : ""}`;
  $("toast").textContent = text;
  setTimeout(() => { if ($("toast").textContent === text) $("toast").textContent = ""; }, SHOWN);
  last = performance.now();
  names = new Set();
  timer = null;
}
