// The form of an op: files, options, output, its command, and the start of the job.
import { Button, Card, Empty, Failure, IconButton } from '../../ui/basics.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { Form } from '../../ui/form.js';
import { startJob } from '../job_list.js';
import { RequestError, request } from '../request.js';
import { toast, toastError } from '../toasts.js';
import { html, signal, use, useEffect, useRef, useState } from '../view.js';

/**
 * @typedef {{values: Record<string, any>, path: string | null, output: string, report: boolean}} Draft
 * @typedef {{command: string, output: string | null, errors: Record<string, string>,
 *   problem: {error: string, hint: string} | null}} Preview
 */

const WAIT_MS = 250;
const LISTED = 12;
const PHOTO = /\.(jpe?g|png|apng|webp|avif|gif|bmp|heic|heif|tiff?)$/i;

/** What was filled in, by op, while the page is open. @type {Map<string, Draft>} */
const drafts = new Map();

/** Counts what was filled in from elsewhere. */
const fillings = signal(0);

/** Fill in the form of an op. @param {string} name @param {Record<string, any>} values */
export function fillIn(name, values) {
  drafts.set(name, { values, path: null, output: '', report: false });
  fillings.value += 1;
}

/** @param {{home: import('../home.js').Home, name: string, onBack: () => void}} props */
export function OpForm({ home, name, onBack }) {
  const filling = use(fillings);
  const [op, setOp] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    request('GET', `/api/ops/${encodeURIComponent(name)}`).then(setOp, setError);
  }, []);
  const back = html`<${IconButton} icon="back" label="Back to what to do" onClick=${onBack} />`;
  if (error) return html`<${Card} title="What to do" actions=${back}><${Failure} error=${error} /><//>`;
  if (!op) return html`<${Card} title="What to do" actions=${back}><p class="small" role="status">Reading the form…</p><//>`;
  return html`<${Card} title=${op.summary.replace(/\.$/, '')} actions=${back} class="home-form">
    <p class="small home-op-name">${op.name.replaceAll('.', ' ')}</p>
    ${op.failure ? html`<${Failure} title="This cannot be loaded" error=${{ error: op.failure }} />` : html`<${Filled} key=${filling} home=${home} op=${op} />`}
  <//>`;
}

/** @param {{home: import('../home.js').Home, op: any}} props */
function Filled({ home, op }) {
  const chosen = use(home.chosen);
  const [draft, setDraft] = useState(() => drafts.get(op.name) ?? { values: {}, path: null, output: '', report: false });
  const [isValid, setValid] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const [question, setQuestion] = useState(/** @type {any} */ (null));
  const set = (/** @type {Partial<Draft>} */ changed) => {
    const next = { ...draft, ...changed };
    drafts.set(op.name, next);
    setDraft(next);
  };
  const inputs = inputsOf(op, draft, chosen);
  const body = {
    ...{ op: op.name, inputs, options: draft.values, report: draft.report && op.has_report },
    output: nameOutput(home, draft.output.trim()),
  };
  const preview = usePreview(op.name, body);
  const start = async (/** @type {object} */ more = {}) => {
    setBusy(true);
    setQuestion(null);
    try {
      const job = await startJob({ ...body, ...more });
      if (job.made_before) setQuestion({ made: job.made_before.path, more });
      else show(home, job);
    } catch (error) {
      if (error instanceof RequestError && error.status === 409 && error.body?.sha256) setQuestion({ code: error.body, more });
      else toastError(error);
    }
    setBusy(false);
  };
  const problem = preview?.problem;
  const isBlocked = op.missing ? `Needs ${op.missing}` : !isValid ? 'Correct the marked choices first' : problem ? problem.error : '';
  const submit = (/** @type {Event} */ event) => (event.preventDefault(), isBlocked || isBusy || start());
  return html`<form class="rows home-filled" onSubmit=${submit}>
    ${op.help && html`<details class="more"><summary>What this does</summary><p class="soft home-help">${op.help}</p></details>`}
    ${op.missing && html`<${Missing} op=${op} />`}
    <${Inputs} home=${home} op=${op} draft=${draft} inputs=${inputs} onDraft=${set} />
    <${Form} declaration=${orderOptions(op.options, inputs)} values=${draft.values} errors=${preview?.errors}
      onChange=${(/** @type {any} */ values, /** @type {boolean} */ valid) => (setValid(valid), set({ values }))} />
    ${op.needs_output && html`<${Field} kind="text" label="Output" value=${draft.output} optional
      placeholder=${preview?.output?.split('/').pop() ?? 'chosen by the studio'} onChange=${(/** @type {any} */ text) => set({ output: text ?? '' })} />`}
    ${op.has_report && html`<${Field} kind="switch" label="Also write a report" value=${draft.report} onChange=${(/** @type {any} */ report) => set({ report })} />`}
    ${problem && inputs.length > 0 && html`<p class="field-error" role="status">${problem.error} ${problem.hint}</p>`}
    <div class="row home-start"><${Button} kind="primary" type="submit" class="grow" busy=${isBusy} disabled=${isBlocked} onClick=${() => {}}>${verbOf(op)}<//></div>
    <p class="small" role="status">${isBlocked && !inputs.length && op.input_count !== 'none' ? isBlocked : preview?.output ? `Output: ${preview.output}` : ''}</p>
    <${Command} command=${preview?.command ?? op.command_prefix} />
    ${question && html`<${Question} home=${home} question=${question} onStart=${start} onClose=${() => setQuestion(null)} />`}
  </form>`;
}

