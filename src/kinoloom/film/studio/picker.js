// Chooses photos or a video of the folder.

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film}} props */
export function Picker({ studio, film }) {
  const { html, ui, hooks } = studio;
  const [files, setFiles] = hooks.useState(/** @type {any[] | null} */ (null));
  const [error, setError] = hooks.useState(/** @type {unknown} */ (null));
  const [chosen, setChosen] = hooks.useState(/** @type {string[]} */ ([]));
  const [folder, setFolder] = hooks.useState('');
  hooks.useEffect(() => {
    const query = new URLSearchParams({ folder, sort: 'name', limit: '200' });
    studio.request('GET', `/api/files?${query}`).then((/** @type {any} */ answer) => setFiles(answer.files), setError);
  }, [folder]);
  if (error) return html`<${ui.Failure} error=${error} />`;
  if (!files) return html`<${ui.Meter} label="Reading the folder" value=${null} />`;
  const shown = files.filter((/** @type {any} */ one) => ['folder', 'photo', 'video'].includes(one.kind));
  /** @param {any} file */
  const toggle = (file) => {
    if (file.kind === 'folder') setFolder(file.path);
    else if (file.kind === 'video') film.choose([file.path]);
    else setChosen(chosen.includes(file.path) ? chosen.filter((/** @type {string} */ one) => one !== file.path) : [...chosen, file.path]);
  };
  const up = folder && html`<${ui.Button} kind="quiet" onClick=${() => setFolder(folder.split('/').slice(0, -1).join('/'))}>Back<//>`;
  return html`<${ui.Card} class="film-picker" title="Choose photos, or a video" note=${folder} actions=${up}>
    <p class="soft">Two or more photos of one scene become a film, in the order in which you choose them. A video becomes smoother or slower.</p>
    ${shown.length === 0 && html`<${ui.Empty} icon="film" title="No photos or videos here"><p>Add some on Home.</p><//>`}
    <ul class="film-files">${shown.map((/** @type {any} */ file) => html`<li key=${file.path}><${Choice} studio=${studio} file=${file}
      place=${chosen.indexOf(file.path) + 1} onClick=${() => toggle(file)} /></li>`)}</ul>
    <div class="film-actions">
      <${ui.Button} kind="primary" disabled=${chosen.length < 2 && 'Choose at least two photos'}
        onClick=${() => film.choose(chosen)}>Use ${chosen.length || 'these'} photos<//>
    </div>
  <//>`;
}

/** @param {{studio: any, file: any, place: number, onClick: () => void}} props */
function Choice({ studio, file, place, onClick }) {
  const { html, ui } = studio;
  const isPicture = file.kind === 'photo' || file.kind === 'video';
  return html`<button type="button" class="film-file" onClick=${onClick}
    aria-pressed=${file.kind === 'photo' ? String(place > 0) : undefined}>
    ${isPicture ? html`<img src=${studio.files.thumb(file.path, 320)} alt="" loading="lazy" />` : html`<${ui.Icon} name="folder" size="28" />`}
    <span class="cut-short">${file.name}</span>
    ${place > 0 && html`<${ui.Tag} tone="on">${place}<//>`}
  </button>`;
}
