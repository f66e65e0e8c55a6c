// The controls of a player: steps, play, place, speed, loop, sound.
import { html } from '../app/view.js';
import { IconButton } from './basics.js';
import { Menu } from './dialog.js';
import { showCount, showTime } from './texts.js';

const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 4];

/**
 * @param {{frame: number, frames: import('./frame_list.js').FrameList, isPlaying: boolean,
 *   api: import('./player.js').PlayerControl, canPlay: boolean, speed: number,
 *   onSpeed: (speed: number) => void, isLooping: boolean, onLoop: () => void, isMuted: boolean,
 *   onMute: () => void}} props
 */
export function Controls(props) {
  const { frame, frames, isPlaying, api, canPlay, speed, isLooping, isMuted } = props;
  const time = frames.begin(frame);
  const last = frames.last;
  const ends = frames.end ?? time;
  const speeds = SPEEDS.map((one) => ({ label: `${one} ×`, checked: one === speed, onSelect: () => props.onSpeed(one) }));
  return html`<div class="player-controls">
    <input class="player-place" type="range" min="0" max=${last} step="1" value=${frame}
      aria-label="Place" aria-valuetext=${`${showTime(time)}, frame ${frame}`}
      onInput=${(/** @type {any} */ event) => (api.pause(), api.show(Number(event.target.value)))} />
    <div class="row">
      <${IconButton} icon="first" label="One frame back" onClick=${() => api.step(-1)} />
      <${IconButton} icon=${isPlaying ? 'pause' : 'play'} label=${isPlaying ? 'Pause' : 'Play'}
        disabled=${canPlay ? false : 'this browser cannot play the file yet'} onClick=${api.toggle} />
      <${IconButton} icon="last" label="One frame forward" onClick=${() => api.step(1)} />
      <span class="n strong">${showTime(time)}</span>
      <span class="n small player-count">frame ${showCount(frame)} of ${showCount(frames.count)}${frames.isComplete ? `, ${showTime(ends)}` : ''}</span>
      <span class="grow"></span>
      <${Menu} label=${`Speed: ${speed} ×`} text=${`${speed} ×`} icon="" items=${speeds} />
      <${IconButton} icon="loop" label="Repeat" pressed=${isLooping} onClick=${props.onLoop} />
      <${IconButton} icon=${isMuted ? 'muted' : 'sound'} label="Mute" pressed=${isMuted} onClick=${props.onMute} />
    </div>
  </div>`;
}