/** @param {any} op @param {Draft} draft @param {string[]} chosen @returns {string[]} */
function inputsOf(op, draft, chosen) {
  if (op.input_count === 'none') return [];
  if (op.input_count === 'many') return chosen;
  const path = draft.path ?? (chosen.length === 1 ? chosen[0] : '');
  return path ? [path] : [];
}

/** A name is one in the shown folder. @param {import('../home.js').Home} home @param {string} name */
function nameOutput(home, name) {
  const { folder } = home.params.value;
  if (!name) return null;
  return name.includes('/') || !folder ? name : `${folder}/${name}`;
}

/**
 * Put the options last that are for other files: their help begins with "Videos:" or "Photos:".
 * @param {any[]} options @param {string[]} inputs
 */
function orderOptions(options, inputs) {
  if (!inputs.length) return options;
  const arePhotos = inputs.every((path) => PHOTO.test(path));
  const isForOthers = (/** @type {any} */ one) => one.help.startsWith(arePhotos ? 'Videos:' : 'Photos:');
  return [...options.filter((one) => !isForOthers(one)), ...options.filter(isForOthers)];
}

/** @param {any} op @returns {string} the first word of its summary, which is a verb */
function verbOf(op) {
  return op.summary.split(/[\s.]/)[0];
}

/**
 * What the server makes of a form, a moment after the last change.
 * @param {string} name @param {object} body @returns {Preview | null}
 */
function usePreview(name, body) {
  const [preview, setPreview] = useState(/** @type {Preview | null} */ (null));
  const text = JSON.stringify(body);
  useEffect(() => {
    const control = new AbortController();
    const timer = window.setTimeout(async () => {
      try {
        const how = { signal: control.signal };
        setPreview(await request('POST', `/api/ops/${encodeURIComponent(name)}/command`, JSON.parse(text), how));
      } catch (error) {
        if (control.signal.aborted || !(error instanceof RequestError)) return;
        setPreview({ command: '', output: null, errors: {}, problem: { error: error.error, hint: error.hint } });
      }
    }, WAIT_MS);
    return () => (window.clearTimeout(timer), control.abort());
  }, [name, text]);
  return preview;
}

/** @param {import('../home.js').Home} home @param {{id: string, output: string}} job */
function show(home, job) {
  home.goTo(job.output ? { path: job.output, job: '' } : { job: job.id, path: '' });
  window.scrollTo(0, 0);
}

/** @param {{op: any}} props */
function Missing({ op }) {
  const command = op.missing.replace(/^Install it with: /, '');
  const copy = () => navigator.clipboard.writeText(command).then(() => toast('Copied.'), toastError);
  return html`<div class="home-missing rows" role="note">
    <p>This needs the extra <strong>${op.extra}</strong>. Run this command, then start the studio again:</p>
    <p class="row"><code class="grow">${command}</code>${navigator.clipboard && html`<${IconButton} icon="copy" label="Copy the command" onClick=${copy} />`}</p>
  </div>`;
}

