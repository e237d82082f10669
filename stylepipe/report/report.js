// The slider of each result, the button that copies the command, and the legends that single out a term, with its validation.

for (const figure of document.querySelectorAll(".result")) {
  const label = figure.querySelector(".slider");
  if (!label) continue;
  const slider = label.querySelector("input");
  const picture = figure.querySelector(".compare");
  const show = () => {
    picture.style.setProperty("--at", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % ${slider.dataset.before}`);
  };
  const follow = (event) => {
    const box = picture.getBoundingClientRect();
    slider.value = (100 * (event.clientX - box.left)) / box.width;
    show();
  };
  slider.addEventListener("input", show);
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    follow(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (picture.hasPointerCapture(event.pointerId)) follow(event);
  });
  picture.addEventListener("dragstart", (event) => event.preventDefault());
  picture.classList.add("live");
  label.hidden = false;
  show();
}

for (const button of document.querySelectorAll(".copy")) {
  const command = button.parentElement.querySelector("code");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(command);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

for (const chart of document.querySelectorAll(".chart")) {
  const buttons = [...chart.querySelectorAll(".legend button")];
  const single = () => {
    const chosen =
      buttons.find((button) => button.matches(":hover")) ??
      buttons.find((button) => button.getAttribute("aria-pressed") === "true");
    for (const curve of chart.querySelectorAll(".curve")) {
      curve.classList.toggle("faint", chosen !== undefined && curve.dataset.color !== chosen.dataset.color);
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "true";
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button && !pressed));
      single();
    });
    button.addEventListener("mouseenter", single);
    button.addEventListener("mouseleave", single);
  }
}
