// What the trash of the folders holds, and emptying it.
import { Button, Failure } from '../../ui/basics.js';
import { Dialog } from '../../ui/dialog.js';
import { showBytes, showCount } from '../../ui/texts.js';
import { request } from '../request.js';
import { toast } from '../toasts.js';
import { html, useEffect, useState } from '../view.js';

/** @param {{onClose: () => void}} props */
export function TrashDialog({ onClose }) {
  const [held, setHeld] = useState(/** @type {{files: number, bytes: number} | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const read = () => {
    setError(null);
    request('GET', '/api/trash').then(setHeld, setError);
  };
  useEffect(read, []);
  const empty = async () => {
    setBusy(true);
    try {
      const { bytes } = await request('DELETE', '/api/trash');
      toast(`The trash is empty: ${showBytes(bytes)} freed.`, { kind: 'good' });
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const actions = html`<${Button} onClick=${onClose}>Close<//>
    <${Button} kind="danger" icon="remove" busy=${isBusy} disabled=${!held?.files && 'There is nothing to delete'}
      onClick=${empty}>${held?.files ? `Empty the trash, ${showBytes(held.bytes)}` : 'Empty the trash'}<//>`;
  return html`<${Dialog} title="Trash" onClose=${onClose} actions=${actions}>
    <div class="rows">
      ${Boolean(error) && html`<${Failure} error=${error} retry=${read} />`}
      ${!error && !held && html`<p class="soft" role="status">Reading the trash…</p>`}
      ${held && html`<p role="status">${held.files ? `${showCount(held.files)} ${held.files === 1 ? 'file' : 'files'}, ${showBytes(held.bytes)}.` : 'The trash is empty.'}</p>`}
      <p class="soft">Emptying it deletes these files: they cannot be restored.</p>
    </div>
  <//>`;
}
