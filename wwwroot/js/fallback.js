// The CDN may be out of reach: then the site's own copies. Deferred scripts run in order, so by now each has come or failed.
{
  const { htmx: core, sse } = document.currentScript.dataset;
  const load = (src, then) => {
    const script = document.createElement("script");
    script.src = src;
    if (then) script.onload = then;
    document.head.append(script);
  };
  const hasExtension = [...performance.getEntriesByType("resource")]
    .some(e => e.name.endsWith("/hx-sse.min.js") && e.responseStatus === 200);
  const start = () => window.htmx.process(document.body, true); // anew, as the extension came late
  if (!window.htmx) load(core, () => load(sse, start));
  else if (!hasExtension) load(sse, start);
}
