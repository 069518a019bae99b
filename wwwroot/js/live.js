// What htmx 4 leaves open for a live table: stale requests, half-open and hidden streams, honest status, local times, updates on request.
{
  const $ = id => document.getElementById(id);
  const stream = () => document.querySelector(".live-stream");
  const isTable = ctx => ctx.target?.id === "usage-table" && !isStream(ctx.sourceElement);
  const shown = () => `"${$("refresh")?.dataset.version}"`;
  const isWhole = text => /^\s*<section id="usage-table"[^]*<\/section>\s*$/.test(text); // a proxy may cut it, or send a page of its own
  const isStream = element => element?.classList?.contains("live-stream");
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const thisYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const anyYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
  const POLL = 15_000; // without a stream
  const GRACE = 6_000; // a stream that is back by then was not missed: its life is limited

  const HOLD = "usage-ask-first";

  let updates = 0, latest = "", latestOf, applying = false; // for who wants to be asked before rows change
  const gone = document.body.dataset.gone; // a widget's last word: nobody signs in there

  let connected = false, lostAt = 0, failed = false, choice = false, ended = false, asOf = Date.now(), silence, busy;

  function localise(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      time.textContent = (at.getFullYear() === new Date().getFullYear() ? thisYear : anyYear).format(at);
      time.title = full.format(at);
    }
  }

  // What is the same is only named: put our own there. False where there is none.
  function complete({ fragment }) {
    const rows = document.querySelectorAll("#usage-table tbody > tr");
    for (const same of fragment.querySelectorAll("[data-same]")) {
      const own = same.id ? $(same.id) : rows[same.dataset.same];
      if (!own) return false;
      const copy = own.cloneNode(true);
      if (same.dataset.version) copy.dataset.version = same.dataset.version;
      same.replaceWith(copy);
    }
    return true;
  }

  const holds = () => $("hold")?.firstChild.checked && !applying;

  // There is a version that is not shown.
  function note(version) {
    if (version === $("refresh")?.dataset.version) updates = 0;
    else if (version !== latest) updates++;
    latest = version;
    latestOf = stream()?.id;
    show();
  }

  function apply() {
    applying = true;
    window.htmx.trigger(document.body, "usage-changed");
  }

  // What is shown is what there is, or else what came meanwhile is one more.
  function applied() {
    applying = false;
    updates = holds() && latest && latestOf === stream()?.id && latest !== $("refresh")?.dataset.version ? 1 : 0;
    show();
  }

  function showUpdates() {
    const text = updates ? `${updates} update${updates > 1 ? "s" : ""}` : "";
    if ($("updates").textContent !== text) $("updates").textContent = text;
    if (!updates && document.activeElement === $("apply")) $("hold").firstChild.focus(); // a hidden button cannot keep it
    $("apply").hidden = !updates;
  }

  function show() {
    const status = $("live-status");
    if (!status) return;
    showUpdates();
    const state = ended ? "signed-out" : !navigator.onLine ? "offline" : document.hidden ? "paused"
      : !failed && (connected || Date.now() - lostAt < GRACE) ? "live" : "reconnecting";
    const since = `as of ${clock.format(asOf)}`;
    const text = { live: updates ? `Live, rows ${since}` : "Live", paused: "Paused", offline: `Offline, ${since}`, reconnecting: `Reconnecting, ${since}`, "signed-out": gone ? "Ended" : `Signed out, ${since}` }[state];
    status.dataset.state = state;
    if (status.textContent !== text) status.textContent = text;
  }

  function report(title) {
    $("problem").innerHTML = `<p><strong></strong> The rows below are as of <span></span>.</p>`;
    $("problem").querySelector("strong").textContent = title;
    $("problem").querySelector("span").textContent = clock.format(asOf);
  }

  // Signed out: without these two nothing is asked any more. The answer to a reader's own request may bring them back.
  function end(told) {
    ended = true;
    if (!told) stream()?._htmx?.sse?.abortController.abort(); // a stream that tells it closes itself
    for (const element of [stream(), $("refresh")]) element?.remove();
    clearTimeout(silence);
    show();
    if (gone) {
      $("usage-table").replaceChildren();
      $("problem").innerHTML = `<p><strong></strong></p>`;
      $("problem").querySelector("strong").textContent = gone;
      return;
    }
    report("You are signed out.");
    const link = document.createElement("a");
    link.href = `/account/sign-in?returnUrl=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "Sign in";
    $("problem").firstChild.append(" ", link);
  }

  const isOver = status => status === (gone ? 404 : 401);

  function fail(ctx) {
    if (ended || !isTable(ctx)) return false;
    failed = true;
    if (ctx.sourceElement.id === "refresh") applying = false;
    choice ||= ctx.sourceElement.id === "filters";
    show();
    return true;
  }

  function listen(connection) {
    clearTimeout(silence);
    const heartbeat = Number(stream()?.dataset.heartbeat ?? 10_000);
    silence = setTimeout(() => connection.reader?.cancel(), 2.5 * heartbeat); // half open: htmx connects again
    connected = true;
    show();
  }

  function wake() {
    const element = stream();
    if (element && window.htmx) window.htmx.trigger(element, "wake");
    show();
  }

  const on = (name, handler) => document.addEventListener(name, handler);

  localise(document);
  if ($("hold")) {
    const choice = $("hold").firstChild;
    try { choice.checked = localStorage.getItem(HOLD) === "1"; } catch { /* storage is forbidden: then it is for this page only */ }
    $("hold").hidden = $("live-status").hidden = false;
    $("apply").addEventListener("click", apply);
    choice.addEventListener("change", () => {
      try { localStorage.setItem(HOLD, choice.checked ? "1" : ""); } catch { /* as above */ }
      if (!choice.checked && updates) apply();
    });
  }
  show();

  // A deferred htmx may look at the page before its extension has come: then it must look again.
  on("DOMContentLoaded", () => { if ($("refresh")?._htmx) window.htmx.process(document.body); });
  on("visibilitychange", () => document.hidden ? show() : wake());
  addEventListener("online", wake);
  addEventListener("offline", show);
  addEventListener("pageshow", event => { if (event.persisted) wake(); });
  setInterval(() => { if (!document.hidden) wake(); }, POLL); // a first connection that failed is not retried by htmx

  on("htmx:config:request", event => {
    const { ctx } = event.detail, source = ctx.sourceElement;
    if (isStream(source)) {
      if (document.hidden) event.preventDefault();
      ctx.request.body.set("version", $("refresh").dataset.version);
    } else if (source.id === "refresh" && ctx.sourceEvent.type === "usage-changed") {
      if (holds()) event.preventDefault();
    } else if (source.id === "refresh" && ctx.sourceEvent.type === "every") {
      // The stream says when; asking is for when there is none, or the last answer failed.
      if (document.hidden || choice || (!failed && (connected || updates || Date.now() - asOf < POLL))) event.preventDefault();
      if (choice && !busy && !document.hidden) window.htmx.trigger($("filters"), "submit"); // what the form says was never answered
    }
  });

  on("htmx:before:request", event => {
    const { ctx } = event.detail, source = ctx.sourceElement;
    if (isTable(ctx)) latest = "";
    if (source.id === "refresh") {
      // A queued request keeps its address: not the one shown any more, not wanted any more.
      const wanted = new URL(source.getAttribute("hx-get"), location.href);
      if (ended || ctx.request.action !== wanted.pathname + wanted.search) event.preventDefault();
      ctx.request.headers["If-None-Match"] = shown();
      ctx.request.headers["A-IM"] = "usage-rows"; // differences will do
    } else if (isTable(ctx)) {
      busy = ctx;
      $("usage-table").setAttribute("aria-busy", "true");
    }
  });

  on("htmx:finally:request", event => {
    if (event.detail.ctx !== busy) return; // a newer choice has replaced it
    busy = null;
    $("usage-table")?.removeAttribute("aria-busy");
  });

  on("htmx:after:request", event => {
    const { ctx } = event.detail;
    if (ctx.response.status >= 400) return;
    if (isTable(ctx) && [200, 226].includes(ctx.response.status) && !isWhole(ctx.text)) {
      event.preventDefault();
      if (fail(ctx)) report("The server's answer cannot be shown.");
      return;
    }
    if (ended && (ctx.sourceElement.id === "refresh" || isStream(ctx.sourceElement))) return;
    ended = false;
    if (!isTable(ctx)) return;
    failed = false;
    const isSame = ctx.response.status === 304;
    if (ctx.sourceElement.id === "refresh" && !isSame && holds()) {
      event.preventDefault(); // asked without a stream
      note(ctx.response.headers.get("ETag")?.replace(/^(W\/)?"|"$/g, ""));
      return;
    }
    updates = 0;
    if (isSame) applying = false;
    asOf = Date.now();
    if (ctx.sourceElement.id !== "refresh") choice = false; // an update of the old rows does not answer it
    if (!choice) $("problem").replaceChildren();
    show();
  });

  on("htmx:response:error", event => {
    const { ctx } = event.detail;
    if (ctx.target === document.body) location.reload(); // going back failed: let the server say so
    else if (isOver(ctx.response.status)) end();
    else fail(ctx);
  });

  on("htmx:error", event => {
    const { ctx } = event.detail;
    if (ctx && fail(ctx)) report("The server does not answer.");
  });

  on("htmx:before:swap", event => {
    const { ctx, tasks } = event.detail;
    if (ended) return event.preventDefault(); // neither late rows nor an error's text: what is to be said is said
    if (ctx.response?.status === 226 && !(ctx.request.headers["If-None-Match"] === shown() && tasks.every(complete))) {
      event.preventDefault(); // differences from what is not here: ask for all
      $("refresh").dataset.version = "";
      window.htmx.trigger(document.body, "usage-changed");
      return;
    }
    for (const task of tasks) localise(task.fragment);
  });

  on("htmx:after:swap", event => {
    const at = $("problem-time"); // the server does not know what this reader still sees
    if (at) at.textContent = clock.format(asOf);
    if (event.detail.ctx.response?.status < 400) applied();
    else show();
  });

  on("htmx:sse:after:connection", event => listen(event.detail.connection));

  on("htmx:sse:before:message", event => {
    const { event: name, data } = event.detail.message;
    if (name === "heartbeat" && data === "alive" && !failed && !updates) asOf = Date.now(); // silence of a stream that hears changes: all is true
    if (name === "heartbeat" && data === "blind") failed = true;                // it hears none: ask
    if (name === "usage-changed" && holds()) note(data);
    listen(event.detail.connection);
    // Hidden while it connected: htmx has not noticed, and would hold one of the browser's six connections.
    if (document.hidden) document.dispatchEvent(new Event("visibilitychange"));
  });

  for (const name of ["htmx:sse:error", "htmx:sse:close", "htmx:sse:before:connection"]) {
    on(name, event => {
      clearTimeout(silence);
      if (connected) {
        lostAt = Date.now();
        setTimeout(show, GRACE);
      }
      connected = false;
      if (isOver(event.detail.status)) end();
      show();
    });
  }

  on("session-ended", end);
}
