// Stories of the components for media, time, maps and graphs.
import { html, useEffect, useMemo, useState } from '../app/view.js';
import { ui } from './index.js';
import { soundOf } from './peaks.js';
import { drawScene, makeSound } from './pictures.js';

const STILLS = 9;

function SliderStory() {
  const [before, after] = useMemo(() => [drawScene(0.35, { ghost: 0.65 }), drawScene(0.5)], []);
  return html`<div class="story-wide"><${ui.Slider} before=${before} after=${after} aspect=${640 / 328}
    beforeLabel="cross-fade of the two photos" afterLabel="new frame, 0.750 s" /></div>`;
}

function StripStory() {
  const [chosen, choose] = useState('4');
  const [cut, setCut] = useState(0.34);
  const [isSuggested, setSuggested] = useState(true);
  const stills = useMemo(
    () =>
      Array.from({ length: STILLS }, (_, k) => ({
        key: String(k),
        url: drawScene(0.18 + k * 0.08, { width: 160, height: 100 }),
        label: `Frame ${k * 5}, ${ui.showTime((k * 5) / 30)}`,
        isSource: k % (STILLS - 1) === 0,
      })),
    [],
  );
  const marks = [
    { key: 'cut', at: cut, label: 'Cut', isSuggested, onMove: setCut, onAccept: () => setSuggested(false), onRemove: () => setCut(2) },
  ].filter((one) => one.at <= 1);
  return html`<${ui.Strip} label="Frames of lake.mp4" stills=${stills} chosen=${chosen} onChoose=${choose} marks=${marks} />`;
}

function WaveStory() {
  const sound = useMemo(() => soundOf(makeSound(), 16000), []);
  const [cursor, setCursor] = useState(1.25);
  const [selection, select] = useState(/** @type {any} */ (null));
  const [view, setView] = useState([0, 4]);
  const [edge, setEdge] = useState(1.62);
  const regions = [
    { key: 'a', from: 0, to: 0.42, label: 'What' },
    { key: 'b', from: 0.84, to: edge, label: 'changed', tone: /** @type {const} */ ('on') },
    { key: 'c', from: 1.68, to: 2.1, label: 'um', tone: /** @type {const} */ ('cut') },
    { key: 'd', from: 2.52, to: 2.93, label: 'after', tone: /** @type {const} */ ('new') },
  ];
  return html`<${ui.Wave} label="Sound of talk.mp4" sound=${sound} from=${view[0]} to=${view[1]} cursor=${cursor}
    onSeek=${setCursor} selection=${selection} onSelect=${select} regions=${regions}
    edges=${[{ key: 'b', time: edge, label: 'End of “changed”', onMove: setEdge }]}
    onView=${(/** @type {number} */ from, /** @type {number} */ to) => setView([from, to])} />
    <p class="small n">${ui.showTime(cursor)}</p>`;
}

