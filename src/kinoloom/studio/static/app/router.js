// The address: /#/PAGE?name=value, in which pages keep what they show.
import { signal } from 'signals';

/** @typedef {{page: string, params: Record<string, string>}} Place */

/** @returns {Place} */
function readPlace() {
  const text = location.hash.replace(/^#\/?/, '');
  const [page, query] = split(text);
  const own = location.pathname === '/_parts' ? 'parts' : 'home';
  return { page: page || own, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {string} text @returns {[string, string]} */
function split(text) {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

export const place = signal(readPlace());

window.addEventListener('hashchange', () => {
  place.value = readPlace();
});

/**
 * Return the address of a page.
 * @param {string} page
 * @param {Record<string, string | number | null | undefined>} [params] empty ones are left out
 */
export function address(page, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value));
  }
  const text = query.toString();
  return `/#/${page}${text && `?${text}`}`;
}

/**
 * Go to a page.
 * @param {string} page
 * @param {Record<string, string | number | null | undefined>} [params]
 * @param {{replace?: boolean}} [how] replace: without a step in the browser's history
 */
export function go(page, params = {}, { replace = false } = {}) {
  const target = address(page, params);
  if (location.pathname !== '/') location.assign(target);
  else if (replace) {
    history.replaceState(null, '', target);
    place.value = readPlace();
  } else location.hash = target.slice(2);
}