/**
 * @param {{home: import('../home.js').Home, op: any, draft: Draft, inputs: string[],
 *   onDraft: (changed: Partial<Draft>) => void}} props
 */
function Inputs({ home, op, draft, inputs, onDraft }) {
  if (op.input_count === 'none') return null;
  if (op.input_count === 'one') {
    return html`<${Field} kind="path" label=${op.input_name.charAt(0).toUpperCase() + op.input_name.slice(1)} value=${draft.path ?? inputs[0] ?? ''}
      help="A file or folder; choose it in the list, or type its name" onChange=${(/** @type {any} */ path) => onDraft({ path })} />`;
  }
  if (!inputs.length) {
    return html`<${Empty} icon="photo" title="Choose a file"><p>Choose a video, or photos in order.</p><//>`;
  }
  return html`<${Ordered} home=${home} inputs=${inputs} />`;
}

/** The chosen files in their order. @param {{home: import('../home.js').Home, inputs: string[]}} props */
function Ordered({ home, inputs }) {
  const list = useRef(/** @type {HTMLOListElement | null} */ (null));
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? inputs : inputs.slice(0, LISTED);
  const name = (/** @type {string} */ path) => path.split('/').pop();
  const move = (/** @type {number} */ at, /** @type {number} */ by) => {
    const next = [...inputs];
    next.splice(at + by, 0, ...next.splice(at, 1));
    home.choose(next);
  };
  const take = (/** @type {string} */ path) => home.choose(inputs.filter((one) => one !== path));
  return html`<div class="rows home-inputs">
    <p class="label">${inputs.length} ${inputs.length === 1 ? 'file' : 'files, in this order'}</p>
    <ol ref=${list}>${shown.map(
      (path, at) => html`<li key=${path} class="row">
        <span class="small n home-number">${at + 1}</span><span class="grow cut-short" title=${path}>${name(path)}</span>
        ${inputs.length > 1 && html`<${IconButton} icon="up" size="16" label=${`Move ${name(path)} up`} disabled=${at === 0 && 'it is the first'} onClick=${() => move(at, -1)} />
          <${IconButton} icon="down" size="16" label=${`Move ${name(path)} down`} disabled=${at === inputs.length - 1 && 'it is the last'} onClick=${() => move(at, 1)} />`}
        <${IconButton} icon="close" size="16" label=${`Leave out ${name(path)}`} onClick=${() => take(path)} />
      </li>`,
    )}</ol>
    ${inputs.length > shown.length && html`<${Button} kind="quiet" onClick=${() => setWhole(true)}>Show ${inputs.length - shown.length} more<//>`}
  </div>`;
}

/** @param {{command: string}} props */
function Command({ command }) {
  const copy = () => navigator.clipboard.writeText(command).then(() => toast('Copied.'), toastError);
  return html`<details class="more"><summary>The same as a command</summary>
    <div class="home-command"><pre tabindex="0" aria-label="Command">${command}</pre>
    ${navigator.clipboard && html`<${IconButton} icon="copy" label="Copy the command" onClick=${copy} />`}</div>
  </details>`;
}

/**
 * @param {{home: import('../home.js').Home, question: any, onStart: (more: object) => void,
 *   onClose: () => void}} props
 */
function Question({ home, question, onStart, onClose }) {
  if (question.code) {
    const { path, sha256 } = question.code;
    const run = () => onStart({ ...question.more, confirmed: sha256 });
    return html`<${Dialog} title="Run the code in this file?" onClose=${onClose}
      actions=${html`<${Button} onClick=${onClose}>Cancel<//><${Button} kind="danger" onClick=${run}>Run the code in it<//>`}>
      <p><strong>${path}</strong> contains instructions that run with your rights. Start it only if you trust it.</p>
      <p class="small">You are asked again when the file changes.</p>
    <//>`;
  }
  const open = () => (onClose(), home.open(question.made));
  const again = () => onStart({ ...question.more, again: true });
  return html`<${Dialog} title="This was made before" onClose=${onClose}
    actions=${html`<${Button} onClick=${again}>Make it again<//><${Button} kind="primary" onClick=${open}>Open it<//>`}>
    <p><strong>${question.made}</strong> was made from the same files with the same choices.</p>
  <//>`;
}
