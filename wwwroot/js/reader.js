// Which file a reader wants who does this for the first time. live.js has no room for any of it.
const files = { keydown: "keys", selectstart: "ask", "usage-changed": "flash" };

export async function hear(event) {
  const { type } = event;
  if (!document.getElementById("hold") && type !== "keydown") return; // a page without live rows
  (await import(`/js/${files[type]}.js`)).hear?.(event);
}
