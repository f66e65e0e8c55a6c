// A plan with things on it that move: shapes in metres, symbols and labels in pixels.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../app/view.js';
import { IconButton } from './basics.js';

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Bounds metres, y downwards
 * @typedef {{key: string, points?: [number, number][], path?: string, tone?: string,
 *   closed?: boolean, dashed?: boolean, label?: string}} Shape
 *   points or an SVG path in metres; tone: "ground", "paved", "building", "line", "warn", …
 * @typedef {{key: string, x: number, y: number, heading?: number, icon?: 'aircraft' | 'vehicle' | 'person' | 'light',
 *   label?: string, note?: string, tone?: string, trail?: [number, number][], ahead?: [number, number][]}} Thing
 *   heading: degrees clockwise from up
 */

const ICONS = {
  aircraft: 'M0-11 2-7V-2L11 4V6L2 3.500V8L5 10.500V12L0 10.5-5 12V10.500L-2 8V3.500L-11 6V4L-2-2V-7z',
  vehicle: 'M0-8 5-3V7H-5V-3z',
  person: 'M0-5A5 5 0 1 0 .01-5z',
  light: 'M0-4A4 4 0 1 0 .01-4z',
};
const ZOOMS = [1, 64];
const PAN = 0.15;

/**
 * A map. Arrow keys pan, + and - zoom, 0 shows everything; Tab reaches each thing.
 * @param {{label: string, bounds: Bounds, shapes?: Shape[], things?: Thing[], chosen?: string | null,
 *   onChoose?: (key: string) => void, height?: number, layers?: any, showLabels?: boolean}} props
 *   layers: controls in the corner, such as switches of layers
 */
export function MapView({ label, bounds, shapes = [], things = [], chosen, onChoose, height = 420, layers, showLabels = true }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [size, setSize] = useState({ width: 0, height });
  const [view, setView] = useState({ zoom: 1, x: bounds.x + bounds.width / 2, y: bounds.y + bounds.height / 2 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    measure();
    return () => sizes.disconnect();
  }, []);
  const scale = view.zoom * Math.min(size.width / bounds.width, size.height / bounds.height) || 1;
  const latest = useRef({ scale, view, size });
  latest.current = { scale, view, size };
  const moveTo = (/** @type {{zoom: number, x: number, y: number}} */ next) => {
    const zoom = Math.min(ZOOMS[1], Math.max(ZOOMS[0], next.zoom));
    const clamp = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ span) =>
      Math.min(low + span, Math.max(low, value));
    setView({ zoom, x: clamp(next.x, bounds.x, bounds.width), y: clamp(next.y, bounds.y, bounds.height) });
  };
  const zoomBy = (/** @type {number} */ by) => moveTo({ ...view, zoom: view.zoom * by });
  const fit = () => moveTo({ zoom: 1, x: bounds.x + bounds.width / 2, y: bounds.y + bounds.height / 2 });
  useWheel(box, latest, moveTo);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== event.currentTarget) return;
    const step = (PAN * size.width) / scale;
    const steps = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    });
    if (event.key in steps) moveTo({ ...view, x: view.x + steps[event.key][0], y: view.y + steps[event.key][1] });
    else if (event.key === '+' || event.key === '=') zoomBy(1.5);
    else if (event.key === '-') zoomBy(1 / 1.5);
    else if (event.key === '0') fit();
    else return;
    event.preventDefault();
  };
  const toX = (/** @type {number} */ x) => size.width / 2 + (x - view.x) * scale;
  const toY = (/** @type {number} */ y) => size.height / 2 + (y - view.y) * scale;
  const isNear = (/** @type {Thing} */ one) =>
    toX(one.x) > -40 && toX(one.x) < size.width + 40 && toY(one.y) > -40 && toY(one.y) < size.height + 40;
  return html`<div class="map" style=${{ '--height': `${height}px` }}>
    <div class="map-area" ref=${box} role="group" aria-roledescription="map" aria-label=${label}
      tabindex="0" onKeyDown=${onKeyDown} ...${panHandlers(latest, moveTo)}>
      <${Ground} shapes=${shapes} things=${things} size=${size} view=${view} scale=${scale} />
      ${shapes.filter((one) => one.label && one.points).map((one) => html`<span class="map-name small" key=${one.key}
        style=${place(toX(centre(one, 0)), toY(centre(one, 1)))}>${one.label}</span>`)}
      ${things.filter(isNear).map((one) => html`<${ThingButton} key=${one.key} thing=${one}
        style=${place(toX(one.x), toY(one.y))} isChosen=${one.key === chosen} showLabel=${showLabels}
        onChoose=${onChoose} />`)}
    </div>
    ${layers && html`<div class="map-layers">${layers}</div>`}
    <div class="map-zoom">
      <${IconButton} icon="add" label="Zoom in" onClick=${() => zoomBy(1.5)} />
      <${IconButton} icon="minus" label="Zoom out" onClick=${() => zoomBy(1 / 1.5)} />
      <${IconButton} icon="fit" label="Show everything" onClick=${fit} />
    </div>
  </div>`;
}

