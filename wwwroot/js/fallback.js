// The CDN may be out of reach, or serve what it should not: then the site's own copies.
{
  const load = src => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = src;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  const ready = new Promise(done => addEventListener("load", done));

  // In order, as the second extends the first; then htmx looks at the page once more, as the extension came late.
  const loadFrom = async first => {
    const scripts = [...document.querySelectorAll("script[data-local]")];
    for (const script of scripts.slice(scripts.indexOf(first))) await load(script.dataset.local);
    await ready;
    window.htmx.process(document.body, true);
  };
  let failed;
  document.addEventListener("error", event => {
    const script = event.target;
    if (failed || !script.dataset?.local) return;
    failed = script;
    document.addEventListener("DOMContentLoaded", () => loadFrom(script)); // the scripts after it have come by then
  }, true);
}
