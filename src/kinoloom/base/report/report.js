for (const slider of document.querySelectorAll(".slider")) {
  const top = slider.querySelector(".top");
  const line = slider.querySelector(".line");
  const view = slider.querySelector(".view");
  const stack = slider.querySelector(".stack");
  const image = stack.querySelector("img");
  const input = slider.querySelector("input");
  const zooms = slider.querySelectorAll("[data-zoom]");
  const difference = slider.querySelector(".difference");
  // The divider is placed in the visible part of the stack, which is larger when zoomed.
  const show = () => {
    const seen = view.scrollLeft + (input.value / 1000) * view.clientWidth;
    const share = stack.clientWidth ? Math.min(1, seen / stack.clientWidth) : 0.5;
    top.style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`;
    line.style.left = `${share * 100}%`;
  };
  const zoom = (factor) => {
    const box = [view.scrollWidth, view.scrollHeight];
    const centre = [view.scrollLeft + view.clientWidth / 2, view.scrollTop + view.clientHeight / 2];
    const width = (image.naturalWidth * factor) / window.devicePixelRatio;
    stack.style.width = factor ? `${width}px` : "";
    slider.classList.toggle("zoomed", factor > 0);
    view.scrollLeft = (centre[0] / box[0]) * view.scrollWidth - view.clientWidth / 2;
    view.scrollTop = (centre[1] / box[1]) * view.scrollHeight - view.clientHeight / 2;
    show();
  };
  input.addEventListener("input", show);
  view.addEventListener("scroll", show);
  window.addEventListener("resize", show);
  stack.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch" && slider.classList.contains("zoomed")) return; // it scrolls
    const box = view.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / view.clientWidth));
    input.value = Math.round(share * 1000);
    show();
  });
  for (const button of zooms) {
    button.addEventListener("click", () => {
      for (const one of zooms) one.setAttribute("aria-pressed", String(one === button));
      zoom(Number(button.dataset.zoom));
    });
  }
  difference?.addEventListener("click", () => {
    const differs = slider.classList.toggle("differs");
    difference.setAttribute("aria-pressed", String(differs));
  });
}
