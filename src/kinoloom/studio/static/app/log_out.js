// Ends the session of this browser.
import { reportLost, whenBack } from './connection.js';
import { isLost } from './load.js';
import { request, send } from './request.js';
import { toastError } from './toasts.js';
import { signal } from './view.js';

export const isLoggedOut = signal(false);

/** Log out; where people log in by name, their page follows. */
export async function logOut() {
  try {
    await request('POST', '/api/logout');
  } catch (error) {
    if (!isLost(error)) {
      toastError(error);
      return;
    }
  }
  try {
    await send('HEAD', '/');
    location.assign('/');
  } catch {
    isLoggedOut.value = true;
    reportLost('login');
    whenBack(() => location.reload());
  }
}
