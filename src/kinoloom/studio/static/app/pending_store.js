// Changes that the server does not have yet, kept in the browser for the case that the tab ends.

const PREFIX = 'kinoloom-pending';
const DIGITS = 9;
const tab = Math.random().toString(36).slice(2);
let count = 0;

/** The pending changes of one document; each has an entry of its own, so that writing one is cheap. */
export class PendingStore {
  /** @param {string} name of the document */
  constructor(name) {
    this.prefix = `${PREFIX}/${name}/`;
    /** The entry of each change of this tab. @type {Map<string, string>} */
    this.entries = new Map();
  }

  /**
   * Take over what closed tabs could not send, in the order in which it was written.
   * @returns {{key: string, change: any}[]}
   */
  adopt() {
    const entries = Object.keys(localStorage).filter((entry) => entry.startsWith(this.prefix));
    return entries.sort().map((entry) => {
      const { key, change } = JSON.parse(localStorage.getItem(entry) ?? '{}');
      this.entries.set(key, entry);
      return { key, change };
    });
  }

  /** @param {string} key @param {any} change */
  add(key, change) {
    // Sorted as they were written, over all tabs.
    const entry = `${this.prefix}${Date.now()}-${String(++count).padStart(DIGITS, '0')}-${tab}`;
    try {
      localStorage.setItem(entry, JSON.stringify({ key, change }));
      this.entries.set(key, entry);
    } catch (error) {
      // No room: the change is still sent, but would be lost with the tab.
      if (!(error instanceof DOMException)) throw error;
    }
  }

  /** @param {string} key */
  remove(key) {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    localStorage.removeItem(entry);
  }
}
