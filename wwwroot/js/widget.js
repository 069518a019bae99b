// What a widget says to the page around it, if that asks and may frame it: how tall it is, and that its viewer's token will end.
{
  const allowed = document.documentElement.dataset.origins.split(" ");
  const refresh = () => document.getElementById("refresh");
  const ends = () => Number(refresh()?.dataset.expires ?? 0); // ms since 1970; 0: no viewer's token
  const MINUTE = 60_000;
  const PATIENCE = 15_000; // for a new token, once the old one is over
  let host; // the origin around it
  let path = location.pathname;
  let fresh = false; // a new token that nothing was answered to yet
  let planned, timer, last;

  const tell = () => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    if (host) parent.postMessage({ usageWidgetHeight: height }, host);
  };

  // Again and again, each time later, until there is one.
  const ask = (wait = 1_000) => {
    clearTimeout(timer);
    if (host) parent.postMessage("usage-widget-renew", host);
    timer = setTimeout(ask, wait, Math.min(2 * wait, MINUTE / 2));
  };

  // Its last minute; earlier where it lasts less than two. The clock here may be wrong: who is told late that it is over asks then.
  const plan = () => {
    if (!ends() || ends() === planned) return;
    planned = ends();
    const left = Math.min(planned - Date.now(), 10 * MINUTE);
    clearTimeout(timer);
    timer = setTimeout(ask, left > 0 ? left - Math.min(left / 2, MINUTE) : MINUTE);
  };

  // All addresses come with the table itself: it is asked for with the new token, page and order as they are.
  const adopt = () => {
    const table = refresh(), shown = table?.getAttribute("hx-get");
    if (!shown || shown.startsWith(`${path}/`)) return;
    table.setAttribute("hx-get", shown.replace(/^\/embed\/[^/]+/, path));
    table.dataset.version = "";
    const stream = document.querySelector(".live-stream");
    stream?._htmx?.sse?.abortController.abort();
    stream?.remove();
    window.htmx.trigger(document.body, "usage-changed");
  };

  const hear = ({ source, origin, data }) => {
    if (source !== parent || !allowed.includes(origin)) return;
    if (data === "usage-widget") {
      host = origin;
      tell();
    }
    const token = data?.usageWidgetToken;
    if (!ends() || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) || path === `/embed/${token}`) return;
    path = `/embed/${token}`;
    fresh = true;
    clearTimeout(timer);
    clearTimeout(last);
    last = undefined;
    history.replaceState(history.state, "", path + location.search);
    adopt();
  };

  // Asleep for long, or nobody has answered in time: it is only over when a new token is, too, or there is none. The page's own script,
  // which listens further in, hears of it then.
  const over = event => {
    if (!ends() || !host || fresh) return clearTimeout(timer);
    event.stopPropagation();
    if (last) return;
    ask();
    last = setTimeout(() => {
      fresh = true;
      document.dispatchEvent(new Event("session-ended"));
    }, PATIENCE);
  };

  addEventListener("session-ended", over, true);
  addEventListener("htmx:sse:error", event => { if (event.detail.status === 404) over(event); }, true);
  addEventListener("htmx:response:error", event => { if (event.detail.ctx.response.status === 404) over(event); }, true);
  addEventListener("htmx:before:swap", event => { if (last && event.detail.ctx.response?.status === 404) event.preventDefault(); }, true);

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response?.status < 400 && ctx.request.action.startsWith(`${path}/`)) fresh = false;
  });

  // An answer to what was asked before has the old addresses.
  document.addEventListener("htmx:after:swap", () => {
    adopt();
    plan();
  });

  if (parent !== window) {
    addEventListener("message", hear);
    new ResizeObserver(tell).observe(document.documentElement);
    parent.postMessage("usage-widget-ready", "*"); // says nothing but that it can be asked
    plan();
  }
}
