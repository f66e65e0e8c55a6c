// Charts of metrics over the executions of a pipeline.
import { showNumber } from './execution.js';
import { seconds } from './states.js';

const [WIDTH, HEIGHT] = [320, 96];

/** @param {{studio: any, latest: any}} props */
export function Metrics({ studio, latest }) {
  const { html, ui, use, hooks } = studio;
  const params = use(studio.params);
  const names = latest.pipelines.map((/** @type {any} */ one) => one.name);
  const pipeline = params.pipeline || names[0];
  const [points, setPoints] = hooks.useState(/** @type {any[] | null} */ (null));
  hooks.useEffect(() => {
    setPoints(null);
    studio.call('metrics', { pipeline }, { latest: 'metrics' }).then(setPoints, studio.toastError);
  }, [pipeline, latest.executions[0]?.status]);
  const series = [...new Set((points ?? []).flatMap((/** @type {any} */ one) => Object.keys(one.metrics)))];
  return html`<div class="rows">
    <${ui.Field} kind="choice" label="Pipeline" value=${pipeline} choices=${names}
      onChange=${(/** @type {string} */ value) => studio.setParams({ pipeline: value })} />
    ${!points && html`<${ui.Meter} label="Reading the metrics" value=${null} />`}
    ${points && !series.length && html`<${ui.Empty} icon="chart" title="No metrics yet"><p>Property files and registered models of executions that succeeded have them.</p><//>`}
    <div class="pipelines-charts">${series.map((name) => html`<${Chart} key=${name} studio=${studio} name=${name} points=${points} />`)}</div>
  </div>`;
}

/** @param {{studio: any, name: string, points: any[] | null}} props */
function Chart({ studio, name, points }) {
  const { html, ui } = studio;
  const rows = (points ?? []).filter((one) => name in one.metrics);
  const values = rows.map((one) => one.metrics[name]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (/** @type {number} */ k) => 6 + (k * (WIDTH - 12)) / Math.max(1, values.length - 1);
  const y = (/** @type {number} */ value) => HEIGHT - 8 - ((value - low) / (high - low || 1)) * (HEIGHT - 16);
  const path = values.map((value, k) => `${k ? 'L' : 'M'}${x(k).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  const go = (/** @type {any} */ row) => studio.go('pipelines', { execution: row.execution });
  return html`<${ui.Card} title=${name} level=${3} note=${`${showNumber(values.at(-1) ?? 0)} last`}>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} class="pipelines-chart" role="img"
      aria-label=${`${name} over ${values.length} executions, from ${showNumber(low)} to ${showNumber(high)}`}>
      <path d=${path} />${values.map((value, k) => html`<circle cx=${x(k)} cy=${y(value)} r="3" />`)}
    </svg>
    <p class="small n">${showNumber(low)} to ${showNumber(high)}, ${values.length} executions</p>
    <details><summary class="small">Values</summary><ol class="pipelines-values">${rows.map((row) => html`<li>
      <${ui.Button} kind="quiet" onClick=${() => go(row)}><span class="n">${showNumber(row.metrics[name])}</span>
      <span class="small">${ui.showDate(seconds(row.created))}</span><//></li>`)}</ol></details>
  <//>`;
}
