// The page Notes: a list of notes, and one note that several people may write at the same time.
import { apply } from './reducer.js';

/** @typedef {import('../static/app/types.js').Studio} Studio */

const PAUSE_MS = 400;

/** @param {Element} host @param {Studio} studio */
export function mount(host, studio) {
  const { html, hooks, ui } = studio;
  const { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } = hooks;

  const kept = studio.signal(0);

  function Page() {
    const { note } = studio.use(studio.params);
    return html`<link rel="stylesheet" href="/pages/notes/notes.css" />
      <div class="notes">
        <${Names} chosen=${note} />
        ${
          note
            ? html`<${Note} key=${note} name=${note} />`
            : html`<${ui.Empty} icon="edit" title="No note is open">
                <p>Open a note from the list, or write a new one.</p>
              <//>`
        }
      </div>`;
  }

  /** @param {{chosen?: string}} props */
  function Names({ chosen }) {
    const [notes, setNotes] = useState(/** @type {any[] | null} */ (null));
    const [name, setName] = useState('');
    const read = useCallback(() => {
      const path = '/api/documents/notes/note';
      studio.request('GET', path).then((answer) => setNotes(answer.documents), studio.toastError);
    }, []);
    useEffect(read, [chosen, studio.use(kept)]);
    const open = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (name.trim()) studio.setParams({ note: name.trim() });
      setName('');
    };
    return html`<${ui.Card} title="Notes" class="notes-names">
      <form class="row" onSubmit=${open}>
        <input class="notes-input grow" aria-label="Name of a new note" placeholder="New note…"
          maxlength="100" value=${name}
          onInput=${(/** @type {any} */ event) => setName(event.target.value)} />
        <${ui.Button} type="submit" icon="add" onClick=${open}>Write<//>
      </form>
      <ul class="notes-list">
        ${notes?.map(
          (one) => html`<li key=${one.name}>
            <a href=${studio.address('notes', { note: one.name })}
              aria-current=${one.name === chosen ? 'page' : undefined}>
              <span class="cut-short strong">${one.name}</span>
              <span class="small n">${one.person}, ${new Date(one.time * 1000).toLocaleString()}</span>
            </a>
          </li>`,
        )}
      </ul>
      ${notes?.length === 0 && html`<p class="soft">There are no notes yet.</p>`}
    <//>`;
  }

  /** @param {{name: string}} props */
  function Note({ name }) {
    const doc = useMemo(() => studio.document('note', name, { reduce: apply }), []);
    const drafts = useMemo(() => studio.signal(0), []);
    const [state, isStored, rejected, drafted] = [doc.state, doc.kept, doc.rejected, drafts].map(studio.use);
    const isKept = isStored && drafted === 0;
    useEffect(() => void (isKept && kept.value++), [isKept]);
    const [isSeen, setSeen] = useState(/** @type {any} */ (null));
    useEffect(() => {
      const removers = [
        studio.keys('ctrl+z', 'Undo', () => void doc.undo().catch(studio.toastError)),
        studio.keys('ctrl+shift+z', 'Make the undone change again', () => void doc.redo().catch(studio.toastError)),
      ];
      return () => (removers.forEach((remove) => remove()), doc.close());
    }, []);
    if (!state) return html`<p class="soft" aria-busy="true">Reading the note…</p>`;
    const change = (/** @type {any} */ one) => void doc.change(one).catch(() => {}); // see `rejected`
    const add = () => {
      const id = crypto.getRandomValues(new Uint32Array(2)).join('-');
      change({ type: 'insert', id, after: state.paragraphs.at(-1)?.id ?? '', text: '' });
    };
    return html`<article class="rows" aria-label=${name}>
      <header class="row wrap">
        <h2 class="grow cut-short">${name}</h2>
        <span class="small" role="status">${isKept ? 'All changes kept' : 'Keeping changes…'}</span>
        <${ui.Button} kind="quiet" icon="undo" onClick=${() => doc.undo().catch(studio.toastError)}>Undo<//>
        <${ui.Button} kind="quiet" icon="redo" onClick=${() => doc.redo().catch(studio.toastError)}>Redo<//>
      </header>
      ${
        rejected &&
        rejected !== isSeen &&
        html`<${Conflict} rejected=${rejected} state=${state} onClose=${() => setSeen(rejected)} />`
      }
      <${Text} label="Title" text=${state.title} isTitle=${true} drafts=${drafts}
        onText=${(/** @type {string} */ text, /** @type {string} */ was) => change({ type: 'title', text, was })} />
      ${state.paragraphs.map(
        (/** @type {any} */ one, /** @type {number} */ number) => html`<div class="notes-paragraph row" key=${one.id}>
          <${Text} label=${`Paragraph ${number + 1}`} text=${one.text} drafts=${drafts}
            onText=${(/** @type {string} */ text, /** @type {string} */ was) =>
              change({ type: 'edit', id: one.id, text, was })} />
          <${ui.IconButton} icon="close" label=${`Remove paragraph ${number + 1}`}
            onClick=${() => change({ type: 'remove', id: one.id })} />
        </div>`,
      )}
      <div><${ui.Button} icon="add" onClick=${add}>Add a paragraph<//></div>
    </article>`;
  }

  /** @param {{rejected: any, state: any, onClose: () => void}} props */
  function Conflict({ rejected, state, onClose }) {
    const { change, error } = rejected;
    const theirs =
      change.type === 'title'
        ? state.title
        : state.paragraphs.find((/** @type {any} */ one) => one.id === change.id)?.text;
    return html`<section class="notes-conflict rows" role="alert" aria-label="Two versions">
      <p class="strong">${error}</p>
      ${change.text !== undefined && html`<p><span class="small">Yours: </span>${change.text}</p>`}
      <p><span class="small">Now: </span>${theirs ?? 'removed'}</p>
      <div><${ui.Button} onClick=${onClose}>Keep the present version<//></div>
    </section>`;
  }

  /**
   * A text that is changed after a pause, so that one undo takes back some words.
   * @param {{label: string, text: string, isTitle?: boolean, drafts: any,
   *   onText: (text: string, was: string) => void}} props
   *   drafts: a signal of the number of texts that are being written
   */
  function Text({ label, text, isTitle = false, drafts, onText }) {
    const [draft, setDraft] = useState(/** @type {string | null} */ (null));
    const latest = useRef({ draft, text, onText });
    latest.current = { draft, text, onText };
    const keep = useCallback(() => {
      const { draft: written, text: was, onText: report } = latest.current;
      if (written !== null && written !== was) report(written, was);
      setDraft(null);
    }, []);
    useEffect(() => {
      if (draft === null) return;
      const timer = window.setTimeout(keep, PAUSE_MS);
      return () => window.clearTimeout(timer);
    }, [draft]);
    const isDraft = draft !== null;
    useLayoutEffect(() => {
      // Not after the next frame: until then the page would say that all is kept.
      if (!isDraft) return;
      drafts.value += 1;
      return () => void (drafts.value -= 1);
    }, [isDraft]);
    useEffect(() => {
      window.addEventListener('pagehide', keep);
      return () => window.removeEventListener('pagehide', keep);
    }, []);
    const events = { onInput: (/** @type {any} */ event) => setDraft(event.target.value), onBlur: keep };
    const value = draft ?? text;
    return isTitle
      ? html`<input class="notes-input notes-title" aria-label=${label} placeholder="Title"
          maxlength="500" value=${value} ...${events} />`
      : html`<textarea class="notes-input grow" aria-label=${label} rows=${Math.max(1, Math.ceil(value.length / 80))}
          maxlength="20000" value=${value} ...${events}></textarea>`;
  }

  studio.render(html`<${Page} />`, host);
  return () => studio.render(null, host);
}
