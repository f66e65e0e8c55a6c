// The search and the list of shortcuts, which load when they are first opened.
import { Dialog } from '../ui/dialog.js';
import { lazy } from '../ui/lazy.js';
import { html, signal, use } from './view.js';

export const isPaletteOpen = signal(false);
export const areShortcutsOpen = signal(false);

const Palette = lazy(() => import('./palette.js'), 'Palette', '', Unloaded);
const ShortcutList = lazy(() => import('./shortcut_list.js'), 'ShortcutList', '', Unloaded);

/** Whichever of them is open. */
export function OpenDialogs() {
  return html`${use(isPaletteOpen) && html`<${Palette} onClose=${() => (isPaletteOpen.value = false)} />`}
    ${use(areShortcutsOpen) && html`<${ShortcutList} onClose=${() => (areShortcutsOpen.value = false)} />`}`;
}

/** A dialog whose code cannot be loaded. @param {{onClose: () => void, children?: any}} props */
export function Unloaded({ onClose, children }) {
  return html`<${Dialog} title="Not available" onClose=${onClose}><div>${children}</div><//>`;
}
