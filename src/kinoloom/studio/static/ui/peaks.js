// Peaks of a sound: (min, max) of short spans at several levels, read from the server in parts.
import { request } from '../app/request.js';

/** Pairs in one part that is read. */
const PART = 8192;
/** Parts that are kept. */
const KEPT = 64;

/**
 * @typedef {{rate: number, samples: number, start: number, levels: number[],
 *   read: (level: number, part: number) => Promise<Int8Array>}} Sound
 *   start: seconds; read: the pairs of part `part` of a level, each of `PART` pairs
 */

/**
 * Open the peaks of a file of the server.
 * @param {string} path
 * @param {{signal?: AbortSignal}} [how]
 * @returns {Promise<Sound>}
 */
export async function openSound(path, how) {
  const query = new URLSearchParams({ path });
  const facts = await request('GET', `/api/peaks?${query}`, undefined, how);
  const sizes = new Map(facts.levels.map((/** @type {any} */ one) => [one.level, one.bytes]));
  /** @type {Map<string, Promise<Int8Array>>} */
  const parts = new Map();
  const load = async (/** @type {number} */ level, /** @type {number} */ part) => {
    const from = part * PART * 2;
    const last = Math.min(from + PART * 2, sizes.get(level) ?? 0) - 1;
    if (last < from) return new Int8Array();
    const answer = await fetch(`/peaks?${query}&level=${level}`, { headers: { range: `bytes=${from}-${last}` } });
    if (!answer.ok) throw new Error(`The peaks of ${path} cannot be read.`);
    return new Int8Array(await answer.arrayBuffer());
  };
  const read = (/** @type {number} */ level, /** @type {number} */ part) => {
    const key = `${level}/${part}`;
    let found = parts.get(key);
    if (!found) {
      found = load(level, part);
      found.catch(() => parts.delete(key));
      parts.set(key, found);
      if (parts.size > KEPT) parts.delete(/** @type {string} */ (parts.keys().next().value));
    }
    return found;
  };
  const levels = [.../** @type {Map<number, number>} */ (sizes).keys()].sort((a, b) => a - b);
  return { rate: facts.rate, samples: facts.samples, start: toNumber(facts.start), levels, read };
}

/** @param {string | number | undefined} text a fraction as text */
function toNumber(text) {
  const [top, bottom = '1'] = String(text ?? 0).split('/');
  return Number(top) / Number(bottom);
}

/**
 * Return the smallest and largest value under each of `width` columns, as (min, max) pairs.
 * @param {Sound} sound
 * @param {number} from seconds
 * @param {number} to seconds
 * @param {number} width columns
 */
export async function readColumns(sound, from, to, width) {
  const perColumn = ((to - from) * sound.rate) / width;
  const level = sound.levels.findLast((one) => one <= perColumn) ?? sound.levels[0];
  const pairs = Math.ceil(sound.samples / level);
  const pairAt = (/** @type {number} */ column) =>
    ((from - sound.start) * sound.rate + column * perColumn) / level;
  const first = Math.max(0, Math.floor(pairAt(0)));
  const last = Math.min(pairs, Math.ceil(pairAt(width)) + 1);
  const columns = new Int8Array(width * 2);
  if (last <= first) return columns;
  const numbers = range(Math.floor(first / PART), Math.floor((last - 1) / PART) + 1);
  const loaded = new Map(
    await Promise.all(numbers.map(async (part) => /** @type {const} */ ([part, await sound.read(level, part)]))),
  );
  for (let column = 0; column < width; column++) {
    const begin = Math.max(first, Math.floor(pairAt(column)));
    const end = Math.min(last, Math.max(begin + 1, Math.ceil(pairAt(column + 1))));
    let [low, high] = [127, -128];
    for (let pair = begin; pair < end; pair++) {
      const part = /** @type {Int8Array} */ (loaded.get(Math.floor(pair / PART)));
      const at = (pair % PART) * 2;
      if (at + 1 >= part.length) break;
      low = Math.min(low, part[at]);
      high = Math.max(high, part[at + 1]);
    }
    if (low <= high) columns.set([low, high], column * 2);
  }
  return columns;
}

/** @param {number} from @param {number} to */
function range(from, to) {
  return Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);
}

/**
 * Make peaks of samples in the page, as the server does for files.
 * @param {Float32Array} samples -1 to 1
 * @param {number} rate Hz
 * @returns {Sound}
 */
export function soundOf(samples, rate) {
  const levels = [256, 4096, 65536];
  const read = async (/** @type {number} */ level, /** @type {number} */ part) => {
    const count = Math.min(PART, Math.ceil(samples.length / level) - part * PART);
    const found = new Int8Array(Math.max(0, count) * 2);
    for (let k = 0; k < count; k++) {
      const span = samples.subarray((part * PART + k) * level, (part * PART + k + 1) * level);
      let [low, high] = [1, -1];
      for (const value of span) [low, high] = [Math.min(low, value), Math.max(high, value)];
      found.set([Math.floor(low * 127), Math.ceil(high * 127)], k * 2);
    }
    return found;
  };
  return { rate, samples: samples.length, start: 0, levels, read };
}
