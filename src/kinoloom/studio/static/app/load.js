// Loads modules and styles when they are first needed, and reports why one cannot be loaded.
import { RequestError, request } from './request.js';

/** @type {Map<string, Promise<void>>} */
const styles = new Map();

/**
 * Import a module.
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<T>}
 */
export async function loadModule(load) {
  try {
    return await load();
  } catch (error) {
    throw await explain(error);
  }
}

/**
 * Load a style sheet once; one that could not be loaded is requested again.
 * @param {string} href
 * @returns {Promise<void>}
 */
export function loadStyle(href) {
  const known = styles.get(href);
  if (known) return known;
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  /** @type {Promise<void>} */
  const arriving = new Promise((resolve, reject) => {
    link.onload = () => resolve();
    link.onerror = () => reject(new Error(`The style ${href} cannot be loaded.`));
  });
  const loading = arriving.catch(async (error) => {
    styles.delete(href);
    link.remove();
    throw await explain(error);
  });
  document.head.append(link);
  styles.set(href, loading);
  return loading;
}

/**
 * Whether a failure is due to the connection, which the banner reports and which may come back.
 * @param {unknown} error
 */
export function isLost(error) {
  return error instanceof RequestError && (error.status === 0 || error.status === 401);
}

/**
 * Return why something was not loaded: the browser does not say, but another request does.
 * @param {unknown} error of the browser
 * @returns {Promise<unknown>}
 */
async function explain(error) {
  try {
    await request('GET', '/api/state');
  } catch (found) {
    if (isLost(found)) return found;
  }
  return error;
}
