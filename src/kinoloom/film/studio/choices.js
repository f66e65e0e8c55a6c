// The choices: the options of the op, a small loop, and the job that makes the film.

/** @type {Record<string, string>} */
const LABELS = {
  seconds: 'Length',
  fps: 'Frame rate',
  times: 'Times as many frames',
  slow: 'Slow motion',
  sound: 'Sound',
  dedup: 'Replace repeated frames',
  hold: 'Hold each photo',
  ease: 'Start and end of the motion',
  loop: 'Return to the first photo',
  boomerang: 'Forwards, then backwards',
  size: 'Longest side',
  memory: 'Memory limit',
  flow_scale: 'Scale of the motion',
};
/** Shorter than the help of the command line: these two are next to each other. @type {Record<string, string>} */
const HELP = {
  seconds: '1.5 s for each photo after the first',
  fps: '30 for photos; such as 60 or 60000/1001',
};
const FIRST = ['seconds', 'fps', 'times', 'slow', 'ease', 'engine', 'hold', 'loop', 'boomerang', 'sound'];
const SHOWN = 5;
const PREVIEW_SECONDS = '2';

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film}} props */
export function Choices({ studio, film }) {
  const { html, use, ui, hooks } = studio;
  const [declaration, setDeclaration] = hooks.useState(/** @type {any} */ (null));
  const [error, setError] = hooks.useState(/** @type {unknown} */ (null));
  const [engines, setEngines] = hooks.useState(/** @type {any[]} */ ([]));
  const values = use(film.values);
  const plan = use(film.plan);
  hooks.useEffect(() => {
    studio.request('GET', '/api/ops/interpolate').then(setDeclaration, setError);
    studio.call('engines').then(setEngines, studio.toastError);
  }, []);
  const usable = engines.filter((/** @type {any} */ one) => !one.missing).map((/** @type {any} */ one) => one.name);
  const shown = declaration && select(declaration, plan?.stills ?? true, usable);
  return html`<div class="rows film-side">
    <${ui.Card} title="Make the film" note="interpolate">
      ${error && html`<${ui.Failure} error=${error} />`}
      ${shown && html`<${ui.Form} declaration=${shown} values=${values} shown=${SHOWN}
        onChange=${(/** @type {any} */ changed, /** @type {boolean} */ valid) => {
          film.isValid.value = valid;
          film.values.value = changed;
        }} />`}
      <${Engines} studio=${studio} film=${film} engines=${usable} />
      <${Actions} studio=${studio} film=${film} />
    <//>
  </div>`;
}

/** Keep the options of the kind of input, and leave out those that the page itself sets.
 * @param {any} declaration @param {boolean} stills @param {string[]} engines */
function select(declaration, stills, engines) {
  const [own, wrong] = stills ? ['Photos: ', 'Videos: '] : ['Videos: ', 'Photos: '];
  const options = declaration.options
    .filter((/** @type {any} */ one) => one.section === 'op' && !one.help.startsWith(wrong) && one.name !== 'cuts')
    .map((/** @type {any} */ one) => ({
      ...one,
      label: LABELS[one.name],
      help: (stills && HELP[one.name]) || (one.help.startsWith(own) ? capitalise(one.help.slice(own.length)) : one.help),
      ...(one.name === 'engine' && engines.length ? { kind: 'choice', choices: ['auto', ...engines] } : {}),
    }));
  const rank = (/** @type {any} */ one) => (FIRST.includes(one.name) ? FIRST.indexOf(one.name) : FIRST.length);
  options.sort((/** @type {any} */ one, /** @type {any} */ other) => rank(one) - rank(other));
  return { ...declaration, options };
}

