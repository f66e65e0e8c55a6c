// The data of a report that a job has returned, as headings, pairs and tables.
import { labelOf, showValue } from '../../ui/values.js';
import { html } from '../view.js';

const MOST_ROWS = 200;

/** @param {{report: any}} props */
export function ReportView({ report }) {
  return html`<div class="home-report rows">${showPart(report, 3)}
    <details class="more"><summary>As JSON</summary><pre class="home-record" tabindex="0" aria-label="Report as JSON">${JSON.stringify(report, null, 2)}</pre></details>
  </div>`;
}

/** @param {any} value @returns {boolean} */
function isPlain(value) {
  return value === null || typeof value !== 'object';
}

/** @param {any} value @param {number} level of headings @returns {any} */
function showPart(value, level) {
  if (isPlain(value)) return html`<p class="n">${showValue(value)}</p>`;
  if (Array.isArray(value)) return showArray(value, level);
  const entries = Object.entries(value);
  const plain = entries.filter(([, one]) => isPlain(one) || (Array.isArray(one) && one.every(isPlain)));
  const parts = entries.filter((one) => !plain.includes(one));
  const heading = `h${Math.min(level, 5)}`;
  return html`${plain.length > 0 && html`<dl class="home-pairs">${plain.map(([key, one]) => html`<div key=${key}><dt>${labelOf(key)}</dt><dd class="n">${Array.isArray(one) ? one.map(showValue).join(', ') : showValue(one)}</dd></div>`)}</dl>`}
    ${parts.map(([key, one]) => html`<div class="rows" key=${key}><${heading}>${labelOf(key)}<//>${showPart(one, level + 1)}</div>`)}`;
}

/** @param {any[]} values @param {number} level @returns {any} */
function showArray(values, level) {
  const isTable = values.length > 0 && values.every((one) => one && typeof one === 'object' && !Array.isArray(one));
  if (!isTable) return values.map((one) => showPart(one, level));
  const columns = [...new Set(values.slice(0, MOST_ROWS).flatMap((one) => Object.keys(one)))].filter((key) =>
    values.every((one) => one[key] === undefined || isPlain(one[key])),
  );
  if (!columns.length) return values.map((one) => showPart(one, level));
  return html`<div class="home-table" tabindex="0" role="region" aria-label="Table"><table>
    <thead><tr>${columns.map((key) => html`<th key=${key} scope="col">${labelOf(key)}</th>`)}</tr></thead>
    <tbody>${values.slice(0, MOST_ROWS).map((one, k) => html`<tr key=${k}>${columns.map((key) => html`<td key=${key} class="n">${showValue(one[key])}</td>`)}</tr>`)}</tbody>
  </table>${values.length > MOST_ROWS && html`<p class="small">${values.length - MOST_ROWS} more rows are in the JSON.</p>`}</div>`;
}
