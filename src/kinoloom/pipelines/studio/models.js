// The model registry: versions side by side, approved or rejected with a reason.
import { showNumber, shortNames } from './execution.js';
import { seconds } from './states.js';

/** @type {Record<string, [string, string]>} */
const APPROVALS = {
  Approved: ['good', 'Approved'],
  Rejected: ['bad', 'Rejected'],
  PendingManualApproval: ['warn', 'Waits for approval'],
};

/** @param {{studio: any}} props */
export function Models({ studio }) {
  const { html, ui, hooks } = studio;
  const [models, setModels] = hooks.useState(/** @type {any[] | null} */ (null));
  const [changed, setChanged] = hooks.useState(0);
  const [deciding, setDeciding] = hooks.useState(/** @type {any} */ (null));
  hooks.useEffect(() => {
    studio.call('models').then(setModels, studio.toastError);
  }, [changed]);
  if (!models) return html`<${ui.Meter} label="Reading the models" value=${null} />`;
  if (!models.length) return html`<${ui.Empty} icon="box" title="No models yet"><p>A RegisterModel step of a pipeline adds them.</p><//>`;
  const families = [...new Set(models.map((/** @type {any} */ one) => one.family))];
  return html`<div class="rows">
    ${families.map((family) => html`<${Family} key=${family} studio=${studio} family=${family}
      versions=${models.filter((/** @type {any} */ one) => one.family === family)} onDecide=${setDeciding} />`)}
    ${deciding && html`<${Decision} studio=${studio} deciding=${deciding} onClose=${() => {
      setDeciding(null);
      setChanged((/** @type {number} */ k) => k + 1);
    }} />`}
  </div>`;
}

/** @param {{studio: any, family: string, versions: any[], onDecide: (decision: any) => void}} props */
function Family({ studio, family, versions, onDecide }) {
  const { html, ui } = studio;
  const names = [...new Set(versions.flatMap((one) => one.metrics.map((/** @type {any} */ pair) => pair[0])))];
  const short = shortNames(names);
  const value = (/** @type {any} */ version, /** @type {string} */ name) => {
    const found = version.metrics.find((/** @type {any} */ pair) => pair[0] === name);
    return found ? showNumber(found[1]) : '–';
  };
  return html`<${ui.Card} title=${family} note=${`${versions.length} ${versions.length === 1 ? 'version' : 'versions'}`}>
    <div class="pipelines-scroll" tabindex="0" role="region" aria-label=${`Versions of ${family}`}><table class="pipelines-models">
      <thead><tr><th scope="col">Version</th><th scope="col">State</th><th scope="col">Decision</th>
        ${names.map((name) => html`<th scope="col" title=${name}>${short.get(name)}</th>`)}<th scope="col">Registered</th></tr></thead>
      <tbody>${versions.map((one) => html`<tr key=${one.version}>
        <th scope="row" class="n">${one.version}</th>
        <td><${ui.Tag} tone=${(APPROVALS[one.approval] ?? [''])[0]}>${(APPROVALS[one.approval] ?? ['', one.approval])[1]}<//>
          ${one.reason && html`<span class="small"> ${one.reason}</span>`}</td>
        <td><div class="row">${['Approved', 'Rejected'].filter((status) => status !== one.approval).map((status) => html`<${ui.Button}
          kind="quiet" onClick=${() => onDecide({ family, version: one.version, status })}
          aria-label=${`${status === 'Approved' ? 'Approve' : 'Reject'} version ${one.version}`}>
          ${status === 'Approved' ? 'Approve' : 'Reject'}<//>`)}</div></td>
        ${names.map((name) => html`<td class="n">${value(one, name)}</td>`)}
        <td class="small n">${ui.showDate(seconds(one.created))}
          <${ui.Button} kind="quiet" onClick=${() => studio.go('pipelines', { execution: one.execution })}
            aria-label=${`Execution of version ${one.version}`}>Execution<//></td>
      </tr>`)}</tbody>
    </table></div>
  <//>`;
}

/** @param {{studio: any, deciding: any, onClose: () => void}} props */
function Decision({ studio, deciding, onClose }) {
  const { html, ui, hooks } = studio;
  const [reason, setReason] = hooks.useState('');
  const verb = deciding.status === 'Approved' ? 'Approve' : 'Reject';
  const decide = async () => {
    try {
      await studio.call('approve', { ...deciding, reason });
      onClose();
    } catch (error) {
      studio.toastError(error);
    }
  };
  const actions = html`<${ui.Button} onClick=${onClose}>Cancel<//>
    <${ui.Button} kind="primary" disabled=${!reason && 'Give a reason first'} onClick=${decide}>${verb}<//>`;
  return html`<${ui.Dialog} title=${`${verb} ${deciding.family}, version ${deciding.version}`} onClose=${onClose} actions=${actions}>
    <${ui.Field} kind="text" label="Reason, kept in the history" value=${reason} onChange=${setReason} />
  <//>`;
}
