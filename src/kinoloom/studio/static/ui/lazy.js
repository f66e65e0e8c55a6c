// Components whose code and styles load when they are first shown.
import { whenBack } from '../app/connection.js';
import { isLost, loadModule, loadStyle } from '../app/load.js';
import { html, useEffect, useState } from '../app/view.js';
import { Failure } from './basics.js';

/**
 * Return a component that loads when it is first shown. Without a connection it shows why, and
 * loads when the server is back.
 * @param {() => Promise<any>} load returns the module
 * @param {string} name of the component in the module
 * @param {string} [style] a style sheet that it needs
 * @param {any} [Around] a component that shows the failure as its child, with the same properties
 */
export function lazy(load, name, style, Around) {
  /** @type {any} */
  let Loaded = null;
  return function Lazy(/** @type {any} */ props) {
    const [shown, show] = useState(() => Loaded);
    const [error, setError] = useState(/** @type {unknown} */ (null));
    useEffect(() => {
      if (Loaded) return;
      let isGone = false;
      const start = async () => {
        try {
          const [module] = await Promise.all([loadModule(load), style && loadStyle(style)]);
          Loaded = module[name];
          if (!isGone) show(() => Loaded);
        } catch (failure) {
          if (!isGone) setError(failure);
        }
      };
      start();
      const stopWaiting = whenBack(() => Loaded || start());
      return () => ((isGone = true), stopWaiting());
    }, []);
    if (shown) return html`<${shown} ...${props} />`;
    if (!error) return html`<div class="loading" aria-busy="true"></div>`;
    const title = isLost(error) ? 'This cannot be loaded now' : undefined;
    const failure = html`<${Failure} error=${error} title=${title} />`;
    return Around ? html`<${Around} ...${props}>${failure}<//>` : failure;
  };
}
