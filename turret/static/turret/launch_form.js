// The launch form: what is wrong is said at once, at the fields that were touched.
(() => {
  "use strict";

  const form = document.getElementById("launch-form");
  const touched = new Set();
  let waiting;
  let picking = "";
  let isSent = false;

  function look() {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const watch = document.getElementById("launch-watch");
      if (watch) window.htmx.trigger(watch, "launch-changed");
    }, 400);
  }

  form.addEventListener("input", (event) => {
    touched.add(event.target.id);
    look();
  });

  // Messages at the fields, as the list at the button has them.
  function place() {
    const found = new Map();
    for (const line of document.querySelectorAll("#launch-problems [data-problem]")) {
      found.set(line.dataset.problem, line.dataset.message);
    }
    for (const place of form.querySelectorAll(".launch-param > .field-error")) {
      const id = place.id.replace(/-error$/, "");
      const said = found.get(id) ?? "";
      if (said && !touched.has(id) && !place.textContent) continue;
      if (place.textContent !== said) place.textContent = said;
      document.getElementById(id)?.setAttribute("aria-invalid", said ? "true" : "false");
    }
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "launch-problems" || document.getElementById("launch-problems")) {
      place();
    }
    if (event.detail.target?.id === "launch-problems") {
      const fold = document.getElementById("launch-preview-fold");
      if (fold?.open) document.getElementById("launch-look").click();
    } else if (event.detail.target?.id === "launch-params") {
      look();
    }
  });

  // An answer that is none of the form's: what was there stays, and why is said.
  function trouble(words) {
    const place = document.getElementById("launch-trouble");
    place.textContent = words;
    place.hidden = !words;
  }

  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    const isPlain = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
    trouble(isPlain ? xhr.responseText : `SeqHub could not answer (${xhr.status}). What you wrote is kept; try again.`);
  });
  document.addEventListener("htmx:sendError", () => {
    trouble("SeqHub does not answer. What you wrote is kept; it is tried again with your next change.");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) trouble("");
  });

  document.addEventListener("click", (event) => {
    const profile = event.target.closest("button[data-profile]");
    if (profile) {
      const input = document.getElementById("launch-profile");
      const words = input.value.split(",").map((word) => word.trim()).filter(Boolean);
      const name = profile.dataset.profile;
      input.value = (words.includes(name) ? words.filter((word) => word !== name) : [...words, name]).join(",");
      look();
    }
    const picker = event.target.closest("[data-picks]");
    if (picker) picking = picker.dataset.picks;
    const picked = event.target.closest("[data-pick]");
    if (picked) {
      const input = document.getElementById(picking);
      document.getElementById("dialog-box")?.close();
      if (input) {
        input.value = picked.dataset.pick;
        input.focus();
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
    const group = event.target.closest(".launch-groups a");
    if (group) {
      event.preventDefault();
      const fold = document.getElementById(group.hash.slice(1));
      fold.open = true;
      fold.scrollIntoView();
      fold.querySelector("summary").focus({ preventScroll: true });
    }
    // A field that is folded away, or hidden, can't be jumped to.
    const jump = event.target.closest("#launch-problems a");
    if (jump) {
      const field = document.getElementById(jump.hash.slice(1));
      if (!field) return;
      event.preventDefault();
      if (field.closest(".is-hidden")) document.getElementById("show-hidden").checked = true;
      for (let fold = field.closest("details"); fold; fold = fold.parentElement.closest("details")) {
        fold.open = true;
      }
      field.focus();
    }
  });

  // What was refused: its problems are where the keyboard goes on.
  document.querySelector("#launch-problems[data-refused]")?.focus();

  // One launch, however often the button is pressed; the server sees to it as well.
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "launch") return;
    if (isSent) event.preventDefault();
    isSent = true;
  });
  window.addEventListener("pageshow", () => { isSent = false; });
})();
