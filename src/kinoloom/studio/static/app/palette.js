// Ctrl K: finds a page, a file or an op by a few letters, and goes there.
import { Dialog, moveIn } from '../ui/dialog.js';
import { Icon } from '../ui/icons.js';
import { request } from './request.js';
import { go } from './router.js';
import { areShortcutsOpen } from './open_dialogs.js';
import { listPages } from './state.js';
import { toggle } from './theme.js';
import { html, useEffect, useMemo, useRef, useState } from './view.js';

/** @typedef {{group: string, icon: string, label: string, note: string, run: () => void}} Hit */

const FILES = 8;
const OPS = 8;
const WAIT_MS = 120;

/** @type {Promise<any[]> | null} */
let ops = null;

function readOps() {
  ops ??= request('GET', '/api/ops').then(
    (answer) => answer.ops ?? answer,
    () => {
      ops = null;
      return [];
    },
  );
  return ops;
}

/** @param {string} query @param {AbortSignal} signal @returns {Promise<any[]>} */
async function findFiles(query, signal) {
  const search = new URLSearchParams({ query, sort: 'date', descending: '1', limit: String(FILES) });
  try {
    return (await request('GET', `/api/files?${search}`, undefined, { signal })).files;
  } catch {
    return [];
  }
}

/** @param {string} query @param {...string} texts */
function matches(query, ...texts) {
  const text = texts.join(' ').toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** @param {string} query @returns {Hit[]} */
function findPages(query) {
  const pages = listPages().map((page) => ({
    group: 'Pages',
    icon: page.icon,
    label: page.title,
    note: page.summary,
    run: () => go(page.name),
  }));
  const own = [
    { group: 'Studio', icon: 'moon', label: 'Switch theme', note: 'Light or dark', run: toggle },
    {
      group: 'Studio',
      icon: 'keyboard',
      label: 'Keyboard shortcuts',
      note: '?',
      run: () => (areShortcutsOpen.value = true),
    },
  ];
  return [...pages, ...own].filter((one) => matches(query, one.label, one.note));
}

/** @param {string} query @param {any[]} all @returns {Hit[]} */
function findOps(query, all) {
  if (!query) return [];
  const found = all.filter((one) => matches(query, one.name, one.summary)).slice(0, OPS);
  return found.map((one) => ({
    group: 'Things to do',
    icon: 'settings',
    label: one.summary || one.name,
    note: one.name,
    run: () => go('home', { op: one.name }),
  }));
}

const KINDS = /** @type {Record<string, string>} */ ({
  folder: 'folder',
  video: 'film',
  photo: 'photo',
  audio: 'audio',
});

/** @param {any[]} files @returns {Hit[]} */
function showFiles(files) {
  return files.map((file) => ({
    group: 'Files',
    icon: KINDS[file.kind] ?? 'file',
    label: file.name,
    note: file.path === file.name ? '' : file.path,
    run: () => go('home', file.kind === 'folder' ? { folder: file.path } : { path: file.path }),
  }));
}

/** @param {string} query @returns {Hit[]} what matches a query, as it arrives */
function useHits(query) {
  const [files, setFiles] = useState(/** @type {any[]} */ ([]));
  const [all, setAll] = useState(/** @type {any[]} */ ([]));
  useEffect(() => void readOps().then(setAll), []);
  useEffect(() => {
    const control = new AbortController();
    const timer = window.setTimeout(async () => {
      const found = await findFiles(query, control.signal);
      if (!control.signal.aborted) setFiles(found);
    }, WAIT_MS);
    return () => (window.clearTimeout(timer), control.abort());
  }, [query]);
  return useMemo(
    () => [...findPages(query), ...findOps(query, all), ...showFiles(files)],
    [query, files, all],
  );
}

/** The search. @param {{onClose: () => void}} props */
export function Palette({ onClose }) {
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const hits = useHits(query.trim());
  const chosen = Math.min(at, hits.length - 1);
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }), [chosen]);
  const run = (/** @type {Hit | undefined} */ hit) => {
    if (!hit) return;
    onClose();
    // The dialog first gives the focus back.
    queueMicrotask(() => hit.run());
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const isMove = event.key === 'ArrowDown' || event.key === 'ArrowUp';
    const target = isMove ? moveIn(event.key, chosen, hits.length) : null;
    if (target !== null) (event.preventDefault(), setAt(target));
    else if (event.key === 'Enter' && !event.isComposing) (event.preventDefault(), run(hits[chosen]));
  };
  return html`<${Dialog} title="Find" hideTitle class="palette" onClose=${onClose}>
    <div class="ask">
      <${Icon} name="search" />
      <input
        type="text" role="combobox" autofocus spellcheck=${false} autocomplete="off"
        aria-label="Find a file, a page, a thing to do"
        placeholder="Find a file, a page, a thing to do"
        aria-expanded="true" aria-controls="found" aria-autocomplete="list"
        aria-activedescendant=${hits.length ? `found-${chosen}` : undefined}
        value=${query}
        onInput=${(/** @type {any} */ event) => (setQuery(event.target.value), setAt(0))}
        onKeyDown=${onKeyDown}
      />
      <kbd>Esc</kbd>
    </div>
    <div class="found" id="found" role="listbox" aria-label="Found" ref=${list}>
      ${hits.map((hit, number) => {
        const isFirst = number === 0 || hits[number - 1].group !== hit.group;
        return html`${isFirst && html`<div class="small group" role="presentation">${hit.group}</div>`}
          <div id=${`found-${number}`} role="option" aria-selected=${String(number === chosen)}
            onClick=${() => run(hit)} onMouseMove=${() => number !== chosen && setAt(number)}>
            <${Icon} name=${hit.icon} /><span class="cut-short">${hit.label}</span>
            <span class="small cut-short">${hit.note}</span>
          </div>`;
      })}
    </div>
    ${!hits.length && html`<p class="soft group" role="status">Nothing has this name.</p>`}
  <//>`;
}
