// The choices: preset, size, corrections, and everything else that the op offers.

/** @type {Record<string, string>} */
const LABELS = {
  auto: 'Choose by measurements',
  tier: 'Network',
  fps: 'Frame rate',
  times: 'Times as many frames',
  slow: 'Slow motion',
  dedup: 'Replace repeated frames',
  lut: 'Colour table',
  denoise: 'Remove noise',
};
/** @type {Record<string, string>} */
const TIERS = {
  auto: 'automatic',
  live: 'live: fastest',
  fast: 'fast',
  small: 'small: for colour pictures',
  best: 'best: slow',
  drawn: 'drawn: for drawings, slow',
};
/** @type {Record<string, string>} */
const NOISE = { off: 'off', auto: 'as measured', 5: '5 levels: light', 10: '10 levels', 15: '15 levels', 25: '25 levels: strong', 50: '50 levels: extreme' };
const CORRECTIONS = /** @type {[string, string][]} */ ([
  ['deblock', 'Compression'],
  ['chroma', 'Colour noise'],
  ['white_balance', 'Colour cast'],
  ['lowlight', 'Dark areas'],
  ['sharpen', 'Soft edges'],
  ['deband', 'Colour steps'],
  ['grain', 'Keep grain'],
]);
const METADATA = {
  kind: 'choice',
  choices: ['drop', 'no-location'],
  names: { drop: 'drop all', 'no-location': 'drop the location' },
  placeholder: 'keep',
  help: '',
};
const FIRST = ['preset', 'auto', 'scale', 'tier', 'denoise'];
const NEXT = ['strength', 'fps', 'metadata'];
const HIDDEN = ['without', 'overwrite', 'resume', ...FIRST, ...CORRECTIONS.map(([name]) => name)];

/** @param {import('./state.js').Props} props */
export function Choices({ studio, work }) {
  const { html, use, ui, hooks } = studio;
  const op = use(work.op);
  const values = use(work.values);
  const presets = use(work.presets);
  const outlook = use(work.outlook);
  const [wrong, setWrong] = hooks.useState(/** @type {Record<string, boolean>} */ ({}));
  const change = (/** @type {string} */ part) => (/** @type {any} */ next, /** @type {boolean} */ valid) => {
    const all = { ...wrong, [part]: !valid };
    setWrong(all);
    work.isValid.value = !Object.values(all).some(Boolean);
    work.values.value = next;
  };
  if (!op) return html`<${ui.Card} title="Choices"><${ui.Meter} label="Reading the choices" value=${null} /><//>`;
  const isPhoto = outlook?.photo ?? true;
  const preset = presets.find((/** @type {any} */ one) => one.name === values.preset);
  const first = FIRST.map((name) => describe(op, name, presets, values));
  return html`<${ui.Card} title="Choices" note="enhance">
    <div class="rows enhance-choices">
      <${ui.Form} declaration=${first} values=${values} shown=${first.length} onChange=${change('first')} />
      <${Corrections} studio=${studio} work=${work} />
      <${ui.Form} declaration=${listOthers(op, isPhoto, preset)} values=${values} shown=${2} onChange=${change('others')} />
    </div>
  <//>
  <${Reasons} studio=${studio} work=${work} />`;
}

/** An option as this page shows it. @param {any} op @param {string} name @param {any[]} presets @param {Record<string, any>} values */
function describe(op, name, presets, values) {
  const option = { ...op.options.find((/** @type {any} */ one) => one.name === name), label: LABELS[name] };
  const preset = presets.find((one) => one.name === values.preset);
  if (name === 'preset') {
    const summary = preset ? capitalise(preset.summary) : 'A named set of choices';
    return { ...option, kind: 'choice', choices: presets.map((one) => one.name), placeholder: 'none', help: summary };
  }
  if (name === 'tier') return { ...option, kind: 'choice', names: TIERS, help: '', placeholder: inherit(preset, name, 'automatic') };
  if (name === 'denoise') {
    const choices = ['off', 'auto', '5', '10', '15', '25', '50'];
    return { ...option, kind: 'choice', choices, names: NOISE, help: '', placeholder: inherit(preset, name, 'off') };
  }
  if (name === 'scale') return { ...option, placeholder: inherit(preset, name, '1'), help: 'Factor of both sides' };
  if (name === 'auto') return { ...option, help: 'Measures the input and chooses the corrections' };
  return option;
}

