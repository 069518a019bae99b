// What htmx 4 leaves open for a live table: stale requests, half-open and hidden streams, honest status, local times.
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

  const waiting = () => $("updates")?.textContent; // updates that the reader has not asked for: ask.js
  const gone = "gone" in document.body.dataset; // a widget: nobody signs in there

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
    const rows = document.querySelectorAll(".usage tbody > tr");
    for (const same of fragment.querySelectorAll("[data-same]")) {
      const own = same.id ? $(same.id) : rows[same.dataset.same];
      if (!own) return false;
      const copy = own.cloneNode(true);
      if (same.dataset.version) copy.dataset.version = same.dataset.version;
      same.replaceWith(copy);
    }
    return true;
  }

  function show() {
    const status = $("live-status");
    if (!status) return;
    const state = ended ? "signed-out" : !navigator.onLine ? "offline" : document.hidden ? "paused"
      : !failed && (connected || Date.now() - lostAt < GRACE) ? "live" : "reconnecting";
    const since = `as of ${clock.format(asOf)}`;
    const text = { live: waiting() ? `Live, rows ${since}` : "Live", paused: "Paused", offline: `Offline, ${since}`, reconnecting: `Reconnecting, ${since}`, "signed-out": gone ? "Ended" : `Signed out, ${since}` }[state];
    status.dataset.state = state;
    if (status.textContent !== text) status.textContent = text;
  }

  function report(title) {
    const problem = $("problem");
    problem.innerHTML = `<p><strong></strong> The rows below are as of ${clock.format(asOf)}.</p>`;
    problem.querySelector("strong").textContent = title;
  }

  // Signed out: without these two nothing is asked any more. The answer to a reader's own request may bring them back.
  function end(told) {
    ended = true;
    if (!told) stream()?._htmx?.sse?.abortController.abort(); // a stream that tells it closes itself
    for (const element of [stream(), $("refresh")]) element?.remove();
    clearTimeout(silence);
    show();
    import("/js/ended.js").then(last => ended && last.tell(clock.format(asOf)));
  }

  const isOver = status => status === (gone ? 404 : 401);

  function fail(ctx) {
    if (ended || !isTable(ctx)) return false;
    failed = true;
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

  document.addEventListener("error", ({ target }) => {
    if (target.dataset?.local) import("/js/fallback.js").then(own => own.load());
  }, true);

  localise(document);
  for (const element of document.querySelectorAll("[data-live]")) element.hidden = false;
  show();

  try {
    if (localStorage.getItem("usage-ask-first")) import("/js/ask.js");
    if (localStorage.getItem("usage-decisions")) import("/js/decide.js"); // taken on another page, and not sent yet
  } catch { /* storage is forbidden: asked for anew on each page */ }
  // Comfort comes when its reader begins to want it; not in widgets.
  for (const name of gone ? [] : ["click", "keydown", "selectstart", "usage-changed"]) on(name, event => import("/js/reader.js").then(reader => reader.hear(event)));

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
    } else if (source.id === "refresh" && ctx.sourceEvent.type === "every") {
      // The stream says when; asking is for when there is none, or the last answer failed.
      if (document.hidden || choice || (!failed && (connected || Date.now() - asOf < POLL))) event.preventDefault();
      if (choice && !busy && !document.hidden) window.htmx.trigger($("filters"), "submit"); // what the form says was never answered
    }
  });

  on("htmx:before:request", event => {
    const { ctx } = event.detail, source = ctx.sourceElement;
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
    if (event.defaultPrevented) return show();
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

  on("htmx:after:swap", () => {
    const at = $("problem-time"); // the server does not know what this reader still sees
    if (at) at.textContent = clock.format(asOf);
    show();
  });

  on("htmx:sse:after:connection", event => listen(event.detail.connection));

  on("htmx:sse:before:message", event => {
    const { event: name, data } = event.detail.message;
    if (name === "heartbeat" && data === "alive" && !failed && !waiting()) asOf = Date.now(); // silence of a stream that hears changes: all is true
    if (name === "heartbeat" && data === "blind") failed = true;                // it hears none: ask
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
  on("usage-alert", () => import("/js/alerts.js"));
  on("usage-updates", show);
}
