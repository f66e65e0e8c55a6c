// Short messages at the edge of the window.
import { signal } from 'signals';

/**
 * @typedef {{label: string, fn: () => void}} Action
 * @typedef {{id: number, text: string, hint: string, kind: '' | 'good' | 'warn' | 'bad', action?: Action}} Toast
 */

export const toasts = signal(/** @type {Toast[]} */ ([]));
const SHOWN = 4;
let ids = 0;

/**
 * Show a message. Errors, and messages with an action, stay until they are closed.
 * @param {string} text
 * @param {{kind?: '' | 'good' | 'warn' | 'bad', action?: Action, hint?: string}} [how]
 * @returns {() => void} closes it
 */
export function toast(text, { kind = '', action, hint = '' } = {}) {
  const id = ++ids;
  const isRepeated = (/** @type {Toast} */ one) => one.text === text && one.kind === kind;
  const kept = toasts.value.filter((one) => !isRepeated(one));
  toasts.value = [...kept, { id, text, hint, kind, action }].slice(-SHOWN);
  return () => close(id);
}

/** @param {number} id */
export function close(id) {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

/**
 * Show an error as a message; what was cancelled on purpose is none.
 * @param {unknown} error
 */
export function toastError(error) {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  const { text, hint } = describeError(error);
  toast(text, { kind: 'bad', hint });
}

/**
 * Return the sentence of an error, and what to do.
 * @param {unknown} error
 */
export function describeError(error) {
  if (error && typeof error === 'object' && 'error' in error) {
    const { error: text, hint = '' } = /** @type {{error: string, hint?: string}} */ (error);
    return { text, hint };
  }
  return { text: error instanceof Error ? error.message : String(error), hint: '' };
}
