// What can be done: every op of the registry, found by words, and the form of one.
import { Button, Card, Failure, Tag } from '../ui/basics.js';
import { Icon } from '../ui/icons.js';
import { lazy } from '../ui/lazy.js';
import { request } from './request.js';
import { findPage, listPages, state } from './state.js';
import { html, use, useEffect, useState } from './view.js';

/**
 * @typedef {{name: string, summary: string, group: string, group_help: string, extra: string,
 *   missing: string, input: string, input_name: string, input_count: 'many' | 'one' | 'none',
 *   output: string, has_report: boolean, needs_output: boolean, failure: string}} Op
 */

const OpForm = lazy(() => import('./home_page/op_form.js'), 'OpForm');
const SUGGESTED = 5;
/** What a kind of file can be read as. */
const TYPES = /** @type {Record<string, string[]>} */ ({
  video: ['Clip', 'Audio'],
  photo: ['Clip', 'Image'],
  audio: ['Audio'],
  folder: [],
  other: [],
});

/** @type {Promise<Op[]> | null} */
let reading = null;

/** @returns {Promise<Op[]>} */
function readOps() {
  reading ??= request('GET', '/api/ops').catch((error) => {
    reading = null;
    throw error;
  });
  return reading;
}

/** @param {{home: import('./home.js').Home}} props */
export function Things({ home }) {
  const { op } = use(home.params);
  const [ops, setOps] = useState(/** @type {Op[] | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const read = () => void readOps().then(setOps, setError);
  useEffect(read, []);
  const back = () => home.goTo({ op: '' });
  return html`<div id="home-things">
    ${op ? html`<${OpForm} key=${op} home=${home} name=${op} onBack=${back} />` : html`<${OpList} home=${home} ops=${ops} error=${error} onRetry=${() => (setError(null), read())} />`}
  </div>`;
}

/**
 * @param {{home: import('./home.js').Home, ops: Op[] | null, error: unknown,
 *   onRetry: () => void}} props
 */
function OpList({ home, ops, error, onRetry }) {
  use(state);
  const chosen = use(home.chosen);
  const { files } = use(home.list.listing);
  const [query, setQuery] = useState('');
  const entries = files.filter((one) => chosen.includes(one.path));
  const all = ops ?? [];
  const fitting = all.filter((one) => fits(one, entries));
  const found = query ? all.filter((one) => matches(query, one)) : (entries.length ? fitting : all).slice(0, SUGGESTED);
  const rest = query ? [] : all.filter((one) => !found.includes(one));
  const note = chosen.length ? `${chosen.length} ${chosen.length === 1 ? 'file' : 'files'} chosen` : '';
  return html`<${Card} title="What to do" note=${note} class="home-ops">
    <div class="rows">
      ${!chosen.length && html`<p class="soft">Choose files, then what to do with them.</p>`}
      <label class="home-search"><span class="sr">Search things to do</span><${Icon} name="search" size="16" />
        <input type="search" value=${query} placeholder="Search all ${all.length || ''} things to do" autocomplete="off"
          spellcheck=${false} onInput=${(/** @type {any} */ event) => setQuery(event.target.value)} /></label>
      ${!query && html`<${OpenWith} home=${home} entries=${entries} />`}
      ${Boolean(error) && html`<${Failure} error=${error} title="The list cannot be read" retry=${onRetry} />`}
      ${!error && !ops && html`<p class="small" role="status">Reading the list…</p>`}
      <${OpItems} home=${home} ops=${found} />
      ${query && ops && !found.length && html`<p class="soft" role="status">Nothing has these words.</p>`}
      ${rest.length > 0 && html`<details class="more"><summary>${rest.length} more</summary>
        ${groupOps(rest).map(([help, some]) => html`<div class="rows home-group" key=${help}>
          ${help && html`<h3 class="small">${help}</h3>`}<${OpItems} home=${home} ops=${some} /></div>`)}
      </details>`}
    </div>
  <//>`;
}

/** @param {{home: import('./home.js').Home, ops: Op[]}} props */
function OpItems({ home, ops }) {
  return html`<ul class="home-op-list">${ops.map(
    (one) => html`<li key=${one.name}><a class="home-op" href=${home.studio.address('home', { ...home.params.value, op: one.name })}>
      <span>${one.summary}</span><span class="row"><span class="small">${one.name.replaceAll('.', ' ')}</span>
      ${one.missing && html`<${Tag} tone="warn">needs ${one.extra}<//>`}${one.failure && html`<${Tag} tone="bad">cannot be loaded<//>`}</span>
    </a></li>`,
  )}</ul>`;
}

/** Pages that open the one chosen file. @param {{home: import('./home.js').Home, entries: any[]}} props */
function OpenWith({ home, entries }) {
  const [entry] = entries;
  if (!entry || entry.kind === 'folder') return null;
  const pages = listPages().filter((page) => opens(page, entries));
  if (!pages.length) return null;
  return html`<div class="row wrap" role="group" aria-label="Open with">
    <span class="small">Open with</span>
    ${pages.map((page) => html`<${Button} key=${page.name} icon=${page.icon} onClick=${() => openWith(home, page.name)}>${page.title}<//>`)}
  </div>`;
}

/**
 * Open files with a page, in the order in which they were chosen, one path a line.
 * @param {import('./home.js').Home} home @param {string} page
 */
function openWith(home, page) {
  home.studio.go(page, { path: home.chosen.value.join('\n') });
}

/** @param {import('./state.js').PageEntry} page @param {any[]} entries */
function opens(page, entries) {
  const { opens: types } = findPage(page.name) ?? page;
  const one = (/** @type {any} */ entry) =>
    types.some((type) => (type.startsWith('.') ? entry.name.toLowerCase().endsWith(type) : TYPES[entry.kind].includes(type)));
  return entries.every(one);
}

/** @param {Op} op @param {any[]} entries @returns {boolean} whether an op takes these files */
function fits(op, entries) {
  if (!entries.length || op.failure) return false;
  if (op.input_count === 'one') return entries.length === 1 && !TYPES[entries[0].kind].length;
  if (op.input_count === 'none') return false;
  if (entries.length > 1 && op.input === 'Clip' && entries.some((one) => one.kind !== 'photo')) return false;
  return entries.every((one) => TYPES[one.kind].includes(op.input));
}

/** @param {string} query @param {Op} op */
function matches(query, op) {
  const text = `${op.name.replaceAll('.', ' ')} ${op.summary} ${op.group_help}`.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** @param {Op[]} ops @returns {[string, Op[]][]} */
function groupOps(ops) {
  /** @type {Map<string, Op[]>} */
  const groups = new Map();
  for (const op of ops) groups.set(op.group_help, [...(groups.get(op.group_help) ?? []), op]);
  return [...groups];
}
