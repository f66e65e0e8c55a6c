// A form for the options of an op: what is often chosen first, the rest under "more choices".
import { html, useState } from '../app/view.js';
import { Field } from './field.js';
import { labelOf } from './values.js';

/** @typedef {import('./values.js').Option} Option */

const SHOWN = 6;
const HEADINGS = /** @type {Record<string, string>} */ ({
  op: 'More choices',
  read: 'Reading the input',
  write: 'Writing the output',
});

/**
 * A form. `values` has only what differs from the defaults; `onChange` gets the next `values`, and
 * whether all of them are valid.
 * @param {{declaration: {options: Option[]} | Option[], values: Record<string, any>,
 *   onChange: (values: Record<string, any>, isValid: boolean) => void,
 *   errors?: Record<string, string>, shown?: number, disabled?: boolean}} props
 *   errors: of the server, by name
 */
export function Form({ declaration, values, onChange, errors = {}, shown = SHOWN, disabled }) {
  const options = Array.isArray(declaration) ? declaration : declaration.options;
  const [mistakes, setMistakes] = useState(/** @type {Record<string, string>} */ ({}));
  const change = (/** @type {Option} */ option, /** @type {any} */ value, /** @type {string} */ error) => {
    const { [option.name]: _, ...rest } = mistakes;
    const nextMistakes = error ? { ...rest, [option.name]: error } : rest;
    setMistakes(nextMistakes);
    const { [option.name]: __, ...others } = values;
    const isDefault = value === undefined || isSame(value, option.default);
    const next = isDefault ? others : { ...others, [option.name]: value };
    onChange(next, Object.keys(nextMistakes).length === 0);
  };
  const own = options.filter((one) => (one.section ?? 'op') === 'op');
  const first = own.slice(0, own.length <= shown + 1 ? shown + 1 : shown);
  const rest = options.filter((one) => !first.includes(one));
  const show = (/** @type {Option} */ option) => html`<${OptionField}
    key=${option.name} option=${option} disabled=${disabled}
    value=${option.name in values ? values[option.name] : option.default}
    error=${errors[option.name]} onChange=${change} />`;
  // Something hidden must not be what is wrong, or what makes this run differ from others.
  const isNeeded = rest.some((one) => one.name in values || one.name in errors || one.name in mistakes);
  return html`<div class="form">
    ${pair(first).map((row) => html`<div class=${row.length > 1 ? 'form-pair' : ''} key=${row[0].name}>${row.map(show)}</div>`)}
    ${rest.length > 0 && html`<details class="more" open=${isNeeded || undefined}>
      <summary>${rest.length} more ${rest.length === 1 ? 'choice' : 'choices'}</summary>
      ${['op', 'read', 'write'].map((section) => html`<${Section} key=${section}
        title=${HEADINGS[section]} options=${rest.filter((one) => (one.section ?? 'op') === section)}
        show=${show} />`)}
    </details>`}
  </div>`;
}

/** @param {{title: string, options: Option[], show: (option: Option) => any}} props */
function Section({ title, options, show }) {
  if (!options.length) return null;
  return html`<fieldset class="form">
    <legend class="small">${title}</legend>
    ${pair(options).map((row) => html`<div class=${row.length > 1 ? 'form-pair' : ''} key=${row[0].name}>${row.map(show)}</div>`)}
  </fieldset>`;
}

/**
 * @param {{option: Option, value: any, error?: string, disabled?: boolean,
 *   onChange: (option: Option, value: any, error: string) => void}} props
 */
function OptionField({ option, value, error, disabled, onChange }) {
  return html`<${Field} ...${option} label=${option.label ?? labelOf(option.name)} value=${value}
    error=${error} disabled=${disabled}
    onChange=${(/** @type {any} */ next, /** @type {string} */ reason) => onChange(option, next, reason)} />`;
}

/** Put short numbers next to each other, as pairs. @param {Option[]} options @returns {Option[][]} */
function pair(options) {
  const isShort = (/** @type {Option | undefined} */ one) =>
    one !== undefined && ['number', 'seconds', 'rate', 'bytes'].includes(one.kind) && (one.help ?? '').length < 60;
  /** @type {Option[][]} */
  const rows = [];
  for (let at = 0; at < options.length; at += rows[rows.length - 1].length) {
    const [one, next] = [options[at], options[at + 1]];
    rows.push(isShort(one) && isShort(next) ? [one, next] : [one]);
  }
  return rows;
}

/** @param {any} value @param {any} other */
function isSame(value, other) {
  if (value === null || other === null) return value === other;
  return value === other || String(value) === String(other);
}
