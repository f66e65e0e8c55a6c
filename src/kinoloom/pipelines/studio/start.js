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
      await studio.jobs.start(confirmed ? { ...body, confirmed } : body);
      studio.go('pipelines');
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
