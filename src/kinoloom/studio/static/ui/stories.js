// One story of each component: what it looks like, and a place to try it.
import { html, useMemo, useState } from '../app/view.js';
import { mediaStories } from './stories_media.js';
import { ui } from './index.js';

/** @typedef {{name: string, note: string, show: (studio: import('../app/types.js').Studio) => any}} Story */

const OPTIONS = /** @type {import('./values.js').Option[]} */ ([
  { name: 'duration', kind: 'seconds', default: '1.5', help: 'Length of the film', low: 0.1, high: 3600, unit: 's' },
  { name: 'fps', kind: 'rate', default: '30', help: 'Frame rate of the output', unit: 'fps' },
  { name: 'ease', kind: 'segments', default: 'linear', help: 'How motion starts and ends', choices: ['linear', 'in', 'out', 'in-out'] },
  { name: 'engine', kind: 'choice', default: 'auto', help: 'Engine that computes frames', choices: ['auto', 'best', 'deep', 'fast', 'flow'] },
  { name: 'loop', kind: 'switch', default: false, help: 'Return to the first photo' },
  { name: 'flow_scale', kind: 'number', default: null, help: 'Scale of the flow', low: 0.1, high: 1, optional: true },
  { name: 'seed', kind: 'number', default: 0, help: 'Seed of the random numbers', low: 0, whole: true },
  { name: 'memory', kind: 'bytes', default: '2GB', help: 'Most memory to use', low: 1, section: 'op' },
  { name: 'card', kind: 'path', default: null, help: 'Model card to use', optional: true, section: 'op' },
  { name: 'first_frame', kind: 'number', default: 0, help: 'First frame to read', low: 0, whole: true, section: 'read' },
  { name: 'title', kind: 'text', default: null, help: 'Title in the metadata', optional: true, section: 'write' },
]);

function FormStory() {
  const [values, setValues] = useState(/** @type {Record<string, any>} */ ({}));
  const [isValid, setValid] = useState(true);
  return html`<div class="story-narrow rows">
    <${ui.Form} declaration=${OPTIONS} values=${values}
      onChange=${(/** @type {any} */ next, /** @type {boolean} */ valid) => (setValues(next), setValid(valid))} />
    <${ui.Button} kind="primary" disabled=${isValid ? false : 'Correct what is marked first'}>Weave<//>
    <p class="small">Changed: <code>${JSON.stringify(values)}</code></p>
  </div>`;
}

function FieldStory() {
  const [values, setValues] = useState(/** @type {Record<string, any>} */ ({ name: 'lake', count: 12, from: '0:15.316', rate: '24000/1001', room: '20GB', engine: 'deep', ease: 'in', loop: true, file: '' }));
  const set = (/** @type {string} */ name) => (/** @type {any} */ value) => value !== undefined && setValues({ ...values, [name]: value });
  return html`<div class="story-grid">
    <${ui.Field} kind="text" label="Name" value=${values.name} onChange=${set('name')} help="Shown in the list" />
    <${ui.Field} kind="number" label="Frames" value=${values.count} unit="frames" whole low=${1} high=${600} default=${30} onChange=${set('count')} />
    <${ui.Field} kind="seconds" label="Begin" value=${values.from} onChange=${set('from')} />
    <${ui.Field} kind="rate" label="Frames a second" value=${values.rate} onChange=${set('rate')} />
    <${ui.Field} kind="bytes" label="Upload limit" value=${values.room} onChange=${set('room')} />
    <${ui.Field} kind="choice" label="Engine" value=${values.engine} choices=${['auto', 'deep', 'fast']} names=${{ auto: 'auto (deep: best on large motion)' }} onChange=${set('engine')} />
    <${ui.Field} kind="segments" label="Ease" value=${values.ease} choices=${['linear', 'in', 'out']} onChange=${set('ease')} />
    <${ui.Field} kind="switch" label="Repeat" value=${values.loop} onChange=${set('loop')} help="Return to the first photo" />
    <${ui.Field} kind="path" label="Model card" value=${values.file} optional onChange=${set('file')} />
    <${ui.Field} kind="number" label="Scale" value="9" low=${0.1} high=${1} onChange=${() => {}} error="It must be from 0.1 to 1." />
  </div>`;
}

