// Uploads: files are sent in pieces and resume where they stopped, also after a reload.
import { connection } from '../connection.js';
import { RequestError, request } from '../request.js';
import { signal } from '../view.js';

/**
 * @typedef {'waiting' | 'sending' | 'done' | 'failed'} UploadState
 * @typedef {{id: number, file: File, folder: string, sent: number, state: UploadState,
 *   error: unknown, path: string, control: AbortController}} Upload
 */

const PIECE = 8 * 2 ** 20;
const AT_ONCE = 2;
const TRIES = 5;
let ids = 0;

export const uploads = signal(/** @type {Upload[]} */ ([]));

/**
 * Add files to a folder.
 * @param {File[]} files
 * @param {string} folder
 */
export function addFiles(files, folder) {
  const added = files.map((file) => ({
    ...{ id: ++ids, file, folder, sent: 0, state: /** @type {const} */ ('waiting') },
    ...{ error: null, path: '', control: new AbortController() },
  }));
  uploads.value = [...uploads.value.filter((one) => one.state !== 'done'), ...added];
  startNext();
}

/** @param {Upload} upload */
export function cancelUpload(upload) {
  upload.control.abort();
  uploads.value = uploads.value.filter((one) => one.id !== upload.id);
  if (upload.state !== 'done') request('DELETE', addressOf(upload)).catch(() => {});
  startNext();
}

/** @param {Upload} upload */
export function retryUpload(upload) {
  change(upload.id, { state: 'waiting', error: null, control: new AbortController() });
  startNext();
}

export function forgetEnded() {
  uploads.value = uploads.value.filter((one) => one.state !== 'done');
}

/** @param {number} id @param {Partial<Upload>} values */
function change(id, values) {
  uploads.value = uploads.value.map((one) => (one.id === id ? { ...one, ...values } : one));
}

function startNext() {
  const sending = uploads.value.filter((one) => one.state === 'sending').length;
  const waiting = uploads.value.filter((one) => one.state === 'waiting');
  for (const upload of waiting.slice(0, AT_ONCE - sending)) {
    change(upload.id, { state: 'sending' });
    run(upload);
  }
}

/** @param {Upload} upload */
async function run(upload) {
  try {
    const path = await sendPatiently(upload);
    change(upload.id, { state: 'done', sent: upload.file.size, path });
  } catch (error) {
    if (!upload.control.signal.aborted) change(upload.id, { state: 'failed', error });
  }
  startNext();
}

/** Send a file; wait while the server is away. @param {Upload} upload @returns {Promise<string>} */
async function sendPatiently(upload) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await sendFile(upload);
    } catch (error) {
      const isAway = error instanceof RequestError && error.status === 0;
      const isMoved = error instanceof RequestError && error.body?.offset !== undefined;
      if (isAway) await waitForServer(upload.control.signal);
      else if (!isMoved || tries >= TRIES) throw error;
    }
  }
}

/** @param {Upload} upload @returns {Promise<string>} the path of the file */
async function sendFile(upload) {
  const { file, control } = upload;
  const how = { signal: control.signal };
  const known = await request('GET', addressOf(upload), undefined, how);
  let at = known.total === file.size ? known.offset : 0;
  const hash = new Worker('/static/app/home_page/hash_worker.js', { type: 'module' });
  try {
    for (let done = 0; done < at; done += PIECE) hash.postMessage(file.slice(done, Math.min(at, done + PIECE)));
    for (;;) {
      const piece = file.slice(at, at + PIECE);
      hash.postMessage(piece);
      const isLast = at + piece.size >= file.size;
      const headers = { 'x-upload-offset': String(at), 'x-upload-total': String(file.size) };
      const digest = isLast ? await finish(hash) : '';
      const all = digest ? { ...headers, 'x-upload-sha256': digest } : headers;
      const answer = await request('PUT', addressOf(upload), piece, { ...how, headers: all });
      at += piece.size;
      change(upload.id, { sent: at });
      if (answer.path) return answer.path;
      if (isLast) throw new Error(`The studio did not receive all of ${file.name}.`);
    }
  } finally {
    hash.terminate();
  }
}

/** @param {Worker} hash @returns {Promise<string>} the digest, or "" if it cannot be computed */
function finish(hash) {
  return new Promise((resolve) => {
    hash.onmessage = ({ data }) => resolve(data);
    hash.onerror = () => resolve('');
    hash.postMessage(null);
  });
}

/** @param {AbortSignal} stop @returns {Promise<void>} */
function waitForServer(stop) {
  return new Promise((resolve, reject) => {
    const end = connection.subscribe((now) => {
      if (now === 'ok') queueMicrotask(() => (end(), resolve()));
    });
    stop.addEventListener('abort', () => (end(), reject(stop.reason)), { once: true });
  });
}

/** @param {Upload} upload */
function addressOf({ folder, file }) {
  const parts = [...(folder ? folder.split('/') : []), file.name];
  return `/api/upload/${parts.map(encodeURIComponent).join('/')}`;
}
