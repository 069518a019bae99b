// Logs are read while new ones come: rows that somebody reads stay where they are, and a pill counts what is on top of them.
{
  const $ = id => document.getElementById(id);
  const table = () => document.querySelector("#usage-table .logs");
  const count = root => Number(root.querySelector("#newer")?.dataset.count ?? 0);
  const SPEAK = 10_000; // a screen reader is told at most so often
  let shownCount, held = false, newer = 0, spoken = 0, speech;

  const isOlder = () => new URL(location).searchParams.has("before");

  function isSelecting(rows) {
    const selection = getSelection();
    return !selection.isCollapsed && rows.contains(selection.anchorNode);
  }

  // Away from the top of the list, with a row in hand, or on an older page: then nothing may move.
  function isReading() {
    const rows = table()?.tBodies[0];
    return !!rows && (rows.getBoundingClientRect().top < 0 || isSelecting(rows) || rows.contains(document.activeElement) || isOlder());
  }

  function tell() {
    const pill = $("newer");
    if (!pill) return;
    const [button, status] = pill.children;
    const text = newer > 0 ? `${newer.toLocaleString()} new` : "";
    if (button.textContent !== text) button.textContent = text;
    if (!newer && document.activeElement === button) $("refresh-now").focus({ preventScroll: true }); // a hidden button cannot keep it
    button.hidden = !newer;
    clearTimeout(speech);
    speech = setTimeout(() => {
      spoken = Date.now();
      status.textContent = text && `${text} requests on top of the list`;
    }, Math.max(0, spoken + SPEAK - Date.now()));
  }

  // What is on top is shown, from the server, whole.
  function apply() {
    if (!$("refresh")) return; // signed out
    held = false;
    $("refresh").dataset.version = "";
    window.htmx.trigger(document.body, "usage-changed");
  }

  function showNewest() {
    if (isOlder()) return $("newest").click();
    getSelection().removeAllRanges();
    if (table().contains(document.activeElement)) document.activeElement.blur();
    document.querySelector("#usage-table .table-bar").scrollIntoView(); // rows below it, in sight
    apply();
  }

  addEventListener("scroll", () => { if (held && !isReading()) apply(); }, { passive: true });
  document.addEventListener("selectionchange", () => { if (held && !isReading()) apply(); });
  document.addEventListener("click", ({ target }) => { if (target.closest?.("#newer button")) showNewest(); });

  // Before live.js and htmx: what is put into the new markup is what is shown already.
  document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
    const section = tasks.map(task => task.fragment.querySelector("#usage-table")).find(Boolean);
    if (!section || !(ctx.response?.status < 300)) return;
    shownCount ??= count(document);
    const arrived = count(section);
    if (ctx.sourceElement.id !== "refresh" || !section.querySelector(".logs") || !isReading()) {
      [shownCount, newer, held] = [arrived, 0, false];
      return;
    }

    newer = Math.max(0, arrived - shownCount);
    held = !isOlder();
    for (const what of [".logs", "#pager", "#showing", "#newer button", "#newer span"]) keep(section, what);
  }, true);

  function keep(section, what) {
    const own = document.querySelector(`#usage-table ${what}`), other = section.querySelector(what);
    if (!own) return other?.remove();
    if (other) other.replaceWith(own.cloneNode(true));
    else section.append(own.cloneNode(true));
  }

  document.addEventListener("htmx:after:swap", tell);

  // Owners only: their page has the form that decisions are sent by.
  document.addEventListener("toggle", ({ target }) => {
    if (target.open && target.querySelector("[form=decide]") && document.getElementById("decide")) import("/js/decide.js");
  }, true);
}
