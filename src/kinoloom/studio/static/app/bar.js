// What a page shows in the bar at the top: its title, tags and actions.
import { signal } from 'signals';

/** @typedef {{title?: string, tags?: any, actions?: any}} Bar */

export const bar = signal(/** @type {Bar} */ ({}));