function TabsStory() {
  const [chosen, choose] = useState('facts');
  const tabs = [
    { key: 'facts', title: 'Facts' },
    { key: 'made', title: 'How it was made' },
    { key: 'jobs', title: 'Jobs', note: 3 },
  ];
  return html`<${ui.Tabs} label="About the file" tabs=${tabs} chosen=${chosen} onChoose=${choose}>
    <p>${tabs.find((one) => one.key === chosen)?.title} of lake.mp4.</p>
  <//>`;
}

const ROWS = 100_000;

function TableStory() {
  const [chosen, choose] = useState(/** @type {number | null} */ (2));
  const [isDescending, setDescending] = useState(false);
  const columns = [
    { key: 'n', title: 'Number', width: '96px', align: /** @type {const} */ ('right') },
    { key: 'name', title: 'Step', width: 'minmax(120px, 2fr)' },
    { key: 'time', title: 'Time', width: '96px', wide: true, align: /** @type {const} */ ('right') },
    { key: 'state', title: 'State', width: '110px', show: (/** @type {any} */ row) => html`<${ui.Tag} tone=${row.n % 7 ? 'good' : 'warn'}>${row.n % 7 ? 'Done' : 'Stopped'}<//>` },
  ];
  const rowAt = (/** @type {number} */ index) => {
    const n = isDescending ? ROWS - index : index + 1;
    return { n: ui.showCount(n), name: `train-${n}`, time: ui.showTime(n / 7), state: '' };
  };
  return html`<${ui.Card} title="Executions" note="100,000 rows" flush>
    <${ui.Table} label="Executions" columns=${columns} count=${ROWS} rowAt=${rowAt} chosen=${chosen}
      onChoose=${choose} sort="n" descending=${isDescending} onSort=${() => setDescending(!isDescending)} height=${320} />
  <//>`;
}

function ListStory() {
  const [chosen, choose] = useState(1);
  const names = ['lake.mp4', 'talk.mp4', 'interview.wav', 'boat.mov'];
  return html`<${ui.Card} title="Files" flush>
    <${ui.List} label="Files" count=${2000} height=${220} chosen=${chosen} onChoose=${choose}
      itemAt=${(/** @type {number} */ index) => names[index % names.length]}
      show=${(/** @type {string} */ name, /** @type {number} */ index) => html`<${ui.Icon} name=${name.endsWith('wav') ? 'audio' : 'film'} /><span class="cut-short grow">${name}</span><span class="small n">${index + 1}</span>`} />
  <//>`;
}

function DialogStory() {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return html`<${ui.Button} icon="remove" onClick=${() => setOpen(true)}>Move to the trash…<//>
    ${isOpen && html`<${ui.Dialog} title="Move lake.mp4 to the trash?" onClose=${close}
      actions=${html`<${ui.Button} onClick=${close}>Keep it<//><${ui.Button} kind="danger" onClick=${close}>Move<//>`}>
      <p>The file stays in the trash of this folder until you empty it.</p>
    <//>`}`;
}

/** @param {{studio: import('../app/types.js').Studio}} props */
function ToastStory({ studio }) {
  return html`<div class="row wrap">
    <${ui.Button} onClick=${() => studio.toast('lake.mp4 is ready', { kind: 'good' })}>Something good<//>
    <${ui.Button} onClick=${() => studio.toast('talk.mp4 was moved to the trash', { action: { label: 'Undo', fn: () => {} } })}>With an action<//>
    <${ui.Button} onClick=${() => studio.toast('The disk is full', { kind: 'bad', hint: '4.2 GB are needed; 1.1 GB are free.' })}>An error<//>
  </div>`;
}

function LogStory() {
  const [count, setCount] = useState(40);
  const lines = useMemo(() => Array.from({ length: count }, (_, k) => `frame ${k + 1} of 1,079, 6.3 a second`), [count]);
  return html`<div class="rows"><${ui.Log} label="Log of the job" lines=${lines} height=${160} />
    <div><${ui.Button} onClick=${() => setCount(count + 20)}>Add lines<//></div></div>`;
}

function DropStory() {
  const [names, setNames] = useState(/** @type {string[]} */ ([]));
  return html`<div class="rows"><${ui.Drop} takesPaste=${false} onFiles=${(/** @type {File[]} */ files) => setNames(files.map((one) => one.name))} />
    <p class="small" role="status">${names.length ? names.join(', ') : 'No files yet'}</p></div>`;
}

