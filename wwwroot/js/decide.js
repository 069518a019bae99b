// Decisions show at once, wait in the browser until the server has answered, and roll back with a reason. Each is kept with a key before it is
// sent, and sent in order by one tab at a time: over a lost connection, a reload or a restart the server carries it out once.
import { mend, note } from "/js/focus.js";

{
  const KEY = "usage-decisions", RETRY = 5_000, PATIENCE = 10_000;
  const $ = selector => document.querySelector(selector);
  const account = $("#who")?.dataset.account;
  const token = () => $("input[name=__RequestVerificationToken]").value;
  const painted = new Map(); // what stood there before, by key
  let last = "", problem = "", timer;

  const all = () => { try { return JSON.parse(localStorage.getItem(KEY)) ?? []; } catch { return []; } };
  const mine = () => all().filter(item => item.account === account);
  function keep(change, done) {
    const items = change(all());
    if (items.length) localStorage.setItem(KEY, JSON.stringify(items));
    else localStorage.removeItem(KEY);
    show(done);
  }
  const put = item => keep(items => items.map(other => other.key === item.key ? item : other));
  const drop = (key, done) => keep(items => items.filter(item => item.key !== key), done);

  function make(tag, text, act) {
    const element = document.createElement(tag);
    element.textContent = text;
    if (act) {
      element.type = "button";
      element.className = "button small";
      element.addEventListener("click", act);
    }
    return element;
  }

  function line(item) {
    const li = make("li", "");
    li.dataset.state = item.state;
    const reason = { waiting: problem || "sending …", conflict: `${item.text} Nothing is done.`, refused: `${item.text} Nothing is done.` }[item.state];
    li.append(make("b", item.label), " ", make("small", reason), " ");
    const act = (name, text, does) => li.append(Object.assign(make("button", text, does), { id: `${name}-${item.key}` }), " "); // each line is made anew
    if (item.state === "conflict") act("again", "Do it all the same", () => again(item));
    act("drop", item.state === "waiting" ? "Cancel" : "Dismiss", () => drop(item.key));
    return li;
  }

  const find = ({ shows, key }) => shows ? $(shows) : document.getElementById(key);
  const settle = element => element?.classList.remove("pending");

  // What is decided stands where it will stand. What is given up is taken back; what is done stays until the page's next refresh brings it.
  function paint(done) {
    const waiting = mine().filter(item => item.state === "waiting" && item.page === location.pathname);
    for (const [key, { item, was }] of painted) {
      if (waiting.some(other => other.key === key)) continue;
      const element = find(item);
      if (element?.classList.contains("pending") && key !== done) {
        if (item.appends) element.remove();
        else element.textContent = was;
      }
      settle(element);
      painted.delete(key);
    }
    for (const item of waiting) {
      const place = $(item.shows ?? item.appends), element = find(item);
      if (!place || element?.classList.contains("pending")) continue;
      painted.set(item.key, { item, was: place.textContent });
      if (item.shows) place.textContent = item.as;
      else place.append(Object.assign(make("li", item.fields.text), { id: item.key }));
      find(item).classList.add("pending");
    }
  }

  function show(done) {
    let panel = $("#decisions");
    if (!panel) {
      panel = make("section", "");
      panel.id = "decisions";
      panel.setAttribute("role", "status");
      panel.setAttribute("aria-label", "Decisions");
      $(".masthead").after(panel);
    }
    const list = make("ul", "");
    list.className = "lines";
    list.append(...mine().map(line));
    if (last) list.append(make("li", last));
    note();
    panel.replaceChildren(...list.childElementCount ? [list] : []);
    mend(true);
    paint(done);
  }

  function again(item) {
    // Another decision, about the row as it is now.
    const url = new URL(item.url, location.href);
    url.searchParams.set("version", item.version);
    const next = { ...item, key: crypto.randomUUID(), url: url.pathname + url.search, state: "waiting" };
    keep(items => items.map(other => other.key === item.key ? next : other));
    send();
  }

  async function post(item) {
    const body = new URLSearchParams({ ...item.fields, key: item.key, __RequestVerificationToken: token() });
    const answer = await fetch(item.url, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual", signal: AbortSignal.timeout(PATIENCE) });
    if ([200, 409, 422].includes(answer.status)) return { status: answer.status, ...await answer.json() };
    throw new Error(answer.type === "opaqueredirect" || answer.status === 401 ? "sign in again to send it" : answer.status === 400 ? "load this page again to send it"
      : answer.status === 403 ? "only owners may decide" : "the site cannot take it now; it is sent again by itself");
  }

  async function sendAll() {
    for (let item; (item = mine().find(other => other.state === "waiting"));) {
      const answer = await post(item);
      problem = "";
      if (answer.status === 200) {
        last = answer.text;
        drop(item.key, item.key);
      } else put({ ...item, state: answer.status === 409 ? "conflict" : "refused", text: answer.text, version: answer.version });
    }
  }

  async function send() {
    clearTimeout(timer);
    try {
      await navigator.locks.request(KEY, sendAll); // one tab at a time
    } catch (error) {
      problem = error instanceof TypeError || error.name === "TimeoutError" ? "waiting for the connection" : error.message;
      timer = setTimeout(send, RETRY);
      show();
    }
  }

  document.addEventListener("submit", event => {
    const button = event.submitter;
    if (event.target.id !== "decide" || !button?.dataset.decision) return;
    const { decision: label, shows, as, appends } = button.dataset;
    const fields = appends ? { text: $("#note").value.trim() } : {};
    if (appends && !fields.text) {
      event.preventDefault();
      $("#note").focus();
      return;
    }
    const item = { key: crypto.randomUUID(), account, page: location.pathname, url: button.getAttribute("formaction"), label, shows, as, appends, fields, state: "waiting" };
    try { keep(items => [...items, item]); } catch { return; } // storage is full or forbidden: the form goes as it is
    event.preventDefault();
    if (appends) $("#note").value = "";
    send();
  });

  document.addEventListener("htmx:after:swap", () => paint());
  addEventListener("online", send);
  addEventListener("storage", event => { if (event.key === KEY) show(); });
  show();
  send();
}
