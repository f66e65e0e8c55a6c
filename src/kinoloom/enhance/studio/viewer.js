// The picture before and after, whole or in pixels, and where in it and in the video it is.
import { countFrames, parseFraction, rateOf } from './state.js';

const ZOOMS = /** @type {[number, string][]} */ ([[0, 'Whole'], [1, '100 %'], [2, '200 %'], [4, '400 %']]);
const MOVES = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});
const STEPS = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 });

/** @param {import('./state.js').Props} props */
export function Viewer({ studio, work }) {
  const { html, use, ui } = studio;
  const outlook = use(work.outlook);
  const failure = use(work.failure);
  const busy = use(work.busy);
  const items = use(work.items);
  const state = failure ? 'bad' : busy || !outlook ? 'on' : 'good';
  const word = failure ? 'Failed' : !outlook ? 'Measuring' : busy ? 'Computing' : 'Ready';
  return html`<${ui.Card} class="enhance-view" title="Preview" flush
    tags=${html`<span role="status"><${ui.Tag} tone=${state}>${word}<//></span>`}
    actions=${html`<${Zooms} studio=${studio} work=${work} />`}>
    ${items?.length === 0 && html`<${ui.Empty} icon="photo" title="No photos directly in this folder"><p>Photos in the folders below are still enhanced.</p><//>`}
    <${Stage} studio=${studio} work=${work} />
    <div class="enhance-pad rows">
      ${outlook && !outlook.photo && html`<${Time} studio=${studio} work=${work} outlook=${outlook} />`}
      ${outlook && html`<${Facts} studio=${studio} work=${work} outlook=${outlook} />`}
      <${Items} studio=${studio} work=${work} />
    </div>
  <//>`;
}

