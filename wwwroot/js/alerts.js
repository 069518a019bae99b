// New alerts, in a corner for a while. Loaded when the stream tells of the first; the stream says only that there is one.
const SHOWN_MS = 15_000;
const known = new Set();

const style = document.createElement("link");
style.rel = "stylesheet";
style.href = "/css/alerts.css";
document.head.append(style);

const corner = document.createElement("div");
corner.id = "new-alerts";
corner.setAttribute("role", "status");
document.body.append(corner);

function line({ name, text, href }) {
  const p = document.createElement("p");
  const say = document.createElement("span");
  const title = document.createElement("strong");
  title.textContent = name;
  say.append(title, ` ${text}`);
  p.append(say);
  if (href) {
    const link = document.createElement("a");
    link.href = href;
    link.textContent = "Alerts";
    p.append(link);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button small";
  close.textContent = "Close";
  close.setAttribute("aria-label", `Close: ${name}`);
  close.addEventListener("click", () => p.remove());
  p.append(close);

  // Not while it is read, or something in it has the focus.
  const leave = () => p.matches(":hover, :focus-within") ? setTimeout(leave, 1_000) : p.remove();
  setTimeout(leave, SHOWN_MS);
  return p;
}

async function look() {
  try {
    const answer = await fetch("/alerts/new", { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    for (const alert of (await answer.json()).reverse()) {
      if (!known.has(alert.id)) corner.append(line(alert));
      known.add(alert.id);
    }
  } catch { /* offline: the page of alerts has it */ }
}

document.addEventListener("usage-alert", look);
look();
