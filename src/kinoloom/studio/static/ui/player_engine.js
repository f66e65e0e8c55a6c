// Shows exact frames in a <video>: seeks to the middle of a frame's interval, compares the frame
// that the browser has really presented, and says so where it is another one.

/** The longest wait for a presented frame after a seek, ms. */
const WAIT_MS = 250;

/** Drives one <video>. */
export class PlayerEngine {
  /**
   * @param {HTMLVideoElement} video
   * @param {import('./frame_list.js').FrameList} frames
   * @param {(n: number, isExact: boolean) => void} onShow
   *   isExact: the browser presents frame n; otherwise another picture of it must be shown
   */
  constructor(video, frames, onShow) {
    this.video = video;
    this.frames = frames;
    this.onShow = onShow;
    /** @type {number | null} */
    this.wanted = null;
    /** The frame of the newest request, while it is being shown. @type {number | null} */
    this.target = null;
    this.isBusy = false;
    this.isClosed = false;
    /** The time of the frame that was presented last. @type {number | null} */
    this.presented = null;
    /** @type {Set<() => void>} */
    this.waiting = new Set();
    /** @type {{from: number, to: number} | null} */
    this.segment = null;
    this.follow();
  }

  /** Learn of each presented frame. */
  follow() {
    if (this.isClosed || !('requestVideoFrameCallback' in this.video)) return;
    this.video.requestVideoFrameCallback((_, { mediaTime }) => {
      this.presented = mediaTime;
      for (const wake of this.waiting) wake();
      if (!this.video.paused && !this.isBusy && !this.isClosed) this.report(mediaTime);
      this.follow();
    });
  }

  /** @param {number} mediaTime of the frame that plays */
  report(mediaTime) {
    const n = this.frames.nearest(mediaTime);
    this.onShow(n, true);
    if (this.segment && n >= this.segment.to) this.video.currentTime = this.frames.middle(this.segment.from);
  }

  /** @returns {number | null} the frame that the browser presents */
  get shown() {
    return this.presented === null ? null : this.frames.nearest(this.presented);
  }

  /**
   * Show a frame; only the newest request counts.
   * @param {number} n
   */
  async show(n) {
    this.wanted = this.target = Math.min(Math.max(0, n), this.frames.last);
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      while (this.wanted !== null && !this.isClosed) {
        const next = this.wanted;
        this.wanted = null;
        await this.seek(next);
        // A newer request makes this picture out of date.
        if (this.wanted === null && !this.isClosed) this.onShow(next, this.shown === next);
      }
    } finally {
      this.isBusy = false;
      this.target = null;
    }
  }

  /** @param {number} n */
  async seek(n) {
    const { video } = this;
    if (video.readyState < HTMLMediaElement.HAVE_METADATA) await once(video, 'loadedmetadata', 10_000);
    if (this.isClosed) return;
    const target = this.frames.middle(n);
    if (Math.abs(video.currentTime - target) > 1e-6) {
      const seeked = once(video, 'seeked', 10_000);
      video.currentTime = target;
      await seeked;
    }
    const end = performance.now() + WAIT_MS;
    while (this.shown !== n && performance.now() < end && !this.isClosed && this.wanted === null) {
      await this.nextPresented(end - performance.now());
    }
  }

  /** @param {number} ms @returns {Promise<void>} */
  nextPresented(ms) {
    return new Promise((resolve) => {
      const done = () => {
        window.clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = window.setTimeout(done, Math.max(0, ms));
      this.waiting.add(done);
    });
  }

  close() {
    this.isClosed = true;
    for (const wake of [...this.waiting]) wake();
  }
}

/**
 * @param {HTMLMediaElement} element
 * @param {string} name of an event
 * @param {number} ms at most this long
 * @returns {Promise<void>}
 */
function once(element, name, ms) {
  return new Promise((resolve) => {
    const done = () => {
      window.clearTimeout(timer);
      element.removeEventListener(name, done);
      element.removeEventListener('error', done);
      resolve();
    };
    const timer = window.setTimeout(done, ms);
    element.addEventListener(name, done);
    element.addEventListener('error', done);
  });
}
