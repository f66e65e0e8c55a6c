// What a person may do with a job.
import { Button } from '../../ui/basics.js';
import { Dialog } from '../../ui/dialog.js';
import { RequestError } from '../request.js';
import { html, render } from '../view.js';

/**
 * @typedef {import('./texts.js').Job} Job
 * @typedef {{verb: string, label: string, icon: string, kind?: string, key?: string}} Action
 */

const ACTIONS = /** @type {Record<string, Action>} */ ({
  pause: { verb: 'pause', label: 'Pause', icon: 'pause', key: 'p' },
  continue: { verb: 'continue', label: 'Continue', icon: 'play', key: 'p' },
  cancel: { verb: 'cancel', label: 'Cancel', icon: 'cancel', key: 'c' },
  resume: { verb: 'resume', label: 'Resume', icon: 'play', kind: 'primary', key: 'r' },
  again: { verb: 'again', label: 'Run again', icon: 'loop', key: 'a' },
  remove: { verb: 'remove', label: 'Remove from the list', icon: 'remove', key: 'delete' },
});

/** @param {Job} job @returns {Action[]} what may be done with it now */
export function listActions(job) {
  if (job.cancelling) return [];
  if (job.state === 'waiting') return [ACTIONS.cancel];
  if (job.state === 'running') return [ACTIONS.pause, ACTIONS.cancel];
  if (job.state === 'paused') return [ACTIONS.continue, ACTIONS.cancel];
  return [...(job.can_resume ? [ACTIONS.resume] : []), ACTIONS.again, ACTIONS.remove];
}

/**
 * Change a job; asks first where it would run code that nobody has allowed.
 * @param {any} studio @param {Job} job @param {string} verb
 * @returns {Promise<any>} the answer, or null after a failure, which has been shown
 */
export async function act(studio, job, verb, body = {}) {
  try {
    return await withConsent((more) => studio.jobs.act(job.id, verb, { ...body, ...more }));
  } catch (error) {
    studio.toastError(error);
    return null;
  }
}

/** @param {(more: object) => Promise<any>} run */
async function withConsent(run) {
  try {
    return await run({});
  } catch (error) {
    const asked = error instanceof RequestError && error.status === 409 ? error.body : null;
    if (!asked?.sha256) throw error;
    return (await askWhetherToRun(asked)) ? run({ confirmed: asked.sha256 }) : null;
  }
}

/** @param {{path: string, sha256: string}} file */
function askWhetherToRun({ path, sha256 }) {
  return ask('Run this code?', 'Run it', html`<div class="rows">
    <p><strong>${path}</strong> contains code, which may do on this computer whatever you may do.</p>
    <p class="soft">Run it only if you trust where it is from. You are asked again when its content
      changes.</p>
    <p class="small">SHA-256 <code class="job-digest">${sha256}</code></p>
  </div>`);
}

/**
 * @param {string} title @param {string} yes @param {any} content
 * @returns {Promise<boolean>}
 */
function ask(title, yes, content) {
  const host = document.createElement('div');
  document.body.append(host);
  return new Promise((resolve) => {
    const end = (/** @type {boolean} */ answer) => () => {
      render(null, host);
      host.remove();
      resolve(answer);
    };
    const actions = html`<${Button} onClick=${end(false)}>Leave it<//>
      <${Button} kind="primary" onClick=${end(true)}>${yes}<//>`;
    render(html`<${Dialog} title=${title} onClose=${end(false)} actions=${actions}>${content}<//>`, host);
  });
}
