// The waveform of a sound, with a cursor, a selection, regions and edges that move.
import { theme } from '../app/theme.js';
import { html, use, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../app/view.js';
import { dragHandlers, stepByKey } from './drag.js';
import { openSound, readColumns } from './peaks.js';
import { showTime } from './texts.js';

/**
 * @typedef {{from: number, to: number, label?: string, tone?: 'cut' | 'new' | 'on', key: string}} Region
 * @typedef {{key: string, time: number, label: string, onMove: (time: number) => void}} Edge
 */

/**
 * A waveform. Arrow keys move the cursor, with Shift ten steps; + and - change the view; each edge
 * moves by its own arrow keys.
 * @param {{label: string, path?: string, sound?: import('./peaks.js').Sound, from?: number,
 *   to?: number, cursor?: number, onSeek?: (time: number) => void,
 *   selection?: {from: number, to: number} | null,
 *   onSelect?: (selection: {from: number, to: number} | null) => void,
 *   regions?: Region[], edges?: Edge[], step?: number, height?: number,
 *   onView?: (from: number, to: number) => void}} props
 *   path or sound: what is drawn; from, to: the visible seconds; step: of the keys, seconds
 */
export function Wave(props) {
  const { label, path, cursor = 0, onSeek, selection, onSelect, regions = [], edges = [] } = props;
  const { step = 0.01, height = 104, onView } = props;
  const [sound, error] = useSound(path, props.sound);
  const area = useRef(/** @type {HTMLDivElement | null} */ (null));
  const start = sound?.start ?? 0;
  const end = start + (sound ? sound.samples / sound.rate : 1);
  const [from, to] = [props.from ?? start, props.to ?? end];
  const place = (/** @type {number} */ time) => (time - from) / (to - from || 1);
  const timeAt = (/** @type {number} */ share) => from + share * (to - from);
  const anchor = useRef(0);
  const drag = dragHandlers(({ x }, event, isStart) => {
    const time = timeAt(x);
    if (isStart) {
      anchor.current = event.shiftKey ? cursor : time;
      onSelect?.(null);
    } else if (onSelect && Math.abs(time - anchor.current) > (to - from) / 400) {
      onSelect({ from: Math.min(time, anchor.current), to: Math.max(time, anchor.current) });
    }
    onSeek?.(time);
  });
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const target = stepByKey(event, cursor, { low: start, high: end, step });
    if (target !== null) (event.preventDefault(), onSeek?.(target));
    const scale = { '+': 0.5, '=': 0.5, '-': 2 }[event.key];
    if (scale && onView) {
      event.preventDefault();
      const half = Math.min(end - start, Math.max(0.02, (to - from) * scale)) / 2;
      const middle = Math.min(end - half, Math.max(start + half, cursor));
      onView(middle - half, middle + half);
    }
  };
  return html`<div class="wave" style=${{ '--height': `${height}px` }}>
    <div class="wave-area" ref=${area} role="slider" tabindex="0" aria-label=${label}
      aria-valuemin=${start} aria-valuemax=${end} aria-valuenow=${cursor}
      aria-valuetext=${showTime(cursor)} onKeyDown=${onKeyDown} ...${drag}>
      <${Drawing} sound=${sound} from=${from} to=${to} selection=${selection} />
      ${regions.map((one) => html`<div key=${one.key} class="wave-region ${one.tone ?? ''}"
        style=${{ '--from': place(one.from), '--to': place(one.to) }}></div>`)}
      ${selection && html`<div class="wave-selection" style=${{ '--from': place(selection.from), '--to': place(selection.to) }}></div>`}
      ${cursor >= from && cursor <= to && html`<div class="wave-cursor" style=${{ '--at': place(cursor) }}></div>`}
    </div>
    ${edges.filter((one) => one.time >= from && one.time <= to).map((one) => html`<${EdgeHandle}
      key=${one.key} edge=${one} at=${place(one.time)} timeAt=${timeAt} step=${step} area=${area} />`)}
    ${regions.some((one) => one.label) && html`<div class="wave-labels" aria-hidden="true">
      ${regions.filter((one) => one.label && place(one.from) < 1 && place(one.to) > 0).map(
        (one) => html`<span key=${one.key} class=${one.tone ?? ''}
          style=${{ '--from': Math.max(0, place(one.from)), '--to': Math.min(1, place(one.to)) }}>${one.label}</span>`,
      )}
    </div>`}
    ${error && html`<p class="small" role="status">${error}</p>`}
  </div>`;
}

/** @param {any} props */
function EdgeHandle({ edge, at, timeAt, step, area }) {
  const drag = dragHandlers(({ x }) => edge.onMove(timeAt(x)), undefined, () => area.current);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const target = stepByKey(event, edge.time, { low: -Infinity, high: Infinity, step });
    if (target !== null && Number.isFinite(target)) (event.preventDefault(), edge.onMove(target));
  };
  return html`<div class="wave-edge" role="slider" tabindex="0" aria-label=${edge.label}
    aria-valuenow=${edge.time} aria-valuetext=${showTime(edge.time)} style=${{ '--at': at }}
    onKeyDown=${onKeyDown} ...${drag}></div>`;
}

/** @param {{sound: any, from: number, to: number, selection: any}} props */
function Drawing({ sound, from, to }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const width = useWidth(canvas);
  const now = use(theme);
  useEffect(() => {
    if (!sound || !width) return;
    let isOld = false;
    readColumns(sound, from, to, Math.max(1, Math.floor(width / 2))).then(
      (columns) => !isOld && canvas.current && draw(canvas.current, columns, width),
      () => {},
    );
    return () => {
      isOld = true;
    };
  }, [sound, from, to, width, now]);
  return html`<canvas ref=${canvas} aria-hidden="true"></canvas>`;
}

/** @param {HTMLCanvasElement} canvas @param {Int8Array} columns @param {number} width px */
function draw(canvas, columns, width) {
  const scale = window.devicePixelRatio || 1;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext('2d');
  if (!pen) return;
  pen.scale(scale, scale);
  pen.fillStyle = getComputedStyle(canvas).color;
  for (let column = 0; column * 2 < columns.length; column++) {
    const top = height / 2 - (columns[column * 2 + 1] / 127) * (height / 2 - 1);
    const bottom = height / 2 - (columns[column * 2] / 127) * (height / 2 - 1);
    pen.fillRect(column * 2, top, 1.4, Math.max(1, bottom - top));
  }
}

/** @param {{current: HTMLElement | null}} ref @returns {number} its width, px */
export function useWidth(ref) {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const sizes = new ResizeObserver(() => setWidth(element.clientWidth));
    sizes.observe(element);
    setWidth(element.clientWidth);
    return () => sizes.disconnect();
  }, []);
  return width;
}

/**
 * @param {string | undefined} path
 * @param {import('./peaks.js').Sound | undefined} given
 * @returns {[import('./peaks.js').Sound | null, string]} the sound, and why there is none
 */
function useSound(path, given) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [error, setError] = useState('');
  useEffect(() => {
    if (!path || given) return;
    const control = new AbortController();
    setFound(null);
    setError('');
    openSound(path, { signal: control.signal }).then(setFound, (failure) => {
      if (!control.signal.aborted) setError(failure.error ?? String(failure.message));
    });
    return () => control.abort();
  }, [path, given]);
  return useMemo(() => [given ?? found, error], [given, found, error]);
}
