// Callback steps that wait for an answer from a person.

/** @param {{studio: any, listed: any}} props */
export function Callbacks({ studio, listed }) {
  const { html, ui, use, hooks } = studio;
  const [open, setOpen] = hooks.useState(/** @type {any[]} */ ([]));
  const [answered, setAnswered] = hooks.useState(0);
  const latest = use(listed);
  hooks.useEffect(() => {
    studio.call('callbacks').then(setOpen, studio.toastError);
  }, [latest, answered]);
  hooks.useEffect(() => {
    const timer = setInterval(() => document.hidden || setAnswered((/** @type {number} */ k) => k + 1), 2000);
    return () => clearInterval(timer);
  }, []);
  if (!open.length) return null;
  return html`<${ui.Card} title="Waiting for an answer" tags=${html`<${ui.Tag} tone="warn">${open.length}<//>`}>
    <ul class="rows">${open.map((/** @type {any} */ one) => html`<li key=${one.token}>
      <${Callback} studio=${studio} callback=${one} onAnswer=${() => setAnswered((/** @type {number} */ k) => k + 1)} /></li>`)}</ul>
  <//>`;
}

/** @param {{studio: any, callback: any, onAnswer: () => void}} props */
function Callback({ studio, callback, onAnswer }) {
  const { html, ui, hooks } = studio;
  const [outputs, setOutputs] = hooks.useState('{}');
  const [reason, setReason] = hooks.useState('');
  const send = async (/** @type {object} */ answer) => {
    try {
      await studio.call('answer', { token: callback.token, ...answer });
      onAnswer();
    } catch (error) {
      studio.toastError(error);
    }
  };
  return html`<div class="pipelines-callback" role="group" aria-label=${`Answer ${callback.step}`}>
    <p><strong>${callback.step}</strong> <span class="small">${JSON.stringify(callback.arguments)}</span></p>
    <div class="pipelines-answer">
      <${ui.Field} kind="text" label="Outputs, a JSON object" value=${outputs} onChange=${setOutputs} />
      <${ui.Button} kind="primary" onClick=${() => send({ outputs })}>Answer<//>
      <${ui.Field} kind="text" label="Reason, to fail the step" value=${reason} onChange=${setReason} />
      <${ui.Button} kind="danger" disabled=${!reason && 'Give a reason first'} onClick=${() => send({ fail: reason })}>Fail<//>
    </div>
  </div>`;
}
