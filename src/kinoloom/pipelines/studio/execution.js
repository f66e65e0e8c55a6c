// One execution: what it does now, its graph, when its steps ran, its results.
import { State, TONES, WORDS, canResume, isRunning, seconds } from './states.js';
import { Step } from './step.js';

const [LAYER_PX, MOST_PX] = [108, 720];
/** Rows of times that are shown together. */
const MOST_LANES = 100;

/** @param {{studio: any, id: string}} props */
export function Execution({ studio, id }) {
  const { html, ui, hooks } = studio;
  const [whole, setWhole] = hooks.useState(/** @type {any} */ (null));
  const [now, setNow] = hooks.useState(/** @type {any} */ (null));
  const [error, setError] = hooks.useState(/** @type {unknown} */ (null));
  const [step, setStep] = hooks.useState('');
  const status = now?.status ?? whole?.status;
  const read = () => studio.call('execution', { execution: id });
  hooks.useEffect(() => {
    const take = (/** @type {any} */ found) => {
      if (found.failure) setError(found.failure);
      else if (found.graph) (setWhole(found), setNow(null));
      else setNow(found);
    };
    return studio.feed('steps', { execution: id }, take, () => read().catch((/** @type {any} */ failure) => ({ failure })));
  }, [id]);
  hooks.useEffect(() => {
    // Its pictures and metrics are there when it ends.
    if (now && now.status !== whole?.status) read().then(setWhole, studio.toastError);
  }, [status]);
  if (error) return html`<${ui.Failure} error=${error} />`;
  if (!whole) return html`<${ui.Card} title="Execution"><${ui.Meter} label="Reading the execution" value=${null} /><//>`;
  const shown = { ...whole, ...now };
  return html`<div class="rows pipelines-one">
    <${ui.Card} title=${shown.pipeline} note=${`started ${ui.showDate(seconds(shown.created))}`}
      tags=${html`<${State} studio=${studio} state=${shown.status} />`}
      actions=${html`<${Actions} studio=${studio} execution=${shown} />`}>
      ${shown.reason && html`<p class="pipelines-reason" role="status">${shown.reason}</p>`}
      <${Graph} studio=${studio} execution=${shown} chosen=${step} onChoose=${setStep} />
    <//>
    ${step && html`<${Step} key=${`${id}/${step}`} studio=${studio} execution=${shown} name=${step} onChoose=${setStep} />`}
    <${Times} studio=${studio} execution=${shown} chosen=${step} onChoose=${setStep} />
    <${Results} studio=${studio} execution=${shown} />
  </div>`;
}

/** @param {{studio: any, execution: any}} props */
function Actions({ studio, execution }) {
  const { html, ui, hooks } = studio;
  const [busy, setBusy] = hooks.useState(false);
  const run = (/** @type {() => Promise<any>} */ action, /** @type {string} */ done) => async () => {
    setBusy(true);
    try {
      await action();
      studio.toast(done);
    } catch (error) {
      studio.toastError(error);
    }
    setBusy(false);
  };
  const stop = run(() => studio.call('stop', { execution: execution.id }), 'The execution stops.');
  const resume = run(
    () => studio.jobs.start({ op: 'pipeline.resume', inputs: [], options: { execution: execution.id }, again: true }),
    'The execution resumes as a job.',
  );
  if (isRunning(execution.status)) return html`<${ui.Button} icon="stop" busy=${busy} onClick=${stop}>Stop<//>`;
  return canResume(execution.status) && html`<${ui.Button} icon="play" busy=${busy} onClick=${resume}>Resume<//>`;
}

/** @param {{studio: any, execution: any, chosen: string, onChoose: (step: string) => void}} props */
function Graph({ studio, execution, chosen, onChoose }) {
  const { html, ui } = studio;
  const started = new Map(execution.steps.map((/** @type {any} */ one) => [one.name, one]));
  const nodes = execution.graph.layers.flat().map((/** @type {string} */ name) => {
    const step = started.get(name);
    const state = step?.kind ?? 'Not run';
    return {
      id: name,
      title: name,
      note: step && state !== 'Cached' ? lasted(ui, step) : execution.graph.types[name],
      tone: TONES[state] ?? '',
      tag: WORDS[state] ?? 'Not run',
    };
  });
  const edges = execution.graph.edges.map((/** @type {any} */ one) => [one.from, one.to]);
  return html`<${ui.Graph} label=${`Steps of ${execution.pipeline}`} nodes=${nodes} edges=${edges}
    chosen=${chosen || null} onChoose=${onChoose} height=${Math.min(MOST_PX, LAYER_PX * execution.graph.layers.length)} />`;
}

