// Two pictures over each other, with an edge that moves between before and after.
import { html, useState } from '../app/view.js';
import { Icon } from './icons.js';

/**
 * A before and after view. Arrow keys move the edge, Home shows only "after", End only "before".
 * @param {{before: any, after: any, beforeLabel?: string, afterLabel?: string, label?: string,
 *   aspect?: number, value?: number, onChange?: (value: number) => void}} props
 *   before, after: the address of a picture, or a view; aspect: width / height; value: share of
 *   "before" that is shown, 0 to 1
 */
export function Slider(props) {
  const { before, after, beforeLabel = 'Before', afterLabel = 'After', aspect, onChange } = props;
  const [own, setOwn] = useState(0.5);
  const share = props.value ?? own;
  const change = (/** @type {number} */ value) => (setOwn(value), onChange?.(value));
  const label = props.label ?? `Edge between ${beforeLabel} and ${afterLabel}`;
  return html`<div class="slider" style=${{ '--share': share, '--aspect': aspect ?? 'auto' }}>
    <div class="slider-side">${showSide(after, afterLabel)}</div>
    <div class="slider-side slider-before">${showSide(before, beforeLabel)}</div>
    <span class="veil slider-name left">${beforeLabel}</span>
    <span class="veil slider-name right">${afterLabel}</span>
    <input class="slider-range" type="range" min="0" max="100" step="1" aria-label=${label}
      value=${Math.round(share * 100)} aria-valuetext=${`${Math.round(share * 100)} % ${beforeLabel}`}
      onInput=${(/** @type {any} */ event) => change(Number(event.target.value) / 100)} />
    <div class="slider-edge" aria-hidden="true"><span><${Icon} name="move" /></span></div>
  </div>`;
}

/** @param {any} side @param {string} label */
function showSide(side, label) {
  return typeof side === 'string' ? html`<img src=${side} alt=${label} draggable=${false} />` : side;
}
