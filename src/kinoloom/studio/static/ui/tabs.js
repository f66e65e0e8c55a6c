// Tabs with their panels.
import { html, useId, useRef } from '../app/view.js';

/**
 * Tabs; the arrow keys, Home and End change between them.
 * @param {{label: string, tabs: {key: string, title: any, note?: any}[], chosen: string,
 *   onChoose: (key: string) => void, children?: any}} props children: the panel of the chosen tab
 */
export function Tabs({ label, tabs, chosen, onChoose, children }) {
  const id = useId();
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const at = tabs.findIndex((one) => one.key === chosen);
    const last = tabs.length - 1;
    const targets = /** @type {Record<string, number>} */ ({
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    });
    if (!(event.key in targets)) return;
    event.preventDefault();
    const target = tabs[targets[event.key]].key;
    onChoose(target);
    /** @type {HTMLElement | null | undefined} */ (list.current?.querySelector(`[data-key="${CSS.escape(target)}"]`))?.focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} ref=${list} onKeyDown=${onKeyDown}>
      ${tabs.map(
        (one) => html`<button type="button" role="tab" key=${one.key} data-key=${one.key}
          id=${`${id}-${one.key}`} aria-controls=${`${id}-panel`} class="tab"
          aria-selected=${String(one.key === chosen)} tabindex=${one.key === chosen ? 0 : -1}
          onClick=${() => onChoose(one.key)}>${one.title}${one.note !== undefined && html`<span class="small n">${one.note}</span>`}</button>`,
      )}
    </div>
    <div role="tabpanel" id=${`${id}-panel`} aria-labelledby=${`${id}-${chosen}`} tabindex="0">${children}</div>`;
}
