"use strict";
// Text from the data goes into the page by textContent and attributes only, never as markup.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, props = {}, ...children) => {
    const element = Object.assign(document.createElement(name), props);
    element.append(...children);
    return element;
  };

  // --- outlines: one box per label switches it on every view; a group's box follows its labels
  const labelBoxes = all("input[data-label]");
  const groupBoxes = all("input[data-group]");
  const masks = Map.groupBy(all(".mask"), (mask) => mask.dataset.label);
  const opened = new Map(labelBoxes.map((box) => [box, box.checked]));

  const apply = () => {
    for (const box of labelBoxes) {
      for (const mask of masks.get(box.dataset.label) ?? []) mask.classList.toggle("off", !box.checked);
    }
    for (const group of groupBoxes) {
      const boxes = labelBoxes.filter((box) => box.dataset.in === group.dataset.group);
      const on = boxes.filter((box) => box.checked).length;
      group.checked = on === boxes.length;
      group.indeterminate = on > 0 && on < boxes.length;
    }
  };
  const set = (boxes, value) => {
    for (const box of boxes) box.checked = value(box);
    apply();
  };

  for (const box of labelBoxes) {
    box.addEventListener("change", apply);
    const light = (on) => (masks.get(box.dataset.label) ?? []).forEach((mask) => mask.classList.toggle("hit", on));
    const row = box.closest("li");
    for (const event of ["mouseenter", "focusin"]) row.addEventListener(event, () => light(true));
    for (const event of ["mouseleave", "focusout"]) row.addEventListener(event, () => light(false));
  }
  for (const group of groupBoxes) {
    group.addEventListener("change", () => {
      set(labelBoxes.filter((box) => box.dataset.in === group.dataset.group), () => group.checked);
    });
  }
  const choices = { all: () => true, none: () => false, first: (box) => opened.get(box) };
  for (const button of all("button[data-show]")) {
    button.addEventListener("click", () => set(labelBoxes, choices[button.dataset.show]));
  }
  document.getElementById("measures")?.addEventListener("change", (event) => {
    for (const group of all(".measures")) group.classList.toggle("off", !event.target.checked);
  });
  document.getElementById("find")?.addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    for (const group of all(".group")) {
      const rows = all("li", group);
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
      group.hidden = rows.every((row) => row.hidden);
      group.querySelector("details").open = wanted !== "" && !group.hidden;
    }
  });
  apply();

  // --- views: name what the pointer is on, and enlarge
  for (const view of all(".view")) {
    const readout = view.querySelector(".readout");
    view.querySelector("svg").addEventListener("pointerover", (event) => {
      readout.textContent = event.target.closest(".mask")?.dataset.name ?? "\u00a0";
    });
    view.querySelector("svg").addEventListener("pointerleave", () => { readout.textContent = "\u00a0"; });
    const button = view.querySelector("[data-enlarge]");
    button.addEventListener("click", () => {
      button.textContent = view.classList.toggle("large") ? "Make smaller" : "Enlarge";
      view.scrollIntoView({ block: "nearest" });
    });
  }

  // --- cards: what was read of a mention or a sentence, beside its report, on a copy of the view (the image is shared)
  const cards = JSON.parse(document.getElementById("cards").textContent);
  const buttons = all("[data-m]");

  const outline = (view, place) => {
    const mask = all(".mask", view).find((one) => one.dataset.label === place.label);
    if (mask?.querySelector("path")?.getAttribute("d")) {
      const copy = mask.cloneNode(true);
      copy.classList.remove("off");
      copy.classList.add("hit", `said-${place.says}`);
      return copy;
    }
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    const names = ["x", "y", "width", "height"];
    names.forEach((name, index) => box.setAttribute(name, place.box[index]));
    box.setAttribute("class", "box");
    return box;
  };

  const stageOf = (view, places) => {
    const stage = make("div", { className: "stage" });
    const image = view.querySelector("img");
    const outlines = view.querySelector("svg").cloneNode(false);
    outlines.append(...places.map((place) => outline(view, place)));
    stage.append(make("img", { src: image.src, alt: image.alt, width: image.width, height: image.height }), outlines);
    stage.append(...all(".side", view).map((side) => side.cloneNode(true)));
    return stage;
  };

  const factsOf = (card) => {
    const list = make("dl");
    for (const fact of card.facts) {
      const value = make("dd", {}, make("bdi", { textContent: fact.value }));
      if (fact.code) value.append(" ", make("code", { textContent: fact.code }));
      list.append(make("dt", { textContent: fact.name }), value);
    }
    const title = make("h4", {}, make("bdi", { textContent: card.title }));
    if (card.word) {
      const chip = make("span", { className: `chip ${card.kind}` });
      chip.append(make("span", { className: "sign", textContent: card.sign }), card.word);
      title.append(" ", chip);
    }
    return make("div", { className: "card" }, title, list);
  };

  const imagesOf = (places, chosen) => {
    const views = [...new Set(places.map((place) => place.view))];
    const current = views.includes(chosen) ? chosen : views[0];
    const here = places.filter((place) => place.view === current);
    const atlas = here.some((place) => place.atlas);
    const root = make("div", { className: atlas ? "place atlas" : "place" });
    const which = make("div", { className: "which" });
    for (const view of views) {
      const title = places.find((place) => place.view === view).title;
      const button = make("button", { type: "button", textContent: title });
      button.setAttribute("aria-pressed", String(view === current));
      button.addEventListener("click", () => {
        const next = imagesOf(places, view);
        root.replaceWith(next);
        next.querySelector("[aria-pressed=true]").focus();
      });
      which.append(button);
    }
    root.append(
      which,
      stageOf(document.getElementById(`view-${current}`), here),
      make("p", { className: "reference", textContent: atlas
        ? "Another person's CT, for orientation only: it shows where such a finding lies, not this patient."
        : "This patient's own study." }),
    );
    return root;
  };

  const show = (button) => {
    for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    for (const slot of all(".slot")) slot.replaceChildren();
    const chosen = button.dataset.m.split(" ").map((number) => cards[Number(number)]);
    const places = chosen.flatMap((card) => card.places);
    const slot = button.closest(".report").querySelector(".slot");
    slot.append(...chosen.map(factsOf));
    if (places.length) slot.append(imagesOf(places));
  };
  for (const button of buttons) {
    button.addEventListener("click", () => show(button));
    if (button.tagName === "BUTTON") continue;
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      show(button);
    });
  }
  const marks = all("mark[data-m]");
  const first = marks.find((mark) => cards[Number(mark.dataset.m.split(" ")[0])].places.length) ?? marks[0];
  if (first) show(first);

  // --- reports: show some
  document.getElementById("filter")?.addEventListener("change", (event) => {
    const [kind, label] = event.target.value.split(/:(.*)/s);
    const tests = {
      all: () => true,
      uncertain: (report) => "uncertain" in report.dataset,
      placed: (report) => "placed" in report.dataset,
      label: (report) => report.dataset.labels.split(" ").includes(label.replaceAll(" ", "_")),
    };
    const reports = all(".report");
    for (const report of reports) report.hidden = !tests[kind](report);
    const shown = reports.filter((report) => !report.hidden).length;
    document.getElementById("filtered").textContent = `${shown} of ${reports.length} reports`;
  });
})();
