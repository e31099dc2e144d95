
"use strict";
// The pages are whole without this: it adds the before-after slider, the large view, order and filters.
(() => {
  const all = (root, selector) => [...root.querySelectorAll(selector)];
  const strips = all(document, ".strip");
  if (!strips.length) return;

  // Shows two panels of one strip on top of each other, with a slider between them.
  function comparison(root) {
    const layers = all(root, ".layer"), sides = all(root, "select[data-side]");
    const stage = root.querySelector(".stage"), slider = root.querySelector("input[type=range]");
    const told = root.querySelector(".told");
    let panels = [];

    const draw = () => {
      const chosen = sides.map((side) => panels[side.value]);
      layers.forEach((layer, place) => {
        const parts = [...chosen[place].querySelector(".frame").children].map((part) => part.cloneNode(true));
        parts.flatMap((part) => all(part, "text")).forEach((text) => text.setAttribute("font-size", 0.6 * text.getAttribute("font-size")));
        layer.replaceChildren(...parts);
      });
      told.textContent = chosen.map((panel) => {
        const words = panel.querySelector("figcaption").cloneNode(true);
        all(words, "a, .insets").forEach((part) => part.remove());
        return words.textContent.trim().replace(/\s+/g, " ");
      }).join("  |  ");
    };
    const move = () => stage.style.setProperty("--at", slider.value / 100);
    sides.forEach((side) => side.addEventListener("change", draw));
    slider.addEventListener("input", move);
    move();

    return (strip, right) => {
      panels = all(strip, ".panel");
      const picture = panels[0].querySelector("img");
      root.style.setProperty("--ratio", picture.getAttribute("width") / picture.getAttribute("height"));
      sides.forEach((side) => side.replaceChildren(...panels.map((panel, index) => new Option(panel.dataset.title, index))));
      const before = Math.max(0, panels.findIndex((panel) => panel.dataset.role === "before"));
      sides[0].value = before;
      sides[1].value = right === before ? panels.length - 1 : right;
      draw();
    };
  }

  const seen = () => strips.filter((strip) => !strip.hidden).sort(
    (one, other) => (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  const best = (strip) => {
    const gains = all(strip, ".panel").map((panel) => (panel.dataset.role === "after" ? Number(panel.dataset.change ?? 0) : -Infinity));
    return gains.lastIndexOf(Math.max(...gains));
  };

  // The large view: any panel opens it.
  const viewer = document.querySelector(".viewer"), name = viewer.querySelector(".name"), show = comparison(viewer);
  let current;
  function open(strip, index) {
    current = strip;
    name.textContent = strip.dataset.title;
    show(strip, index);
    if (!viewer.open) viewer.showModal();
  }
  function step(by) {
    const order = seen();
    const next = order[(order.indexOf(current) + by + order.length) % order.length];
    open(next, best(next));
  }
  all(viewer, "[data-step]").forEach((button) => button.addEventListener("click", () => step(Number(button.dataset.step))));
  viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());
  for (const strip of strips) {
    all(strip, ".panel").forEach((panel, index) => {
      const frame = panel.querySelector(".frame");
      frame.setAttribute("role", "button");
      frame.setAttribute("aria-label", `Enlarge ${frame.querySelector("img").alt}`);
      frame.tabIndex = 0;
      frame.addEventListener("click", () => open(strip, index));
      frame.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        open(strip, index);
      });
    });
  }

  // The slider that stands in the page shows the first strip.
  const first = document.querySelector(".compare");
  if (first) {
    first.hidden = false;
    comparison(first)(strips[0], best(strips[0]));
  }

  // Order and filters.
  const filters = document.querySelector(".filters");
  if (!filters) return;
  const groups = all(document, ".group"), count = filters.querySelector("output");
  const folds = all(document, ".more");
  const atFirst = [...groups, ...folds].map((place) => [place, [...place.children]]);
  const isWanted = (mark, wanted, hasKind) => (!wanted.class || mark.dataset.class === wanted.class)
    && (!wanted.size || mark.dataset.size === wanted.size)
    && (!hasKind || !wanted.kind || mark.classList[0] === wanted.kind);

  function select(strip, wanted) {
    const isAny = !wanted.class && !wanted.size && !wanted.kind;
    let matches = 0;
    for (const panel of all(strip, ".panel")) {
      const isAfter = panel.dataset.role === "after";
      panel.hidden = isAfter && wanted.arm !== "" && panel.dataset.title !== wanted.arm;
      for (const mark of all(panel, "rect")) {
        const isMatch = isWanted(mark, wanted, isAfter);
        mark.classList.toggle("dim", !isMatch);
        matches += isMatch && isAfter && !panel.hidden;
      }
      for (const label of all(panel, "text")) label.classList.toggle("dim", !isAny);
    }
    const [low, high] = wanted.blur ? wanted.blur.split("-").map(Number) : [-Infinity, Infinity];
    const blur = strip.dataset.severity === undefined ? NaN : Number(strip.dataset.severity);
    strip.hidden = !((isAny || matches > 0) && (!wanted.blur || (blur >= low && blur < high)));
  }

  function arrange(order) {
    const changes = (strip) => all(strip, ".panel[data-change]").filter((panel) => !panel.hidden).map((panel) => Number(panel.dataset.change));
    const keys = {
      gain: (strip) => -Math.max(...changes(strip), -Infinity),
      loss: (strip) => Math.min(...changes(strip), Infinity),
      blur: (strip) => -Number(strip.dataset.severity ?? 0),
    };
    const key = keys[order];
    if (key) groups[0].append(...[...strips].sort((one, other) => key(one) - key(other)));
    else atFirst.forEach(([place, children]) => place.append(...children));
    for (const fold of folds) fold.hidden = !fold.querySelector(".strip:not([hidden])");
    for (const group of groups) {
      group.querySelector("h3").hidden = Boolean(key);
      group.hidden = !group.querySelector(".strip:not([hidden])");
    }
  }

  function apply() {
    const wanted = Object.fromEntries(new FormData(filters));
    strips.forEach((strip) => select(strip, wanted));
    arrange(wanted.order);
    if (Object.values(wanted).some(Boolean)) folds.forEach((fold) => { fold.open = true; });
    count.textContent = `${strips.filter((strip) => !strip.hidden).length} of ${strips.length} pictures`;
  }
  filters.hidden = false;
  filters.addEventListener("change", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(apply));
  apply();
})();
