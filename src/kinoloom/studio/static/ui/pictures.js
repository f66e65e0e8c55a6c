// Pictures and sounds for stories, drawn in the page: no file of a studio is needed.

/**
 * Draw a scene: a sun over hills at a time of the day.
 * @param {number} t 0 to 1
 * @param {{ghost?: number, width?: number, height?: number}} [how] ghost: a second sun, as in a cross-fade
 * @returns {string} the address of the picture
 */
export function drawScene(t, { ghost, width = 640, height = 328 } = {}) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  const sky = pen.createLinearGradient(0, 0, 0, height);
  for (const [at, colour] of /** @type {[number, string][]} */ ([
    [0, '#31406f'],
    [0.45, '#c7788a'],
    [0.62, '#f2b98a'],
    [0.63, '#7d7fa6'],
    [1, '#27355c'],
  ])) sky.addColorStop(at, colour);
  pen.fillStyle = sky;
  pen.fillRect(0, 0, width, height);
  for (const [time, alpha] of ghost === undefined ? [[t, 1]] : [[t, 0.5], [ghost, 0.5]]) {
    pen.globalAlpha = alpha;
    pen.fillStyle = '#ffe9bd';
    pen.beginPath();
    pen.arc(width * (0.2 + 0.6 * time), height * (0.46 - 0.18 * Math.sin(3 * time)), height * 0.09, 0, 7);
    pen.fill();
  }
  pen.globalAlpha = 1;
  drawHills(pen, width, height, 0.42, '#4a4571', 5);
  drawHills(pen, width, height, 0.56, '#34365c', 9);
  return keep(canvas);
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height @param {number} base @param {string} colour @param {number} waves */
function drawHills(pen, width, height, base, colour, waves) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(0, height * 0.64);
  for (let x = 0; x <= width; x += 4) {
    const bump = Math.sin((x / width) * waves) + 0.5 * Math.sin((x / width) * waves * 2.7 + 1);
    pen.lineTo(x, height * (base + 0.06 * (1 - bump)));
  }
  pen.lineTo(width, height * 0.64);
  pen.fill();
}

/** @type {Map<string, string>} */
const kept = new Map();

/** @param {HTMLCanvasElement} canvas @returns {string} an address that this page may show */
function keep(canvas) {
  const text = canvas.toDataURL('image/png');
  let url = kept.get(text);
  if (!url) {
    const bytes = Uint8Array.from(atob(text.slice(text.indexOf(',') + 1)), (one) => one.charCodeAt(0));
    url = URL.createObjectURL(new Blob([bytes], { type: 'image/png' }));
    kept.set(text, url);
  }
  return url;
}

/** @returns {Float32Array} four seconds of something like speech, 16 kHz */
export function makeSound() {
  const samples = new Float32Array(64000);
  for (let k = 0; k < samples.length; k++) {
    const time = k / 16000;
    const word = Math.max(0, Math.sin(time * 7.5)) * (0.5 + 0.5 * Math.sin(time * 31));
    samples[k] = word * Math.sin(time * 900 + 40 * Math.sin(time * 5)) * 0.9;
  }
  return samples;
}
