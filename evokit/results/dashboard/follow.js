"use strict";
// Puts what the report says now in the place of what is shown, and leaves the reader where they are.
const AT_LEAST_MS = 5000;
const SHARE = 5; // a look costs the machine at most about a fifth of the time

async function look() {
  const began = performance.now();
  let atWork = true;
  if (!document.hidden && getSelection().isCollapsed) {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.querySelector("main section")) return location.reload(); // something else than a report is told now
      show(page);
      atWork = page.querySelector("body > script") !== null;
    } catch {
      document.querySelector("footer").textContent = "evokit dashboard does not answer. What is shown is of then.";
    }
  }
  if (atWork) setTimeout(look, Math.max(AT_LEAST_MS, SHARE * (performance.now() - began)));
}

function show(page) {
  const [at, top] = inView();
  const chosen = [...document.querySelectorAll("input")].find((one) => one.checked && !one.defaultChecked);
  const open = [...document.querySelectorAll("details[open] > summary")].map((one) => one.textContent);
  const focused = places().indexOf(document.activeElement);
  const name = document.activeElement.getAttribute("name");
  const aside = [...document.querySelectorAll(".scroll, pre")].map((one) => one.scrollLeft);
  for (const part of ["header", "main", "footer"]) {
    const [old, fresh] = [document.querySelector(part), page.querySelector(part)];
    if (old.innerHTML !== fresh.innerHTML) old.innerHTML = fresh.innerHTML;
  }
  for (const one of document.querySelectorAll("details > summary"))
    one.parentElement.open = open.includes(one.textContent);
  const again = chosen && [...document.querySelectorAll("input")].find((one) => values(one) === values(chosen));
  if (again) again.checked = true;
  if (focused >= 0) (name ? again ?? document.querySelector("input:checked") : places()[focused])?.focus({ preventScroll: true });
  if (aside.some((left) => left))
    document.querySelectorAll(".scroll, pre").forEach((one, place) => (one.scrollLeft = aside[place] ?? 0));
  const heading = headings().find((one) => one.textContent === at);
  if (heading) scrollBy({ top: heading.getBoundingClientRect().top - top, behavior: "instant" });
}

const headings = () => [...document.querySelectorAll("h1, h2")];
const places = () => [...document.querySelectorAll("a, summary, [tabindex], input:checked")];
const values = (point) => point.getAttribute("aria-label").split(", the ")[0];

function inView() {
  const last = headings().filter((one) => one.getBoundingClientRect().top <= innerHeight / 2).pop() ?? headings()[0];
  return [last.textContent, last.getBoundingClientRect().top];
}

setTimeout(look, AT_LEAST_MS);
