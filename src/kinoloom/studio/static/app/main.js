// The entry of the client: starts the shell.
import { followJobs } from './job_list.js';
import { addShortcut } from './keys.js';
import { areShortcutsOpen, isPaletteOpen } from './open_dialogs.js';
import { RequestError } from './request.js';
import { Shell } from './shell.js';
import { readState } from './state.js';
import { toggle } from './theme.js';
import { toastError } from './toasts.js';
import { html, render } from './view.js';

window.addEventListener('error', (event) => event.error && toastError(event.error));
window.addEventListener('unhandledrejection', (event) => {
  const { reason } = event;
  const isAbort = reason instanceof DOMException && reason.name === 'AbortError';
  // The person sees these; anything else also belongs into the browser's console.
  if (reason instanceof RequestError || isAbort) event.preventDefault();
  if (!(reason instanceof RequestError && [0, 401].includes(reason.status))) toastError(reason);
});

addShortcut('ctrl+k', 'Find a file, a page, a thing to do', () => (isPaletteOpen.value = true));
addShortcut('?', 'List keyboard shortcuts', () => (areShortcutsOpen.value = true));
addShortcut('ctrl+shift+l', 'Switch between light and dark', toggle);

const host = document.getElementById('app');
if (host) render(html`<${Shell} />`, host);
readState();
followJobs();
