// Files as tiles. One tile is in the tab order; arrow keys move between them.
import { Icon } from '../../ui/icons.js';
import { showBytes, showDate } from '../../ui/texts.js';
import { thumbUrl } from '../media.js';
import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from '../view.js';
import { useEndOfList } from './listing.js';

/** @typedef {import('./listing.js').Entry} Entry */

const ICONS = /** @type {Record<string, string>} */ ({
  folder: 'folder',
  video: 'film',
  photo: 'photo',
  audio: 'audio',
  other: 'file',
});
const KINDS = /** @type {Record<string, string>} */ ({
  folder: 'Folder',
  video: 'Video',
  photo: 'Photo',
  audio: 'Sound',
  other: 'File',
});
const AROUND = 4;

/**
 * @param {{files: Entry[], total: number, chosen: string[], opened: string, label: string,
 *   onOpen: (entry: Entry) => void, onChoose: (paths: string[]) => void,
 *   onRemove: () => void, onRename: (entry: Entry) => void, onMore: () => void}} props
 *   chosen: in the order in which they were chosen
 */
export function Grid({ files, total, chosen, opened, label, onOpen, onChoose, onRemove, onRename, onMore }) {
  const [at, setAt] = useState(0);
  const anchor = useRef(0);
  const { ref, first, last, columns, height } = useVisible(files.length);
  const end = useEndOfList(onMore);
  const current = Math.min(at, Math.max(0, files.length - 1));
  const toFocus = useRef(/** @type {number | null} */ (null));
  useEffect(() => {
    // An effect runs late: that of an older render leaves a newer wish alone.
    if (toFocus.current !== at || !ref.current) return;
    const tile = /** @type {HTMLElement | null} */ (ref.current.querySelector(`[data-at="${current}"]`));
    if (tile) {
      toFocus.current = null;
      tile.focus();
    } else {
      // Not in the DOM: it will be there after scrolling.
      const top = ref.current.getBoundingClientRect().top + window.scrollY;
      window.scrollTo(0, top + Math.floor(current / columns) * height - window.innerHeight / 2);
    }
  });
  const move = (/** @type {number} */ target) => {
    toFocus.current = target;
    setAt(target);
  };
  const toggle = (/** @type {Entry} */ { path }) =>
    onChoose(chosen.includes(path) ? chosen.filter((one) => one !== path) : [...chosen, path]);
  const extend = (/** @type {number} */ to) => {
    const [low, high] = [Math.min(anchor.current, to), Math.max(anchor.current, to)];
    const range = files.slice(low, high + 1).map((one) => one.path);
    onChoose([...chosen.filter((one) => !range.includes(one)), ...range]);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const target = findTarget(event.key, current, files.length, columns);
    if (target !== null) {
      event.preventDefault();
      if (event.shiftKey) extend(target);
      else anchor.current = target;
      move(target);
      return;
    }
    /** @type {Record<string, () => void>} */
    const keys = {
      ' ': () => ((anchor.current = current), toggle(files[current])),
      Enter: () => onOpen(files[current]),
      Delete: onRemove,
      F2: () => onRename(files[current]),
      Escape: () => onChoose([]),
    };
    if (event.ctrlKey && event.key === 'a') keys.a = () => onChoose(files.filter((one) => one.kind !== 'folder').map((one) => one.path));
    if (!(event.key in keys) || !files.length) return;
    event.preventDefault();
    keys[event.key]();
  };
  const click = (/** @type {MouseEvent} */ event, /** @type {number} */ number) => {
    setAt(number);
    if (event.shiftKey) extend(number);
    else if (files[number].kind === 'folder' && !isMark(event) && !event.ctrlKey && !event.metaKey) onOpen(files[number]);
    else toggle(files[number]);
    if (!event.shiftKey) anchor.current = number;
  };
  const inTabs = current >= first && current < last ? current : first;
  const rows = { '--before': `${(first / columns) * height}px`, '--after': `${Math.ceil((files.length - last) / columns) * height}px` };
  return html`<div class="home-grid" role="listbox" aria-multiselectable="true" aria-label=${label}
    ref=${ref} style=${rows} onKeyDown=${onKeyDown}>
    ${files.slice(first, last).map((entry, k) => {
      const number = first + k;
      return html`<${Tile} key=${entry.path} entry=${entry} number=${number} size=${total}
        order=${chosen.indexOf(entry.path)} isOpen=${entry.path === opened} inTabs=${number === inTabs}
        onClick=${(/** @type {MouseEvent} */ event) => click(event, number)}
        onDblClick=${() => onOpen(entry)} />`;
    })}
  </div><div ref=${end} aria-hidden="true"></div>`;
}

