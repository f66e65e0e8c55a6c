// A film strip: pictures in order, of which one is chosen, with marks between them.
import { html, useEffect, useRef } from '../app/view.js';
import { IconButton } from './basics.js';
import { dragHandlers, stepByKey } from './drag.js';

/**
 * @typedef {{key: string, url: string, label: string, isSource?: boolean}} Still
 * @typedef {{key: string, at: number, label: string, isSuggested?: boolean,
 *   onMove?: (at: number) => void, onAccept?: () => void, onRemove?: () => void}} Mark
 *   at: its place, 0 to 1 over the strip
 */

/**
 * A film strip. Arrow keys move between pictures; a mark moves by its arrow keys, Enter accepts it
 * and Delete removes it.
 * @param {{label: string, stills: Still[], chosen?: string, onChoose?: (key: string) => void,
 *   marks?: Mark[], step?: number}} props step: by which a key moves a mark, 0 to 1
 */
export function Strip({ label, stills, chosen, onChoose, marks = [], step = 0.005 }) {
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const scrolled = useRef(/** @type {HTMLDivElement | null} */ (null));
  const at = Math.max(0, stills.findIndex((one) => one.key === chosen));
  useEffect(() => {
    // Not scrollIntoView, which may scroll the page, too.
    const box = scrolled.current;
    const shown = /** @type {HTMLElement | null | undefined} */ (box?.querySelector('[aria-selected="true"]'));
    if (!box || !shown) return;
    const left = shown.offsetLeft;
    if (left < box.scrollLeft) box.scrollLeft = left;
    else if (left + shown.offsetWidth > box.scrollLeft + box.clientWidth) {
      box.scrollLeft = left + shown.offsetWidth - box.clientWidth;
    }
  }, [chosen]);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const target = stepByKey(event, at, { low: 0, high: stills.length - 1, step: 1, page: 5 });
    if (target === null || !stills.length) return;
    event.preventDefault();
    onChoose?.(stills[target].key);
    /** @type {HTMLElement | undefined} */ (list.current?.children[target])?.focus();
  };
  return html`<div class="strip" ref=${scrolled}><div class="strip-inner" style=${{ '--count': stills.length }}>
    <div class="strip-stills" role="listbox" aria-orientation="horizontal" aria-label=${label}
      ref=${list} onKeyDown=${onKeyDown}>
      ${stills.map(
        (one, number) => html`<div role="option" key=${one.key} aria-label=${one.label}
          aria-selected=${String(one.key === chosen)} tabindex=${number === at ? 0 : -1}
          class="strip-still ${one.isSource ? 'source' : ''}" title=${one.label}
          onClick=${() => onChoose?.(one.key)}><img src=${one.url} alt="" loading="lazy" draggable=${false} /></div>`,
      )}
    </div>
    ${marks.length > 0 && html`<div class="strip-marks" role="group" aria-label=${`${label}: marks`}>
      ${marks.map((mark) => html`<${StripMark} key=${mark.key} mark=${mark} step=${step} />`)}
    </div>`}
  </div></div>`;
}

/** @param {{mark: Mark, step: number}} props */
function StripMark({ mark, step }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const drag = mark.onMove ? dragHandlers(({ x }) => mark.onMove?.(x), undefined, () => box.current?.parentElement) : {};
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const target = stepByKey(event, mark.at, { low: 0, high: 1, step });
    if (target !== null && mark.onMove) (event.preventDefault(), mark.onMove(target));
    else if (event.key === 'Enter' && mark.onAccept) (event.preventDefault(), mark.onAccept());
    else if (['Delete', 'Backspace'].includes(event.key) && mark.onRemove) (event.preventDefault(), mark.onRemove());
  };
  const percent = Math.round(mark.at * 1000) / 10;
  return html`<div class="strip-mark ${mark.isSuggested ? 'suggested' : ''}" ref=${box} style=${{ '--at': mark.at }}>
    <div class="strip-handle" role="slider" tabindex="0" aria-label=${mark.label} aria-valuemin="0"
      aria-valuemax="100" aria-valuenow=${percent}
      aria-valuetext=${`${percent} %${mark.isSuggested ? ', suggested' : ''}`}
      onKeyDown=${onKeyDown} ...${drag}></div>
    <div class="strip-actions">
      ${mark.isSuggested && mark.onAccept && html`<${IconButton} icon="check" size="14" label=${`Accept: ${mark.label}`} onClick=${mark.onAccept} />`}
      ${mark.onRemove && html`<${IconButton} icon="close" size="14" label=${`Remove: ${mark.label}`} onClick=${mark.onRemove} />`}
    </div>
  </div>`;
}
