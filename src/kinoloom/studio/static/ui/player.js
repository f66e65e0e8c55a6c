// A player of exact frames: steps, loop, speed, captions. Where the browser cannot play a file, the
// server's pictures of its frames are shown until a version that it can play is ready.
import { listen } from '../app/events.js';
import { addShortcut } from '../app/keys.js';
import { fileUrl, frameUrl } from '../app/media.js';
import { request } from '../app/request.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../app/view.js';
import { Failure, Meter } from './basics.js';
import { FrameList, readFrames } from './frame_list.js';
import { Controls } from './player_controls.js';
import { PlayerEngine } from './player_engine.js';
import { numberOf } from './values.js';

/**
 * @typedef {{show: (n: number) => void, step: (by: number) => void, play: () => void,
 *   pause: () => void, toggle: () => void, setSpeed: (speed: number) => void,
 *   frames: () => FrameList, video: () => HTMLVideoElement | null}} PlayerControl
 */

/**
 * A video player.
 * @param {{path?: string, src?: string, times?: string[], label?: string, frame?: number,
 *   onFrame?: (n: number, time: number) => void, loop?: boolean | {from: number, to: number},
 *   captions?: {src: string, label: string, language?: string}[], keys?: boolean, muted?: boolean,
 *   control?: (control: PlayerControl) => void, controls?: boolean, version?: string | number,
 *   overlay?: (shown: {frame: number, time: number}) => any}} props
 *   path: of a file of the studio; src and times: of another one, such as a preview;
 *   frame: shown first, and again when it changes; loop: of the whole, or between two frames;
 *   keys: whether the shortcuts of the page act on this player; control: gets what pages call;
 *   overlay: drawn over the picture
 */
export function Player(props) {
  const { path, src, label = 'Player', onFrame, loop = false, keys = true, controls = true } = props;
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const engine = useRef(/** @type {PlayerEngine | null} */ (null));
  const source = useSource(path, src, props.times, props.version);
  const { frames } = source;
  const [frame, setFrame] = useState(props.frame ?? 0);
  const [still, setStill] = useState('');
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [isLooping, setLooping] = useState(Boolean(loop));
  const [isMuted, setMuted] = useState(Boolean(props.muted));
  const at = useRef(frame);
  /** The frame that was being shown when the engine ended. */
  const pending = useRef(/** @type {number | null} */ (null));
  const takePending = () => {
    const n = pending.current ?? at.current;
    pending.current = null;
    return n;
  };

  const report = (/** @type {number} */ n, /** @type {boolean} */ isExact) => {
    const isNew = at.current !== n;
    at.current = n;
    setFrame(n);
    setStill(isExact || !path ? '' : frameUrl(path, n));
    if (isNew) onFrame?.(n, frames.begin(n));
  };
  const show = (/** @type {number} */ n) => {
    const target = Math.min(Math.max(0, n), frames.last);
    pending.current = null;
    if (engine.current) engine.current.show(target);
    else if (frames.times.length) report(target, false);
  };
  const api = useMemo(() => {
    /** @type {PlayerControl} */
    const made = {
      show: (n) => latest.current.show(n),
      step: (by) => (made.pause(), latest.current.show((engine.current?.target ?? at.current) + by)),
      play: () => void video.current?.play().catch(() => {}),
      pause: () => video.current?.pause(),
      toggle: () => (video.current?.paused ? made.play() : made.pause()),
      setSpeed,
      frames: () => latest.current.frames,
      video: () => video.current,
    };
    return made;
  }, []);
  const latest = useRef({ show, frames, report });
  latest.current = { show, frames, report };

  useEffect(() => {
    if (!video.current || !source.url || !frames.times.length) return;
    const made = new PlayerEngine(video.current, frames, (n, isExact) => latest.current.report(n, isExact));
    engine.current = made;
    made.show(takePending());
    return () => {
      pending.current = made.target;
      made.close();
      engine.current = null;
    };
  }, [source.url, frames, frames.times.length > 0]);
  useEffect(() => {
    if (props.frame !== undefined && props.frame !== at.current) show(props.frame);
    else if (!source.url && frames.times.length) report(takePending(), false);
  }, [props.frame, source.url, frames.times.length > 0]);
  useEffect(() => props.control?.(api), []);
  useLayoutEffect(() => {
    if (video.current) video.current.playbackRate = speed;
    if (engine.current) engine.current.segment = isLooping && typeof loop === 'object' ? loop : null;
  });
  useShortcuts(keys, api, () => [speed, setSpeed, at.current]);

  const onPause = () => {
    setPlaying(false);
    const shown = engine.current?.shown;
    if (shown !== null && shown !== undefined && !video.current?.ended) show(shown);
  };
  return html`<div class="player" role="group" aria-label=${label}>
    <div class="player-view">
      ${
        source.url &&
        html`<video ref=${video} src=${source.url} playsinline preload="auto" muted=${isMuted}
          aria-label=${label} loop=${isLooping && typeof loop !== 'object'} tabindex="-1"
          onPlay=${() => (setPlaying(true), setStill(''))} onPause=${onPause}
          onError=${source.onError} onClick=${api.toggle}>
          ${(props.captions ?? []).map((one, k) => html`<track key=${one.src} kind="captions"
            src=${one.src} label=${one.label} srclang=${one.language} default=${k === 0} />`)}
        </video>`
      }
      ${still && !isPlaying && html`<img class="player-still" src=${still} data-frame=${frame}
        alt=${`Frame ${frame}`} />`}
      ${props.overlay?.({ frame, time: frames.begin(frame) })}
      ${source.proxy && html`<${Preparing} proxy=${source.proxy} />`}
    </div>
    ${source.error && html`<${Failure} title="This cannot be played" error=${source.error} />`}
    ${controls && html`<${Controls} frame=${frame} frames=${frames} isPlaying=${isPlaying} api=${api}
      canPlay=${Boolean(source.url)} speed=${speed} onSpeed=${setSpeed} isLooping=${isLooping}
      onLoop=${() => setLooping(!isLooping)} isMuted=${isMuted} onMute=${() => setMuted(!isMuted)} />`}
  </div>`;
}

