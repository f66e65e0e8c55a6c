// Requests to the studio's server, with its errors as values of one class.
import { reportLost } from './connection.js';

const tab = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);

/** What the server, or the connection to it, answers instead of a value. */
export class RequestError extends Error {
  /**
   * @param {number} status of HTTP; 0: no answer
   * @param {string} error what is wrong
   * @param {string} hint what to do, or ""
   * @param {any} [body] the whole answer
   */
  constructor(status, error, hint, body) {
    super(error);
    this.name = 'RequestError';
    this.status = status;
    this.error = error;
    this.hint = hint;
    this.body = body;
  }
}

/**
 * Send a request and return its answer, if that is a success.
 * @param {string} method
 * @param {string} path
 * @param {any} [body] plain values, or a Blob or bytes
 * @param {{signal?: AbortSignal, headers?: Record<string, string>}} [options]
 * @returns {Promise<Response>}
 */
export async function send(method, path, body, { signal, headers = {} } = {}) {
  const isBytes = body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
  const isWrite = method !== 'GET' && method !== 'HEAD';
  const type = isBytes ? 'application/octet-stream' : 'application/json';
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: isWrite ? { 'content-type': type, ...headers } : headers,
      body: isWrite ? (isBytes ? /** @type {BodyInit} */ (body) : JSON.stringify(body ?? {})) : undefined,
    });
  } catch (error) {
    if (signal?.aborted || (error instanceof DOMException && error.name === 'AbortError')) throw error;
    reportLost('gone');
    throw new RequestError(0, 'The studio does not answer.', 'It is tried again by itself.');
  }
  if (!answer.ok) throw await readError(answer);
  return answer;
}

/**
 * Send a request and return the JSON of its answer.
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {{signal?: AbortSignal, headers?: Record<string, string>}} [options]
 * @returns {Promise<any>}
 */
export async function request(method, path, body, options) {
  const answer = await send(method, path, body, options);
  return answer.status === 204 ? null : answer.json();
}

/**
 * Return a caller of the calls of a page; a newer call of the same `latest` key aborts the older.
 * @param {string} page
 */
export function createCaller(page) {
  /** @type {Map<string, AbortController>} */
  const running = new Map();
  /**
   * @param {string} name
   * @param {object} [options]
   * @param {{latest?: string, signal?: AbortSignal}} [how]
   * @returns {Promise<any>} a plain value, or a Blob with `facts`
   */
  return async function call(name, options = {}, { latest, signal } = {}) {
    const control = new AbortController();
    signal?.addEventListener('abort', () => control.abort(), { once: true });
    if (signal?.aborted) control.abort();
    const key = `${name} ${latest}`;
    if (latest !== undefined) {
      running.get(key)?.abort();
      running.set(key, control);
    }
    try {
      // Calls of other tabs go on.
      const body = latest === undefined ? { options } : { options, latest: `${tab} ${latest}` };
      const path = `/api/${page}/${encodeURIComponent(name)}`;
      return await readValue(await send('POST', path, body, { signal: control.signal }));
    } finally {
      if (running.get(key) === control) running.delete(key);
    }
  };
}

/** @param {Response} answer */
async function readValue(answer) {
  const type = answer.headers.get('content-type') ?? '';
  if (type.startsWith('application/json')) return answer.json();
  const facts = JSON.parse(answer.headers.get('x-facts') ?? '{}');
  return Object.assign(await answer.blob(), { facts });
}

/** @param {Response} answer */
async function readError(answer) {
  /** @type {any} */
  let body = null;
  try {
    body = await answer.json();
  } catch {
    body = { error: `The studio answered with status ${answer.status}.` };
  }
  if (answer.status === 401) reportLost('login', String(body?.hint ?? ''));
  return new RequestError(answer.status, String(body?.error ?? ''), String(body?.hint ?? ''), body);
}