function MenuStory() {
  const [chosen, choose] = useState('date');
  const sorts = ['name', 'date', 'size'].map((one) => ({ label: `By ${one}`, checked: one === chosen, onSelect: () => choose(one) }));
  return html`<div class="row">
    <${ui.Menu} label=${`By ${chosen}: change the order`} text=${`By ${chosen}`} icon="sort" align="left" items=${sorts} />
    <${ui.Menu} label="More about lake.mp4" align="left" items=${[
      { label: 'Open with Film', icon: 'film', onSelect: () => {} },
      { label: 'Rename', icon: 'edit', note: 'F2', onSelect: () => {} },
      'line',
      { label: 'Move to the trash', icon: 'remove', danger: true, onSelect: () => {} },
      { label: 'Share', icon: 'open', disabled: 'The studio is local', onSelect: () => {} },
    ]} />
  </div>`;
}

/** @type {Story[]} */
export const stories = [
  {
    name: 'Button',
    note: 'Says what happens; the reason is its description when it cannot be used',
    show: () => html`<div class="row wrap">
      <${ui.Button} kind="primary" icon="add">Add files<//><${ui.Button}>Preview 1 frame<//>
      <${ui.Button} kind="quiet" icon="undo">Undo<//><${ui.Button} kind="danger" icon="remove">Remove<//>
      <${ui.Button} pressed=${true}>Show cuts<//><${ui.Button} disabled="Choose two photos first">Weave<//>
      <${ui.Button} busy>Working…<//>
      <${ui.IconButton} icon="play" label="Play" /><${ui.IconButton} icon="loop" label="Repeat" pressed=${true} />
    </div>`,
  },
  {
    name: 'Tag',
    note: 'A short state; colour only repeats its text',
    show: () => html`<div class="row wrap"><${ui.Tag}>Waiting<//><${ui.Tag} tone="on">Running<//><${ui.Tag} tone="good" icon="check">Done<//><${ui.Tag} tone="warn">Stopped<//><${ui.Tag} tone="bad">Failed<//><${ui.Tag} tone="new">made by a model<//></div>`,
  },
  {
    name: 'Meter',
    note: 'How much is done; moving where that is unknown',
    show: () => html`<div class="rows story-narrow"><${ui.Meter} label="boat.mov" value=${412} max=${1079} /><${ui.Meter} label="Disk" value=${0.93} tone="warn" /><${ui.Meter} label="Reading" /></div>`,
  },
  {
    name: 'Card',
    note: 'A surface with a heading, a note and actions',
    show: () => html`<div class="story-narrow"><${ui.Card} title="lake.mp4" tags=${html`<${ui.Tag} tone="good">Done<//>`} actions=${html`<${ui.Button} kind="quiet">Save as…<//>`}><p class="soft">1.500 s, 45 frames</p><//></div>`,
  },
  { name: 'Field', note: 'One labelled control; a mistake is shown while it is typed', show: () => html`<${FieldStory} />` },
  { name: 'Form', note: 'The options of an op, from its declaration', show: () => html`<${FormStory} />` },
  { name: 'Table', note: 'Any number of rows; at most 400 are in the page', show: () => html`<${TableStory} />` },
  { name: 'List', note: 'One of many', show: () => html`<${ListStory} />` },
  { name: 'Tabs', note: 'Parts of one thing', show: () => html`<${TabsStory} />` },
  { name: 'Menu', note: 'Arrow keys and first letters move in it', show: () => html`<${MenuStory} />` },
  { name: 'Dialog', note: 'Asks before something that cannot be undone', show: () => html`<${DialogStory} />` },
  { name: 'Toast', note: 'Errors, and messages with an action, stay', show: (studio) => html`<${ToastStory} studio=${studio} />` },
  ...mediaStories,
  { name: 'Log', note: 'Follows its end while that is visible', show: () => html`<${LogStory} />` },
  { name: 'Drop', note: 'Files, dropped, pasted or chosen', show: () => html`<${DropStory} />` },
  {
    name: 'Empty',
    note: 'Why there is nothing, and what to do',
    show: () => html`<${ui.Empty} icon="folder" title="No files yet" actions=${html`<${ui.Button} kind="primary" icon="add">Add files<//>`}><p>Drop photos, videos or sounds here.</p><//>`,
  },
  {
    name: 'Failure',
    note: 'What failed, why, and another try',
    show: () => html`<${ui.Failure} title="talk.mp4 could not be read" error=${{ error: 'The file ends after 12 of 40 MB.', hint: 'Copy it again from the camera.' }} retry=${() => {}} />`,
  },
];
