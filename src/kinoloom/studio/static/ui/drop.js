// Where files are dropped or chosen; pasted files arrive here, too.
import { html, useEffect, useRef, useState } from '../app/view.js';
import { Button } from './basics.js';
import { Icon } from './icons.js';

/**
 * An area that takes files: dropped on it, pasted anywhere, or chosen.
 * @param {{onFiles: (files: File[]) => void, accept?: string, children?: any, text?: string,
 *   disabled?: string, takesPaste?: boolean}} props
 *   children: shown instead of the usual text, and still an area to drop on
 */
export function Drop({ onFiles, accept, children, text = 'Drop files here, or paste them', disabled, takesPaste = true }) {
  const [depth, setDepth] = useState(0);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const take = (/** @type {FileList | null | undefined} */ list) => {
    const files = [...(list ?? [])];
    if (files.length && !disabled) onFiles(files);
  };
  useEffect(() => {
    if (!takesPaste) return;
    const paste = (/** @type {ClipboardEvent} */ event) => take(event.clipboardData?.files);
    window.addEventListener('paste', paste);
    return () => window.removeEventListener('paste', paste);
  }, [takesPaste, disabled, onFiles]);
  const isOver = depth > 0 && !disabled;
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files');
  return html`<div class="drop ${isOver ? 'over' : ''} ${children ? 'around' : ''}"
    onDragEnter=${(/** @type {DragEvent} */ event) => hasFiles(event) && (event.preventDefault(), setDepth(depth + 1))}
    onDragOver=${(/** @type {DragEvent} */ event) => hasFiles(event) && event.preventDefault()}
    onDragLeave=${() => setDepth(Math.max(0, depth - 1))}
    onDrop=${(/** @type {DragEvent} */ event) => {
      event.preventDefault();
      setDepth(0);
      take(event.dataTransfer?.files);
    }}>
    ${
      children ??
      html`<${Icon} name="upload" size="24" /><p>${disabled ?? text}</p>
        <${Button} disabled=${disabled} onClick=${() => input.current?.click()}>Choose files<//>
        <input ref=${input} class="sr" type="file" multiple accept=${accept} tabindex="-1"
          aria-label="Choose files" onChange=${(/** @type {any} */ event) => (take(event.target.files), (event.target.value = ''))} />`
    }
    ${isOver && children && html`<div class="drop-veil" aria-hidden="true"><${Icon} name="upload" size="24" /> ${text}</div>`}
  </div>`;
}
