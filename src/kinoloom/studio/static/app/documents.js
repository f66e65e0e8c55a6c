// Documents: a state that is edited by changes. A change is shown at once, kept in the browser
// until the server has stored it, and sent again after a disconnection; its key makes that
// harmless. "kept" is true only when the server has everything.
import { batch, signal } from 'signals';
import { connection, whenBack } from './connection.js';
import { listen } from './events.js';
import { RequestError, request } from './request.js';
import { PendingStore } from './pending_store.js';
import { toastError } from './toasts.js';

/**
 * @typedef {{key: string, change: any, resolve: (value: any) => void,
 *   reject: (error: unknown) => void}} Pending
 * @typedef {{verb: 'undo' | 'redo', keys: string[], done: Promise<void>}} Steps
 * @typedef {{seq: number, key: string, change: any, person?: string, time?: number, state?: any}} Applied
 */

const GAP_MS = 500;
/** Events that arrive within this time are shown together. */
const GATHER_MS = 16;
/** Undos or redos in one request. */
const MAX_STEPS = 1000;

/** One document of a page, open in this tab. */
export class OpenDocument {
  /**
   * @param {string} page @param {string} kind @param {string} name
   * @param {(state: any, change: any) => any} reduce the reducer that the server applies, too
   */
  constructor(page, kind, name, reduce) {
    this.path = `/api/documents/${[page, kind, name].map(encodeURIComponent).join('/')}`;
    this.store = new PendingStore(`${page}/${kind}/${name}`);
    this.reduce = reduce;
    /** What is shown: null until it has been read. */
    this.state = signal(/** @type {any} */ (null));
    /** The number of the newest change of the server that is shown. */
    this.seq = signal(0);
    /** Whether the server has stored every change of this tab. */
    this.kept = signal(true);
    /** The last change that the server rejected. */
    this.rejected = signal(/** @type {{change: any, error: string} | null} */ (null));
    /** @type {any} */
    this.confirmed = null;
    this.isRead = false;
    this.isSending = false;
    this.isClosed = false;
    /** @type {Map<number, Applied>} */
    this.inbox = new Map();
    this.gapTimer = 0;
    this.gatherTimer = 0;
    /** @type {Pending[]} */
    this.pending = [];
    /** @type {Steps[]} */
    this.steps = [];
    this.stepping = Promise.resolve();
    this.adopt();
    const read = () => void this.read().catch(toastError);
    const topic = `doc:${page}/${kind}/${name}`;
    const stopListening = listen(topic, (data) => this.gather(data), read);
    const stopWaiting = whenBack(read);
    this.stop = () => (stopListening(), stopWaiting());
  }

  /** Take over the changes that a closed tab could not send. */
  adopt() {
    for (const { key, change } of this.store.adopt()) {
      this.pending.push({ key, change, resolve: () => {}, reject: toastError });
    }
    this.kept.value = this.pending.length === 0;
  }

  /** Read the state from the server. */
  async read() {
    const { seq, state } = await request('GET', this.path);
    if (this.isClosed || (this.isRead && seq < this.seq.value)) return;
    this.isRead = true;
    this.reset(seq, state);
    this.send();
  }

  /** @param {number} seq @param {any} state of the server */
  reset(seq, state) {
    for (const number of this.inbox.keys()) if (number <= seq) this.inbox.delete(number);
    this.confirmed = state;
    batch(() => {
      this.seq.value = seq;
      this.show();
    });
    this.take([]);
  }

  show() {
    this.state.value = this.pending.reduce((state, one) => this.reduce(state, one.change), this.confirmed);
  }

  /** Take a change of the server, with those that arrive at nearly the same time. @param {Applied} one */
  gather(one) {
    if (one.seq > this.seq.value) this.inbox.set(one.seq, one);
    if (this.gatherTimer || !this.inbox.size) return;
    this.gatherTimer = window.setTimeout(() => {
      this.gatherTimer = 0;
      this.take([]);
    }, GATHER_MS);
  }

