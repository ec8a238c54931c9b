// Reloads the live part of a page when the run's event stream says that something happened.
"use strict";

const KINDS = [
  "run.leased", "lease.ended", "sandbox.started", "environment.ready", "run.collected",
  "attempts.queued", "attempt.finished", "run.cancel_requested", "run.finished",
  "run.reopened", "failure.assigned", "run.assessed",
  "python.begun", "python.awaited", "python.ready",
].map((kind) => `ath.${kind}.v1`);
const PAUSE_MS = 800;

let stream = null;
let timer = null;

function follow(address) {
  stream = new EventSource(address);
  for (const kind of KINDS) stream.addEventListener(kind, soon);
}

function soon() {
  if (timer === null) timer = setTimeout(refresh, PAUSE_MS);
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  timer = null;
  if (answer === null || !answer.ok) return soon();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [old, fresh] = [document, page].map((each) => each.querySelector("[data-live]"));
  for (const part of fresh.querySelectorAll("details[id]")) {
    const before = document.getElementById(part.id);
    if (before !== null) part.open = before.open;
  }
  old.replaceWith(fresh);
  document.title = page.title;
  if (!fresh.dataset.events && stream !== null) stream.close();
}

follow(document.querySelector("[data-live]").dataset.events);
