// How a file was made: its record, the files it was made from, and ways to make it again.
import { Button, Tag } from '../../ui/basics.js';
import { labelOf, numberOf, showValue } from '../../ui/values.js';
import { startJob } from '../job_list.js';
import { thumbUrl } from '../media.js';
import { request } from '../request.js';
import { toastError } from '../toasts.js';
import { html, useEffect, useState } from '../view.js';
import { fillIn } from './op_form.js';

const FRACTION = /^-?\d+\/\d+$/;

/** @param {{home: import('../home.js').Home, path: string, known: any}} props */
export function Origin({ home, path, known }) {
  const { record, op: name, options, parents } = known;
  const [op, setOp] = useState(/** @type {any} */ (null));
  useEffect(() => {
    // An op that is not installed any more has no form; its record is shown nevertheless.
    request('GET', `/api/ops/${encodeURIComponent(name)}`).then(setOp, () => {});
  }, [name]);
  const inputs = parents.map((/** @type {any} */ one) => one.path);
  const values = op ? changedValues(op, options) : options;
  const reason = !op ? `${name} is not installed.` : inputs.includes(null) ? 'A file that it was made from is not in this folder.' : '';
  const again = async () => {
    try {
      const job = await startJob(/** @type {any} */ ({ op: name, inputs, options: values, again: true }));
      if (job.output) home.open(job.output);
    } catch (error) {
      toastError(error);
    }
  };
  const edit = () => {
    fillIn(name, values);
    home.choose(inputs.filter(Boolean));
    home.goTo({ op: name });
    home.showThings();
  };
  return html`<section id="home-origin" class="home-origin rows" aria-label="How it was made">
    <p>${op ? op.summary : ''} <span class="small">${name.replaceAll('.', ' ')}</span></p>
    ${parents.length > 0 && html`<div class="rows"><h3>Made from</h3>
      <ul class="home-parents">${parents.map((/** @type {any} */ one) => html`<${Parent} key=${one.name} home=${home} parent=${one} />`)}</ul></div>`}
    ${record.parents?.length > 0 && html`<p class="soft">Its input was made by ${record.parents.map((/** @type {any} */ one) => one.op).join(', ')}.</p>`}
    <${Pairs} title="Choices" values=${values} empty="All choices were the defaults." />
    <${Pairs} title="Decided while it was made" values=${record.details ?? {}} />
    <${Pairs} title="Versions" values=${record.versions ?? {}} name=${String} />
    <details class="more"><summary>The whole record</summary><pre class="home-record" tabindex="0" aria-label="Record of ${path}">${JSON.stringify(record, null, 2)}</pre></details>
    <div class="row wrap">
      <${Button} icon="loop" disabled=${reason} onClick=${again}>Make again<//>
      <${Button} icon="edit" disabled=${op ? '' : reason} onClick=${edit}>With other choices<//>
      ${reason && html`<span class="small">${reason}</span>`}
    </div>
  </section>`;
}

/** @param {{home: import('../home.js').Home, parent: any}} props */
function Parent({ home, parent }) {
  const { name, path, unchanged } = parent;
  const state = path === null ? ['warn', 'not in this folder'] : unchanged === false ? ['warn', 'changed since'] : unchanged ? ['good', 'unchanged'] : ['', 'too large to compare'];
  return html`<li class="row">
    ${path && html`<img src=${thumbUrl(path, 120)} alt="" loading="lazy" />`}
    <span class="grow cut-short">${path ? html`<${Button} kind="quiet" onClick=${() => home.open(path)}>${name}<//>` : name}</span>
    <${Tag} tone=${state[0]}>${state[1]}<//>
  </li>`;
}

/**
 * @param {{title: string, values: Record<string, any>, empty?: string,
 *   name?: (key: string) => string}} props
 */
function Pairs({ title, values, empty = '', name = labelOf }) {
  const pairs = Object.entries(values).filter(([, value]) => value !== null && value !== '');
  if (!pairs.length && !empty) return null;
  return html`<div class="rows"><h3>${title}</h3>
    ${pairs.length ? html`<dl class="home-pairs">${pairs.map(([key, value]) => html`<div key=${key}><dt>${name(key)}</dt><dd class="n">${showPlain(value)}</dd></div>`)}</dl>` : html`<p class="soft">${empty}</p>`}
  </div>`;
}

/** @param {any} value @returns {string} */
function showPlain(value) {
  if (Array.isArray(value)) return value.map(showPlain).join(', ');
  if (value && typeof value === 'object') {
    return Object.entries(value).map(([key, one]) => `${key} ${showPlain(one)}`).join(', ');
  }
  const text = showValue(value);
  const short = shorten(text);
  return short === text || numberOf(short) === numberOf(text) ? short : `${short} (${text})`;
}

/** Return a fraction as a decimal of at most 3 digits. @param {string} text @returns {string} */
function shorten(text) {
  const number = FRACTION.test(text) ? numberOf(text) : null;
  return number === null ? text : String(Math.round(number * 1000) / 1000);
}

/**
 * The options that differ from their defaults and that the op still has.
 * @param {any} op @param {Record<string, any>} options @returns {Record<string, any>}
 */
function changedValues(op, options) {
  const known = op.options.filter((/** @type {any} */ one) => {
    const value = options[one.name];
    return one.name in options && value !== null && value !== one.default && String(value) !== String(one.default);
  });
  /** @param {any} value */
  const simplify = (value) => {
    const short = shorten(String(value));
    return numberOf(short) === numberOf(String(value)) ? short : value;
  };
  return Object.fromEntries(known.map((/** @type {any} */ one) => [one.name, simplify(options[one.name])]));
}