/** @param {import('./state.js').Props} props */
function Zooms({ studio, work }) {
  const { html, use, ui } = studio;
  const view = use(work.view);
  return html`<div class="enhance-zooms" role="group" aria-label="Zoom">${ZOOMS.map(
    ([zoom, label]) => html`<${ui.Button} key=${zoom} kind="quiet" pressed=${view.zoom === zoom}
      onClick=${() => (work.view.value = { ...view, zoom })}>${label}<//>`,
  )}</div>`;
}

/** @param {import('./state.js').Props} props */
function Stage({ studio, work }) {
  const { html, use, ui, hooks } = studio;
  const place = hooks.useRef(/** @type {HTMLElement | null} */ (null));
  const failure = use(work.failure);
  const busy = use(work.busy);
  hooks.useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const measure = () => {
      const height = Math.max(240, Math.round(window.innerHeight * 0.54));
      const width = Math.floor(element.clientWidth);
      if (width !== work.stage.value.width) work.stage.value = { width, height };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return html`<div class="enhance-stage" ref=${place} aria-busy=${busy ? 'true' : undefined}>
    ${
      failure
        ? html`<div class="enhance-pad"><${ui.Failure} error=${failure} retry=${work.retry} /></div>`
        : html`<${Picture} studio=${studio} work=${work} />`
    }
    ${busy && html`<div class="enhance-busy"><${ui.Meter} label="Computing the preview" value=${null} /></div>`}
  </div>`;
}

/** @param {import('./state.js').Props} props */
function Picture({ studio, work }) {
  const { html, use, ui } = studio;
  const before = use(work.before);
  const after = use(work.after);
  const outlook = use(work.outlook);
  const { zoom } = use(work.view);
  const path = use(work.shown);
  if (!before || !after || !outlook) {
    if (!path) return html`<div class="enhance-blank" aria-hidden="true"></div>`;
    return html`<img class="enhance-blank" src=${studio.files.thumb(path, 640)} alt="" />`;
  }
  const [left, top, width, height] = after.facts.shown.split(' ').map(Number);
  const scale = { x: outlook.result.width / outlook.width, y: outlook.result.height / outlook.height };
  const aspect = (width * scale.x) / (height * scale.y);
  // A region has its own size, so that a pixel of the result is a whole number of pixels here.
  const widest = zoom ? `${Math.round(width * scale.x) * zoom}px` : `calc(var(--picture) * ${aspect})`;
  return html`<div class="enhance-picture ${zoom > 1 ? 'pixels' : ''}" style=${{ maxWidth: widest }}>
      <${ui.Slider} label="Before and after" before=${before.url} after=${after.url} aspect=${aspect} />
    </div>
    ${zoom > 0 && html`<${Map} studio=${studio} work=${work} outlook=${outlook} box=${{ left, top, width, height }} />`}`;
}

/**
 * The whole picture, small, with the region that is shown.
 * @param {import('./state.js').Props & {outlook: import('./state.js').Outlook,
 *   box: {left: number, top: number, width: number, height: number}}} props
 */
function Map({ studio, work, outlook, box }) {
  const { html, use } = studio;
  const path = use(work.shown);
  const view = use(work.view);
  const share = { x: box.width / outlook.width, y: box.height / outlook.height };
  if (share.x >= 1 && share.y >= 1) return null;
  /** @param {number} x @param {number} y */
  const go = (x, y) => (work.view.value = { ...view, x: clamp(x, share.x), y: clamp(y, share.y) });
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    go(view.x + (move[0] * share.x) / 2, view.y + (move[1] * share.y) / 2);
  };
  const onClick = (/** @type {MouseEvent} */ event) => {
    const place = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    if (event.detail) go((event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height);
  };
  const percent = (/** @type {number} */ part) => `${(100 * part).toFixed(2)}%`;
  const frame = {
    left: percent(box.left / outlook.width),
    top: percent(box.top / outlook.height),
    width: percent(share.x),
    height: percent(share.y),
  };
  return html`<button type="button" class="enhance-map" onClick=${onClick} onKeyDown=${onKeyDown}
    title="Click, or press the arrow keys, to move the region"
    aria-label=${`Region of the picture at ${Math.round(100 * view.x)} % from the left and ${Math.round(100 * view.y)} % from the top; arrow keys move it`}>
    <img src=${studio.files.thumb(path, 240)} alt="" /><span style=${frame}></span>
  </button>`;
}

/** The nearest centre of a region inside the picture. @param {number} centre @param {number} share */
function clamp(centre, share) {
  const half = Math.min(0.5, share / 2);
  return Math.min(1 - half, Math.max(half, centre));
}

/** @param {import('./state.js').Props & {outlook: import('./state.js').Outlook}} props */
function Time({ studio, work, outlook }) {
  const { html, use, ui } = studio;
  const number = use(work.number);
  const frames = countFrames(outlook);
  const text = `${ui.showTime(number / rateOf(outlook))}, frame ${number + 1} of ${frames}`;
  const go = (/** @type {number} */ next) => (work.number.value = Math.min(frames - 1, Math.max(0, next)));
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    go(number + step);
  };
  return html`<label class="enhance-time">
    <span class="sr">Place in the video</span>
    <input type="range" min="0" max=${frames - 1} step="1" value=${number} aria-valuetext=${text}
      onKeyDown=${onKeyDown} onInput=${(/** @type {any} */ event) => go(Number(event.target.value))} />
    <span class="n soft">${text}</span>
  </label>`;
}

/** @param {import('./state.js').Props & {outlook: import('./state.js').Outlook}} props */
function Facts({ studio, work, outlook }) {
  const { html, use } = studio;
  const after = use(work.after);
  const { result } = outlook;
  const rows = [['Size', `${outlook.width} × ${outlook.height}`, `${result.width} × ${result.height}`]];
  if (!outlook.photo) rows.push(['Frame rate', showRate(outlook.rate), showRate(result.rate)]);
  const networks = outlook.networks.join(', ');
  return html`<dl class="enhance-facts">
      ${rows.map(([name, from, to]) => html`<div key=${name}><dt>${name}</dt><dd class="n">${from === to ? from : `${from} → ${to}`}</dd></div>`)}
      <div><dt>Networks</dt><dd>${networks || 'none'}</dd></div>
      ${after && html`<div><dt>Preview in</dt><dd class="n">${after.facts.seconds} s</dd></div>`}
    </dl>
    ${after?.facts.reduced && html`<p class="small" role="note">The whole picture was reduced before the work, to be fast: noise and edges look weaker. 100 % shows them as they will be.</p>`}`;
}

/** @param {string} rate */
function showRate(rate) {
  return rate ? `${Number(parseFraction(rate).toFixed(3))} fps` : 'variable';
}

/** The inputs, where there are several. @param {import('./state.js').Props} props */
function Items({ studio, work }) {
  const { html, use } = studio;
  const items = use(work.items);
  const shown = use(work.shown);
  if (!items || items.length < 2) return null;
  return html`<section class="enhance-items" aria-label="Photos">
    <p class="label">${items.length} photos get the same choices</p>
    <ul>${items.map((/** @type {string} */ path) => {
      const name = path.split('/').at(-1);
      return html`<li key=${path}><button type="button" aria-pressed=${String(path === shown)} title=${name}
        aria-label=${`Preview ${name}`} onClick=${() => (work.shown.value = path)}>
        <img src=${studio.files.thumb(path, 160)} alt="" loading="lazy" /></button></li>`;
    })}</ul>
  </section>`;
}
