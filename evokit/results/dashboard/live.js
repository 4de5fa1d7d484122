"use strict";
// Puts what the server says now in the place of what is shown, where it differs.
const AT_LEAST_MS = 2000;
const SHARE = 5; // a look costs the machine at most about a fifth of the time

async function look() {
  const began = performance.now();
  if (!document.hidden) {
    const trouble = document.getElementById("trouble");
    let told = "";
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.getElementById("live")) return location.reload(); // there is a report now
      show(page.getElementById("live"));
      document.getElementById("as-of").textContent = page.getElementById("as-of").textContent;
    } catch {
      told = "evokit dashboard does not answer. What is shown is of then.";
    }
    if (trouble.textContent !== told) trouble.textContent = told;
  }
  setTimeout(look, Math.max(AT_LEAST_MS, SHARE * (performance.now() - began)));
}

function show(fresh) {
  const live = document.getElementById("live");
  if (live.innerHTML === fresh.innerHTML) return;
  const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const left = live.querySelector(".scroll")?.scrollLeft ?? 0;
  live.innerHTML = fresh.innerHTML;
  live.querySelector(".scroll")?.scrollTo({ left });
  [...live.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
}

setTimeout(look, AT_LEAST_MS);
