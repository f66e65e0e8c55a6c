// Before and after: a result next to what it was made from, at the same moment.
import { ui } from '../../ui/index.js';
import { showTime } from '../../ui/texts.js';
import { fileUrl, frameUrl, thumbUrl } from '../media.js';
import { request } from '../request.js';
import { html, useEffect, useState } from '../view.js';

/**
 * @typedef {{paths: string[], kind: 'photos' | 'video' | 'photo', frames: number,
 *   seconds: number, aspect: number}} Compared
 */

const SHOWN_PX = 1280;
const PHOTO = /\.(jpe?g|png|apng|webp|avif|gif|bmp|heic|heif|tiff?)$/i;

/**
 * Return what a file can be compared with, or null.
 * @param {string} path @param {any} known the answer of /api/file @param {string} kind
 * @returns {Compared | null}
 */
export function findCompared(path, known, kind) {
  const paths = known.parents.map((/** @type {any} */ one) => one.path);
  if (!paths.length || paths.includes(null) || paths.includes(path) || known.problem) return null;
  const { width, height, frames = 1, duration_s: seconds = 0 } = known.facts;
  const shared = { paths, frames, seconds, aspect: width && height ? width / height : 1.6 };
  const isOfPhotos = paths.every((/** @type {string} */ one) => PHOTO.test(one));
  if (kind === 'video' && isOfPhotos && paths.length > 1 && !known.options.loop) return { ...shared, kind: 'photos' };
  if (kind === 'video' && paths.length === 1 && !isOfPhotos) return { ...shared, kind: 'video' };
  return kind === 'photo' && isOfPhotos && paths.length === 1 ? { ...shared, kind: 'photo' } : null;
}

/** @param {{path: string, compared: Compared, frame: number}} props */
export function Compare({ path, compared, frame }) {
  const { kind, frames, seconds, aspect, paths } = compared;
  const share = frames > 1 ? frame / (frames - 1) : 0;
  const time = showTime(seconds * (frame / frames));
  const after = kind === 'photo' ? fileUrl(path) : frameUrl(path, frame, SHOWN_PX);
  if (kind === 'photo') {
    return html`<${ui.Slider} before=${thumbUrl(paths[0], SHOWN_PX)} after=${after} beforeLabel="before" afterLabel="after" aspect=${aspect} />`;
  }
  if (kind === 'video') return html`<${OfVideo} path=${paths[0]} share=${share} after=${after} time=${time} aspect=${aspect} />`;
  const place = share * (paths.length - 1);
  const first = Math.min(paths.length - 2, Math.floor(place));
  const fade = html`<div class="home-fade" style=${{ '--fade': place - first }}>
    <img src=${thumbUrl(paths[first], SHOWN_PX)} alt="Cross-fade of two photos" /><img src=${thumbUrl(paths[first + 1], SHOWN_PX)} alt="" />
  </div>`;
  const of = paths.length === 2 ? 'the two photos' : `photos ${first + 1} and ${first + 2}`;
  return html`<${ui.Slider} before=${fade} after=${after} beforeLabel=${`cross-fade of ${of}`} afterLabel=${`interpolated frame, ${time}`} aspect=${aspect} />`;
}

/** @param {{path: string, share: number, after: string, time: string, aspect: number}} props */
function OfVideo({ path, share, after, time, aspect }) {
  const [frames, setFrames] = useState(0);
  useEffect(() => {
    request('GET', `/api/file?${new URLSearchParams({ path })}`).then(
      (known) => setFrames(known.facts.frames ?? 1),
      () => setFrames(1),
    );
  }, [path]);
  if (!frames) return html`<div class="home-stage" aria-busy="true"></div>`;
  const before = frameUrl(path, Math.round(share * (frames - 1)), SHOWN_PX);
  return html`<${ui.Slider} before=${before} after=${after} beforeLabel="before" afterLabel=${`after, ${time}`} aspect=${aspect} />`;
}
