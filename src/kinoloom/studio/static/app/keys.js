// Keyboard shortcuts, listed by "?".
import { signal } from 'signals';

/** @typedef {{combo: string, label: string, fn: (event: KeyboardEvent) => void, group: string}} Shortcut */

/** All shortcuts that work now; the newest of equal ones wins. */
export const shortcuts = signal(/** @type {Shortcut[]} */ ([]));
export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

const NAMES = /** @type {Record<string, string>} */ ({
  ' ': 'space',
  arrowleft: 'left',
  arrowright: 'right',
  arrowup: 'up',
  arrowdown: 'down',
  escape: 'esc',
});
const SHOWN = /** @type {Record<string, string>} */ ({
  left: '←',
  right: '→',
  up: '↑',
  down: '↓',
  ctrl: isMac ? '⌘' : 'Ctrl',
  alt: isMac ? '⌥' : 'Alt',
  shift: 'Shift',
  space: 'Space',
  esc: 'Esc',
  enter: 'Enter',
  delete: 'Del',
});

/**
 * Add a shortcut, such as "ctrl+k", "shift+left", "?", "space". Ctrl is Command on a Mac.
 * @param {string} combo
 * @param {string} label what it does, for the list
 * @param {(event: KeyboardEvent) => void} fn
 * @param {string} [group] heading in the list
 * @returns {() => void} removes it
 */
export function addShortcut(combo, label, fn, group = 'Everywhere') {
  const shortcut = { combo: normalise(combo), label, fn, group };
  shortcuts.value = [...shortcuts.value, shortcut];
  return () => {
    shortcuts.value = shortcuts.value.filter((one) => one !== shortcut);
  };
}

/** @param {string} combo @returns {string[]} its keys, as they are shown */
export function showCombo(combo) {
  const parts = combo === '+' ? ['+'] : normalise(combo).split('+');
  return parts.map((part) => SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}

/** @param {string} combo */
function normalise(combo) {
  if (combo === '+') return combo;
  const parts = combo.toLowerCase().split('+');
  const key = parts.pop() ?? '';
  return [...['ctrl', 'alt', 'shift'].filter((one) => parts.includes(one)), NAMES[key] ?? key].join('+');
}

/** @param {KeyboardEvent} event */
function comboOf(event) {
  const key = event.key.toLowerCase();
  const name = NAMES[key] ?? key;
  // A character such as "?" already says that Shift is pressed.
  const isCharacter = name.length === 1 && !/[a-z0-9]/.test(name);
  const parts = [
    (event.ctrlKey || event.metaKey) && 'ctrl',
    event.altKey && 'alt',
    event.shiftKey && !isCharacter && 'shift',
    name,
  ];
  return parts.filter(Boolean).join('+');
}

/** @param {EventTarget | null} target @param {string} combo */
function isTaken(target, combo) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('dialog') && !combo.startsWith('ctrl+')) return true;
  if (target.closest('input, textarea, select, [contenteditable="true"]')) {
    return !combo.startsWith('ctrl+') && combo !== 'esc';
  }
  const isPress = combo === 'space' || combo === 'enter';
  if (isPress) return target.closest('button, a, summary, [role="option"], [role="tab"]') !== null;
  return false;
}

window.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const combo = comboOf(event);
  if (isTaken(event.target, combo)) return;
  const found = shortcuts.value.findLast((one) => one.combo === combo);
  if (!found) return;
  event.preventDefault();
  found.fn(event);
});
