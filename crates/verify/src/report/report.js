"use strict";
// Filters. Without script everything is shown.
(() => {
  const form = document.getElementById("filter");
  const items = [...document.querySelectorAll("[data-claim]")];
  const total = document.querySelectorAll("section[data-claim]").length;
  const read = () => Object.fromEntries(new FormData(form));
  const apply = () => {
    const want = read();
    const words = want.words.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const d = item.dataset;
      const fits = (!want.chapter || d.chapter === want.chapter)
        && (!want.kind || d.kinds.split(" ").includes(want.kind))
        && (!want.verdict || d.verdict === want.verdict)
        && words.every((w) => d.words.includes(w));
      item.hidden = !fits;
      if (fits && item.tagName === "SECTION") shown += 1;
    }
    form.querySelector("output").textContent = `${shown} of ${total} claims shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  apply();
})();
