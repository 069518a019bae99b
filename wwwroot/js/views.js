// The menu Saved views where filters change without a new page: which view is open, whether it shows more or less than was saved, and what would be
// saved. Loaded with a page that has one open, or when the menu is first wanted.
const $ = selector => document.querySelector(selector);

// A view begins on its first page.
function filterOf(search) {
  const query = new URLSearchParams(search);
  for (const place of ["page", "before"]) query.delete(place);
  return query.toString();
}

function show() {
  if (!$("#views")) return;
  const links = [...$("#views").querySelectorAll("[data-query]")];
  const opened = links.find(link => link.id); // last
  const same = links.filter(link => filterOf(link.dataset.query) === filterOf(location.search));
  const current = same.includes(opened) ? opened : same[0] ?? opened;
  const changed = !!current && !same.length;
  for (const link of links) {
    if (link === current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  for (const element of $("#views").querySelectorAll("[data-changed]")) element.hidden = !changed;
  $("#view-name").textContent = current && current !== links[0] ? current.textContent : "";
  $("#views [name=query]").value = location.search;
}

document.addEventListener("htmx:after:history:update", show);
document.addEventListener("htmx:after:swap", show);
show();
