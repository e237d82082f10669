
// The table of variants: filters, sorting; and two pictures side by side, moved and zoomed as one.

{
  const rows = [...document.querySelectorAll(".variants tbody tr")];
  const body = document.querySelector(".variants tbody");
  const filters = document.querySelector(".filters");
  const cellOf = (row, name) => [...row.cells].find((cell) => cell.dataset.name === name);

  const filter = () => {
    const chosen = [...filters.querySelectorAll("select")].filter((select) => select.value);
    for (const row of rows) {
      row.hidden = !chosen.every(({ dataset, value }) =>
        dataset.axis === "status" && row.dataset.status === value || cellOf(row, dataset.axis)?.textContent === value);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    filters.querySelector(".count").textContent = `${shown} of ${rows.length} variants`;
  };
  filters.addEventListener("input", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.hidden = false;
  filter();

  const headings = [...document.querySelectorAll(".variants thead button")];
  for (const button of headings) {
    button.addEventListener("click", () => {
      const heading = button.parentElement;
      const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of headings) other.parentElement.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const order = (row) => row.cells[1 + Number(button.dataset.column)].dataset.order;
      const missing = rows.filter((row) => order(row) === undefined);
      const numbered = rows.filter((row) => order(row) !== undefined);
      numbered.sort((one, other) => sign * (order(one) - order(other)));
      body.append(...numbered, ...missing);
    });
  }

  const section = document.querySelector(".compared");
  const panes = section.querySelector(".panes");
  const sides = { left: panes.querySelector(".left"), right: panes.querySelector(".right") };
  const slider = section.querySelector(".zoom input");
  const at = { zoom: 1, x: 0, y: 0 }; // x, y: how far the picture is moved, in percent of its size

  const move = (zoom, x, y) => {
    at.zoom = Math.min(Math.max(zoom, 1), Number(slider.max));
    const room = 50 * (1 - 1 / at.zoom);
    at.x = Math.min(Math.max(x, -room), room);
    at.y = Math.min(Math.max(y, -room), room);
    for (const [name, value] of Object.entries(at)) panes.style.setProperty(`--${name}`, value);
    panes.classList.toggle("zoomed", at.zoom > 1);
    slider.value = at.zoom;
    section.querySelector(".zoom output").textContent = `${at.zoom.toFixed(1).replace(".0", "")}×`;
  };
  const show = () => {
    for (const [side, select] of Object.entries(sides)) {
      const chosen = select.selectedOptions[0];
      const figure = select.closest("figure");
      const picture = figure.querySelector("img");
      picture.src = select.value;
      picture.alt = chosen.textContent.trim();
      figure.style.setProperty("--ratio", chosen.dataset.width / chosen.dataset.height);
      for (const button of document.querySelectorAll(`.choose [data-side="${side}"]`)) {
        button.setAttribute("aria-pressed", String(button.value === select.value));
      }
    }
  };

  if (sides.left.length > 1) {
    sides.right.selectedIndex = 1;
    section.hidden = false;
    panes.addEventListener("input", show);
    slider.addEventListener("input", () => move(Number(slider.value), at.x, at.y));
    for (const choice of document.querySelectorAll(".choose")) choice.hidden = false;
    for (const button of document.querySelectorAll(".choose button")) {
      button.addEventListener("click", () => {
        sides[button.dataset.side].value = button.value;
        show();
      });
    }
    for (const view of panes.querySelectorAll(".view")) {
      const step = (event) => {
        const box = view.getBoundingClientRect();
        const by = 100 / at.zoom;
        move(at.zoom, at.x + (by * event.movementX) / box.width, at.y + (by * event.movementY) / box.height);
      };
      const toward = (event, zoom) => {
        const box = view.getBoundingClientRect();
        const before = at.zoom;
        const after = Math.min(Math.max(zoom, 1), Number(slider.max));
        const keep = 100 * (1 / after - 1 / before); // so that what is under the pointer stays there
        const x = (event.clientX - box.left) / box.width - 0.5;
        const y = (event.clientY - box.top) / box.height - 0.5;
        move(after, at.x + keep * x, at.y + keep * y);
      };
      view.addEventListener("pointerdown", (event) => view.setPointerCapture(event.pointerId));
      view.addEventListener("pointermove", (event) => view.hasPointerCapture(event.pointerId) && step(event));
      view.addEventListener("dblclick", (event) => toward(event, at.zoom > 1 ? 1 : 4));
      view.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey) return; // the wheel alone scrolls the page
        event.preventDefault();
        toward(event, at.zoom * Math.exp(-event.deltaY / 200));
      }, { passive: false });
      view.addEventListener("keydown", (event) => {
        const by = 10 / at.zoom;
        const keys = {
          ArrowLeft: [at.zoom, at.x + by, at.y],
          ArrowRight: [at.zoom, at.x - by, at.y],
          ArrowUp: [at.zoom, at.x, at.y + by],
          ArrowDown: [at.zoom, at.x, at.y - by],
          "+": [at.zoom * 1.25, at.x, at.y],
          "-": [at.zoom / 1.25, at.x, at.y],
          0: [1, 0, 0],
        };
        if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        move(...keys[event.key]);
      });
    }
    show();
  }
}
