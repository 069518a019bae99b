// When what has the focus goes, its successor has it: of the same id, or what stood before it in the order of Tab. Else a keyboard is back at the
// top of the page, and a screen reader nowhere. Loaded with the first key.
const CAN = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
const canHave = element => element && element.isConnected && !element.disabled && element.checkVisibility();
const isInSight = element => {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
};
let order = [], at = -1, wasInSight;

/** Before something changes. */
export function note() {
  order = [...document.querySelectorAll(CAN)];
  at = order.indexOf(document.activeElement);
  wasInSight = isInSight(document.activeElement);
}

/** After it; what stays is kept in sight, if that is asked for. */
export function mend(keepsInSight = false) {
  if (at < 0) return;
  const was = order[at], now = document.activeElement;
  const heirs = [now !== document.body && now, was, was.id && document.getElementById(was.id), ...order.slice(0, at).reverse()];
  const heir = heirs.find(canHave);
  if (heir !== now) heir?.focus({ preventScroll: true });
  if (keepsInSight && heir && wasInSight && !isInSight(heir)) heir.scrollIntoView({ block: "nearest" }); // what came above it has pushed it away
}

document.addEventListener("htmx:before:swap", note);
document.addEventListener("htmx:after:swap", () => mend());
