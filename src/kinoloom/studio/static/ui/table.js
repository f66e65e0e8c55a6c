// A table and a list, of which only the rows near the visible part are in the DOM.
import { html, useEffect, useId, useState } from '../app/view.js';
import { Icon } from './icons.js';
import { useWindow } from './windowed.js';

const NARROW = window.matchMedia('(max-width: 759px)');
const ROW_PX = 36;
const HEAD_PX = 33;

/**
 * @typedef {{key: string, title: string, show?: (row: any, index: number) => any, width?: string,
 *   align?: 'left' | 'right', sortable?: boolean, wide?: boolean}} Column
 *   width: as in grid-template-columns; wide: left out of narrow windows
 */

/**
 * A table of any length. Arrow keys, Page Up and Down, Home and End move; Enter chooses.
 * @param {{label: string, columns: Column[], count: number, rowAt: (index: number) => any,
 *   chosen?: number | null, onChoose?: (index: number, row: any) => void, sort?: string,
 *   descending?: boolean, onSort?: (key: string) => void, onRange?: (first: number, last: number) => void,
 *   height?: number}} props
 *   rowAt: undefined for a row that is not loaded yet; onRange: the rows that should be loaded;
 *   height: the largest height of the table, px
 */
export function Table(props) {
  const { label, count, rowAt, chosen = null, onChoose, onRange, height = 420 } = props;
  const isNarrow = useNarrow();
  const columns = props.columns.filter((one) => !(isNarrow && one.wide));
  const { ref, first, last, reveal } = useWindow(count, ROW_PX);
  const [at, setAt] = useState(chosen ?? 0);
  const id = useId();
  useEffect(() => onRange?.(first, last), [first, last]);
  const move = (/** @type {number} */ target) => {
    const next = Math.max(0, Math.min(count - 1, target));
    setAt(next);
    reveal(next, HEAD_PX);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const page = Math.max(1, Math.floor((ref.current?.clientHeight ?? 0) / ROW_PX) - 2);
    const targets = /** @type {Record<string, number>} */ ({
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: count - 1,
    });
    if (event.target !== event.currentTarget) return;
    if (event.key in targets) (event.preventDefault(), move(targets[event.key]));
    else if ((event.key === 'Enter' || event.key === ' ') && onChoose && count) {
      event.preventDefault();
      onChoose(at, rowAt(at));
    }
  };
  const rows = Array.from({ length: Math.max(0, Math.min(last, count) - first) }, (_, k) => first + k);
  const isInside = at >= first && at < last;
  const template = columns.map((one) => one.width ?? 'minmax(0, 1fr)').join(' ');
  return html`<div class="table" role="grid" aria-label=${label} aria-rowcount=${count + 1}
    aria-colcount=${columns.length} tabindex="0" ref=${ref} onKeyDown=${onKeyDown}
    aria-activedescendant=${isInside && count ? `${id}-${at}` : undefined}
    style=${{ '--columns': template, '--height': `${height}px`, '--row': `${ROW_PX}px` }}>
    <${Head} ...${props} columns=${columns} />
    <div class="table-space" role="rowgroup" style=${{ '--space': `${count * ROW_PX}px` }}>
      ${rows.map((index) => html`<${Row} key=${index} id=${`${id}-${index}`} index=${index}
        row=${rowAt(index)} columns=${columns} isCurrent=${index === at} isChosen=${index === chosen}
        onClick=${() => (setAt(index), onChoose?.(index, rowAt(index)))} />`)}
    </div>
  </div>`;
}

/** Whether the window is narrow. */
function useNarrow() {
  const [isNarrow, set] = useState(NARROW.matches);
  useEffect(() => {
    const read = () => set(NARROW.matches);
    NARROW.addEventListener('change', read);
    return () => NARROW.removeEventListener('change', read);
  }, []);
  return isNarrow;
}

/** @param {any} props of the table */
function Head({ columns, sort, descending, onSort }) {
  return html`<div class="table-head" role="rowgroup"><div class="table-row" role="row" aria-rowindex="1">
    ${columns.map((/** @type {Column} */ one) => {
      const isSorted = one.key === sort;
      const direction = isSorted ? (descending ? 'descending' : 'ascending') : undefined;
      const canSort = onSort && one.sortable !== false;
      return html`<span role="columnheader" key=${one.key} class=${one.align ?? ''} aria-sort=${direction}>
        ${
          canSort
            ? html`<button type="button" class="table-sort" onClick=${() => onSort(one.key)}>${one.title}
                ${isSorted && html`<${Icon} name=${descending ? 'down' : 'up'} size="14" />`}</button>`
            : one.title
        }
      </span>`;
    })}
  </div></div>`;
}

/** @param {any} props */
function Row({ id, index, row, columns, isCurrent, isChosen, onClick }) {
  return html`<div role="row" id=${id} aria-rowindex=${index + 2} onClick=${onClick}
    aria-selected=${String(isChosen)} class="table-row ${isCurrent ? 'current' : ''}"
    style=${{ '--top': `${index * ROW_PX}px` }}>
    ${columns.map((/** @type {Column} */ one) => {
      const content = row === undefined ? '…' : one.show ? one.show(row, index) : row[one.key];
      return html`<span role="gridcell" key=${one.key} class="cut-short n ${one.align ?? ''}">${content}</span>`;
    })}
  </div>`;
}

/**
 * A list of which one entry is chosen; only those near the visible part are in the DOM.
 * @param {{label: string, count: number, itemAt: (index: number) => any,
 *   show: (item: any, index: number) => any, chosen?: number | null,
 *   onChoose?: (index: number, item: any) => void, rowHeight?: number, height?: number}} props
 */
export function List({ label, count, itemAt, show, chosen = null, onChoose, rowHeight = 44, height = 420 }) {
  const { ref, first, last, reveal } = useWindow(count, rowHeight);
  const [at, setAt] = useState(chosen ?? 0);
  const id = useId();
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const steps = /** @type {Record<string, number>} */ ({
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: count - 1,
    });
    if (event.key in steps) {
      event.preventDefault();
      const next = Math.max(0, Math.min(count - 1, steps[event.key]));
      setAt(next);
      reveal(next);
    } else if ((event.key === 'Enter' || event.key === ' ') && count) {
      event.preventDefault();
      onChoose?.(at, itemAt(at));
    }
  };
  const rows = Array.from({ length: Math.max(0, Math.min(last, count) - first) }, (_, k) => first + k);
  return html`<div class="list" role="listbox" aria-label=${label} tabindex="0" ref=${ref}
    aria-activedescendant=${count && at >= first && at < last ? `${id}-${at}` : undefined} onKeyDown=${onKeyDown}
    style=${{ '--height': `${height}px`, '--row': `${rowHeight}px` }}>
    <div class="table-space" role="presentation" style=${{ '--space': `${count * rowHeight}px` }}>
      ${rows.map((index) => html`<div role="option" key=${index} id=${`${id}-${index}`}
        aria-selected=${String(index === chosen)} aria-setsize=${count} aria-posinset=${index + 1}
        class="list-row ${index === at ? 'current' : ''}" style=${{ '--top': `${index * rowHeight}px` }}
        onClick=${() => (setAt(index), onChoose?.(index, itemAt(index)))}>${show(itemAt(index), index)}</div>`)}
    </div>
  </div>`;
}
