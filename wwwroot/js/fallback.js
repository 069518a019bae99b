// The CDN is out of reach, or serves what it should not: the site's own copies. Loaded when that happens.
let begun;

const script = src => new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = src;
  script.onload = done;
  script.onerror = failed;
  document.head.append(script);
});

// In order, as the second extends the first; then htmx looks at the page once more.
export async function load() {
  if (begun) return;
  begun = true;
  if (document.readyState !== "complete") await new Promise(done => addEventListener("load", done)); // what can come has come by then
  const [htmx, extension] = document.querySelectorAll("script[data-local]");
  if (!window.htmx) await script(htmx.dataset.local);
  await script(extension.dataset.local);
  window.htmx.process(document.body, true);
}
