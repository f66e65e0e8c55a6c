// The list of executions, latest first; older ones are read when they are scrolled to.
import { State, seconds } from './states.js';

const PAGE = 50;

/** @param {{studio: any, latest: any, chosen: string}} props */
export function Executions({ studio, latest, chosen }) {
  const { html, ui, use, hooks } = studio;
  const params = use(studio.params);
  const pipeline = params.pipeline ?? '';
  const [older, setOlder] = hooks.useState(/** @type {any[]} */ ([]));
  const reading = hooks.useRef(false);
  const isShown = (/** @type {any} */ one) => !pipeline || one.pipeline === pipeline;
  const rows = join(latest.executions.filter(isShown), older.filter(isShown));
  const total = latest.pipelines
    .filter((/** @type {any} */ one) => !pipeline || one.name === pipeline)
    .reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.executions, 0);
  const read = async (/** @type {number} */ first, /** @type {number} */ last) => {
    if (reading.current || last < rows.length || rows.length >= total) return;
    reading.current = true;
    try {
      const before = rows.at(-1)?.created ?? '';
      const found = await studio.call('executions', { pipeline, before, limit: PAGE });
      setOlder((/** @type {any[]} */ now) => join(now, found.executions));
    } catch (error) {
      studio.toastError(error);
    }
    reading.current = false;
  };
  const names = latest.pipelines.map((/** @type {any} */ one) => one.name);
  const show = (/** @type {any} */ row) => html`<div class="pipelines-row">
    <span class="cut-short">${row.pipeline}</span><${State} studio=${studio} state=${row.status} />
    <span class="small n">${ui.showDate(seconds(row.created))}</span>
    ${row.reason && html`<span class="small cut-short" title=${row.reason}>${row.reason}</span>`}
  </div>`;
  return html`<${ui.Card} title="Executions" note=${ui.showCount(total)} flush class="pipelines-list">
    ${names.length > 1 && html`<div class="pipelines-filter"><${ui.Field} kind="choice" label="Pipeline" value=${pipeline || 'all'}
      choices=${['all', ...names]} onChange=${(/** @type {string} */ value) =>
        studio.setParams({ pipeline: value === 'all' ? '' : value, execution: '' })} /></div>`}
    <${ui.List} label="Executions" count=${Math.min(total, rows.length + 1)} itemAt=${(/** @type {number} */ k) => rows[k]}
      show=${(/** @type {any} */ row) => (row ? show(row) : html`<span class="small">Reading…</span>`)} rowHeight=${64} height=${640}
      chosen=${rows.findIndex((/** @type {any} */ row) => row.id === chosen)}
      onRange=${read} onChoose=${(/** @type {number} */ k) => rows[k] && studio.setParams({ execution: rows[k].id }, { replace: false })} />
  <//>`;
}

/** Join lists of executions, without those that are in both.
 * @param {any[]} newer @param {any[]} older */
function join(newer, older) {
  const known = new Set(newer.map((one) => one.id));
  return [...newer, ...older.filter((one) => !known.has(one.id))];
}
