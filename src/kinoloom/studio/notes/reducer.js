// Applies changes to notes as page.py does.

/** @param {any} note @param {any} change @returns {any} */
export function apply(note, change) {
  if (change.type === 'title') return { ...note, title: change.text };
  const paragraphs = [...note.paragraphs];
  const find = (/** @type {string} */ id) => paragraphs.findIndex((one) => one.id === id);
  const place = find(change.id);
  if (change.type === 'insert' && place < 0) {
    paragraphs.splice(find(change.after) + 1, 0, { id: change.id, text: change.text });
  } else if (change.type === 'edit' && place >= 0) {
    paragraphs[place] = { ...paragraphs[place], text: change.text };
  } else if (change.type === 'remove' && place >= 0) {
    paragraphs.splice(place, 1);
  }
  return { ...note, paragraphs };
}
