// The job: its output, its command, its start, and how far it is.

const WAIT_MS = 250;

/** @param {import('./state.js').Props} props */
export function Job({ studio, work }) {
  const { html, use, ui, hooks } = studio;
  const op = use(work.op);
  const values = use(work.values);
  const inputs = use(work.inputs);
  const isValid = use(work.isValid);
  const jobs = use(studio.jobs.list);
  const [output, setOutput] = hooks.useState('');
  const [report, setReport] = hooks.useState(false);
  const [busy, setBusy] = hooks.useState(false);
  const [made, setMade] = hooks.useState('');
  const [started, setStarted] = hooks.useState('');
  const body = {
    op: 'enhance',
    inputs: inputs.map((/** @type {string} */ one) => one.replace(/\/$/, '')),
    options: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '' && value !== null)),
    output: nameOutput(inputs, output.trim()),
    report: report && Boolean(op?.has_report),
  };
  const preview = useCommand(studio, body);
  const start = async (/** @type {object} */ more) => {
    setBusy(true);
    setMade('');
    try {
      const job = await studio.jobs.start({ ...body, ...more });
      setStarted(job.id ?? '');
      setMade(job.made_before?.path ?? '');
    } catch (error) {
      studio.toastError(error);
    }
    setBusy(false);
  };
  const problem = preview?.problem;
  const reason = !isValid ? 'Correct the marked choices first' : !preview ? 'The choices are still checked' : problem?.error;
  const job = jobs.find((/** @type {any} */ one) => one.id === started);
  return html`<${ui.Card} title="Output">
    <div class="rows enhance-job">
      <${ui.Field} kind="text" label="Name" value=${output} optional
        placeholder=${preview?.output?.split('/').pop() ?? 'chosen by the studio'} onChange=${(/** @type {any} */ text) => setOutput(text ?? '')} />
      ${op?.has_report && html`<${ui.Field} kind="switch" label="Also write a report" value=${report} onChange=${setReport} />`}
      ${problem && html`<p class="field-error" role="status">${problem.error} ${problem.hint}</p>`}
      <div class="row"><${ui.Button} kind="primary" class="grow" busy=${busy} disabled=${reason} onClick=${() => start({})}>Start<//></div>
      ${made && html`<${MadeBefore} studio=${studio} path=${made} onAgain=${() => start({ again: true })} />`}
      ${job && html`<${Progress} studio=${studio} job=${job} />`}
      <${Command} studio=${studio} command=${preview?.command ?? ''} />
    </div>
  <//>`;
}

/** A name is one next to the first input. @param {string[]} inputs @param {string} name */
function nameOutput(inputs, name) {
  if (!name) return null;
  const folder = (inputs[0] ?? '').replace(/\/$/, '').split('/').slice(0, -1).join('/');
  return name.includes('/') || !folder ? name : `${folder}/${name}`;
}

/** What the server makes of the choices, a moment after the last one. @param {any} studio @param {object} body */
function useCommand(studio, body) {
  const { hooks } = studio;
  const [found, setFound] = hooks.useState(/** @type {any} */ (null));
  const text = JSON.stringify(body);
  hooks.useEffect(() => {
    const control = new AbortController();
    const timer = window.setTimeout(async () => {
      try {
        const { op, ...rest } = JSON.parse(text);
        setFound(await studio.request('POST', `/api/ops/${op}/command`, rest, { signal: control.signal }));
      } catch (error) {
        if (control.signal.aborted) return;
        const { error: message = String(error), hint = '' } = /** @type {any} */ (error);
        setFound({ command: '', output: null, errors: {}, problem: { error: message, hint } });
      }
    }, WAIT_MS);
    return () => (window.clearTimeout(timer), control.abort());
  }, [text]);
  return found;
}

/** @param {{studio: any, command: string}} props */
function Command({ studio, command }) {
  const { html, ui } = studio;
  if (!command) return null;
  const copy = () => navigator.clipboard.writeText(command).then(() => studio.toast('Copied.'), studio.toastError);
  return html`<div class="rows">
    <p class="label">The same as a command</p>
    <div class="row enhance-command"><pre tabindex="0" aria-label="Command">${command}</pre>
    ${navigator.clipboard && html`<${ui.IconButton} icon="copy" label="Copy the command" onClick=${copy} />`}</div>
  </div>`;
}

/** @param {{studio: any, path: string, onAgain: () => void}} props */
function MadeBefore({ studio, path, onAgain }) {
  const { html, ui } = studio;
  return html`<div class="rows" role="status">
    <p>The same files were enhanced with the same choices before.</p>
    <div class="row wrap">
      <${ui.Button} icon="open" onClick=${() => studio.open(path)}>Open ${path.split('/').at(-1)}<//>
      <${ui.Button} kind="quiet" onClick=${onAgain}>Repeat it<//>
    </div>
  </div>`;
}

/** @param {{studio: any, job: any}} props */
function Progress({ studio, job }) {
  const { html, ui } = studio;
  const hasOutput = ['done', 'incomplete'].includes(job.state) && job.output;
  const name = job.output?.split('/').at(-1);
  // A folder has no page of its own; Home lists its files.
  const isFolder = hasOutput && !name.includes('.');
  const open = () => (isFolder ? studio.go('home', { folder: job.output }) : studio.open(job.output));
  return html`<div class="rows" role="status">
    <p><strong>${job.title}</strong> <span class="small">${job.state}</span></p>
    ${job.state === 'running' && html`<${ui.Meter} label="The job" value=${job.done} max=${job.total ?? undefined} />`}
    ${job.error && html`<p class="field-error">${job.error} ${job.hint}</p>`}
    <div class="row wrap">
      ${hasOutput && html`<${ui.Button} icon=${isFolder ? 'folder' : 'open'} onClick=${open}>Open ${name}<//>`}
      <${ui.Button} kind="quiet" onClick=${() => studio.go('jobs', { id: job.id })}>Show the job<//>
    </div>
  </div>`;
}