/** @param {MouseEvent} event */
function isMark(event) {
  return event.target instanceof Element && event.target.closest('.home-mark') !== null;
}

/**
 * @param {{entry: Entry, number: number, size: number, order: number, isOpen: boolean,
 *   inTabs: boolean, onClick: (event: MouseEvent) => void, onDblClick: () => void}} props
 */
function Tile({ entry, number, size, order, isOpen, inTabs, onClick, onDblClick }) {
  const { name, kind, bytes, modified } = entry;
  const facts = kind === 'folder' ? 'Folder' : `${showBytes(bytes)}, ${showDate(modified)}`;
  const isChosen = order >= 0;
  return html`<div class="home-tile ${isChosen ? 'on' : ''}" role="option" aria-selected=${String(isChosen)}
    aria-setsize=${size} aria-posinset=${number + 1} data-at=${number} tabindex=${inTabs ? 0 : -1}
    aria-label=${`${name}, ${kind === 'folder' ? '' : `${KINDS[kind]}, `}${facts}${isOpen ? ', open' : ''}`}
    title=${name} onClick=${onClick} onDblClick=${kind === 'folder' ? undefined : onDblClick}>
    <${Picture} entry=${entry} />
    <span class="home-mark n" aria-hidden="true">${isChosen ? order + 1 : ''}</span>
    <p class="cut-short">${name}</p>
    <p class="small n cut-short">${facts}</p>
  </div>`;
}

/** @param {{entry: Entry}} props */
function Picture({ entry }) {
  const { path, kind, bytes, modified, name } = entry;
  const [failed, setFailed] = useState('');
  const url = thumbUrl(path, 320, `${modified}-${bytes}`);
  const hasPicture = ['video', 'photo', 'audio'].includes(kind) && bytes > 0 && failed !== url;
  const suffix = name.includes('.') ? name.split('.').pop()?.slice(0, 6).toUpperCase() : '';
  return html`<div class="home-picture">
    ${
      hasPicture
        ? html`<img src=${url} alt="" loading="lazy" decoding="async" draggable=${false} onError=${() => setFailed(url)} />`
        : html`<span class="home-icon"><${Icon} name=${ICONS[kind]} size="32" />${kind === 'other' && suffix && html`<span class="small">${suffix}</span>`}</span>`
    }
    ${kind === 'video' && html`<span class="home-kind"><${Icon} name="film" size="14" /></span>`}
  </div>`;
}

/**
 * @param {string} key @param {number} at @param {number} count @param {number} columns
 * @returns {number | null} the tile to which a key leads
 */
function findTarget(key, at, count, columns) {
  const targets = /** @type {Record<string, number>} */ ({
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + columns,
    ArrowUp: at - columns,
    PageDown: at + 4 * columns,
    PageUp: at - 4 * columns,
    Home: 0,
    End: count - 1,
  });
  if (!(key in targets) || !count) return null;
  return Math.max(0, Math.min(count - 1, targets[key]));
}

/** Which tiles are near the window. @param {number} count */
function useVisible(count) {
  const ref = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [range, setRange] = useState({ first: 0, last: Math.min(count, 60), columns: 4, height: 160 });
  const measure = useCallback(() => {
    const box = ref.current;
    const tile = box?.firstElementChild;
    if (!box || !tile) {
      setRange((now) => ({ ...now, first: 0, last: Math.min(count, 60) }));
      return;
    }
    const columns = getComputedStyle(box).gridTemplateColumns.split(' ').length;
    const gap = Number.parseFloat(getComputedStyle(box).rowGap) || 0;
    const height = tile.getBoundingClientRect().height + gap;
    const top = Math.floor(-box.getBoundingClientRect().top / height) - AROUND;
    const rows = Math.ceil(window.innerHeight / height) + 2 * AROUND;
    const first = Math.min(Math.max(0, top) * columns, Math.max(0, count - (count % columns || columns)));
    const last = Math.min(count, (Math.max(0, top) + rows) * columns);
    const isSame = (/** @type {any} */ now) =>
      now.first === first && now.last === last && now.columns === columns && Math.abs(now.height - height) < 1;
    setRange((now) => (isSame(now) ? now : { first, last, columns, height }));
  }, [count]);
  useLayoutEffect(measure, [measure]);
  useEffect(() => {
    const sizes = new ResizeObserver(measure);
    if (ref.current) sizes.observe(ref.current);
    window.addEventListener('scroll', measure, { passive: true });
    return () => (sizes.disconnect(), window.removeEventListener('scroll', measure));
  }, [measure]);
  return { ref, ...range };
}
