// A text of which only the paragraphs around the visible part are in the document.
const WINDOW_WORDS = 1000;
const PARAGRAPH_WORDS = 60;
const SHOWN = Math.ceil(WINDOW_WORDS / PARAGRAPH_WORDS);
const HEIGHT = 108;

/** The number of words of each paragraph; an edited one is another object. */
const counts = new WeakMap();
const countWords = (paragraph) => {
  let count = counts.get(paragraph);
  if (count === undefined) counts.set(paragraph, (count = paragraph.text.split(' ').length));
  return count;
};

const reduce = (state, change) => {
  if (change.type === 'fill') return { paragraphs: change.paragraphs };
  const paragraphs = [...state.paragraphs];
  const place = paragraphs.findIndex((one) => one.id === change.id);
  if (place >= 0) paragraphs[place] = { ...paragraphs[place], text: change.text };
  return { paragraphs };
};

export function mount(host, studio) {
  const { html, hooks, ui } = studio;
  const { useEffect, useLayoutEffect, useMemo, useRef, useState } = hooks;
  const name = studio.params.value.name ?? 'talk';
  const words = Number(studio.params.value.words ?? 10000);

  function Page() {
    const doc = useMemo(() => studio.document('text', name, { reduce }), []);
    const [state, kept] = [studio.use(doc.state), studio.use(doc.kept)];
    const [first, setFirst] = useState(0);
    const box = useRef(null);
    useEffect(() => {
      studio.call('generate', { words, name }).catch(studio.toastError);
      const remove = studio.keys('ctrl+z', 'Undo', () => void doc.undo().catch(studio.toastError));
      return () => (remove(), doc.close());
    }, []);
    const paragraphs = state?.paragraphs ?? [];
    const count = paragraphs.reduce((sum, one) => sum + countWords(one), 0);
    const start = Math.max(0, Math.min(first, paragraphs.length - SHOWN));
    const edit = (id, text) => {
      const was = doc.state.value.paragraphs.find((one) => one.id === id).text;
      doc.change({ type: 'edit', id, text, was }).catch(studio.toastError);
    };
    const undoAll = async () => {
      const begin = performance.now();
      await Promise.all(Array.from({ length: 1000 }, () => doc.undo()));
      host.dataset.undoMs = String(Math.round(performance.now() - begin));
    };
    const scroll = (event) => setFirst(Math.max(0, Math.floor(event.target.scrollTop / HEIGHT) - 4));
    return html`<link rel="stylesheet" href="/pages/words/words.css" />
      <h2>A long text</h2>
      <p class="row wrap"><span role="status">${count.toLocaleString('en')} words. ${kept ? 'All changes kept' : 'Keeping changes…'}</span>
        <${ui.Button} onClick=${() => doc.undo().catch(studio.toastError)}>Undo<//>
        <${ui.Button} onClick=${() => undoAll().catch(studio.toastError)}>Undo a thousand times<//></p>
      <div class="words-scroll" ref=${box} onScroll=${scroll} tabindex="0" role="region" aria-label="Text">
        <div class="words-space" style=${{ '--space': `${paragraphs.length * HEIGHT}px` }}>
          ${paragraphs.slice(start, start + SHOWN).map((one, k) => html`<${Paragraph} key=${one.id} one=${one}
            number=${start + k} edit=${edit} />`)}
        </div>
      </div>`;
  }

  function Paragraph({ one, number, edit }) {
    return useMemo(
      () => html`<textarea class="words-paragraph" style=${{ '--top': `${number * HEIGHT}px` }}
        aria-label=${`Paragraph ${number + 1}`} value=${one.text}
        onInput=${(event) => edit(one.id, event.target.value)}></textarea>`,
      [one, number],
    );
  }

  studio.render(html`<${Page} />`, host);
  return () => studio.render(null, host);
}
