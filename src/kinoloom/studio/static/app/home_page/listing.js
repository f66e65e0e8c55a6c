// The files of a folder, page by page, kept up to date by events.
import { request } from '../request.js';
import { signal, useEffect, useRef } from '../view.js';

/**
 * @typedef {{path: string, name: string, kind: 'folder' | 'video' | 'photo' | 'audio' | 'other',
 *   bytes: number, modified: number}} Entry
 * @typedef {{folder: string, query: string, sort: string, descending: boolean}} View
 * @typedef {{files: Entry[], next: string, total: number, complete: boolean, loading: boolean,
 *   place: {name: string, location: string}, error: unknown}} Listing
 */

const PAGE = 200;
const WAIT_MS = 150;
/** @type {Listing} */
const EMPTY = { files: [], next: '', total: 0, complete: true, loading: true, place: { name: '', location: '' }, error: null };

/** Reads the files of one view after another. */
export class FileList {
  constructor() {
    this.listing = signal(EMPTY);
    /** @type {View} */
    this.view = { folder: '', query: '', sort: 'name', descending: false };
    this.control = new AbortController();
    this.timer = 0;
    this.isReading = false;
    this.isOutdated = false;
    this.isMoreWanted = false;
  }

  /** @param {View} view */
  show(view) {
    const isSame = JSON.stringify(view) === JSON.stringify(this.view);
    if (isSame && (this.isReading || !this.listing.value.loading)) return;
    this.view = view;
    this.isMoreWanted = false;
    const { files, place } = this.listing.value;
    this.listing.value = { ...EMPTY, place, files: isSame ? files : [] };
    this.read();
  }

  /** Read again, after what is being read: the first view must not wait for it. */
  refresh() {
    if (this.isReading) this.isOutdated = true;
    else this.read();
  }

  /** Read again, all that is shown; what has not changed stays. */
  async read() {
    this.control.abort();
    const control = new AbortController();
    this.control = control;
    this.isReading = true;
    this.isOutdated = false;
    await this.readAll();
    if (this.control !== control) return; // of another view
    this.isReading = false;
    if (this.isOutdated) this.read();
    else if (this.isMoreWanted) this.more();
  }

  async readAll() {
    const wanted = Math.max(PAGE, this.listing.value.files.length);
    /** @type {Entry[]} */
    let files = [];
    try {
      let answer = await this.ask('');
      files = answer.files;
      while (answer.next && files.length < wanted) {
        answer = await this.ask(answer.next);
        files = [...files, ...answer.files];
      }
      this.listing.value = { ...answer, files, loading: false, error: null };
    } catch (error) {
      if (isAbort(error)) return;
      this.listing.value = { ...EMPTY, loading: false, error };
    }
  }

  /** Read the next page, after what is being read. */
  async more() {
    const { next, files, loading } = this.listing.value;
    this.isMoreWanted = this.isReading;
    if (!next || loading || this.isReading) return;
    const view = this.view;
    this.listing.value = { ...this.listing.value, loading: true };
    try {
      const answer = await this.ask(next);
      this.listing.value = { ...answer, files: [...files, ...answer.files], loading: false, error: null };
    } catch (error) {
      if (!isAbort(error)) this.listing.value = { ...this.listing.value, loading: false, error };
      else if (view === this.view) this.isMoreWanted = true; // everything is being read again
    }
  }

  /** Take a change of a file. @param {{path: string, change: string}} changed */
  take(changed) {
    const { folder } = this.view;
    const parent = changed.path.split('/').slice(0, -1).join('/');
    if (parent !== folder && changed.path !== folder && !this.view.query) return;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.refresh(), WAIT_MS);
  }

  close() {
    this.isOutdated = false;
    this.isMoreWanted = false;
    this.control.abort();
    window.clearTimeout(this.timer);
  }

  /** @param {string} after @returns {Promise<any>} */
  ask(after) {
    const { folder, query, sort, descending } = this.view;
    const search = new URLSearchParams({ folder, query, sort, after, limit: String(PAGE) });
    if (descending) search.set('descending', '1');
    return request('GET', `/api/files?${search}`, undefined, { signal: this.control.signal });
  }
}

/** @param {unknown} error */
function isAbort(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

/**
 * Read the next page when the end of the list comes near.
 * @param {() => void} more
 */
export function useEndOfList(more) {
  const ref = useRef(/** @type {HTMLDivElement | null} */ (null));
  const latest = useRef(more);
  latest.current = more;
  useEffect(() => {
    if (!ref.current) return;
    const near = new IntersectionObserver(
      (entries) => entries.some((one) => one.isIntersecting) && latest.current(),
      { rootMargin: '1200px' },
    );
    near.observe(ref.current);
    return () => near.disconnect();
  });
  return ref;
}
