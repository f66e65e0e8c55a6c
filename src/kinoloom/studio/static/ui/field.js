// One labelled control: text, number, seconds, rate, bytes, choice, segments, switch or path.
import { request } from '../app/request.js';
import { html, useEffect, useId, useState } from '../app/view.js';
import { IconButton } from './basics.js';
import { numberOf, parseValue, rangeOf, showValue } from './values.js';

/** @typedef {import('./values.js').Option} Option */

const FOUND = 12;
const WAIT_MS = 150;

/**
 * A labelled control. `onChange` gets the new value, or undefined and the reason while what is
 * typed is no valid value.
 * @param {{kind?: import('./values.js').FieldKind, label: string, value: any, default?: any,
 *   onChange: (value: any, error?: string) => void, help?: string, error?: string, unit?: string,
 *   low?: number | null, high?: number | null, choices?: string[], optional?: boolean,
 *   whole?: boolean, placeholder?: string, disabled?: boolean | string,
 *   names?: Record<string, string>}} props
 *   default: a control for going back to it appears; names: texts for choices
 */
export function Field(props) {
  const { kind = 'text', label, help, error, value } = props;
  const id = useId();
  const [mistake, setMistake] = useState('');
  const shown = error || mistake;
  const report = (/** @type {any} */ next, /** @type {string | undefined} */ reason) => {
    setMistake(reason ?? '');
    props.onChange(next, reason);
  };
  const range = kind === 'segments' || kind === 'choice' ? '' : rangeOf(/** @type {any} */ (props));
  const notes = [help, range && `${range.charAt(0).toUpperCase()}${range.slice(1)}`];
  const note = notes.filter(Boolean).join('. ');
  const described = [note && `${id}-help`, shown && `${id}-error`].filter(Boolean).join(' ');
  const shared = { ...props, id, report, described: described || undefined, isWrong: Boolean(shown) };
  const isGroup = kind === 'segments';
  const canReset = 'default' in props && value !== props.default && value !== undefined;
  const reset = () => report(props.default, undefined);
  return html`<div class="field kind-${kind}">
    <div class="field-head">
      ${
        isGroup
          ? html`<span class="label" id=${`${id}-label`}>${label}</span>`
          : html`<label class="label" for=${id}>${label}</label>`
      }
      ${canReset && html`<${IconButton} class="field-reset" icon="undo" size="14"
        label=${`${label}: back to ${showValue(props.default) || 'automatic'}`} onClick=${reset} />`}
    </div>
    <${CONTROLS[kind] ?? TextControl} ...${shared} />
    ${note && html`<p class="small" id=${`${id}-help`}>${note}</p>`}
    ${shown && html`<p class="field-error" id=${`${id}-error`} role="alert">${shown}</p>`}
  </div>`;
}

/** @param {any} props @returns {string} what an empty control means */
function hintOf({ placeholder, optional }) {
  return placeholder ?? (optional ? 'automatic' : '');
}

/** @param {any} props */
function TextControl(props) {
  const { id, kind, value, unit, report, described, isWrong, disabled } = props;
  const [text, setText] = useState(showValue(value));
  // A value that comes from elsewhere replaces what is typed; that of the text itself does not.
  useEffect(() => {
    const parsed = parseValue(props, text);
    if (value !== undefined && String(parsed.value ?? '') !== showValue(value)) setText(showValue(value));
  }, [value]);
  const type = (/** @type {string} */ next) => {
    setText(next);
    const parsed = parseValue(props, next);
    report(parsed.value, parsed.error);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const step = kind === 'number' && { ArrowUp: 1, ArrowDown: -1 }[event.key];
    const number = numberOf(text);
    if (!step || number === null || event.altKey) return;
    event.preventDefault();
    const size = props.whole || Number.isInteger(number) ? 1 : 0.1;
    const next = Math.round((number + step * size * (event.shiftKey ? 10 : 1)) * 1e6) / 1e6;
    type(String(Math.min(props.high ?? Infinity, Math.max(props.low ?? -Infinity, next))));
  };
  const suffix = kind === 'seconds' ? 's' : kind === 'rate' ? 'fps' : kind === 'number' ? unit : '';
  return html`<div class="input ${isWrong ? 'wrong' : ''}">
    <input id=${id} type="text" class=${kind === 'text' ? '' : 'n'} value=${text}
      inputmode=${kind === 'number' || kind === 'rate' ? 'decimal' : undefined}
      autocomplete="off" spellcheck=${false} placeholder=${hintOf(props)}
      aria-invalid=${isWrong ? 'true' : undefined} aria-describedby=${described}
      disabled=${Boolean(disabled)} onKeyDown=${onKeyDown}
      onInput=${(/** @type {any} */ event) => type(event.target.value)} />
    ${suffix && html`<span class="unit" aria-hidden="true">${suffix}</span>`}
  </div>`;
}

