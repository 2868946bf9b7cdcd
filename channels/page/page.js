// Runs before the page's own code: language and colours as the visitor chose them, then citations and copy buttons.
(() => {
  const store = {
    get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window: the choice lasts for this page */ } },
  };
  const browser = navigator.language || "en";
  const chosen = store.get("advisor-language") || (window.advisorLanguage === "auto" ? "" : window.advisorLanguage);
  const language = chosen || (browser.toLowerCase().startsWith("zh") ? "zh" : "en");
  const locale = language === "zh" ? "zh-CN" : "en";
  Object.defineProperty(navigator, "language", { get: () => locale });
  Object.defineProperty(navigator, "languages", { get: () => [locale] });
  document.documentElement.lang = locale;

  const paint = () => {
    const wanted = store.get("advisor-colours") || "system";
    const dark = wanted === "system" ? matchMedia("(prefers-color-scheme: dark)").matches : wanted === "dark";
    document.body?.classList.toggle("dark", dark);
    press();
  };
  const press = () => {
    const wanted = store.get("advisor-colours") || "system";
    for (const button of document.querySelectorAll("[data-colours]")) button.setAttribute("aria-pressed", String(button.dataset.colours === wanted));
    for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  };
  document.addEventListener("DOMContentLoaded", () => {
    paint();
    // The framework sets its own colours once it has started; ours win.
    new MutationObserver(() => {
      const wanted = store.get("advisor-colours");
      if (wanted && wanted !== "system" && document.body.classList.contains("dark") !== (wanted === "dark")) paint();
      if (document.documentElement.lang !== locale) document.documentElement.lang = locale;
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });

  // Sources that the visitor opened. The framework may put a message into the page anew, which would close them again.
  const unfolded = new Set();

  // The arrow inside a step's title is a button inside a button, without a name: the title itself is what one presses.
  const quieten = () => {
    for (const arrow of document.querySelectorAll(".thought-group .title button:not([disabled])")) {
      arrow.disabled = true;
      arrow.setAttribute("aria-hidden", "true");
    }
    if (document.querySelector("[data-language]:not([aria-pressed])")) press();
    for (const id of unfolded) {
      const source = document.getElementById(id);
      if (source && !source.open) source.open = true;
    }
  };
  document.addEventListener("DOMContentLoaded", () => new MutationObserver(quieten).observe(document.body, { childList: true, subtree: true }));

  const open = (id) => {
    unfolded.add(id);
    const source = document.getElementById(id);
    if (!source) return;
    source.open = true;
    const mark = source.querySelector("mark") || source;
    mark.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    source.querySelector("blockquote")?.focus({ preventScroll: true });
    source.classList.add("adv-lit");
    setTimeout(() => source.classList.remove("adv-lit"), 1600);
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const cite = target?.closest('a[href*="#src-"]');
    if (cite) {
      event.preventDefault();
      event.stopPropagation();
      open(cite.getAttribute("href").split("#")[1]);
      return;
    }
    const folding = target?.closest("details.adv-source > summary")?.parentElement;
    if (folding) folding.open ? unfolded.delete(folding.id) : unfolded.add(folding.id);
    const copy = target?.closest(".adv-copy");
    if (copy) {
      const label = copy.textContent;
      navigator.clipboard?.writeText(copy.dataset.copy).then(() => {
        copy.textContent = copy.dataset.done;
        setTimeout(() => { copy.textContent = label; }, 1500);
      });
      return;
    }
    const sort = target?.closest(".adv-sort");
    if (sort) {
      const head = sort.closest("th"), table = sort.closest("table"), body = table.tBodies[0];
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[head.cellIndex].dataset.sort ?? row.cells[head.cellIndex].textContent;
      const empty = (row) => key(row) === "~";
      [...body.rows]
        .sort((a, b) => empty(a) - empty(b) || (down ? -1 : 1) * key(a).localeCompare(key(b), locale))
        .forEach((row) => body.append(row));
      return;
    }
    const unfold = target?.closest(".adv-unfold");
    if (unfold || target?.closest("[data-open]")) {
      // On a phone the list is folded away until it is asked for, and again once something was chosen.
      // The mark sits inside the page: the framework scopes our style sheet to its own container.
      const list = document.getElementById("history");
      const shown = unfold ? list.classList.toggle("adv-history-shown") : (list?.classList.remove("adv-history-shown"), false);
      document.querySelector(".adv-unfold")?.setAttribute("aria-expanded", String(shown));
    }
    const menu = document.querySelector(".adv-menu[open]");
    if (menu && !menu.contains(target)) menu.open = false;
    if (target?.closest(".adv-language")) {
      store.set("advisor-language", language === "zh" ? "en" : "zh");
      location.reload();
    }
    const spoken = target?.closest("[data-language]");
    if (spoken && spoken.dataset.language !== language) {
      store.set("advisor-language", spoken.dataset.language);
      location.reload();
    }
    const colours = target?.closest(".adv-colours, [data-colours]");
    if (colours) {
      store.set("advisor-colours", colours.dataset.colours || (document.body.classList.contains("dark") ? "light" : "dark"));
      paint();
    }
  }, true);

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(".adv-menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  document.addEventListener("input", (event) => {
    if (!event.target.matches?.(".adv-filter")) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of event.target.parentElement.querySelectorAll("tbody tr")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
})();
