// The picture: one frame of the film, what can be drawn over it, and the place in the film.
import { Cuts } from './cuts.js';
import { DRAWINGS, parseFraction } from './state.js';

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
const STRIP_FRAMES = 9;

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film}} props */
export function Viewer({ studio, film }) {
  const { html, use, ui } = studio;
  const plan = use(film.plan);
  const failure = use(film.failure);
  const busy = use(film.busy);
  const state = failure ? 'bad' : busy || !plan ? 'on' : 'good';
  const word = failure ? 'Failed' : !plan ? 'Reading' : busy ? 'Computing' : 'Ready';
  return html`<${ui.Card} class="film-view" title="Preview" flush
    tags=${html`<${ui.Tag} tone=${state}>${word}<//>`}
    actions=${html`<${Drawings} studio=${studio} film=${film} />`}>
    ${
      failure
        ? html`<div class="film-pad"><${ui.Failure} error=${failure} retry=${film.retry} /></div>`
        : html`<${Picture} studio=${studio} film=${film} />`
    }
    <div class="film-pad">
      ${plan && html`<${Time} studio=${studio} film=${film} plan=${plan} />`}
      ${plan && html`<${Facts} studio=${studio} film=${film} plan=${plan} />`}
    </div>
    ${plan && !plan.stills && html`<${Cuts} studio=${studio} film=${film} plan=${plan} />`}
  <//>`;
}

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film}} props */
function Drawings({ studio, film }) {
  const { html, use, ui } = studio;
  const drawing = use(film.drawing);
  const buttons = Object.entries(DRAWINGS).map(
    ([name, label]) =>
      html`<${ui.Button} kind="quiet" pressed=${drawing === name}
        onClick=${() => (film.drawing.value = /** @type {any} */ (name))}>${label}<//>`,
  );
  return html`<div class="film-drawings" role="group" aria-label="What the preview shows">${buttons}</div>`;
}

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film}} props */
function Picture({ studio, film }) {
  const { html, use, ui } = studio;
  const frame = use(film.frame);
  const other = use(film.other);
  const drawing = use(film.drawing);
  const busy = use(film.busy);
  const plan = use(film.plan);
  const alt = frame ? `${DRAWINGS[/** @type {keyof typeof DRAWINGS} */ (drawing)]} at ${ui.showTime(parseFraction(frame.facts.time ?? '0'))}` : '';
  const compared =
    frame && other && drawing === 'frame'
      ? html`<${ui.Slider} label="Compare two engines"
          before=${other.url} beforeLabel=${other.facts.engine}
          after=${frame.url} afterLabel=${frame.facts.engine}
          aspect=${plan ? plan.width / plan.height : undefined} />`
      : frame && html`<img src=${frame.url} alt=${alt} />`;
  return html`<div class="film-picture" aria-busy=${busy ? 'true' : undefined}>
    ${compared || html`<div class="film-blank" aria-hidden="true"></div>`}
    ${frame?.facts.caption && html`<p class="film-caption">${frame.facts.caption}</p>`}
    ${
      (busy || !plan) &&
      html`<div class="film-busy"><${ui.Meter} label="Computing the frame" value=${null} /></div>`
    }
  </div>`;
}

/** @param {{studio: any, film: import('./state.js').Film, plan: import('./state.js').Plan}} props */
function Time({ studio, film, plan }) {
  const { html, use, ui } = studio;
  const number = use(film.number);
  const rate = parseFraction(plan.rate || '1');
  const text = `${ui.showTime(number / rate)}, frame ${number + 1} of ${plan.frames}`;
  /** @param {KeyboardEvent} event */
  const step = (event) => {
    const by = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
    if (by === undefined) return;
    event.preventDefault();
    film.number.value = Math.min(plan.frames - 1, Math.max(0, number + by));
  };
  return html`<label class="film-time">
    <span class="sr">Place in the film</span>
    <input type="range" min="0" max=${plan.frames - 1} step="1" value=${number}
      aria-valuetext=${text} onKeyDown=${step}
      onInput=${(/** @type {any} */ event) => (film.number.value = Number(event.target.value))} />
    <span class="n film-clock">${text}</span>
  </label>
  <${Sources} studio=${studio} film=${film} plan=${plan} />`;
}

/** The source photos, or evenly spaced frames of the video, as places to go to.
 * @param {{studio: any, film: import('./state.js').Film, plan: import('./state.js').Plan}} props */
function Sources({ studio, film, plan }) {
  const { html, use } = studio;
  const files = use(film.files);
  const count = plan.stills ? files.length : STRIP_FRAMES;
  const items = Array.from({ length: count }, (_, k) => {
    const place = Math.round(((plan.frames - 1) * k) / Math.max(1, count - 1));
    const source = plan.stills ? k : Math.round(((plan.sources ?? 1) - 1) * (k / (count - 1)));
    const name = plan.stills ? files[k].split('/').at(-1) : `frame ${place + 1}`;
    const src = plan.stills
      ? studio.files.thumb(files[k], 240)
      : studio.files.frame(files[0], source, 240);
    return html`<li><button type="button" title=${`Go to ${name}`} aria-label=${`Go to ${name}`}
      onClick=${() => (film.number.value = place)}><img src=${src} alt="" loading="lazy" /></button></li>`;
  });
  return html`<ul class=${count > 4 ? 'film-strip many' : 'film-strip'}>${items}</ul>`;
}

/** @param {{studio: any, film: import('./state.js').Film, plan: import('./state.js').Plan}} props */
function Facts({ studio, plan }) {
  const { html, ui } = studio;
  const rate = parseFraction(plan.rate || '0');
  const rows = [
    ['Length', `${ui.showTime(parseFraction(plan.duration || '0'))}, ${plan.frames} frames`],
    ['Size', `${plan.width} × ${plan.height}`],
    ['Frame rate', rate ? `${Number(rate.toFixed(3))} fps` : 'variable'],
    ['Engine', plan.engine],
  ];
  return html`<dl class="film-facts">
    ${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd class="n">${value}</dd></div>`)}
  </dl>`;
}
