// The theme: the system's, or the one that the person has chosen in this browser.
import { computed, signal } from 'signals';

/** @typedef {'system' | 'light' | 'dark'} Choice */

const KEY = 'kinoloom-theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const system = signal(dark.matches ? 'dark' : 'light');
dark.addEventListener('change', () => {
  system.value = dark.matches ? 'dark' : 'light';
});

/** What the person has chosen. */
export const choice = signal(readChoice());
/** The theme that is shown: "light" or "dark". */
export const theme = computed(() => (choice.value === 'system' ? system.value : choice.value));

/** @returns {Choice} */
function readChoice() {
  const stored = localStorage.getItem(KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

/** @param {Choice} chosen */
export function choose(chosen) {
  if (chosen === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, chosen);
  choice.value = chosen;
}

/** Change to the other theme; back to the system's where that is the same. */
export function toggle() {
  const next = theme.value === 'dark' ? 'light' : 'dark';
  choose(next === system.value ? 'system' : next);
}

window.addEventListener('storage', (event) => {
  if (event.key === KEY) choice.value = readChoice();
});
choice.subscribe((chosen) => {
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
});
