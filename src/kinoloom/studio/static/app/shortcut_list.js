// The list of keyboard shortcuts, opened by "?".
import { Dialog } from '../ui/dialog.js';
import { shortcuts, showCombo } from './keys.js';
import { html, use } from './view.js';

/** The list. @param {{onClose: () => void}} props */
export function ShortcutList({ onClose }) {
  const all = use(shortcuts);
  const groups = Map.groupBy(all, (one) => one.group);
  return html`<${Dialog} title="Keyboard shortcuts" onClose=${onClose}>
    <div class="shortcuts">
      ${[...groups].reverse().map(
        ([group, list]) => html`<h3 key=${group}>${group}</h3>
          ${list.map(
            (one) => html`<span>${one.label}</span>
              <span class="combo">${showCombo(one.combo).map((key) => html`<kbd>${key}</kbd>`)}</span>`,
          )}`,
      )}
    </div>
  <//>`;
}
