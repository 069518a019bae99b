// Tells the page around a widget how tall its content is: only when that asks, and only where it may frame the widget.
{
  const allowed = document.documentElement.dataset.origins.split(" ");
  let host;

  const tell = () => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    if (host) parent.postMessage({ usageWidgetHeight: height }, host);
  };

  if (parent !== window) {
    addEventListener("message", event => {
      if (event.source !== parent || event.data !== "usage-widget" || !allowed.includes(event.origin)) return;
      host = event.origin;
      tell();
    });
    new ResizeObserver(tell).observe(document.documentElement);
    parent.postMessage("usage-widget-ready", "*"); // says nothing but that it can be asked
  }
}
