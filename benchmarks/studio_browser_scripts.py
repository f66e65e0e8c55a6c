"""What the benchmark of the studio's client runs in the page, in JavaScript."""

from __future__ import annotations

NEXT_PAINT = """
const nextPaint = () => new Promise((resolve) => {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(performance.now());
    port2.postMessage(null);
  });
});
"""
"""The task after a frame's callbacks runs when the frame has been painted."""

REPORT_VIEW = (
    "(() => {"
    + NEXT_PAINT
    + """
  const isReady = () => { try { return READY; } catch { return false; } };
  const arePicturesLoaded = () => [...document.images].every((one) =>
    one.complete || one.getBoundingClientRect().top > innerHeight);
  const look = async () => {
    if (!window.shownMs && isReady()) window.shownMs = await nextPaint();
    if (window.shownMs && arePicturesLoaded()) window.picturesMs = await nextPaint();
    else setTimeout(look, 2);
  };
  look();
})()"""
)
"""Records when READY first holds and is painted, and when all visible pictures are, in ms since
the navigation."""

COUNT_ROWS = """async ([box, row, steps]) => {
  const scrolled = box ? document.querySelector(box) : document.scrollingElement;
  let most = 0;
  for (let step = 0; step <= steps; step++) {
    scrolled.scrollTop = (scrolled.scrollHeight * step) / steps;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
    most = Math.max(most, document.querySelectorAll(row).length);
  }
  return most;
}"""
"""Scrolls through a list, and returns the largest number of rows in the document."""

WATCH_KEYS = (
    "() => {"
    + NEXT_PAINT
    + """
  window.keysMs = { letters: [], empty: [] };
  window.addEventListener('keydown', async (event) => {
    const kind = event.key === 'F9' ? 'empty' : 'letters';
    window.keysMs[kind].push((await nextPaint()) - event.timeStamp);
  }, true);
}"""
)
"""Records the time from each keystroke to the next frame; that of F9, which changes nothing, is
empty."""

EDIT_OFTEN = """async (count) => {
  const area = document.querySelector('.words-paragraph');
  for (let k = 0; k < count; k++) {
    area.value += 'x';
    area.dispatchEvent(new Event('input', { bubbles: true }));
    if (k % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}"""

STEP_THROUGH = """async (count) => {
  const WAIT_MS = 1000;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [256, 144];
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const view = document.querySelector('.player-view');
  const readNumber = () => {
    const still = view.querySelector('.player-still');
    if (still && !(still.complete && still.naturalWidth)) return null;
    pen.drawImage(still ?? view.querySelector('video'), 0, 0, 256, 144);
    const row = pen.getImageData(0, 8, 256, 1).data;
    let number = 0;
    for (let bit = 0; bit < 16; bit++) if (row[4 * (16 * bit + 8)] > 127) number |= 1 << bit;
    return number;
  };
  const counter = document.querySelector('.player-count');
  const readCounter = () => Number(/frame ([0-9,]+)/.exec(counter.innerText)[1].replace(/,/g, ''));
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const until = async (condition) => {
    const end = performance.now() + WAIT_MS;
    while (!condition() && performance.now() < end) await frame();
    return condition();
  };
  const found = { steps: 0, wrong: [], stills: 0, steps_ms: [] };
  const step = async (key, wanted) => {
    const begin = performance.now();
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    const isReported = await until(() => readCounter() === wanted);
    const isRight = isReported && (await until(() => readNumber() === wanted));
    found.steps += 1;
    found.steps_ms.push(performance.now() - begin);
    if (view.querySelector('.player-still')) found.stills += 1;
    if (!isRight) found.wrong.push(wanted);
  };
  await until(() => readNumber() === 0);
  for (let n = 1; n < count; n++) await step('ArrowRight', n);
  for (let n = count - 2; n >= 0; n--) await step('ArrowLeft', n);
  return found;
}"""
"""Steps through a film whose frames carry their number, forwards and backwards."""
