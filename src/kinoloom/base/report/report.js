for (const slider of document.querySelectorAll(".slider")) {
  const top = slider.querySelector(".top");
  const line = slider.querySelector(".line");
  const stack = slider.querySelector(".stack");
  const input = slider.querySelector("input");
  const show = (share) => {
    top.style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`;
    line.style.left = `${share * 100}%`;
  };
  input.addEventListener("input", () => show(input.value / 1000));
  stack.addEventListener("pointermove", (event) => {
    const box = stack.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    input.value = Math.round(share * 1000);
    show(share);
  });
}
