// Which file a reader wants who does this for the first time. live.js has no room for any of it.
const files = { keydown: "keys", selectstart: "ask", "usage-changed": "flash" };
const clicked = { "#hold, #pager": "ask", "#views": "views" }; // keys click, too

export async function hear(event) {
  const { type, target } = event;
  if (!document.getElementById("hold") && type !== "keydown") return; // a page without live rows
  const wanted = type === "click" ? Object.keys(clicked).filter(place => target.closest(place)).map(place => clicked[place]) : [files[type]];
  for (const file of wanted) (await import(`/js/${file}.js`)).hear?.(event);
}
