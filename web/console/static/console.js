// Keys for those who decide a hundred drafts a day. Every page works without this file.
"use strict";

const PLACES = { t: "/", i: "/inbox", e: "/events", m: "/templates", d: "/trouble" };
let going = false;

const links = () => [...document.querySelectorAll("[data-list] a")];

function move(step) {
  const all = links();
  if (!all.length) return;
  const marked = all.findIndex((link) => link.getAttribute("aria-current") === "true");
  const focused = all.indexOf(document.activeElement);
  const from = focused >= 0 ? focused : marked >= 0 ? marked : step > 0 ? -1 : 0;
  all[Math.min(Math.max(from + step, 0), all.length - 1)].focus();
}

function isTyping(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (going) {
    going = false;
    if (PLACES[event.key]) location.assign(PLACES[event.key]);
    return;
  }
  if (event.key === "g") going = true;
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    search.focus();
    event.preventDefault();
  } else if (/^[a-z]$/.test(event.key) && !event.repeat) {
    const target = document.querySelector(`[data-key="${event.key}"]`);
    if (target) target.click();
  }
});

// A second click on a slow page must not give the same order twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// Once an answer has left, nothing offers to take it back. A clock that is looked at again
// and again is right in a page that slept, too.
for (const said of document.querySelectorAll("[data-seconds]")) {
  const until = Date.now() + 1000 * said.dataset.seconds;
  const timer = setInterval(() => {
    if (Date.now() < until) return;
    clearInterval(timer);
    said.replaceChildren(said.querySelector("template").content);
  }, 250);
}
