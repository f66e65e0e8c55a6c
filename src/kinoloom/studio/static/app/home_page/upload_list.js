// The uploads that run or have failed, with what a person can do about them.
import { Button, IconButton, Meter } from '../../ui/basics.js';
import { showBytes } from '../../ui/texts.js';
import { describeError } from '../toasts.js';
import { html, use } from '../view.js';
import { cancelUpload, forgetEnded, retryUpload, uploads } from './uploads.js';

/** The list of uploads, or nothing. */
export function UploadList() {
  const all = use(uploads);
  const open = all.filter((one) => one.state !== 'done');
  const done = all.length - open.length;
  return html`<div class="home-uploads" role="region" aria-label="Uploads" hidden=${!all.length}>
    <p class="row" role="status"><span class="strong grow">${summarise(open.length, done)}</span>
      ${done > 0 && !open.length && html`<${Button} kind="quiet" onClick=${forgetEnded}>Close<//>`}</p>
    <ul class="rows">${open.map((one) => html`<${UploadItem} key=${one.id} upload=${one} />`)}</ul>
  </div>`;
}

/** @param {number} open @param {number} done */
function summarise(open, done) {
  const files = (/** @type {number} */ count) => `${count} ${count === 1 ? 'file' : 'files'}`;
  if (open) return `Adding ${files(open)}${done ? `, ${done} added` : ''}`;
  return done ? `${files(done)} added` : '';
}

/** @param {{upload: import('./uploads.js').Upload}} props */
function UploadItem({ upload }) {
  const { file, sent, state, error } = upload;
  const size = `${showBytes(sent)} of ${showBytes(file.size)}`;
  const failure = error ? describeError(error) : null;
  const text = failure ? `${failure.text} ${failure.hint}` : state === 'waiting' ? 'waits' : size;
  return html`<li class="home-upload">
    <span class="cut-short">${file.name}</span>
    <span class="row">
      ${state === 'failed' && html`<${IconButton} icon="loop" label=${`Send ${file.name} again`} onClick=${() => retryUpload(upload)} />`}
      <${IconButton} icon="close" label=${`Cancel ${file.name}`} onClick=${() => cancelUpload(upload)} />
    </span>
    ${!failure && html`<${Meter} label=${`Upload of ${file.name}`} value=${sent} max=${file.size || 1} text=${size} />`}
    <span class=${failure ? 'field-error' : 'small n'}>${text}</span>
  </li>`;
}
