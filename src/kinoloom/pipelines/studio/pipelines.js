// The pipelines page: executions as they run, their steps, and the model registry.
import { Callbacks } from './callbacks.js';
import { Execution } from './execution.js';
import { Executions } from './executions.js';
import { Metrics } from './metrics.js';
import { Models } from './models.js';
import { Start, Started } from './start.js';

/** @typedef {any} Studio the object that pages get */

const TABS = [
  { key: 'executions', title: 'Executions' },
  { key: 'metrics', title: 'Metrics' },
  { key: 'models', title: 'Models' },
];

/**
 * @param {HTMLElement} host
 * @param {Studio} studio
 */
export function mount(host, studio) {
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = '/pages/pipelines/pipelines.css';
  document.head.append(style);
  const listed = studio.signal(/** @type {any} */ (null));
  const take = (/** @type {any} */ now) => (now.failure ? studio.toastError(now.failure) : (listed.value = now));
  const stop = studio.feed('latest', {}, take, () => studio.call('executions'));
  studio.render(studio.html`<${Pipelines} studio=${studio} listed=${listed} />`, host);
  return () => {
    stop();
    style.remove();
  };
}

/** @param {{studio: Studio, listed: any}} props */
function Pipelines({ studio, listed }) {
  const { html, use, ui, hooks } = studio;
  const params = use(studio.params);
  const latest = use(listed);
  const tab = params.tab ?? 'executions';
  const first = latest?.executions[0]?.id;
  const chosen = params.execution ?? first;
  hooks.useEffect(() => studio.bar({ title: 'Pipelines' }), []);
  if (params.path) return html`<${Start} studio=${studio} file=${params.path} />`;
  if (!latest) return html`<div class="pipelines"><${ui.Meter} label="Reading the executions" value=${null} /></div>`;
  if (!latest.executions.length) return html`<div class="pipelines"><${Started} studio=${studio} /><${Nothing} studio=${studio} /></div>`;
  return html`<div class="pipelines">
    <${Started} studio=${studio} />
    <${Callbacks} studio=${studio} listed=${listed} />
    <${ui.Tabs} label="Pipelines" tabs=${TABS} chosen=${tab} onChoose=${(/** @type {string} */ key) => studio.setParams({ tab: key })}>
      ${tab === 'executions' && html`<div class="pipelines-both">
        <${Executions} studio=${studio} latest=${latest} chosen=${chosen} />
        <${Execution} key=${chosen} studio=${studio} id=${chosen} />
      </div>`}
      ${tab === 'metrics' && html`<${Metrics} studio=${studio} latest=${latest} />`}
      ${tab === 'models' && html`<${Models} studio=${studio} />`}
    <//>
  </div>`;
}

/** @param {{studio: Studio}} props */
function Nothing({ studio }) {
  const { html, ui } = studio;
  return html`<${ui.Empty} icon="pipelines" title="No pipeline has run in this folder yet">
    <p>Open a Python file or a definition with Pipelines from Home, or run</p>
    <p><code>kinoloom pipeline run pipeline.py</code></p>
    <p>in this folder: its executions appear here while they run.</p>
  <//>`;
}
