"use strict";
// The pages are whole without this. It adds the before-after slider with zoom, the large view with every arm in step,
// boxes at any confidence, order, filters, and links to single pictures.
(() => {
  const MOST_ZOOM = 16, ZOOM_STEP = 1.5, LOUPE_ZOOM = 4, LABEL_PX = 13;
  const all = (root, selector) => [...root.querySelectorAll(selector)];
  const within = (value, low, high) => Math.min(Math.max(value, low), high);
  const wordsOf = (element) => element.textContent.trim().replace(/\s+/g, " ");
  const strips = all(document, ".strip");
  if (!strips.length) return;

  // A copy of a panel's picture and boxes that can be zoomed.
  function plateOf(panel) {
    const plate = document.createElement("div");
    plate.className = "plate";
    plate.append(...[...panel.querySelector(".frame").children].map((part) => part.cloneNode(true)));
    return plate;
  }

  // The part of a picture that is seen: its centre in shares of the picture's sides, never beyond the edges.
  function viewOf(zoom, x, y) {
    const half = 0.5 / zoom;
    return { zoom, x: within(x, half, 1 - half), y: within(y, half, 1 - half) };
  }
  // Every plate inside the element shows this part: the style sheet reads these.
  function aim(element, { zoom, x, y }) {
    element.style.setProperty("--zoom", zoom);
    element.style.setProperty("--left", `${100 * (0.5 / zoom - x)}%`);
    element.style.setProperty("--top", `${100 * (0.5 / zoom - y)}%`);
  }

  // Shows two panels of one strip on top of each other, with a slider between them; in the large view also every panel
  // as a tile, all at the same zoom.
  function comparison(root) {
    const layers = all(root, ".layer"), sides = all(root, "select[data-side]");
    const stage = root.querySelector(".stage"), slider = stage.querySelector("input");
    const told = root.querySelector(".told"), tiles = root.querySelector(".tiles"), loupe = root.querySelector("[data-loupe]");
    let panels = [], plates = [], view = viewOf(1, 0.5, 0.5), spot = view;

    const move = () => {
      stage.style.setProperty("--at", slider.value / 100);
      stage.classList.toggle("whole", slider.value === "0" || slider.value === "100");
    };
    // The right picture in full, then the left one in full.
    const flip = () => {
      slider.value = slider.value === "0" ? 100 : 0;
      move();
    };
    const magnify = () => {
      const isOn = loupe?.getAttribute("aria-pressed") === "true";
      if (tiles) aim(tiles, isOn ? viewOf(Math.min(LOUPE_ZOOM * view.zoom, MOST_ZOOM), spot.x, spot.y) : view);
    };
    const setView = (zoom, x, y) => {
      spot = view = viewOf(within(zoom, 1, MOST_ZOOM), x, y);
      aim(root, view);
      stage.classList.toggle("zoomed", view.zoom > 1);
      root.querySelector("[data-zoom]").textContent = `${view.zoom.toFixed(1)}×`;
      magnify();
    };
    const zoomBy = (factor) => setView(view.zoom * factor, view.x, view.y);
    const panBy = (x, y) => setView(view.zoom, view.x + x / view.zoom, view.y + y / view.zoom);
    const offset = (event) => {
      const box = stage.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
    };

    const caption = (panel) => {
      const words = panel.querySelector("figcaption").cloneNode(true);
      all(words, "a, .insets").forEach((part) => part.remove());
      return wordsOf(words);
    };
    const describe = () => { told.textContent = sides.map((side) => caption(panels[side.value])).join("\n"); };
    const tile = (panel, index) => {
      const button = document.createElement("button"), crop = document.createElement("span"), plate = plateOf(panel);
      plate.querySelector("img").alt = "";
      crop.className = "crop";
      crop.append(plate);
      button.type = "button";
      button.append(crop, panel.dataset.title);
      button.setAttribute("aria-pressed", index === Number(sides[1].value));
      button.addEventListener("click", () => {
        sides[1].value = index;
        draw();
        tiles.children[index].focus();
      });
      plates.push([plate, panel]);
      return button;
    };
    function draw() {
      plates = sides.map((side) => [plateOf(panels[side.value]), panels[side.value]]);
      layers.forEach((layer, place) => layer.replaceChildren(plates[place][0]));
      tiles?.replaceChildren(...panels.map(tile));
      describe();
    }
    // Labels keep their size on the screen, and are never larger than the room they were placed in.
    const size = () => {
      const picture = panels[0]?.querySelector("img");
      if (picture) stage.style.setProperty("--label", `${Math.min(0.042, LABEL_PX / stage.clientWidth) * picture.getAttribute("width")}px`);
    };

    const tools = { in: () => zoomBy(ZOOM_STEP), out: () => zoomBy(1 / ZOOM_STEP), fit: () => setView(1, 0.5, 0.5), flip };
    const keys = { "+": tools.in, "=": tools.in, "-": tools.out, "−": tools.out, 0: tools.fit, b: flip };
    const pans = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
    all(root, "[data-tool]").forEach((button) => button.addEventListener("click", tools[button.dataset.tool]));
    root.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
      if (keys[event.key]) keys[event.key]();
      else if (pans[event.key] && view.zoom > 1 && !event.target.matches("input")) panBy(...pans[event.key]);
      else return;
      event.preventDefault();
    });
    loupe?.addEventListener("click", () => {
      loupe.setAttribute("aria-pressed", loupe.getAttribute("aria-pressed") !== "true");
      magnify();
    });
    sides.forEach((side) => side.addEventListener("change", draw));
    slider.addEventListener("input", move);
    stage.addEventListener("pointerdown", (event) => {
      if (view.zoom > 1 && event.target !== slider) stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      const box = stage.getBoundingClientRect(), [x, y] = offset(event);
      if (stage.hasPointerCapture(event.pointerId)) panBy(-event.movementX / box.width, -event.movementY / box.height);
      spot = { x: view.x + x / view.zoom, y: view.y + y / view.zoom };
      magnify();
    });
    // In the page the wheel scrolls; in the large view there is nothing to scroll, and what is under the pointer stays.
    if (tiles) stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [x, y] = offset(event), zoom = within(view.zoom * ZOOM_STEP ** (event.deltaY < 0 ? 0.5 : -0.5), 1, MOST_ZOOM);
      setView(zoom, view.x + x / view.zoom - x / zoom, view.y + y / view.zoom - y / zoom);
    }, { passive: false });
    new ResizeObserver(size).observe(stage);
    move();

    return {
      show(strip, right) {
        panels = all(strip, ".panel");
        const picture = panels[0].querySelector("img");
        root.style.setProperty("--ratio", picture.getAttribute("width") / picture.getAttribute("height"));
        sides.forEach((side) => side.replaceChildren(...panels.map((panel, index) => new Option(panel.dataset.title, index))));
        const before = Math.max(0, panels.findIndex((panel) => panel.dataset.role === "before"));
        sides[0].value = before;
        sides[1].value = right === before ? panels.length - 1 : right;
        setView(1, 0.5, 0.5);
        draw();
        size();
      },
      // The same pictures with the boxes that their panels have now.
      redraw() {
        if (!panels.length) return;
        for (const [plate, panel] of plates) plate.querySelector("svg")?.replaceWith(panel.querySelector(".frame svg").cloneNode(true));
        describe();
      },
    };
  }

  const seen = () => strips.filter((strip) => !strip.hidden).sort(
    (one, other) => (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  const best = (strip) => {
    const gains = all(strip, ".panel").map((panel) => (panel.dataset.role === "after" ? Number(panel.dataset.change ?? 0) : -Infinity));
    return gains.lastIndexOf(Math.max(...gains));
  };

  // The large view: any panel opens it, and the address names its picture.
  const viewer = document.querySelector(".viewer"), name = viewer.querySelector(".name"), large = comparison(viewer);
  const setHash = (hash) => history.replaceState(null, "", location.href.split("#")[0] + hash);
  let current;
  function open(strip, index) {
    current = strip;
    name.textContent = strip.dataset.title;
    if (!viewer.open) viewer.showModal();
    large.show(strip, index);
    setHash(`#picture=${encodeURIComponent(strip.dataset.title)}`);
  }
  function step(by) {
    const order = seen();
    const next = order[(order.indexOf(current) + by + order.length) % order.length];
    if (next) open(next, best(next));
  }
  all(viewer, "[data-step]").forEach((button) => button.addEventListener("click", () => step(Number(button.dataset.step))));
  viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());
  viewer.addEventListener("click", (event) => event.target === viewer && viewer.close());
  viewer.addEventListener("close", () => setHash(""));
  viewer.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by && !event.defaultPrevented && !event.target.matches("input, select")) step(by);
  });
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
  const first = document.querySelector(".compare"), small = first && comparison(first);
  if (first) {
    first.hidden = false;
    small.show(strips[0], best(strips[0]));
  }

  const filters = document.querySelector(".filters");

  // #picture=NAME opens that picture.
  function follow() {
    const coded = location.hash.match(/^#picture=(.+)$/)?.[1];
    if (!coded) return;
    const strip = strips.find((each) => coded === encodeURIComponent(each.dataset.title) || `picture=${coded}` === each.id);
    if (strip) open(strip, best(strip));
    else if (filters) {
      filters.querySelector("output").textContent = "The picture of this link is not on this page";
      filters.scrollIntoView({ block: "center" });
    }
  }

  if (!filters) {
    addEventListener("hashchange", follow);
    follow();
    return;
  }

  // Boxes at a confidence. What each box is follows from its score, the true box that it took, and the blurred arm's.
  const sliders = all(document, "[data-confidence]"), toggles = all(document, "[data-kind]"), section = filters.closest("section");
  const counted = { found: ["found", "regained"], false: ["false"], missed: ["missed", "lost"], regained: ["regained"], lost: ["lost"] };

  function kindOf(mark, confidence, isAfter, taken, takenBefore) {
    const { score, truth } = mark.dataset;
    if (score === undefined) return taken.has(truth) ? "off" : isAfter && takenBefore.has(truth) ? "lost" : "missed";
    if (Number(score) < confidence) return "off";
    if (truth === undefined) return "false";
    return isAfter && !takenBefore.has(truth) ? "regained" : "found";
  }
  function setBoxes(strip, confidence) {
    let takenBefore;
    for (const panel of all(strip, ".panel")) {
      const isAfter = panel.dataset.role === "after", counts = {};
      const taken = new Set(all(panel, "rect[data-score][data-truth]")
        .filter((mark) => Number(mark.dataset.score) >= confidence).map((mark) => mark.dataset.truth));
      takenBefore ??= taken;
      for (const mark of all(panel, ".frame rect, .frame text")) {
        const kind = kindOf(mark, confidence, isAfter, taken, takenBefore);
        mark.setAttribute("class", kind);
        if (mark.localName === "text") continue;
        counts[kind] = (counts[kind] ?? 0) + 1;
        const title = mark.querySelector("title") ?? mark.appendChild(document.createElementNS(mark.namespaceURI, "title"));
        title.textContent = `${kind}: ${mark.dataset.class}${mark.dataset.score ? ` ${Number(mark.dataset.score).toFixed(2)}` : ""}`;
      }
      for (const cell of all(panel, "[data-count]"))
        cell.textContent = counted[cell.dataset.count].reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
      if (isAfter) panel.dataset.change = (counts.regained ?? 0) - (counts.lost ?? 0);
      const picture = panel.querySelector("img");
      picture.alt = `${strip.dataset.title}, ${panel.dataset.title}: ${wordsOf(panel.querySelector(".counts"))}`;
      picture.parentElement.setAttribute("aria-label", `Enlarge ${picture.alt}`);
    }
  }
  function sumUp() {
    for (const row of all(section, "tr[data-arm]")) for (const cell of all(row, "[data-count]")) {
      const parts = strips.flatMap((strip) => all(strip, ".panel")).filter((panel) => panel.dataset.title === row.dataset.arm)
        .map((panel) => Number(panel.querySelector(`[data-count=${cell.dataset.count}]`).textContent));
      cell.textContent = parts.reduce((sum, part) => sum + part, 0).toLocaleString("en");
    }
  }
  function setConfidence(value) {
    sliders.forEach((slider) => { slider.value = value; });
    all(section, ".at-confidence").forEach((place) => { place.textContent = Number(value).toFixed(2); });
    strips.forEach((strip) => setBoxes(strip, Number(value)));
    sumUp();
    apply();
  }
  function setKind(kind, isShown) {
    section.classList.toggle(`without-${kind}`, !isShown);
    toggles.filter((toggle) => toggle.dataset.kind === kind).forEach((toggle) => { toggle.checked = isShown; });
  }
  all(document, ".scripted").forEach((control) => { control.hidden = false; });
  sliders.forEach((slider) => slider.addEventListener("input", () => setConfidence(slider.value)));
  toggles.forEach((toggle) => toggle.addEventListener("change", () => setKind(toggle.dataset.kind, toggle.checked)));

  // Order and filters.
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
      for (const mark of all(panel, "rect:not(.off)")) {
        const isMatch = isWanted(mark, wanted, isAfter);
        mark.classList.toggle("dim", !isMatch);
        matches += isMatch && isAfter && !panel.hidden;
      }
      for (const label of all(panel, "text")) label.classList.toggle("dim", !isAny);
    }
    const [low, high] = wanted.blur ? wanted.blur.split("-").map(Number) : [-Infinity, Infinity];
    const blur = strip.dataset.severity === undefined ? NaN : Number(strip.dataset.severity);
    const isNamed = strip.dataset.title.toLowerCase().includes(wanted.search.trim().toLowerCase());
    strip.hidden = !(isNamed && (isAny || matches > 0) && (!wanted.blur || (blur >= low && blur < high)));
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
    small.redraw();
    large.redraw();
  }
  filters.hidden = false;
  filters.addEventListener("input", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(() => {
    toggles.forEach((toggle) => setKind(toggle.dataset.kind, toggle.checked));
    setConfidence(sliders[0].value);
  }));
  apply();
  addEventListener("hashchange", follow);
  follow();
})();
