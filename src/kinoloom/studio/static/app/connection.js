// Whether the server answers. While it does not, it is asked again until it does.
import { signal } from 'signals';

/** What the server says a browser must do to log in, or "". */
export const loginHint = signal('');
/** "ok"; "gone": the server does not answer; "login": this browser is not logged in. */
export const connection = signal(/** @type {'ok' | 'gone' | 'login'} */ ('ok'));

const RETRY_MS = 1500;
/** @type {Set<() => void>} */
const onBack = new Set();
let timer = 0;

/**
 * Call a function each time the server answers again.
 * @param {() => void} back
 * @returns {() => void} removes it
 */
export function whenBack(back) {
  onBack.add(back);
  return () => onBack.delete(back);
}

/** @param {'gone' | 'login'} state what a request found @param {string} [hint] of the server */
export function reportLost(state, hint = '') {
  if (hint) loginHint.value = hint;
  connection.value = state;
  schedule();
}

/** Ask the server at once whether it answers. */
export async function probe() {
  window.clearTimeout(timer);
  timer = 0;
  if (document.hidden) return;
  try {
    const answer = await fetch('/static/icon.svg', { method: 'HEAD' });
    settle(answer.status === 401 ? 'login' : answer.status >= 502 ? 'gone' : 'ok');
  } catch {
    settle('gone');
  }
}

/** @param {'ok' | 'gone' | 'login'} state */
function settle(state) {
  const wasLost = connection.value !== 'ok';
  connection.value = state;
  if (state !== 'ok') schedule();
  else if (wasLost) for (const back of onBack) back();
}

function schedule() {
  if (!timer && !document.hidden) timer = window.setTimeout(probe, RETRY_MS);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && connection.value !== 'ok') probe();
});
window.addEventListener('online', () => connection.value !== 'ok' && probe());
