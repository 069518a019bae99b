// Optional, for pages with usage widgets: makes each frame as tall as what is in it, and brings viewers' widgets new tokens.
// <script async src="https://SITE/js/embed.js"></script>
{
  const site = new URL(document.currentScript.src).origin;
  const frames = () => [...document.querySelectorAll("iframe")].filter(frame => frame.src.startsWith(`${site}/embed/`));
  const ask = to => to?.postMessage("usage-widget", "*"); // no secret: the widget looks at who asks

  // From the page's own server, which knows who is signed in. If it fails, the widget asks again.
  const renew = async (address, to) => {
    const answer = await fetch(address, { mode: "same-origin", cache: "no-store" });
    if (answer.ok) to.postMessage({ usageWidgetToken: (await answer.text()).trim() }, site);
  };

  addEventListener("message", ({ origin, source, data }) => {
    const frame = origin === site && frames().find(frame => frame.contentWindow === source);
    if (!frame) return;
    const address = frame.dataset.usageRenew;
    if (data === "usage-widget-ready") ask(source);
    if (data === "usage-widget-renew" && address) renew(address, source).catch(() => {});
    const height = data?.usageWidgetHeight;
    if (height > 0 && height < 100_000) frame.style.height = `${height}px`;
  });
  for (const frame of frames()) ask(frame.contentWindow);
}
