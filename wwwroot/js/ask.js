// For who wants to be asked before rows change, is selecting text in them, or is on a page after the first, whose rows an update would move:
// counts updates, and shows them when told to, or when the selection goes. Loaded when first wanted; live.js reads #updates.
{
  const $ = id => document.getElementById(id);
  const KEY = "usage-ask-first", SPEAK = 10_000; // a screen reader is told at most so often
  const box = $("hold").firstChild;
  const shown = () => $("refresh")?.dataset.version;
  const view = () => document.querySelector(".live-stream")?.id;
  const isRefresh = ctx => ctx?.sourceElement.id === "refresh";
  const isTable = ctx => ctx.target?.id === "usage-table";
  const selects = () => !getSelection().isCollapsed && getSelection().containsNode($("usage-table"), true);
  const holds = () => (box.checked || selects() || moved) && !applying;
  // Before live.js hears of it, which heeds what is prevented here.
  const on = (name, handler) => document.addEventListener(name, handler, true);
  let spoken = -SPEAK, speech, updates = 0, latest = "", latestOf, applying = false, asking = false, moved = false;

  function count(to) {
    updates = to;
    moved &&= to > 0;
    const text = updates ? `${updates} update${updates > 1 ? "s" : ""}` : "";
    if ($("updates").textContent !== text) {
      $("updates").textContent = text;
      speak();
    }
    if (!updates && document.activeElement === $("apply")) box.focus(); // a hidden button cannot keep it
    $("apply").hidden = !updates;
    document.dispatchEvent(new Event("usage-updates"));
  }

  const status = document.createElement("span");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  $("updates").after(status);

  function speak() {
    clearTimeout(speech);
    if (!updates) return void (status.textContent = "");
    speech = setTimeout(() => {
      spoken = performance.now();
      status.textContent = $("updates").textContent;
    }, Math.max(0, spoken + SPEAK - performance.now()));
  }

  // There is a version that is not shown.
  function note(version) {
    const to = version === shown() ? 0 : version !== latest ? updates + 1 : updates;
    latest = version;
    latestOf = view();
    count(to);
  }

  // Whether an answer has other rows than are shown, or in another order. What is the same is only named, by its place.
  function moves(text) {
    const own = [...document.querySelectorAll(".usage tbody > tr")].map(row => row.id);
    const table = new DOMParser().parseFromString(text, "text/html").getElementById("usage-table");
    const rows = [...table?.querySelectorAll(".usage tbody > tr") ?? []];
    return table && (rows.length !== own.length || rows.some((row, i) => (row.id || own[row.dataset.same]) !== own[i]));
  }

  const ask = () => window.htmx.trigger(document.body, "usage-changed");

  function apply() {
    applying = true;
    ask();
  }

  // Nothing holds what waits any more; what it moves still may.
  function release() {
    if (!updates || applying || asking || holds()) return;
    asking = true;
    ask();
  }

  $("apply").addEventListener("click", apply);
  const remember = () => { try { localStorage.setItem(KEY, box.checked ? "1" : ""); } catch { /* storage is forbidden */ } };
  try { box.checked ||= localStorage.getItem(KEY) === "1"; } catch { /* as above */ }
  remember();
  box.addEventListener("change", () => {
    remember();
    release();
  });

  on("selectionchange", release);

  on("htmx:config:request", event => {
    const { sourceElement: { id }, sourceEvent } = event.detail.ctx;
    const isKnown = updates && $("live-status").dataset.state === "live"; // asking again would bring nothing new
    if (id === "refresh" && ({ "usage-changed": holds(), every: isKnown })[sourceEvent.type]) event.preventDefault();
  });

  on("htmx:before:request", event => { if (isTable(event.detail.ctx)) latest = ""; });

  on("htmx:after:request", event => {
    const { ctx } = event.detail, { status, headers } = ctx.response;
    if (status >= 400 || !isTable(ctx)) return;
    if (isRefresh(ctx)) asking = false;
    moved ||= isRefresh(ctx) && status !== 304 && !applying && $("previous") && moves(ctx.text);
    if (isRefresh(ctx) && status !== 304 && holds()) {
      event.preventDefault(); // asked without a stream, or to see what moves
      note(headers.get("ETag")?.replace(/^(W\/)?"|"$/g, ""));
      return;
    }
    if (status === 304) applying = false;
    count(0);
  });

  for (const name of ["htmx:response:error", "htmx:error"]) on(name, event => { if (isRefresh(event.detail.ctx)) applying = asking = false; });

  // What is shown is what there is, or else what came meanwhile is one more.
  document.addEventListener("htmx:after:swap", event => {
    const { ctx } = event.detail;
    if (!isTable(ctx) || !(ctx.response?.status < 400)) return;
    applying = asking = moved = false;
    count(holds() && latest && latestOf === view() && latest !== shown() ? 1 : 0);
  });

  on("htmx:sse:before:message", event => {
    const { event: name, data } = event.detail.message;
    if (name === "usage-changed" && holds()) note(data);
  });
}