/** @param {{proxy: {done: number, total: number | null}}} props */
function Preparing({ proxy }) {
  return html`<div class="veil player-preparing" role="status">
    Preparing a version that this browser plays
    <${Meter} label="Preparing" value=${proxy.total ? proxy.done : null} max=${proxy.total ?? 1} />
  </div>`;
}

/**
 * Find what the <video> plays, and the times of its frames.
 * @param {string | undefined} path @param {string | undefined} src
 * @param {string[] | undefined} times @param {string | number | undefined} version
 */
function useSource(path, src, times, version) {
  const [isProxy, setIsProxy] = useState(false);
  const [isReady, setReady] = useState(false);
  const [proxy, setProxy] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [list, setList] = useState(() => ({ frames: new FrameList() }));
  useEffect(() => {
    setIsProxy(false);
    setReady(false);
    setProxy(null);
    setError(null);
  }, [path, src, version]);
  useEffect(() => {
    if (times) setList({ frames: new FrameList(times.map((one) => numberOf(one) ?? 0)) });
    if (times || !path) return;
    const control = new AbortController();
    const how = { signal: control.signal, isProxy: isReady, onPart: (/** @type {FrameList} */ frames) => setList({ frames }) };
    readFrames(path, how).catch((failure) => !control.signal.aborted && setError(failure));
    return () => control.abort();
  }, [path, src, version, isReady, times]);
  useEffect(() => {
    if (!isProxy || !path) return;
    const take = (/** @type {any} */ state) => {
      if (state.path !== path) return;
      setProxy(['waiting', 'running'].includes(state.state) ? state : null);
      if (state.state === 'ready') setReady(true);
      if (state.state === 'failed') setError(state);
    };
    const start = () => request('POST', `/api/proxy?${new URLSearchParams({ path })}`).then(take, setError);
    return listen('proxies', take, start);
  }, [isProxy, path]);
  const query = path ? new URLSearchParams({ path }) : '';
  const own = src ?? (path ? fileUrl(path) : '');
  const url = isReady ? `/proxy?${query}` : isProxy ? '' : own;
  const onError = () => (path && !isProxy ? setIsProxy(true) : setError(new Error('The browser cannot play this file.')));
  return { url, frames: list.frames, proxy, error, onError };
}

/**
 * @param {boolean} isActive
 * @param {PlayerControl} api
 * @param {() => [number, (speed: number) => void, number]} read
 */
function useShortcuts(isActive, api, read) {
  const now = useRef(read);
  now.current = read;
  useEffect(() => {
    if (!isActive) return;
    const change = (/** @type {number} */ by) => {
      const [speed, setSpeed] = now.current();
      setSpeed(Math.min(4, Math.max(0.1, Math.round(speed * by * 100) / 100)));
    };
    /** @type {[string, string, () => void][]} */
    const all = [
      ['space', 'Play or pause', () => api.toggle()],
      ['left', 'One frame back', () => api.step(-1)],
      ['right', 'One frame forward', () => api.step(1)],
      ['shift+left', 'Ten frames back', () => api.step(-10)],
      ['shift+right', 'Ten frames forward', () => api.step(10)],
      ['home', 'First frame', () => (api.pause(), api.show(0))],
      ['end', 'Last frame', () => (api.pause(), api.show(api.frames().last))],
      [',', 'Slower', () => change(0.5)],
      ['.', 'Faster', () => change(2)],
    ];
    const removals = all.map(([combo, label, fn]) => addShortcut(combo, label, fn, 'Player'));
    return () => removals.forEach((remove) => remove());
  }, [isActive]);
}
