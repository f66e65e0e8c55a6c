// Values of options: from what a person types to what the server takes, and back. The server
// checks again; here, a mistake is shown while it is typed.

/**
 * @typedef {'text' | 'number' | 'seconds' | 'rate' | 'bytes' | 'choice' | 'segments' | 'switch' |
 *   'path'} FieldKind
 * @typedef {{name: string, flag?: string, kind: FieldKind, default: any, help?: string,
 *   low?: number | null, high?: number | null, unit?: string, choices?: string[],
 *   optional?: boolean, whole?: boolean, section?: string, range?: string, label?: string}} Option
 * @typedef {{value: any, error?: undefined} | {value?: undefined, error: string}} Parsed
 */

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const FRACTION = /^([+-]?\d+)\s*\/\s*(\d+)$/;
const CLOCK = /^(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d*)?)$/;
const SIZE = /^(\d+\.?\d*|\.\d+)\s*([kmgt]i?)?b?$/i;
const POWERS = /** @type {Record<string, number>} */ ({ '': 0, k: 1, m: 2, g: 3, t: 4 });

/**
 * Read what a person has typed.
 * @param {Option} option
 * @param {string} text
 * @returns {Parsed}
 */
export function parseValue(option, text) {
  const given = text.trim();
  if (given === '') return option.optional ? { value: null } : { error: 'A value is needed.' };
  if (option.kind === 'bytes') return checkRange(option, given, sizeOf(given));
  if (option.kind === 'seconds') return parseSeconds(option, given);
  if (option.kind === 'number' || option.kind === 'rate') return parseNumber(option, given);
  return { value: text };
}

/** @param {Option} option @param {string} given @returns {Parsed} */
function parseNumber(option, given) {
  const number = numberOf(given.replace(/\s*fps$/i, ''));
  if (number === null) {
    const example = option.kind === 'rate' ? '25, 29.97 or 30000/1001' : '12 or 0.5';
    return { error: `‘${given}’ is not a number. Write it like ${example}.` };
  }
  if (option.whole && !Number.isInteger(number)) return { error: 'A whole number is needed.' };
  if (option.kind === 'rate' && number <= 0) return { error: 'A frame rate must be above 0.' };
  return checkRange(option, given, number);
}

/** @param {Option} option @param {string} given @returns {Parsed} */
function parseSeconds(option, given) {
  const text = given.replace(/\s*s(ec(onds?)?)?$/i, '');
  const clock = CLOCK.exec(text);
  if (!clock) {
    const number = numberOf(text);
    if (number !== null) return checkRange(option, text, number);
    return { error: `‘${given}’ is not a time. Write it like 1.5 or 0:15.316.` };
  }
  const [, hours = '0', minutes, seconds] = clock;
  const whole = Number(hours) * 3600 + Number(minutes) * 60;
  // Added as text, so that no digit changes.
  const [units, digits] = seconds.split('.');
  const exact = `${whole + Number(units)}${digits ? `.${digits}` : ''}`;
  return checkRange(option, exact, Number(exact));
}

/** @param {Option} option @param {string} text @param {number | null} number @returns {Parsed} */
function checkRange(option, text, number) {
  if (number === null) return { error: `‘${text}’ is not a size. Write it like 2GB or 512MiB.` };
  const { low, high } = option;
  const isLow = low !== null && low !== undefined && number < low;
  const isHigh = high !== null && high !== undefined && number > high;
  if (isLow || isHigh) return { error: `It must be ${rangeOf(option)}.` };
  return { value: text };
}

/** @param {string} text @returns {number | null} the value of a decimal or a fraction */
export function numberOf(text) {
  const fraction = FRACTION.exec(text);
  if (fraction) return Number(fraction[2]) ? Number(fraction[1]) / Number(fraction[2]) : null;
  return NUMBER.test(text) ? Number(text) : null;
}

/** @param {string} text @returns {number | null} */
function sizeOf(text) {
  const found = SIZE.exec(text);
  if (!found) return null;
  const unit = (found[2] ?? '').toLowerCase();
  return Number(found[1]) * (unit.endsWith('i') ? 1024 : 1000) ** POWERS[unit.replace('i', '')];
}

/** @param {Option} option @returns {string} the range in words, or "" */
export function rangeOf(option) {
  if (option.range) return option.range;
  const { low = null, high = null, unit = '' } = option;
  const end = unit && unit !== 'bytes' ? ` ${unit}` : '';
  if (low !== null && high !== null) return `from ${low} to ${high}${end}`;
  if (low !== null) return `at least ${low}${end}`;
  return high === null ? '' : `at most ${high}${end}`;
}

/** @param {any} value @returns {string} as a person reads and edits it */
export function showValue(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

/** @param {string} name of an option @returns {string} such as "Flow scale" */
export function labelOf(name) {
  const words = name.replace(/^_+|_+$/g, '').replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