/** @param {{studio: any, execution: any, chosen: string, onChoose: (step: string) => void}} props */
function Times({ studio, execution, chosen, onChoose }) {
  const { html, ui, hooks } = studio;
  const [part, setPart] = hooks.useState(0);
  const steps = execution.steps.filter((/** @type {any} */ one) => one.started);
  if (!steps.length) return null;
  const begin = Math.min(...steps.map((/** @type {any} */ one) => one.started));
  const last = Date.now() / 1000;
  const end = Math.max(...steps.map((/** @type {any} */ one) => one.ended ?? last));
  const first = MOST_LANES * part;
  const shown = steps.slice(first, first + MOST_LANES);
  const lanes = shown.map((/** @type {any} */ one) => ({
    key: one.name,
    label: one.name,
    spans: [{ key: one.name, from: one.started - begin, to: Math.max((one.ended ?? last) - begin, one.started - begin + 0.01),
      label: lasted(ui, one), tone: TONES[one.kind] ?? '' }],
  }));
  return html`<${ui.Card} title="Times" note=${`${ui.showDuration(end - begin)} in all`}>
    <${ui.Timeline} label="When each step ran" from=${0} to=${Math.max(end - begin, 0.1)} lanes=${lanes}
      chosen=${chosen} onSpan=${(/** @type {any} */ span) => onChoose(span.key)} />
    ${steps.length > MOST_LANES && html`<div class="row pipelines-parts">
      <${ui.Button} kind="quiet" disabled=${part === 0} onClick=${() => setPart(part - 1)}>Earlier steps<//>
      <span class="soft n" role="status">${first + 1} to ${first + shown.length} of ${steps.length} steps</span>
      <${ui.Button} kind="quiet" disabled=${first + shown.length === steps.length} onClick=${() => setPart(part + 1)}>Later steps<//>
    </div>`}
  <//>`;
}

/** @param {{studio: any, execution: any}} props */
function Results({ studio, execution }) {
  const { html, ui } = studio;
  const parameters = Object.entries(execution.parameters);
  const short = shortNames(execution.metrics.map((/** @type {any} */ one) => one[1]));
  return html`
    ${execution.images.length > 0 && html`<${ui.Card} title="Pictures">
      <ul class="pipelines-images">${execution.images.map((/** @type {any} */ one) => html`<li key=${one.index}>
        <${Image} studio=${studio} execution=${execution.id} image=${one} /></li>`)}</ul>
    <//>`}
    ${execution.metrics.length > 0 && html`<${ui.Card} title="Metrics">
      <dl class="pipelines-facts">${execution.metrics.map((/** @type {[string, string, any]} */ [source, name, value]) => html`<div title=${`${source}: ${name}`}>
        <dt>${short.get(name)}</dt><dd class="n">${showNumber(value)}</dd></div>`)}</dl>
    <//>`}
    ${parameters.length > 0 && html`<${ui.Card} title="Parameters">
      <dl class="pipelines-facts">${parameters.map(([name, value]) => html`<div><dt>${name}</dt><dd class="n">${value}</dd></div>`)}</dl>
    <//>`}`;
}

/** @param {{studio: any, execution: string, image: any}} props */
function Image({ studio, execution, image }) {
  const { html, hooks } = studio;
  const [url, setUrl] = hooks.useState('');
  hooks.useEffect(() => {
    let made = '';
    studio.call('image', { execution, index: image.index }).then((/** @type {Blob} */ blob) => {
      made = URL.createObjectURL(blob);
      setUrl(made);
    }, studio.toastError);
    return () => URL.revokeObjectURL(made);
  }, [execution, image.index]);
  const caption = `${image.step}, ${image.output}: ${image.file}`;
  return html`<figure>${url && html`<img src=${url} alt=${caption} />`}<figcaption class="small">${caption}</figcaption></figure>`;
}

/** @param {any} ui @param {any} step */
function lasted(ui, step) {
  const end = step.ended ?? Date.now() / 1000;
  const time = end - step.started;
  return time < 10 ? `${time.toFixed(1)} s` : ui.showDuration(time);
}

/**
 * Return the names without the parts that all of them begin with, such as "mse.value".
 * @param {string[]} names with dots @returns {Map<string, string>}
 */
export function shortNames(names) {
  const parts = [...new Set(names)].map((name) => name.split('.'));
  let shared = 0;
  const isShared = () => parts.every((one) => one.length > shared + 2 && one[shared] === parts[0][shared]);
  while (parts.length && isShared()) shared += 1;
  return new Map(parts.map((one) => [one.join('.'), one.slice(shared).join('.')]));
}

/** @param {number} value @returns {string} with four significant digits */
export function showNumber(value) {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
