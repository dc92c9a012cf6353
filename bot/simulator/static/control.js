"use strict";
// The state is rendered on the server; this keeps it fresh and sends what was asked for.
const state = document.querySelector("[data-state]");
const status = document.querySelector("[data-status]");
const lamp = document.querySelector("[data-live]");
const name = (b) => JSON.stringify(b.dataset);

async function ask(what, about) {
  status.textContent = "";
  try {
    const response = await fetch(`/control/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(about),
    });
    const answer = await response.json();
    if (!answer.ok) status.textContent = answer.error;
  } catch {
    status.textContent = "The local Slack does not answer.";
  }
  await refresh();
}

async function refresh() {
  try {
    const html = await (await fetch("/control/state")).text();
    const focused = state.contains(document.activeElement) && name(document.activeElement);
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    state.replaceChildren(...fresh.childNodes);
    if (!focused) return;
    const again = [...state.querySelectorAll("button")].find((b) => name(b) === focused);
    (again || document.querySelector("#planned")).focus();
  } catch { /* the next change asks again */ }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(event.target.dataset.control, Object.fromEntries(new FormData(event.target)));
});
document.addEventListener("click", (event) => {
  const on = event.target.closest("button[data-control]");
  if (on) ask(on.dataset.control, { ...on.dataset });
});

const live = new EventSource("/live");
live.onmessage = () => { lamp.classList.add("on"); refresh(); };
live.onerror = () => lamp.classList.remove("on");
