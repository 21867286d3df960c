// Keeps a page up to date and pleasant. Every page works without it.
"use strict";

// An element with data-live="what" is kept up to date from /console/live/what: each message holds
// the new content of elements by their id.
function follow(root) {
  const pulse = document.querySelector("[data-pulse]");
  const say = (tone, text) => {
    if (!pulse) return;
    pulse.hidden = false;
    pulse.className = `pulse is-${tone}`;
    if (pulse.textContent !== text) pulse.textContent = text;
  };
  const feed = new EventSource(`/console/live/${root.dataset.live}`);
  feed.onopen = () => say("good", "Live");
  feed.onerror = () => {
    const gone = feed.readyState === EventSource.CLOSED;
    say("warn", gone ? "Not live: load the page again" : "Connection lost, trying again");
  };
  feed.addEventListener("parts", (message) => {
    for (const [id, html] of Object.entries(JSON.parse(message.data))) {
      const part = document.getElementById(id);
      if (part && !isInUse(part)) put(part, html);
    }
  });
  addEventListener("pagehide", () => feed.close());
}

// What somebody types into, opens or marks is not taken from under their hands.
function isInUse(part) {
  const marked = getSelection();
  return (
    part.contains(document.activeElement) ||
    part.querySelector("details[open]") !== null ||
    (marked.type === "Range" && part.contains(marked.anchorNode))
  );
}

function put(part, html) {
  const scrolled = [...part.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
  part.innerHTML = html;
  part.querySelectorAll(".scroll").forEach((box, i) => {
    box.scrollLeft = scrolled[i] || 0;
  });
}

document.querySelectorAll("[data-live]").forEach(follow);

// Forms marked data-submit="change" are sent when a choice is made in them.
document.querySelectorAll("form[data-submit=change]").forEach((form) => {
  form.addEventListener("change", () => form.requestSubmit());
});

// "/" leads to the search, as in many programs; Escape closes the menu.
addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector(".find input");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
  if (event.key === "Escape") document.querySelector(".menu[open]")?.removeAttribute("open");
});
