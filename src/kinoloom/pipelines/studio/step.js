// One step: why it ran, its log as it grows, and where its files come from and go to.
import { State, isRunning } from './states.js';

const POLL_MS = 700;

/** @param {{studio: any, execution: any, name: string, onChoose: (step: string) => void}} props */
export function Step({ studio, execution, name, onChoose }) {
  const { html, ui, hooks } = studio;
  const step = execution.steps.find((/** @type {any} */ one) => one.name === name);
  const [files, setFiles] = hooks.useState(/** @type {any} */ (null));
  const lines = useLog(studio, execution, step);
  hooks.useEffect(() => {
    if (step) studio.call('step', { execution: execution.id, step: name }).then(setFiles, studio.toastError);
  }, [name, step?.status]);
  const close = html`<${ui.IconButton} icon="close" label="Close the step" onClick=${() => onChoose('')} />`;
  if (!step) {
    return html`<${ui.Card} title=${name} tags=${html`<${ui.Tag}>Not run<//>`} actions=${close}>
      <p class="soft">The execution has not reached this step, or a condition has skipped it.</p><//>`;
  }
  return html`<${ui.Card} title=${name} tags=${html`<${State} studio=${studio} state=${step.kind} />`}
    note=${step.attempts > 1 ? `attempt ${step.attempts}` : ''} actions=${close}>
    <div class="rows">
      ${step.why && html`<p>${step.why}</p>`}
      ${step.reason && html`<p class="pipelines-reason">${step.reason}</p>`}
      ${lines.length > 0 && html`<${ui.Log} label=${`Log of ${name}`} lines=${lines} />`}
      ${files && html`<${Lineage} studio=${studio} files=${files} onChoose=${onChoose} />`}
    </div>
  <//>`;
}

/** The lines of a step's log; they are read on while the step runs and the tab is visible.
 * @param {any} studio @param {any} execution @param {any} step */
function useLog(studio, execution, step) {
  const { hooks } = studio;
  const [text, setText] = hooks.useState('');
  const runs = Boolean(step && isRunning(step.status));
  hooks.useEffect(() => {
    if (!step) return;
    let [after, timer, isGone] = [0, 0, false];
    const read = async () => {
      try {
        const part = document.hidden ? null : await studio.call('log', { execution: execution.id, step: step.name, after });
        if (isGone) return;
        if (part) {
          setText((/** @type {string} */ now) => (after === 0 ? part.text : now + part.text));
          after = part.next;
        }
        if (runs || part?.text) timer = window.setTimeout(read, part?.text && !runs ? 0 : POLL_MS);
      } catch (error) {
        if (!isGone) studio.toastError(error);
      }
    };
    read();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [execution.id, step?.name, runs]);
  return studio.hooks.useMemo(() => text.split('\n').filter((/** @type {string} */ line, /** @type {number} */ k, /** @type {string[]} */ all) => line || k < all.length - 1), [text]);
}

/** @param {{studio: any, files: any, onChoose: (step: string) => void}} props */
function Lineage({ studio, files, onChoose }) {
  const { html, ui } = studio;
  const go = (/** @type {string} */ step) =>
    html`<${ui.Button} kind="quiet" onClick=${() => onChoose(step)}>${step}<//>`;
  const inputs = files.inputs.map((/** @type {any} */ one) => html`<li>
    <span class="cut-short" title=${one.digest}>${one.place}</span>
    ${one.from ? html`<span class="small">from</span>${go(one.from.split('/')[0])}` : html`<span class="small">from outside</span>`}</li>`);
  const outputs = files.outputs.map((/** @type {any} */ one) => html`<li>
    <span class="cut-short" title=${one.digest}>${one.name}</span>
    ${one.readers.length ? html`<span class="small">read by</span>${one.readers.map(go)}` : html`<span class="small">not read by a step</span>`}</li>`);
  return html`<div class="pipelines-lineage">
    <div><h3>Reads</h3>${inputs.length ? html`<ul>${inputs}</ul>` : html`<p class="small">nothing</p>`}</div>
    <div><h3>Writes</h3>${outputs.length ? html`<ul>${outputs}</ul>` : html`<p class="small">nothing</p>`}</div>
  </div>`;
}