/** @param {{studio: import('../app/types.js').Studio}} props */
function PlayerStory({ studio }) {
  const { path = '' } = studio.use(studio.params);
  const [text, setText] = useState(path);
  useEffect(() => setText(path), [path]);
  const open = () => studio.setParams({ path: text });
  return html`<div class="rows story-wide">
    <form class="row" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), open())}>
      <div class="grow"><${ui.Field} kind="path" label="A video of this studio" value=${text} optional
        placeholder="film.mp4" onChange=${(/** @type {any} */ value) => setText(value ?? '')} /></div>
      <${ui.Button} class="story-open" onClick=${open}>Open<//>
    </form>
    ${path ? html`<${ui.Player} key=${path} path=${path} label=${path} />` : html`<${ui.Empty} icon="film" title="No video chosen"><p>Exact frames: step through it with the arrow keys.</p><//>`}
  </div>`;
}

function TimelineStory() {
  const [time, seek] = useState(51127);
  const [view, setView] = useState([50400, 53999]);
  const [chosen, choose] = useState('');
  const clock = (/** @type {number} */ at) => new Date(at * 1000).toISOString().slice(11, at % 60 ? 19 : 16);
  const marks = [
    { key: 'a', time: 51022, label: 'Close pass, stand 44', tone: 'warn' },
    { key: 'b', time: 51118, label: 'Incursion predicted, K3', tone: 'bad' },
    { key: 'c', time: 52300, label: 'Camera N7 was blind', tone: '' },
  ];
  const lanes = [
    { key: 'k3', label: 'Stop bar K3', spans: [{ key: '1', from: 50500, to: 51000, label: 'green', tone: 'good' }, { key: '2', from: 51000, to: 51900, label: 'red', tone: 'bad' }] },
    { key: 'n7', label: 'Camera N7', spans: [{ key: '3', from: 50400, to: 52300, label: 'clear' }, { key: '4', from: 52304, to: 53999, label: 'clear' }] },
  ];
  return html`<${ui.Timeline} label="Time of the day" from=${view[0]} to=${view[1]} value=${time} onSeek=${seek} step=${10}
    format=${clock} marks=${marks} lanes=${lanes} played chosen=${chosen}
    onSpan=${(/** @type {any} */ span) => choose(span.key)} onView=${(/** @type {number} */ from, /** @type {number} */ to) => setView([from, to])} />`;
}

const SHAPES = /** @type {import('./map_view.js').Shape[]} */ ([
  { key: 'runway', points: [[0, 40], [740, 40], [740, 86], [0, 86]], closed: true, tone: 'paved' },
  { key: 'centre', points: [[10, 63], [730, 63]], tone: 'line', dashed: true, label: '' },
  { key: 'taxiway', points: [[0, 166], [740, 166], [740, 194], [0, 194]], closed: true, tone: 'paved' },
  { key: 'terminal', points: [[60, 300], [700, 300], [700, 360], [60, 360]], closed: true, tone: 'building', label: 'TERMINAL 2' },
  { key: 'k3', points: [[355, 86], [385, 86], [385, 166], [355, 166]], closed: true, tone: 'paved', label: 'K3' },
]);

function MapStory() {
  const [chosen, choose] = useState('Tug 12');
  const things = [
    { key: 'ORB 71', x: 198, y: 63, heading: 90, icon: /** @type {const} */ ('aircraft'), label: 'ORB 71', note: 'B738 landing, 88 kt', trail: /** @type {[number, number][]} */ ([[90, 63], [198, 63]]) },
    { key: 'LFT 482', x: 505, y: 180, heading: 270, icon: /** @type {const} */ ('aircraft'), label: 'LFT 482', note: 'A320, 14 kt', tone: 'on', ahead: /** @type {[number, number][]} */ ([[505, 180], [385, 180], [370, 150], [370, 100]]) },
    { key: 'Tug 12', x: 383, y: 150, heading: 0, icon: /** @type {const} */ ('vehicle'), label: 'Tug 12', note: 'no clearance', tone: 'bad' },
    ...[100, 320, 560].map((x, k) => ({ key: `Light ${k + 1}`, x, y: 206, icon: /** @type {const} */ ('light'), tone: k === 1 ? 'bad' : 'good', note: k === 1 ? 'red' : 'green' })),
  ];
  return html`<${ui.MapView} label="Apron 2 north" bounds=${{ x: 0, y: 0, width: 740, height: 400 }} shapes=${SHAPES} things=${things}
    chosen=${chosen} onChoose=${choose} height=${380} layers=${html`<${ui.Button} pressed=${true}>Tracks<//><${ui.Button} pressed=${true}>Lights<//>`} />`;
}

function GraphStory() {
  const [chosen, choose] = useState('train');
  const nodes = [
    { id: 'load', title: 'load', note: 'abalone.csv', tone: 'good', tag: 'Reused' },
    { id: 'split', title: 'split', note: '2,924 and 1,253 rows', tone: 'good', tag: 'Done' },
    { id: 'train', title: 'train', note: 'tree 212 of 500', tone: 'on', tag: 'Running' },
    { id: 'scale', title: 'scale', note: 'mean and deviation', tone: 'good', tag: 'Done' },
    { id: 'evaluate', title: 'evaluate', note: 'waits for train', tag: 'Waiting' },
    { id: 'approve', title: 'approve', note: 'mse below 6', tag: 'Waiting' },
    { id: 'register', title: 'register', note: 'needs approve', tag: 'Waiting' },
  ];
  const edges = /** @type {[string, string][]} */ ([['load', 'split'], ['split', 'scale'], ['split', 'train'], ['scale', 'evaluate'], ['train', 'evaluate'], ['evaluate', 'approve'], ['approve', 'register']]);
  return html`<${ui.Graph} label="Steps of abalone" nodes=${nodes} edges=${edges} chosen=${chosen} onChoose=${choose} height=${400} />`;
}

/** @type {import('./stories.js').Story[]} */
export const mediaStories = [
  { name: 'Player', note: 'Exact frames, loop, speed 0.1 to 4', show: (studio) => html`<${PlayerStory} studio=${studio} />` },
  { name: 'Slider', note: 'Before and after; drag, or arrow keys', show: () => html`<${SliderStory} />` },
  { name: 'Strip', note: 'Frames in order, with cuts between them', show: () => html`<${StripStory} />` },
  { name: 'Wave', note: 'A sound with cursor, selection and words', show: () => html`<${WaveStory} />` },
  { name: 'Timeline', note: 'Time with spans and marks; [ and ] go to a mark', show: () => html`<${TimelineStory} />` },
  { name: 'MapView', note: 'A plan in metres with things that move', show: () => html`<${MapStory} />` },
  { name: 'Graph', note: 'Steps and what they need', show: () => html`<${GraphStory} />` },
];
