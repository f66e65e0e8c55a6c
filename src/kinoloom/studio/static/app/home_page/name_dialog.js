// Asks for the name of a file or folder.
import { Button } from '../../ui/basics.js';
import { Dialog } from '../../ui/dialog.js';
import { describeError } from '../toasts.js';
import { html, useRef, useState } from '../view.js';

/**
 * @param {{title: string, name: string, verb: string, save: (name: string) => Promise<any>,
 *   onClose: () => void}} props
 */
export function NameDialog({ title, name, verb, save, onClose }) {
  const [text, setText] = useState(name);
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const given = text.trim();
    const reason = !given ? 'A name is needed.' : given.includes('/') ? 'A name cannot contain a slash.' : '';
    setError(reason);
    if (reason || given === name) return reason || onClose();
    setBusy(true);
    try {
      await save(given);
      onClose();
    } catch (failure) {
      const found = describeError(failure);
      setError(`${found.text} ${found.hint}`);
      setBusy(false);
    }
  };
  const isFirst = useRef(true);
  const selectStem = (/** @type {any} */ event) => {
    if (!isFirst.current) return;
    isFirst.current = false;
    const end = name.lastIndexOf('.');
    event.target.setSelectionRange(0, end > 0 ? end : name.length);
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <form class="rows" onSubmit=${submit}>
      <label class="rows"><span class="label">Name</span>
        <span class="input ${error ? 'wrong' : ''}"><input type="text" value=${text} autofocus autocomplete="off"
          spellcheck=${false} aria-invalid=${error ? 'true' : undefined} aria-describedby="name-error"
          onFocus=${selectStem} onInput=${(/** @type {any} */ event) => setText(event.target.value)} /></span>
      </label>
      <p id="name-error" class="field-error" role="alert">${error}</p>
      <div class="row home-end">
        <${Button} onClick=${onClose}>Cancel<//>
        <${Button} kind="primary" type="submit" busy=${isBusy} onClick=${() => {}}>${verb}<//>
      </div>
    </form>
  <//>`;
}