/** What an empty field means. @param {any} preset @param {string} name @param {string} otherwise */
function inherit(preset, name, otherwise) {
  const value = preset?.values[name];
  return value === undefined ? otherwise : `${NOISE[value] ?? value} (preset)`;
}

/** The options below the corrections. @param {any} op @param {boolean} isPhoto @param {any} preset */
function listOthers(op, isPhoto, preset) {
  const [own, others] = isPhoto ? ['Photos: ', 'Videos: '] : ['Videos: ', 'Photos: '];
  const found = op.options
    .filter((/** @type {any} */ one) => !HIDDEN.includes(one.name) && !one.help.startsWith(others))
    .map((/** @type {any} */ one) => ({
      ...one,
      label: LABELS[one.name] ?? one.label,
      help: one.help.startsWith(own) ? capitalise(one.help.slice(own.length)) : one.help,
      ...(one.name === 'strength' ? { placeholder: inherit(preset, 'strength', '1') } : {}),
      ...(one.name === 'fps' ? { placeholder: inherit(preset, 'fps', 'as the input') } : {}),
      ...(one.name === 'metadata' ? METADATA : {}),
    }));
  const rank = (/** @type {any} */ one) => (NEXT.includes(one.name) ? NEXT.indexOf(one.name) : NEXT.length);
  return found.sort((/** @type {any} */ one, /** @type {any} */ other) => rank(one) - rank(other));
}

/** Switches that show what is in effect, from the choices, the preset or the measurements.
 * @param {import('./state.js').Props} props */
function Corrections({ studio, work }) {
  const { html, use, ui, hooks } = studio;
  const id = hooks.useId();
  const values = use(work.values);
  const outlook = use(work.outlook);
  const preset = use(work.presets).find((/** @type {any} */ one) => one.name === values.preset);
  const without = splitNames(values.without);
  const chosen = new Set((outlook?.choices ?? []).map((/** @type {any} */ one) => one.option));
  /** @param {string} name */
  const isOffered = (name) => Boolean(preset?.values[name]) || chosen.has(name);
  /** @param {string} name */
  const isOn = (name) => Boolean(values[name]) || (isOffered(name) && !without.includes(name));
  /** @param {string} name @param {boolean} on */
  const set = (name, on) => {
    const { [name]: _, without: __, ...others } = values;
    const left = without.filter((one) => one !== name);
    if (!on && isOffered(name)) left.push(name);
    const added = on && !isOffered(name) ? { [name]: true } : {};
    work.values.value = { ...others, ...added, ...(left.length ? { without: left.join(',') } : {}) };
  };
  return html`<div class="enhance-corrections" role="group" aria-labelledby=${id}>
    <p class="label" id=${id}>Corrections</p>
    <div class="enhance-switches">${CORRECTIONS.map(
      ([name, label]) => html`<${ui.Field} key=${name} kind="switch" label=${label} value=${isOn(name)}
        onChange=${(/** @type {boolean} */ on) => set(name, on)} />`,
    )}</div>
  </div>`;
}

/** @param {string | undefined} text @returns {string[]} */
function splitNames(text) {
  return (text ?? '').split(',').filter(Boolean);
}

/** What was chosen and measured. @param {import('./state.js').Props} props */
function Reasons({ studio, work }) {
  const { html, use, ui } = studio;
  const outlook = use(work.outlook);
  const items = use(work.items);
  const shown = use(work.shown);
  if (!outlook) return null;
  const reasons = [...outlook.choices.map((/** @type {any} */ one) => one.reason), outlook.order].filter(Boolean);
  if (!reasons.length && !outlook.measured.length) return null;
  const isOneOfSeveral = items && items.length > 1;
  return html`<${ui.Card} title=${reasons.length ? 'Reasons' : 'Measurements'} note=${isOneOfSeveral ? shown.split('/').at(-1) : undefined}>
    ${isOneOfSeveral && html`<p class="small">Each photo is measured by itself.</p>`}
    ${reasons.length > 0 && html`<ul class="enhance-reasons">${reasons.map((one) => html`<li key=${one}>${one}</li>`)}</ul>`}
    ${
      outlook.measured.length > 0 &&
      html`<details class="more"><summary>What was measured</summary>
        <dl class="enhance-measured">${outlook.measured.map(
          (/** @type {[string, string]} */ [name, value]) => html`<div key=${name}><dt>${capitalise(name)}</dt><dd class="n">${value}</dd></div>`,
        )}</dl></details>`
    }
  <//>`;
}

/** @param {string} text */
function capitalise(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
