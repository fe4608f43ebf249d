// Behaviour of SeqHub's pages: dialogs, copy buttons, fresh times, live regions.
(() => {
  "use strict";

  // --- dialogs: links with data-dialog open in place, and as pages without this
  function dialog() {
    let found = document.getElementById("dialog-box");
    if (!found) {
      found = document.createElement("dialog");
      found.id = "dialog-box";
      found.setAttribute("aria-labelledby", "dialog-title");
      found.innerHTML = '<div id="dialog-body"></div>';
      document.body.append(found);
    }
    return found;
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("a[data-dialog]");
    if (opener && !event.ctrlKey && !event.metaKey && window.htmx) {
      event.preventDefault();
      opener.closest("details.menu")?.removeAttribute("open");
      const box = dialog();
      window.htmx
        .ajax("GET", opener.href, { target: "#dialog-body", swap: "innerHTML" })
        .then(() => {
          box.showModal();
          box.querySelector("select, textarea, input:not([type=hidden]), button")?.focus();
        });
      return;
    }
    const closer = event.target.closest("#dialog-box [data-close]");
    if (closer || event.target.id === "dialog-box") {
      event.preventDefault();
      dialog().close();
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.removeAttribute("open");
        menu.querySelector("summary").focus();
      }
    }
    // Controls that unfold made for the mouse only.
    if ((event.key === "Enter" || event.key === " ") && event.target.dataset?.keyed) {
      event.preventDefault();
      event.target.click();
    }
  });

  // --- copy buttons
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Over plain HTTP browsers offer the old way only.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.classList.add("copied");
    announce("Copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  });

  // --- relative times, in the words of seqhub.lib.units.format_since
  const STEPS = [["y", 365 * 86400], ["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

  function words(at) {
    const seconds = Math.round((Date.now() - at) / 1000);
    const size = Math.abs(seconds);
    if (size < 2) return "just now";
    const [name, step] = STEPS.find(([, length]) => size >= length);
    const count = `${Math.floor(size / step)} ${name}`;
    return seconds < 0 ? `in ${count}` : `${count} ago`;
  }

  function refreshTimes() {
    if (document.hidden) return;
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const now = words(Date.parse(time.dateTime));
      if (time.textContent !== now) time.textContent = now;
    }
  }

  // --- what changed, for screen readers: one polite line, only when it changes
  function announce(text) {
    let region = document.getElementById("announcer");
    if (!region) {
      region = document.createElement("div");
      region.id = "announcer";
      region.className = "sr-only";
      region.setAttribute("role", "status");
      document.body.append(region);
    }
    region.textContent = text;
  }

  // --- live fragments: keep an open menu open and the focus, say what changed
  let openMenus = [];
  let focused = "";
  let said = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    // A lost session answers with the login page: show that, not inside a panel.
    if (event.detail.xhr.responseURL.includes("/login/")) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
    openMenus = [...document.querySelectorAll("details[open][id]")].map((m) => m.id);
    focused = document.activeElement?.id ?? "";
    said = document.querySelector("[data-announce]")?.dataset.announce ?? "";
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of openMenus) document.getElementById(id)?.setAttribute("open", "");
    // htmx brings the focus back before the menu around it is open again.
    if (focused && document.activeElement?.id !== focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
    const now = document.querySelector("[data-announce]")?.dataset.announce ?? "";
    if (said && now && now !== said) {
      announce(now);
      document.body.dispatchEvent(new Event("run-changed"));
    }
  });

  // --- the API's answer, pretty
  async function showJson(place) {
    try {
      const answer = await fetch(place.dataset.json, {
        headers: { Accept: "application/json" },
      });
      const body = await answer.json();
      place.textContent = JSON.stringify(body, null, 2);
    } catch {
      place.textContent = "The API did not answer.";
    }
  }

  // --- names and keys for unfold's controls that have neither
  const NAMES = {
    dock_to_right: "Show or hide the sidebar",
    close: "Close",
    computer: "Colour theme",
    light_mode: "Colour theme",
    dark_mode: "Colour theme",
    unfold_more: "Account",
    genetics: "Dashboard",
    add: "Add",
    arrow_back: "Back",
    arrow_circle_up: "Sort the other way",
    arrow_circle_down: "Sort the other way",
    cancel: "Do not sort by this",
  };

  // The name of a control that shows an icon and nothing else.
  function iconName(control) {
    const icon = control.matches(".material-symbols-outlined")
      ? control
      : control.querySelector(".material-symbols-outlined");
    const word = icon?.textContent.trim();
    return word && control.textContent.trim() === word ? NAMES[word] : undefined;
  }

  function nameControls() {
    const clickable = "[x-on\\:click]:not(a[href]):not(button):not(input):not(nav)";
    for (const control of document.querySelectorAll(clickable)) {
      if (control.id === "changelist-filter-close") continue;
      control.tabIndex = 0;
      control.dataset.keyed = "1";
      control.setAttribute("role", "button");
    }
    for (const control of document.querySelectorAll("[data-keyed], a[href]:not([aria-label])")) {
      const name = iconName(control);
      if (name) control.setAttribute("aria-label", name);
    }
    for (const input of document.querySelectorAll("input[placeholder]:not([aria-label])")) {
      if (!input.labels?.length) input.setAttribute("aria-label", input.placeholder);
    }
    document.getElementById("command-submit")?.setAttribute("aria-label", "Search");
    document.getElementById("searchbar-submit")?.setAttribute("aria-label", "Search");
    for (const icon of document.querySelectorAll(".material-symbols-outlined")) {
      if (!icon.hasAttribute("role")) icon.setAttribute("aria-hidden", "true");
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    announce("");
    nameControls();
    document.querySelectorAll("[data-json]").forEach(showJson);
    refreshTimes();
    setInterval(refreshTimes, 5000);
  });
})();
