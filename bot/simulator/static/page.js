"use strict";
// Panes are rendered on the server; this keeps them fresh and sends clicks.
const where = document.body.dataset;
const toast = document.querySelector("[data-toast]");
const dialog = document.querySelector("dialog");

function say(problem, status) {
  const target = status || toast;
  target.textContent = problem || "";
  if (target === toast) toast.hidden = !problem;
}

async function act(what, about, status) {
  say("", status);
  try {
    const response = await fetch(`/do/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: where.as, channel: where.channel, ...about }),
    });
    const answer = await response.json();
    if (!answer.ok && answer.error !== "incomplete") say(answer.error, status);
    return answer.ok;
  } catch {
    say("The local Slack does not answer.", status);
    return false;
  }
}

// The browser would focus the first button, which may stand below what is to be read.
function openDialog() {
  dialog.showModal();
  if (!dialog.querySelector("[name=value]")) dialog.querySelector("h2").focus();
}

function keepTyped(before, after) {
  const typed = [...before.querySelectorAll("[name=value]")];
  [...after.querySelectorAll("[name=value]")].forEach((input, i) => {
    const old = typed[i];
    if (!old || old.type !== input.type) return;
    if (old.type === "checkbox" || old.type === "radio") input.checked = old.checked;
    else if (old.multiple) [...input.options].forEach((o, n) => { o.selected = Boolean(old.options[n]?.selected); });
    else input.value = old.value;
  });
}

// Of messages the newest are at the end; a modal and the Home tab are read from the top.
const followsEnd = (pane) => pane !== dialog && where.view !== "home";

function patch(pane, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  const old = new Map([...pane.children].map((c) => [c.dataset.key, c]));
  const atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 80;
  const focused = document.activeElement;
  const focus = pane.contains(focused) && focused.closest("[data-key]");
  const key = focus && focus.dataset.key;
  const place = focus && [...focus.querySelectorAll("button,a,select,summary")].indexOf(focused);
  const wanted = [...fresh.children].map((c) => {
    const before = old.get(c.dataset.key);
    if (!before) return c;
    const opened = before.querySelector("details[open]");
    if (opened) opened.removeAttribute("open");
    const same = before.isEqualNode(c);
    if (opened) opened.setAttribute("open", "");
    return same ? before : c;
  });
  const form = pane.querySelector("form[data-view-id]");
  for (const c of wanted) {
    if (form && c !== form && c.dataset.viewId === form.dataset.viewId) keepTyped(form, c);
  }
  wanted.forEach((c, i) => {
    if (pane.children[i] !== c) pane.insertBefore(c, pane.children[i] || null);
  });
  while (pane.children.length > wanted.length) pane.lastElementChild.remove();
  if (key && !document.contains(focused)) {
    const again = pane.querySelector(`[data-key="${CSS.escape(key)}"]`);
    const items = again ? again.querySelectorAll("button,a,select,summary") : [];
    (items[place] || pane).focus();
  }
  if (atEnd && followsEnd(pane)) pane.scrollTop = pane.scrollHeight;
}

let running = false;
let again = false;
async function refresh() {
  if (running) { again = true; return; }
  running = true;
  try {
    const query = new URLSearchParams({ as: where.as, channel: where.channel, thread: where.thread, view: where.view });
    const panes = await (await fetch(`/panes?${query}`)).json();
    for (const pane of document.querySelectorAll("[data-pane]")) patch(pane, panes[pane.dataset.pane]);
    if (dialog.firstElementChild && !dialog.open) openDialog();
    if (!dialog.firstElementChild && dialog.open) dialog.close();
  } catch { /* the next change asks again */ }
  running = false;
  if (again) { again = false; refresh(); }
}

// Slack leads from these addresses to the reader's workspace, which is here.
const ANY_WORKSPACE = "https://slack.com/archives/";

document.addEventListener("click", (event) => {
  const link = event.target.closest(`a[href^="${ANY_WORKSPACE}"]`);
  if (!link) return;
  const path = link.getAttribute("href").slice(ANY_WORKSPACE.length);
  link.setAttribute("href", `/archives/${path}?${new URLSearchParams({ as: where.as })}`);
}, true);

document.addEventListener("click", async (event) => {
  const on = event.target.closest("[data-act],[data-do]");
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (!on) return;
  if (on.dataset.confirm && !window.confirm(on.dataset.confirm)) return;
  const text = on.dataset.ask && window.prompt(on.dataset.ask);
  if (on.dataset.ask && !text) return;
  const { act: n, do: what, ts, where: place, name, callback_id, value } = on.dataset;
  if (on.tagName === "BUTTON") on.setAttribute("aria-busy", "true");
  if (n !== undefined) await act("act", { n: Number(n), ts, where: place, value });
  else await act(what, { ts, name, callback_id, text });
  on.removeAttribute("aria-busy");
  const menu = on.closest("details.menu");
  if (menu) menu.open = false;
});

document.addEventListener("change", async (event) => {
  const on = event.target;
  if (on.matches("[data-who]")) { on.form.submit(); return; }
  if (!on.matches("[data-choose]")) return;
  const { choose: n, ts, where: place } = on.dataset;
  let value = on.value;
  if (on.multiple) value = [...on.selectedOptions].map((o) => o.value);
  if (on.type === "checkbox") {
    value = [...on.closest(".choices").querySelectorAll("input:checked")].map((c) => c.value);
  }
  if (value !== "") await act("act", { n: Number(n), ts, where: place, value });
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const status = form.querySelector("[data-status]");
  if (form.matches("[data-say]")) {
    event.preventDefault();
    const text = form.elements.text;
    if (text && text.value.trim() && await act("say", { text: text.value, thread: form.dataset.say }, status)) text.value = "";
  } else if (form.matches(".modal")) {
    event.preventDefault();
    const values = {};
    for (const block of form.querySelectorAll("[data-block]")) {
      const inputs = [...block.querySelectorAll("[name=value]")];
      const first = inputs[0];
      if (!first) continue;
      if (first.type === "checkbox") values[block.dataset.block] = inputs.filter((i) => i.checked).map((i) => i.value);
      else if (first.type === "radio") values[block.dataset.block] = (inputs.find((i) => i.checked) || { value: "" }).value;
      else if (first.multiple) values[block.dataset.block] = [...first.selectedOptions].map((o) => o.value);
      else values[block.dataset.block] = first.value;
    }
    await act("submit", { values }, status);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && event.target.matches("[data-say] textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
dialog.addEventListener("cancel", (event) => { event.preventDefault(); act("close", {}); });

const live = new EventSource("/live");
const lamp = document.querySelector("[data-live]");
live.onmessage = () => { lamp.classList.add("on"); refresh(); };
live.onerror = () => lamp.classList.remove("on");
for (const pane of document.querySelectorAll("[data-pane]")) if (followsEnd(pane)) pane.scrollTop = pane.scrollHeight;
if (dialog.firstElementChild) openDialog();
if (where.view === "home") act("home", {});
