// The object `studio` that a page gets. What a page has opened with it ends with the page.
import { Failure } from '../ui/basics.js';
import { ui } from '../ui/index.js';
import { bar } from './bar.js';
import { OpenDocument } from './documents.js';
import { listen } from './events.js';
import { actOnJob, jobs, startJob } from './job_list.js';
import { addShortcut } from './keys.js';
import { fileUrl, frameUrl, thumbUrl } from './media.js';
import { createCaller, request } from './request.js';
import { address, go, place } from './router.js';
import { state } from './state.js';
import { theme } from './theme.js';
import { toast, toastError } from './toasts.js';
import * as view from './view.js';

const { html, batch, computed, effect, signal } = view;
const { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } = view;

/**
 * Create the studio object of a page.
 * @param {import('./state.js').PageEntry} page
 * @returns {{studio: import('./types.js').Studio, dispose: () => void}}
 */
export function createStudio(page) {
  /** @type {Set<() => void>} */
  const open = new Set();
  /** @template {() => void} F @param {F} stop @returns {F} */
  const own = (stop) => {
    open.add(stop);
    return /** @type {F} */ (() => (open.delete(stop), stop()));
  };
  const params = signal(place.value.params);
  own(
    place.subscribe((now) => {
      if (now.page === page.name) params.value = now.params;
    }),
  );
  const studio = {
    page: page.name,
    html,
    render: (/** @type {any} */ content, /** @type {Element} */ host) => {
      const show = (/** @type {unknown} */ error) => html`<${Failure} error=${error} />`;
      view.render(content && html`<${view.Border} show=${show}>${content}<//>`, host);
    },
    signal,
    computed,
    effect,
    batch,
    use: view.use,
    hooks: { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState },
    call: createCaller(page.name),
    request,
    listen: (/** @type {string} */ topic, /** @type {any} */ fn, /** @type {any} */ read) =>
      own(listen(topic, fn, read)),
    feed: (/** @type {string} */ name, /** @type {any} */ options, /** @type {any} */ fn, /** @type {any} */ read) =>
      own(follow(feedTopic(page.name, name, options), fn, read)),
    document: (/** @type {string} */ kind, /** @type {string} */ name, /** @type {any} */ how) => {
      const opened = new OpenDocument(page.name, kind, name, how.reduce);
      const close = own(() => opened.close());
      return {
        state: opened.state,
        seq: opened.seq,
        kept: opened.kept,
        rejected: opened.rejected,
        change: (/** @type {any} */ change) => opened.change(change),
        undo: () => opened.undo(),
        redo: () => opened.redo(),
        close,
      };
    },
    open: (/** @type {string} */ path) => go('home', { path }),
    go,
    address,
    params,
    setParams: (/** @type {any} */ changed, /** @type {{replace?: boolean}} */ how = { replace: true }) =>
      go(page.name, { ...params.value, ...changed }, how),
    bar: (/** @type {import('./bar.js').Bar} */ shown) => {
      bar.value = shown;
    },
    jobs: { list: jobs, start: startJob, act: actOnJob },
    files: { url: fileUrl, thumb: thumbUrl, frame: frameUrl },
    keys: (/** @type {string} */ combo, /** @type {string} */ label, /** @type {any} */ fn) =>
      own(addShortcut(combo, label, fn, page.title)),
    toast,
    toastError,
    ui,
    state,
    get person() {
      return state.value.person;
    },
    theme,
  };
  const dispose = () => {
    for (const stop of [...open]) stop();
    open.clear();
  };
  return { studio, dispose };
}

/**
 * Listen to a feed that may have begun before: `read` returns the state that its events change.
 * @param {string} topic
 * @param {(data: any) => void} fn
 * @param {() => Promise<any>} [read]
 */
function follow(topic, fn, read) {
  let count = 0;
  const take = (/** @type {any} */ data) => (count++, fn(data));
  const start = async () => {
    const before = count;
    try {
      const found = await read?.();
      // An event that came in the meantime is newer.
      if (count === before) fn(found);
    } catch (error) {
      toastError(error);
    }
  };
  return listen(topic, take, read && start);
}

/**
 * Return the topic of a feed; the same options make the same topic.
 * @param {string} page @param {string} name @param {Record<string, any>} [options]
 */
export function feedTopic(page, name, options = {}) {
  return `feed:${page}/${name}?${JSON.stringify(sortKeys(options))}`;
}

/** @param {any} value @returns {any} */
function sortKeys(value) {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sortKeys(value[name])]));
}
