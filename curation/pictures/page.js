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

  // --- mentions: show where one lies, in its report, on a copy of the view (the image is shared, not repeated)
  const placed = JSON.parse(document.getElementById("places").textContent);
  const marks = all("mark[data-m]");

  const outline = (view, place) => {
    const mask = all(".mask", view).find((one) => one.dataset.label === place.label);
    if (mask?.querySelector("path")?.getAttribute("d")) {
      const copy = mask.cloneNode(true);
      copy.classList.remove("off");
      copy.classList.add("hit");
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
    const marks = view.querySelector("svg").cloneNode(false);
    marks.append(...places.map((place) => outline(view, place)));
    stage.append(make("img", { src: image.src, alt: image.alt, width: image.width, height: image.height }), marks);
    stage.append(...all(".side", view).map((side) => side.cloneNode(true)));
    return stage;
  };

  const panel = (mentions, chosen) => {
    const places = mentions.flatMap((mention) => mention.places);
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
        const next = panel(mentions, view);
        root.replaceWith(next);
        next.querySelector("[aria-pressed=true]").focus();
      });
      which.append(button);
    }
    const names = [...new Set(here.map((place) => place.name))].join(", ");
    const told = mentions.map((mention) => `${mention.finding}: ${mention.said}`).join("; ");
    root.append(
      which,
      stageOf(document.getElementById(`view-${current}`), here),
      make("p", { className: "reference", textContent: atlas
        ? "Another person's CT, for orientation only: it shows where such a finding lies, not this patient."
        : "This patient's own study." }),
      make("p", {}, make("bdi", { textContent: told }), " — on ", make("bdi", { textContent: names })),
    );
    return root;
  };

  const show = (mark) => {
    for (const other of marks) other.setAttribute("aria-pressed", String(other === mark));
    for (const slot of all(".slot")) slot.replaceChildren();
    const mentions = mark.dataset.m.split(" ").map((number) => placed[Number(number)]);
    mark.closest(".report").querySelector(".slot").append(panel(mentions));
  };
  for (const mark of marks) {
    mark.addEventListener("click", () => show(mark));
    mark.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      show(mark);
    });
  }
  if (marks.length) show(marks[0]);

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
