// Components whose code and styles load when they are first shown.
import { html, useEffect, useState } from '../app/view.js';
import { Failure } from './basics.js';

/** @type {Map<string, Promise<void>>} */
const styles = new Map();

/**
 * Load a style sheet once.
 * @param {string} href
 * @returns {Promise<void>}
 */
export function loadStyle(href) {
  let loading = styles.get(href);
  if (!loading) {
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = href;
    loading = new Promise((resolve, reject) => {
      link.onload = () => resolve();
      link.onerror = () => reject(new Error(`The style ${href} cannot be loaded.`));
    });
    document.head.append(link);
    styles.set(href, loading);
  }
  return loading;
}

/**
 * Return a component that loads when it is first shown.
 * @param {() => Promise<any>} load returns the module
 * @param {string} name of the component in the module
 * @param {string} [style] a style sheet that it needs
 */
export function lazy(load, name, style) {
  /** @type {any} */
  let Loaded = null;
  return function Lazy(/** @type {any} */ props) {
    const [shown, show] = useState(() => Loaded);
    const [error, setError] = useState(/** @type {unknown} */ (null));
    useEffect(() => {
      if (Loaded) return;
      Promise.all([load(), style && loadStyle(style)]).then(
        ([module]) => {
          Loaded = module[name];
          show(() => Loaded);
        },
        (failure) => setError(failure),
      );
    }, []);
    if (error) return html`<${Failure} error=${error} />`;
    return shown ? html`<${shown} ...${props} />` : html`<div class="loading" aria-busy="true"></div>`;
  };
}
