// Loads the module of a page and mounts it; a failure stays in the area of the page.
import { Button, Empty, Failure } from '../ui/basics.js';
import { bar } from './bar.js';
import { whenBack } from './connection.js';
import { isLost, loadModule } from './load.js';
import { createStudio } from './studio.js';
import { html, render, useEffect, useRef, useState } from './view.js';

/**
 * @typedef {{kind: 'loading'} | {kind: 'ready'} | {kind: 'lost'} | {kind: 'absent'} |
 *   {kind: 'failed', error: unknown}} Phase
 */

/** @param {{page: import('./state.js').PageEntry}} props */
export function PageHost({ page }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [phase, setPhase] = useState(/** @type {Phase} */ ({ kind: 'loading' }));
  const [attempt, setAttempt] = useState(0);
  const isWaiting = phase.kind === 'lost';
  // The banner says why; the page comes when the server does.
  useEffect(() => (isWaiting ? whenBack(() => setAttempt((count) => count + 1)) : undefined), [isWaiting]);
  useEffect(() => {
    if (page.missing) return;
    setPhase({ kind: 'loading' });
    const host = document.createElement('div');
    host.className = `page page-${page.name}`;
    box.current?.append(host);
    const { studio, dispose } = createStudio(page);
    let isGone = false;
    /** @type {unknown} */
    let unmount = null;
    const start = async () => {
      try {
        const module = await loadModule(() => import(page.module));
        if (isGone) return;
        unmount = await module.mount(host, studio);
        if (isGone && typeof unmount === 'function') unmount();
        else setPhase({ kind: 'ready' });
      } catch (error) {
        if (!isLost(error)) console.error(error);
        const failed = await describe(page.module, error);
        if (!isGone) setPhase(failed);
      }
    };
    start();
    return () => {
      isGone = true;
      try {
        if (typeof unmount === 'function') unmount();
      } catch (error) {
        console.error(error);
      }
      dispose();
      render(null, host);
      host.remove();
      bar.value = {};
    };
  }, [page.name, page.missing, attempt]);
  return html`<div ref=${box} aria-busy=${phase.kind === 'loading' ? 'true' : undefined}></div>
    ${isWaiting && html`<${Waiting} page=${page} />`}
    ${page.missing && html`<${Missing} page=${page} />`}
    ${phase.kind === 'absent' && html`<${Absent} page=${page} />`}
    ${
      phase.kind === 'failed' &&
      html`<div class="aside">
        <${Failure}
          error=${phase.error}
          title=${`The page ${page.title} has failed`}
          retry=${() => location.reload()}
        />
      </div>`
    }`;
}

/** @param {string} module @param {unknown} error @returns {Promise<Phase>} */
async function describe(module, error) {
  if (isLost(error)) return { kind: 'lost' };
  if (error instanceof TypeError && error.message.includes('import')) {
    const answer = await fetch(module, { method: 'HEAD' }).catch(() => null);
    if (answer?.status === 404) return { kind: 'absent' };
  }
  return { kind: 'failed', error };
}

/** @param {{page: import('./state.js').PageEntry}} props */
function Waiting({ page }) {
  return html`<${Empty} icon=${page.icon} title=${`${page.title} cannot be loaded now`}>
    <p>It opens by itself when the studio answers this browser.</p>
  <//>`;
}

/** @param {{page: import('./state.js').PageEntry}} props */
function Absent({ page }) {
  return html`<${Empty} icon=${page.icon} title=${`${page.title} is not part of this installation`}>
    <p>${page.summary}</p>
  <//>`;
}

/** @param {{page: import('./state.js').PageEntry}} props */
function Missing({ page }) {
  const copy = () => navigator.clipboard?.writeText(page.missing);
  return html`<${Empty} icon=${page.icon} title=${`${page.title} needs one more installation`}
    actions=${navigator.clipboard && html`<${Button} icon="copy" onClick=${copy}>Copy<//>`}>
    <p>${page.summary}. Run this command, then start the studio again:</p>
    <p><code>${page.missing}</code></p>
  <//>`;
}
