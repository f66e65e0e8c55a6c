// What the server says about itself: its folders, its pages, who is logged in.
import { signal } from 'signals';
import { connection, whenBack } from './connection.js';
import { RequestError, request } from './request.js';
import { toast } from './toasts.js';

/**
 * @typedef {{name: string, title: string, icon: string, summary: string, module: string,
 *   opens: string[], missing: string, order: number}} PageEntry
 * @typedef {{version: string, folders: string[], person: {name: string, role: string},
 *   pages: PageEntry[], cores: number, memory_bytes: number, upload_limit: number}} State
 */

/** @type {State} */
const NONE = {
  version: '',
  folders: [],
  person: { name: 'owner', role: 'owner' },
  pages: [],
  cores: 0,
  memory_bytes: 0,
  upload_limit: 0,
};

/** @type {PageEntry[]} */
const OWN = [
  ownPage('home', 'Home', 'home', 'Files, and what can be done with them', '/static/app/home.js', 0),
  ownPage('jobs', 'Jobs', 'jobs', 'What runs, waits and has ended', '/static/app/jobs.js', 1000),
];
const PARTS = ownPage('parts', 'Parts', 'parts', 'Every component of the studio', '/static/ui/parts.js', 2000);

export const state = signal(NONE);
export const hasState = signal(false);

/**
 * @param {string} name @param {string} title @param {string} icon @param {string} summary
 * @param {string} module @param {number} order @returns {PageEntry}
 */
function ownPage(name, title, icon, summary, module, order) {
  return { name, title, icon, summary, module, opens: [], missing: '', order };
}

/** @returns {PageEntry[]} the pages in the navigation, in order */
export function listPages() {
  return [...OWN, ...state.value.pages].sort((a, b) => a.order - b.order);
}

/** @param {string} name @returns {PageEntry | undefined} */
export function findPage(name) {
  return [...listPages(), PARTS].find((page) => page.name === name);
}

/** Read the state; it is read again when the server was away. */
export async function readState() {
  const before = state.value.version;
  try {
    state.value = { ...NONE, ...(await request('GET', '/api/state')) };
    hasState.value = true;
  } catch (error) {
    // Without an answer there is a banner, which says so.
    if (!(error instanceof RequestError) || connection.value !== 'ok') return;
    hasState.value = true;
    if (error.status !== 404) throw error;
  }
  const now = state.value.version;
  if (before && now && before !== now) {
    const action = { label: 'Reload', fn: () => location.reload() };
    toast(`The studio now runs version ${now}.`, { action });
  }
}

whenBack(readState);
