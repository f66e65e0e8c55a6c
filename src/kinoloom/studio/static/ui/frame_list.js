// The exact times of the frames of a video, as the server lists them, in seconds of the file.
import { request } from '../app/request.js';
import { numberOf } from './values.js';

/** Times of frames, which may still grow while the server's list is read. */
export class FrameList {
  /**
   * @param {number[]} [times] ascending
   * @param {number | null} [end] when the last frame ends
   */
  constructor(times = [], end = null) {
    this.times = times;
    this.end = end;
    this.isComplete = times.length > 0;
    /** The number of frames; an estimate of the file until the list is complete. */
    this.count = times.length;
    this.duration = 0;
  }

  /** @returns {number} the last frame that is known */
  get last() {
    return Math.max(0, this.times.length - 1);
  }

  /** @param {any} answer of /api/frames */
  add(answer) {
    for (const text of answer.times) this.times.push(numberOf(text) ?? 0);
    this.isComplete = answer.next === null || answer.next === undefined;
    this.count = this.isComplete ? this.times.length : (answer.count ?? this.times.length);
    this.end = answer.end ? numberOf(answer.end) : null;
    this.duration = answer.duration ? (numberOf(answer.duration) ?? 0) : 0;
  }

  /** @param {number} n @returns {number} when a frame begins */
  begin(n) {
    return this.times[Math.min(Math.max(0, n), this.last)] ?? 0;
  }

  /** @param {number} n @returns {number} when a frame ends */
  finish(n) {
    if (n < this.last) return this.times[n + 1];
    const before = this.last > 0 ? this.times[this.last] - this.times[this.last - 1] : 1 / 25;
    const end = this.end ?? this.begin(this.last) + before;
    return Math.max(end, this.begin(this.last) + 1e-4);
  }

  /**
   * The middle of a frame's interval: seeking to its begin may show the frame before it.
   * @param {number} n
   */
  middle(n) {
    return (this.begin(n) + this.finish(n)) / 2;
  }

  /** @param {number} time @returns {number} the frame that is shown at a time */
  at(time) {
    let [low, high] = [0, this.last];
    while (low < high) {
      const half = (low + high + 1) >> 1;
      if (this.times[half] <= time + 1e-7) low = half;
      else high = half - 1;
    }
    return low;
  }

  /** @param {number} time @returns {number} the frame that begins nearest to a time */
  nearest(time) {
    const n = this.at(time);
    if (n === this.last) return n;
    return this.times[n + 1] - time < time - this.times[n] ? n + 1 : n;
  }
}

/**
 * Read the list of a file, part by part.
 * @param {string} path
 * @param {{isProxy?: boolean, signal: AbortSignal, onPart: (list: FrameList) => void}} how
 */
export async function readFrames(path, { isProxy = false, signal, onPart }) {
  const list = new FrameList();
  let from = 0;
  do {
    const query = new URLSearchParams({ path, from: String(from) });
    if (isProxy) query.set('proxy', '1');
    const answer = await request('GET', `/api/frames?${query}`, undefined, { signal });
    list.add(answer);
    from = answer.next ?? 0;
    if (!signal.aborted) onPart(list);
  } while (!list.isComplete && !signal.aborted);
}
