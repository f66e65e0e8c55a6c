// Chooses photos, a folder of photos, or a video.

/** @param {import('./state.js').Props} props */
export function Picker({ studio, work }) {
  const { html, ui, hooks } = studio;
  const [folder, setFolder] = hooks.useState('');
  const [files, setFiles] = hooks.useState(/** @type {any[] | null} */ (null));
  const [error, setError] = hooks.useState(/** @type {unknown} */ (null));
  const [chosen, setChosen] = hooks.useState(/** @type {string[]} */ ([]));
  hooks.useEffect(() => {
    const query = new URLSearchParams({ folder, sort: 'name', limit: '200' });
    studio.request('GET', `/api/files?${query}`).then((/** @type {any} */ answer) => setFiles(answer.files), setError);
  }, [folder]);
  if (error) return html`<${ui.Failure} error=${error} />`;
  if (!files) return html`<${ui.Meter} label="Reading the folder" value=${null} />`;
  const usable = files.filter((/** @type {any} */ one) => ['folder', 'photo', 'video'].includes(one.kind));
  const hasPhotos = usable.some((/** @type {any} */ one) => one.kind === 'photo');
  /** @param {any} file */
  const press = (file) => {
    if (file.kind === 'folder') return setFolder(file.path);
    if (file.kind === 'video') return work.choose([file.path]);
    setChosen(toggle(chosen, file.path));
  };
  const up = folder && html`<${ui.Button} kind="quiet" icon="back" onClick=${() => setFolder(folder.split('/').slice(0, -1).join('/'))}>Back<//>`;
  return html`<${ui.Card} class="enhance-picker" title="Choose photos, or a video" note=${folder} actions=${up}>
    <p class="soft">One photo, several, or all of a folder get the same choices. A video is enhanced as a whole.</p>
    ${usable.length === 0 && html`<${ui.Empty} icon="photo" title="No photos or videos here"><p>Add some on Home.</p><//>`}
    <ul class="enhance-files">${usable.map(
      (/** @type {any} */ file) => html`<li key=${file.path}><${File} studio=${studio} file=${file}
        isChosen=${chosen.includes(file.path)} onClick=${() => press(file)} /></li>`,
    )}</ul>
    <div class="row wrap enhance-pick">
      <${ui.Button} kind="primary" disabled=${!chosen.length && 'Choose a photo'} onClick=${() => work.choose(chosen)}>
        ${chosen.length > 1 ? `Enhance ${chosen.length} photos` : 'Enhance the photo'}<//>
      ${folder && hasPhotos && html`<${ui.Button} icon="folder" onClick=${() => work.choose([`${folder}/`])}>Enhance the whole folder<//>`}
    </div>
  <//>`;
}

/** @param {string[]} list @param {string} item */
function toggle(list, item) {
  return list.includes(item) ? list.filter((one) => one !== item) : [...list, item];
}

/** @param {{studio: any, file: any, isChosen: boolean, onClick: () => void}} props */
function File({ studio, file, isChosen, onClick }) {
  const { html, ui } = studio;
  const picture =
    file.kind === 'folder'
      ? html`<span class="enhance-folder"><${ui.Icon} name="folder" size="28" /></span>`
      : html`<img src=${studio.files.thumb(file.path, 320)} alt="" loading="lazy" />`;
  return html`<button type="button" class="enhance-file" onClick=${onClick}
    aria-pressed=${file.kind === 'photo' ? String(isChosen) : undefined}>
    ${picture}<span class="cut-short">${file.name}</span>
    ${isChosen && html`<${ui.Tag} tone="on" icon="check">chosen<//>`}
  </button>`;
}
