// The search and the list of shortcuts, which load when they are first opened.
import { lazy } from '../ui/lazy.js';
import { html, signal, use } from './view.js';

export const isPaletteOpen = signal(false);
export const areShortcutsOpen = signal(false);

const Palette = lazy(() => import('./palette.js'), 'Palette');
const ShortcutList = lazy(() => import('./shortcut_list.js'), 'ShortcutList');

/** Whichever of them is open. */
export function OpenDialogs() {
  return html`${use(isPaletteOpen) && html`<${Palette} />`}
    ${use(areShortcutsOpen) && html`<${ShortcutList} />`}`;
}
