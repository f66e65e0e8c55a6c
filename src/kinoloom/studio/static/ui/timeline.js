// A time axis with rows of spans, marks and a place in time that moves.
import { html, useMemo, useRef } from '../app/view.js';
import { dragHandlers, stepByKey } from './drag.js';
import { showTime } from './texts.js';
import { useWidth } from './wave.js';

/**
 * @typedef {{key: string, from: number, to: number, label?: string, tone?: string}} Span
 * @typedef {{key: string, label: string, spans: Span[]}} Lane
 * @typedef {{key: string, time: number, label: string, tone?: string}} TimeMark
 */

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
const TICK_PX = 84;

/**
 * A timeline. Arrow keys move in time, [ and ] go to the mark before and after, + and - change the
 * view where `onView` is given.
 * @param {{label: string, from: number, to: number, value?: number, onSeek?: (time: number) => void,
 *   lanes?: Lane[], marks?: TimeMark[], step?: number, format?: (time: number) => string,
 *   played?: boolean, onMark?: (mark: TimeMark) => void, chosen?: string,
 *   onSpan?: (span: Span) => void, onView?: (from: number, to: number) => void}} props
 *   from, to: the visible seconds; played: the part before `value` is tinted
 */
export function Timeline(props) {
  const { label, from, to, value, onSeek, lanes = [], marks = [], step = 1, onView, played } = props;
  const format = props.format ?? ((/** @type {number} */ time) => showTime(time, to - from < 20 ? 1 : 0));
  const axis = useRef(/** @type {HTMLDivElement | null} */ (null));
  const width = useWidth(axis);
  const place = (/** @type {number} */ time) => (time - from) / (to - from || 1);
  const ticks = useMemo(() => findTicks(from, to, width), [from, to, width]);
  const now = value ?? from;
  const drag = onSeek ? dragHandlers(({ x }) => onSeek(from + x * (to - from))) : {};
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const target = stepByKey(event, now, { low: from, high: to, step });
    const near = findNear(event.key, marks, now);
    const scale = { '+': 0.5, '=': 0.5, '-': 2 }[event.key];
    if (target !== null) (event.preventDefault(), onSeek?.(target));
    else if (near) (event.preventDefault(), onSeek?.(near.time), props.onMark?.(near));
    else if (scale && onView) {
      event.preventDefault();
      const half = ((to - from) * scale) / 2;
      onView(now - half, now + half);
    }
  };
  return html`<div class="timeline ${lanes.length ? 'with-lanes' : ''}">
    ${lanes.map((lane) => html`<div class="timeline-name cut-short small" key=${`${lane.key}-name`}>${lane.label}</div>
      <div class="timeline-lane" key=${lane.key}>
        ${lane.spans.filter((one) => one.to >= from && one.from <= to).map((one) => html`<${SpanBox}
          key=${one.key} span=${one} place=${place} lane=${lane} format=${format}
          isChosen=${one.key === props.chosen} onChoose=${props.onSpan} />`)}
      </div>`)}
    ${lanes.length > 0 && html`<div class="timeline-name"></div>`}
    <div class="timeline-axis" ref=${axis} role="slider" tabindex="0" aria-label=${label}
      aria-valuemin=${from} aria-valuemax=${to} aria-valuenow=${now} aria-valuetext=${format(now)}
      onKeyDown=${onKeyDown} ...${drag}>
      <div class="timeline-rail">
        ${played && html`<div class="timeline-played" style=${{ '--to': Math.min(1, Math.max(0, place(now))) }}></div>`}
      </div>
      ${ticks.map((time) => html`<span class="timeline-tick n" key=${time} style=${{ '--at': place(time) }}>${format(time)}</span>`)}
      ${marks.filter((one) => one.time >= from && one.time <= to).map((one) => html`<span key=${one.key}
        class="timeline-mark ${one.tone ?? ''}" title=${one.label} style=${{ '--at': place(one.time) }}><span class="sr">${one.label}</span></span>`)}
      ${value !== undefined && value >= from && value <= to && html`<span class="timeline-now" style=${{ '--at': place(value) }}></span>`}
    </div>
  </div>`;
}

/** @param {any} props */
function SpanBox({ span, place, lane, format, isChosen, onChoose }) {
  const text = `${span.label ?? lane.label}: ${format(span.from)} to ${format(span.to)}`;
  const style = { '--from': Math.max(0, place(span.from)), '--to': Math.min(1, place(span.to)) };
  const name = `timeline-span ${span.tone ?? ''} ${isChosen ? 'chosen' : ''}`;
  if (!onChoose) return html`<div class=${name} style=${style} title=${text}><span class="cut-short">${span.label}</span></div>`;
  return html`<button type="button" class=${name} style=${style} title=${text} aria-label=${text}
    aria-pressed=${String(isChosen)} onClick=${() => onChoose(span)}><span class="cut-short">${span.label}</span></button>`;
}

/** @param {number} from @param {number} to @param {number} width px */
function findTicks(from, to, width) {
  const most = Math.max(1, Math.floor(width / TICK_PX));
  const step = STEPS.find((one) => (to - from) / one <= most) ?? 86400 * Math.ceil((to - from) / 86400 / most);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.max(0, Math.floor(to / step + 1e-9) - first + 1);
  return Array.from({ length: Math.min(count, most + 1) }, (_, k) => Math.round((first + k) * step * 1e6) / 1e6);
}

/** @param {string} key @param {TimeMark[]} marks @param {number} now */
function findNear(key, marks, now) {
  const sorted = [...marks].sort((a, b) => a.time - b.time);
  if (key === ']') return sorted.find((one) => one.time > now + 1e-6);
  if (key === '[') return sorted.findLast((one) => one.time < now - 1e-6);
  return undefined;
}
