// Optional, for pages with usage widgets: makes each frame as tall as what is in it. <script async src="https://SITE/js/embed.js"></script>
{
  const site = new URL(document.currentScript.src).origin;
  const frames = () => [...document.querySelectorAll("iframe")].filter(frame => frame.src.startsWith(`${site}/embed/`));
  const ask = to => to?.postMessage("usage-widget", "*"); // no secret: the widget looks at who asks

  addEventListener("message", ({ origin, source, data }) => {
    const frame = origin === site && frames().find(frame => frame.contentWindow === source);
    if (!frame) return;
    if (data === "usage-widget-ready") ask(source);
    const height = data?.usageWidgetHeight;
    if (height > 0 && height < 100_000) frame.style.height = `${height}px`;
  });
  for (const frame of frames()) ask(frame.contentWindow);
}