  /**
   * Apply changes of the server, in the order of their numbers.
   * @param {Applied[]} arrived
   */
  take(arrived) {
    for (const one of arrived) if (one.seq > this.seq.value) this.inbox.set(one.seq, one);
    if (!this.isRead) return;
    let seq = this.seq.value;
    for (let next = this.inbox.get(seq + 1); next; next = this.inbox.get(seq + 1)) {
      const { key, change, state } = next;
      // An undo of a document without inverses: only the server can compute the state.
      if (state === undefined && change === null) break;
      this.confirmed = state === undefined ? this.reduce(this.confirmed, change) : state;
      this.settle(key);
      this.inbox.delete(++seq);
    }
    if (seq !== this.seq.value) {
      batch(() => {
        this.seq.value = seq;
        this.show();
      });
    }
    window.clearTimeout(this.gapTimer);
    // The missing ones may be on their way; otherwise only the state itself helps.
    const isReady = this.inbox.has(seq + 1);
    const reread = () => this.inbox.size && this.read().catch(toastError);
    if (this.inbox.size) this.gapTimer = window.setTimeout(reread, isReady ? 0 : GAP_MS);
  }

  /** @param {string} key of a change that the server has stored */
  settle(key) {
    const done = this.pending.find((one) => one.key === key);
    if (!done) return;
    this.drop(done);
    done.resolve(undefined);
  }

  /** @param {Pending} done a change that need not be sent any more */
  drop(done) {
    this.pending = this.pending.filter((one) => one !== done);
    this.store.remove(done.key);
    this.kept.value = this.pending.length === 0;
  }

  /**
   * Make a change; it is shown at once.
   * @param {any} change
   * @returns {Promise<void>} resolved when the server has stored it
   */
  change(change) {
    const key = crypto.getRandomValues(new Uint32Array(4)).join('-');
    return new Promise((resolve, reject) => {
      this.pending.push({ key, change, resolve, reject });
      this.store.add(key, change);
      this.kept.value = false;
      if (this.isRead) this.state.value = this.reduce(this.state.value, change);
      this.send();
    });
  }

  /** Send what the server does not have. */
  async send() {
    if (this.isSending || !this.isRead) return;
    this.isSending = true;
    try {
      for (let count = 50; this.pending.length && !this.isClosed; ) {
        count = (await this.sendSome(this.pending.slice(0, count))) ? 50 : 1;
      }
    } catch (error) {
      // The connection is lost: `read` sends them again when the server is back.
      if (connection.value === 'ok') toastError(error);
    } finally {
      this.isSending = false;
    }
  }

  /**
   * @param {Pending[]} some
   * @returns {Promise<boolean>} false: one of several was rejected, send them one by one
   */
  async sendSome(some) {
    const changes = some.map(({ key, change }) => ({ key, seq: this.seq.value, change }));
    try {
      const { applied } = await request('POST', `${this.path}/changes`, { changes });
      for (const { key } of some) this.settle(key);
      this.take(applied);
      return true;
    } catch (error) {
      if (!(error instanceof RequestError) || ![403, 409, 422].includes(error.status)) throw error;
      if (some.length > 1) return false;
      this.reject(some[0], error);
      return true;
    }
  }

  /** @param {Pending} one @param {RequestError} error */
  reject(one, error) {
    this.drop(one);
    this.rejected.value = { change: one.change, error: error.error };
    if (error.body && 'state' in error.body) this.reset(error.body.seq, error.body.state);
    else this.show();
    one.reject(error);
  }

  undo() {
    return this.step('undo');
  }

  redo() {
    return this.step('redo');
  }

  /**
   * Undo or redo; steps that wait for the server are sent together.
   * @param {'undo' | 'redo'} verb
   * @returns {Promise<void>}
   */
  step(verb) {
    const key = crypto.getRandomValues(new Uint32Array(4)).join('-');
    const last = this.steps.at(-1);
    if (last?.verb === verb && last.keys.length < MAX_STEPS) {
      last.keys.push(key);
      return last.done;
    }
    const some = { verb, keys: [key], done: Promise.resolve() };
    some.done = this.stepping.then(() => this.sendSteps(some));
    this.steps.push(some);
    this.stepping = some.done.catch(() => {}); // who has called `step` gets the error
    return some.done;
  }

  /** @param {Steps} some */
  async sendSteps(some) {
    while (this.pending.length && connection.value === 'ok') await this.whenKept();
    this.steps = this.steps.filter((one) => one !== some);
    const answer = await request('POST', `${this.path}/${some.verb}`, { keys: some.keys });
    if (answer.applied.length) this.take(answer.applied);
    else await this.read();
  }

  /** @returns {Promise<void>} */
  whenKept() {
    return new Promise((resolve) => {
      const stop = this.kept.subscribe((kept) => {
        if (!kept) return;
        queueMicrotask(() => stop());
        resolve();
      });
    });
  }

  close() {
    this.isClosed = true;
    window.clearTimeout(this.gapTimer);
    window.clearTimeout(this.gatherTimer);
    this.stop();
  }
}
