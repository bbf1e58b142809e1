"use strict";

// Every second the part of the page that changes is fetched anew, as the program writes it. Without this script the page is a
// snapshot that the browser reloads.

const overview = document.getElementById("overview");
const silence = document.getElementById("silence");
const PERIOD_MS = 1000;
const PATIENCE_MS = 3000;
let shown = "";

function show(text) {
  // The same text again would only take a reader's selection away.
  if (text !== shown) {
    overview.innerHTML = text;
    shown = text;
  }
  const headline = overview.querySelector("[data-title]");
  if (headline) {
    document.title = headline.dataset.title;
  }
}

function setOld(isOld) {
  silence.hidden = !isOld;
  document.body.classList.toggle("old", isOld);
}

async function refresh() {
  try {
    const answer = await fetch("/overview", {cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS)});
    if (!answer.ok) {
      throw new Error(answer.statusText);
    }
    show(await answer.text());
    setOld(false);
  } catch {
    setOld(true);
  }
  setTimeout(refresh, PERIOD_MS);
}

refresh();
