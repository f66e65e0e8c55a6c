// Starts a pipeline from a file; a file with code is confirmed once per content.

/** @param {{studio: any, file: string}} props */
export function Start({ studio, file }) {
  const { html, ui, hooks } = studio;
  const [set, setSet] = hooks.useState('');
  const [asks, setAsks] = hooks.useState('');
  const [busy, setBusy] = hooks.useState(false);
  const name = file.split('/').at(-1);
  const start = async (/** @type {string} */ confirmed) => {
    setBusy(true);
    const options = set ? { set } : {};
    const body = { op: 'pipeline.run', inputs: [file], options, again: true };
    try {
      const job = await studio.jobs.start(confirmed ? { ...body, confirmed } : body);
      studio.go('pipelines', { job: job.id });
    } catch (error) {
      const digest = /** @type {any} */ (error)?.body?.sha256;
      if (digest) setAsks(digest);
      else studio.toastError(error);
    }
    setBusy(false);
  };
  const actions = html`<${ui.Button} onClick=${() => setAsks('')}>Cancel<//>
    <${ui.Button} kind="primary" onClick=${() => (setAsks(''), start(asks))}>Run it<//>`;
  return html`<div class="pipelines"><${ui.Card} title=${`Start ${name}`} note="pipeline run">
    <div class="rows">
      <p class="soft">The pipeline runs as a job: it continues when this tab or the studio is closed.</p>
      <${ui.Field} kind="text" label="Parameters" help="NAME=VALUE,NAME=VALUE or a JSON object" value=${set} onChange=${setSet} />
      <div class="row wrap"><${ui.Button} kind="primary" busy=${busy} onClick=${() => start('')}>Start<//>
        <${ui.Button} kind="quiet" onClick=${() => studio.go('pipelines')}>All executions<//></div>
    </div><//>
    ${asks && html`<${ui.Dialog} title=${`Run the code in ${name}?`} onClose=${() => setAsks('')} actions=${actions}>
      <p>A pipeline is a program: it runs with your rights and can read your files. Run it only if you trust where it comes from.</p>
      <p class="small">You are asked once for each content of the file: ${asks.slice(0, 12)}</p>
    <//>`}
  </div>`;
}

/** The job that was started here: its failure, if no execution shows it.
 * @param {{studio: any}} props */
export function Started({ studio }) {
  const { html, ui, use } = studio;
  const { job: id } = use(studio.params);
  const job = use(studio.jobs.list).find((/** @type {any} */ one) => one.id === id);
  if (!job || job.state === 'done') return null;
  const close = html`<${ui.IconButton} icon="close" label="Close this message" onClick=${() => studio.setParams({ job: '' })} />`;
  const all = html`<${ui.Button} kind="quiet" onClick=${() => studio.go('jobs', { job: id })}>The job<//>`;
  if (['waiting', 'running', 'paused'].includes(job.state)) {
    return html`<p class="row" role="status"><${ui.Tag} tone="on">${job.state}<//><span class="grow">${job.title}</span>${all}${close}</p>`;
  }
  const error = { error: job.error || 'The job ended.', hint: job.hint };
  return html`<${ui.Failure} title=${`${job.title}: ${job.state}`} error=${error} actions=${html`${all}${close}`} />`;
}