/** @param {string} text */
function capitalise(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film, engines: string[]}} props */
function Engines({ studio, film, engines }) {
  const { html, use, ui } = studio;
  const peer = use(film.peer);
  return html`<div class="film-field"><${ui.Field} kind="choice" label="Compare with another engine"
    value=${peer || 'none'} choices=${['none', ...engines]}
    onChange=${(/** @type {string} */ value) => (film.peer.value = value === 'none' ? '' : value)} /></div>`;
}

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film}} props */
function Actions({ studio, film }) {
  const { html, use, ui, hooks } = studio;
  const plan = use(film.plan);
  const jobs = use(studio.jobs.list);
  const reason = !use(film.isValid) ? 'Correct what is marked first' : !plan && 'The files are still read';
  const [loop, setLoop] = hooks.useState('');
  const [busy, setBusy] = hooks.useState('');
  const [before, setBefore] = hooks.useState(/** @type {{path: string, again: () => void} | null} */ (null));
  const [started, setStarted] = hooks.useState('');
  hooks.useEffect(() => () => URL.revokeObjectURL(loop), [loop]);
  /** @param {string} what @param {() => Promise<void>} action */
  const run = async (what, action) => {
    setBusy(what);
    try {
      await action();
    } catch (error) {
      if (/** @type {any} */ (error)?.status !== 409) studio.toastError(error);
    }
    setBusy('');
  };
  const preview = () =>
    run('loop', async () => {
      const rate = plan ? ratio(plan.rate) : 30;
      const start = plan?.stills ? '0' : (film.number.value / rate).toFixed(3);
      const duration = plan?.stills ? plan.duration : PREVIEW_SECONDS;
      const blob = await studio.call('loop', film.options({ start, duration }), { latest: 'loop' });
      setLoop(URL.createObjectURL(blob));
    });
  const make = () =>
    run('make', async () => {
      setBefore(null);
      const { files, ...options } = film.options();
      const body = { op: 'interpolate', inputs: film.files.value, options };
      const job = await studio.jobs.start(body);
      setStarted(job.id ?? '');
      if (job.made_before) offer(job.made_before.path, body);
    });
  /** @param {string} path @param {object} body */
  const offer = (path, body) => {
    const again = async () => setStarted((await studio.jobs.start({ ...body, again: true })).id);
    setBefore({ path, again: () => run('make', again) });
  };
  const job = jobs.find((/** @type {any} */ one) => one.id === started);
  return html`<div class="film-actions">
      <${ui.Button} kind="primary" busy=${busy === 'make'} disabled=${reason} onClick=${make}>Make the film<//>
      <${ui.Button} busy=${busy === 'loop'} disabled=${reason} onClick=${preview}>Preview loop<//>
    </div>
    ${loop && html`<img class="film-loop" src=${loop} alt="A small loop of the film" />`}
    ${before && html`<${MadeBefore} studio=${studio} before=${before} />`}
    ${job && html`<${Progress} studio=${studio} job=${job} />`}`;
}

/** @param {{studio: import('./state.js').Studio, before: {path: string, again: () => void}}} props */
function MadeBefore({ studio, before }) {
  const { html, ui } = studio;
  return html`<div class="film-job" role="status">
    <p>This film was made before, with the same files and choices.</p>
    <div class="row wrap">
      <${ui.Button} icon="film" onClick=${() => studio.open(before.path)}>Open ${before.path.split('/').at(-1)}<//>
      <${ui.Button} kind="quiet" onClick=${before.again}>Make it again<//>
    </div>
  </div>`;
}

/** @param {{studio: import('./state.js').Studio, job: any}} props */
function Progress({ studio, job }) {
  const { html, ui } = studio;
  const isDone = job.state === 'done' || job.state === 'incomplete';
  return html`<div class="film-job" role="status">
    <p><strong>${job.title}</strong> <span class="small">${job.state}</span></p>
    ${job.state === 'running' && html`<${ui.Meter} label="The film" value=${job.done} max=${job.total ?? undefined} />`}
    ${job.error && html`<p class="small">${job.error} ${job.hint}</p>`}
    <div class="row wrap">
      ${isDone && job.output && html`<${ui.Button} icon="film" onClick=${() => studio.open(job.output)}>Open ${job.output.split('/').at(-1)}<//>`}
      <${ui.Button} kind="quiet" onClick=${() => studio.go('jobs')}>All jobs<//>
    </div>
  </div>`;
}

/** @param {string} text */
function ratio(text) {
  const [top, bottom = '1'] = (text || '30').split('/');
  return Number(top) / Number(bottom);
}
