// A modal dialog and a menu; both give the focus back to where it was.
import { html, useEffect, useId, useLayoutEffect, useRef, useState } from '../app/view.js';
import { Button, IconButton } from './basics.js';
import { Icon } from './icons.js';

/**
 * A modal dialog. Escape, the cross and a click outside close it.
 * @param {{title: string, onClose: () => void, actions?: any, children?: any, class?: string,
 *   hideTitle?: boolean}} props
 */
export function Dialog({ title, onClose, actions, children, hideTitle = false, ...rest }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const id = useId();
  useLayoutEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before?.isConnected) before.focus();
    };
  }, []);
  return html`<dialog
    ref=${ref}
    class="dialog ${rest.class ?? ''}"
    aria-labelledby=${id}
    onCancel=${(/** @type {Event} */ event) => (event.preventDefault(), onClose())}
    onMouseDown=${(/** @type {MouseEvent} */ event) => event.target === ref.current && onClose()}
  >
    <div class="dialog-box">
      <header class=${hideTitle ? 'sr' : 'row'}>
        <h2 id=${id} class="grow">${title}</h2>
        ${!hideTitle && html`<${IconButton} icon="close" label="Close" onClick=${onClose} />`}
      </header>
      ${children}
      ${actions && html`<footer class="row wrap">${actions}</footer>`}
    </div>
  </dialog>`;
}

/**
 * @typedef {{label: string, icon?: string, note?: string, danger?: boolean,
 *   disabled?: boolean | string, checked?: boolean, onSelect: () => void} | 'line'} MenuItem
 */

/**
 * A button that opens a menu. Arrow keys, Home, End and first letters move in it.
 * @param {{label: string, items: MenuItem[], icon?: string, kind?: string, text?: any,
 *   class?: string, align?: 'left' | 'right', trigger?: (shared: object) => any}} props
 *   text: shown on the button; without it only the icon is. trigger: returns another button, to
 *   which it passes `shared`; its text is a part of the label
 */
export function Menu({ label, items, icon = 'more', kind = 'quiet', text, align = 'right', trigger, ...rest }) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const close = (/** @type {boolean} */ keepsFocus) => {
    setOpen(false);
    if (keepsFocus) box.current?.querySelector('button')?.focus();
  };
  useEffect(() => {
    if (!isOpen) return;
    const leave = (/** @type {Event} */ event) => {
      if (!box.current?.contains(/** @type {Node} */ (event.target))) setOpen(false);
    };
    document.addEventListener('pointerdown', leave);
    return () => document.removeEventListener('pointerdown', leave);
  }, [isOpen]);
  const shared = {
    'aria-label': label,
    'aria-haspopup': 'menu',
    'aria-expanded': String(isOpen),
    onClick: () => setOpen(!isOpen),
    onKeyDown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'ArrowDown' && !isOpen) (event.preventDefault(), setOpen(true));
    },
  };
  return html`<div class="menu-box ${rest.class ?? ''}" ref=${box}>
    ${
      trigger
        ? trigger(shared)
        : text === undefined
        ? html`<${IconButton} icon=${icon} label=${label} ...${shared} />`
        : html`<${Button} kind=${kind} icon=${icon} ...${shared}>${text}<//>`
    }
    ${isOpen && html`<${MenuList} label=${label} items=${items} align=${align} onClose=${close} />`}
  </div>`;
}

/**
 * @param {{label: string, items: MenuItem[], align: string,
 *   onClose: (keepsFocus: boolean) => void}} props
 */
function MenuList({ label, items, align, onClose }) {
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const all = () => [.../** @type {NodeListOf<HTMLElement>} */ (list.current?.querySelectorAll('[role^="menuitem"]'))];
  const [isUp, setUp] = useState(false);
  useLayoutEffect(() => {
    const edges = list.current?.getBoundingClientRect();
    if (edges && edges.bottom > window.innerHeight && edges.top > edges.height) setUp(true);
    all()[0]?.focus();
  }, []);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const options = all();
    const at = options.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const target = moveIn(event.key, at, options.length) ?? findByLetter(event, options, at);
    if (event.key === 'Escape') (event.preventDefault(), event.stopPropagation(), onClose(true));
    else if (event.key === 'Tab') onClose(false);
    else if (target !== null) (event.preventDefault(), options[target]?.focus());
  };
  return html`<div class="menu ${align} ${isUp ? 'up' : ''}" role="menu" aria-label=${label} ref=${list}
    onKeyDown=${onKeyDown}>
    ${items.map((item, number) =>
      item === 'line'
        ? html`<div class="menu-line" role="separator" key=${number}></div>`
        : html`<button
            type="button"
            key=${number}
            role=${item.checked === undefined ? 'menuitem' : 'menuitemradio'}
            aria-checked=${item.checked === undefined ? undefined : String(item.checked)}
            tabindex="-1"
            class="menu-item ${item.danger ? 'danger' : ''}"
            aria-disabled=${item.disabled ? 'true' : undefined}
            title=${typeof item.disabled === 'string' ? item.disabled : undefined}
            onClick=${() => {
              if (item.disabled) return;
              onClose(true);
              item.onSelect();
            }}
          >
            ${item.icon && html`<${Icon} name=${item.icon} />`}<span class="grow">${item.label}</span>
            ${item.note && html`<span class="small">${item.note}</span>`}
            ${item.checked && html`<${Icon} name="check" size="16" />`}
          </button>`,
    )}
  </div>`;
}

/**
 * Return where arrow keys, Home and End lead in a list, or null for other keys.
 * @param {string} key @param {number} at @param {number} count
 */
export function moveIn(key, at, count) {
  if (key === 'ArrowDown') return (at + 1) % count;
  if (key === 'ArrowUp') return (at - 1 + count) % count;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  return null;
}

/** @param {KeyboardEvent} event @param {HTMLElement[]} options @param {number} at */
function findByLetter(event, options, at) {
  if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.key === ' ') return null;
  const starts = (/** @type {HTMLElement} */ one) =>
    one.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase());
  const after = options.findIndex((one, number) => number > at && starts(one));
  const found = after >= 0 ? after : options.findIndex(starts);
  return found >= 0 ? found : null;
}