/** @param {number} x @param {number} y px */
function place(x, y) {
  return { '--x': `${x.toFixed(1)}px`, '--y': `${y.toFixed(1)}px` };
}

/** @param {Shape} shape @param {0 | 1} axis */
function centre(shape, axis) {
  const values = (shape.points ?? []).map((point) => point[axis]);
  return (Math.min(...values) + Math.max(...values)) / 2;
}

/** @param {[number, number][]} points @param {boolean} [closed] */
function pathOf(points, closed = false) {
  return `M${points.map(([x, y]) => `${x} ${y}`).join('L')}${closed ? 'z' : ''}`;
}

/** @param {any} props */
function Ground({ shapes, things, size, view, scale }) {
  const drawn = useMemo(
    () => shapes.map((/** @type {Shape} */ one) => html`<path key=${one.key}
      class="map-shape ${one.tone ?? 'line'} ${one.dashed ? 'dashed' : ''}"
      d=${one.path ?? pathOf(one.points ?? [], one.closed)} />`),
    [shapes],
  );
  const [width, height] = [size.width / scale, size.height / scale];
  return html`<svg aria-hidden="true" viewBox=${`${view.x - width / 2} ${view.y - height / 2} ${width} ${height}`}
    preserveAspectRatio="none">${drawn}
    ${things.map((/** @type {Thing} */ one) => html`
      ${one.trail && one.trail.length > 1 && html`<path class="map-trail ${one.tone ?? ''}" d=${pathOf(one.trail)} />`}
      ${one.ahead && one.ahead.length > 1 && html`<path class="map-ahead ${one.tone ?? ''}" d=${pathOf(one.ahead)} />`}`)}
  </svg>`;
}

/** @param {any} props */
function ThingButton({ thing, style, isChosen, showLabel, onChoose }) {
  const { icon = 'vehicle', tone = '', heading = 0, label, note } = thing;
  const text = [label ?? thing.key, note].filter(Boolean).join(', ');
  return html`<button type="button" class="map-thing ${tone} ${isChosen ? 'chosen' : ''}" style=${style}
    aria-label=${text} aria-pressed=${String(isChosen)} onClick=${() => onChoose?.(thing.key)}>
    <svg width="24" height="24" viewBox="-12 -12 24 24" aria-hidden="true"><path
      transform=${`rotate(${heading})`} d=${ICONS[/** @type {keyof typeof ICONS} */ (icon)] ?? ICONS.vehicle} /></svg>
    ${showLabel && label && html`<span class="map-label"><b>${label}</b>${note && html`<span>${note}</span>`}</span>`}
  </button>`;
}

/**
 * @param {{current: {scale: number, view: any}}} latest
 * @param {(view: any) => void} moveTo
 */
function panHandlers(latest, moveTo) {
  const start = useRef(/** @type {any} */ (null));
  return {
    onPointerDown: (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0 || /** @type {Element} */ (event.target).closest('button')) return;
      /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
      start.current = { x: event.clientX, y: event.clientY, view: latest.current.view };
    },
    onPointerMove: (/** @type {PointerEvent} */ event) => {
      if (!start.current) return;
      const { x, y, view } = start.current;
      const { scale } = latest.current;
      moveTo({ ...view, x: view.x - (event.clientX - x) / scale, y: view.y - (event.clientY - y) / scale });
    },
    onPointerUp: () => (start.current = null),
    onPointerCancel: () => (start.current = null),
  };
}

/**
 * Zoom at the pointer with Ctrl and the wheel, so that the page itself still scrolls.
 * @param {{current: HTMLElement | null}} box
 * @param {{current: {scale: number, view: any, size: any}}} latest
 * @param {(view: any) => void} moveTo
 */
function useWheel(box, latest, moveTo) {
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const turn = (/** @type {WheelEvent} */ event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { scale, view, size } = latest.current;
      const edges = element.getBoundingClientRect();
      const by = Math.exp(-event.deltaY / 300);
      const zoom = Math.min(ZOOMS[1], Math.max(ZOOMS[0], view.zoom * by));
      const shift = (1 - view.zoom / zoom) / scale;
      const x = view.x + (event.clientX - edges.left - size.width / 2) * shift;
      moveTo({ zoom, x, y: view.y + (event.clientY - edges.top - size.height / 2) * shift });
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => element.removeEventListener('wheel', turn);
  }, []);
}