/** @param {any} props */
function ChoiceControl(props) {
  const { id, value, choices = [], names = {}, optional, report, described, disabled } = props;
  return html`<div class="input select">
    <select id=${id} aria-describedby=${described} disabled=${Boolean(disabled)}
      value=${value ?? ''}
      onChange=${(/** @type {any} */ event) => report(event.target.value || null, undefined)}>
      ${optional && html`<option value="">${hintOf(props)}</option>`}
      ${choices.map(
        (/** @type {string} */ one) =>
          html`<option key=${one} value=${one} selected=${one === value}>${names[one] ?? one}</option>`,
      )}
    </select>
  </div>`;
}

/** @param {any} props */
function SegmentsControl(props) {
  const { id, value, choices = [], names = {}, optional, report, described, disabled } = props;
  const all = optional ? [null, ...choices] : choices;
  return html`<div class="segments" role="radiogroup" aria-labelledby=${`${id}-label`}
    aria-describedby=${described}>
    ${all.map(
      (/** @type {string | null} */ one) => html`<label key=${one} class="segment">
        <input class="sr" type="radio" name=${id} checked=${one === (value ?? null)}
          disabled=${Boolean(disabled)} onChange=${() => report(one, undefined)} />
        <span>${one === null ? hintOf(props) : (names[one] ?? one)}</span>
      </label>`,
    )}
  </div>`;
}

/** @param {any} props */
function SwitchControl(props) {
  const { id, value, report, described, disabled } = props;
  return html`<input id=${id} class="switch-input" type="checkbox" role="switch" checked=${Boolean(value)}
    aria-describedby=${described} disabled=${Boolean(disabled)}
    onChange=${(/** @type {any} */ event) => report(event.target.checked, undefined)} />`;
}

/** @param {any} props */
function PathControl(props) {
  const { id, value, report, described, isWrong, disabled } = props;
  const [found, setFound] = useState(/** @type {string[]} */ ([]));
  const text = showValue(value);
  useEffect(() => {
    if (!text) return;
    const control = new AbortController();
    const timer = window.setTimeout(async () => {
      const query = new URLSearchParams({ query: text, limit: String(FOUND) });
      const how = { signal: control.signal };
      const { files } = await request('GET', `/api/files?${query}`, undefined, how).catch(() => ({ files: [] }));
      if (!control.signal.aborted) setFound(files.map((/** @type {any} */ one) => one.path));
    }, WAIT_MS);
    return () => (window.clearTimeout(timer), control.abort());
  }, [text]);
  const type = (/** @type {string} */ next) => {
    const parsed = parseValue(props, next);
    report(parsed.value, parsed.error);
  };
  return html`<div class="input ${isWrong ? 'wrong' : ''}">
    <input id=${id} type="text" list=${`${id}-list`} value=${text} autocomplete="off"
      spellcheck=${false} placeholder=${hintOf(props)} aria-invalid=${isWrong ? 'true' : undefined}
      aria-describedby=${described} disabled=${Boolean(disabled)}
      onInput=${(/** @type {any} */ event) => type(event.target.value)} />
    <datalist id=${`${id}-list`}>${found.map((path) => html`<option key=${path} value=${path} />`)}</datalist>
  </div>`;
}

const CONTROLS = /** @type {Record<string, any>} */ ({
  choice: ChoiceControl,
  segments: SegmentsControl,
  switch: SwitchControl,
  path: PathControl,
});
