// The last word on a page that nobody may see any more: loaded when that happens.
export function tell(asOf) {
  const gone = document.body.dataset.gone; // a widget's: nobody signs in there
  const problem = document.getElementById("problem");
  problem.innerHTML = "<p><strong></strong></p>";
  problem.querySelector("strong").textContent = gone ?? "You are signed out.";
  if (gone) {
    document.getElementById("usage-table").replaceChildren();
    return;
  }
  const link = document.createElement("a");
  link.href = `/account/sign-in?returnUrl=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = "Sign in";
  problem.firstChild.append(` The rows below are as of ${asOf}. `, link);
}
