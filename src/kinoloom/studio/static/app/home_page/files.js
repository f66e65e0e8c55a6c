// The files of a folder: path, search, order, tiles, and what can be done with the chosen ones.
import { Button, Empty, Failure, IconButton } from '../../ui/basics.js';
import { Menu } from '../../ui/dialog.js';
import { Icon } from '../../ui/icons.js';
import { lazy } from '../../ui/lazy.js';
import { showCount } from '../../ui/texts.js';
import { fileUrl } from '../media.js';
import { Unloaded } from '../open_dialogs.js';
import { request } from '../request.js';
import { toast, toastError } from '../toasts.js';
import { html, use, useEffect, useState } from '../view.js';
import { Grid } from './grid.js';

const NameDialog = lazy(() => import('./name_dialog.js'), 'NameDialog', '', Unloaded);
const TrashDialog = lazy(() => import('./trash_dialog.js'), 'TrashDialog', '', Unloaded);

/** @typedef {import('./listing.js').Entry} Entry */

const SORTS = [
  { label: 'By name', sort: 'name', descending: '' },
  { label: 'Newest first', sort: 'date', descending: '1' },
  { label: 'Oldest first', sort: 'date', descending: '' },
  { label: 'Largest first', sort: 'size', descending: '1' },
  { label: 'By kind', sort: 'kind', descending: '' },
];
const WAIT_MS = 200;

/** @param {{home: import('../home.js').Home}} props */
export function Files({ home }) {
  const params = use(home.params);
  const listing = use(home.list.listing);
  const chosen = use(home.chosen);
  const [naming, setNaming] = useState(/** @type {any} */ (null));
  const [isTrashOpen, setTrashOpen] = useState(false);
  const { files, total, complete, loading, error } = listing;
  const folder = params.folder ?? '';
  const open = (/** @type {Entry} */ entry) =>
    entry.kind === 'folder' ? home.goTo({ folder: entry.path, query: '' }) : home.open(entry.path);
  const rename = (/** @type {Entry} */ entry) =>
    setNaming({
      title: `Rename ${entry.name}`,
      ...{ name: entry.name, verb: 'Rename' },
      save: async (/** @type {string} */ name) => {
        const to = [...entry.path.split('/').slice(0, -1), name].join('/');
        await request('POST', '/api/rename', { path: entry.path, to });
        home.replaceChosen(entry.path, to);
      },
    });
  const makeFolder = () =>
    setNaming({
      ...{ title: 'New folder', name: '', verb: 'Create' },
      save: (/** @type {string} */ name) =>
        request('POST', '/api/folders', { path: folder ? `${folder}/${name}` : name }),
    });
  const remove = () => removeFiles(home, chosen);
  const label = params.query ? `Files named ${params.query}` : `Files in ${folder || 'this folder'}`;
  return html`<section class="home-files" aria-labelledby="files-title">
    <div class="home-head">
      <h2 id="files-title">Files</h2>
      <span class="soft n" role="status">${countText(total, params.query, complete, loading && !files.length)}</span>
      <span class="grow"></span>
      <${Search} query=${params.query ?? ''} onQuery=${(/** @type {string} */ query) => home.goTo({ query })} />
      <${Order} params=${params} onChange=${home.goTo} />
      <${IconButton} icon="folder" label="New folder" onClick=${makeFolder} />
      <${IconButton} icon="remove" label="Trash" onClick=${() => setTrashOpen(true)} />
    </div>
    <${Crumbs} folder=${folder} onOpen=${(/** @type {string} */ path) => home.goTo({ folder: path, query: '' })} />
    ${chosen.length > 0 && html`<${Chosen} home=${home} chosen=${chosen} files=${files} onRename=${rename} onRemove=${remove} />`}
    ${Boolean(error) && html`<${Failure} error=${error} title="The files cannot be listed" retry=${() => home.list.read()} />`}
    ${!error && !loading && !files.length && html`<${Nothing} home=${home} query=${params.query} folder=${folder} />`}
    ${files.length > 0 && html`<${Grid} files=${files} total=${total} chosen=${chosen} opened=${params.path ?? ''}
      label=${label} onOpen=${open} onChoose=${home.choose} onRemove=${remove} onRename=${rename}
      onMore=${() => home.list.more()} />`}
    ${naming && html`<${NameDialog} ...${naming} onClose=${() => setNaming(null)} />`}
    ${isTrashOpen && html`<${TrashDialog} onClose=${() => setTrashOpen(false)} />`}
  </section>`;
}

/** @param {number} total @param {string} query @param {boolean} isComplete @param {boolean} isFirst */
function countText(total, query, isComplete, isFirst) {
  if (isFirst) return '';
  if (!query) return `${showCount(total)} in this folder`;
  return `${isComplete ? '' : 'more than '}${showCount(total)} found here and in folders below`;
}

/** @param {{query: string, onQuery: (query: string) => void}} props */
function Search({ query, onQuery }) {
  const [text, setText] = useState(query);
  useEffect(() => setText(query), [query]);
  useEffect(() => {
    if (text.trim() === query) return;
    const timer = window.setTimeout(() => onQuery(text.trim()), WAIT_MS);
    return () => window.clearTimeout(timer);
  }, [text]);
  return html`<label class="home-search">
    <span class="sr">Search these files</span><${Icon} name="search" size="16" />
    <input type="search" value=${text} placeholder="Search" autocomplete="off" spellcheck=${false}
      onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
  </label>`;
}

/** @param {{params: Record<string, string>, onChange: (changed: any) => void}} props */
function Order({ params, onChange }) {
  const isNow = (/** @type {typeof SORTS[0]} */ one) =>
    one.sort === (params.sort || 'name') && one.descending === (params.descending || '');
  const now = SORTS.find(isNow) ?? SORTS[0];
  const items = SORTS.map((one) => ({
    label: one.label,
    checked: one === now,
    onSelect: () => onChange({ sort: one.sort === 'name' ? '' : one.sort, descending: one.descending }),
  }));
  return html`<${Menu} label=${`Order: ${now.label}`} text=${now.label} icon="sort" items=${items} />`;
}

/** @param {{folder: string, onOpen: (path: string) => void}} props */
function Crumbs({ folder, onOpen }) {
  if (!folder) return null;
  const parts = folder.split('/');
  return html`<nav class="row wrap home-crumbs" aria-label="Path">
    <${Button} kind="quiet" icon="home" onClick=${() => onOpen('')}>All files<//>
    ${parts.map((part, k) => {
      const isLast = k === parts.length - 1;
      return html`<span class="small" aria-hidden="true">/</span>
        ${
          isLast
            ? html`<span class="strong cut-short" aria-current="page">${part}</span>`
            : html`<${Button} kind="quiet" onClick=${() => onOpen(parts.slice(0, k + 1).join('/'))}>${part}<//>`
        }`;
    })}
  </nav>`;
}

/**
 * What can be done with the chosen files themselves.
 * @param {{home: import('../home.js').Home, chosen: string[], files: Entry[],
 *   onRename: (entry: Entry) => void, onRemove: () => void}} props
 */
function Chosen({ home, chosen, files, onRename, onRemove }) {
  const [only] = chosen;
  const entry = files.find((one) => one.path === only);
  const isOne = chosen.length === 1 && entry !== undefined;
  return html`<div class="home-chosen" role="toolbar" aria-label="The chosen files">
    <span class="strong n">${chosen.length} chosen</span>
    <${Button} kind="quiet" icon="close" onClick=${() => home.choose([])}>Clear<//>
    <span class="grow"></span>
    ${isOne && entry.kind !== 'folder' && html`<${Button} kind="quiet" icon="open" onClick=${() => home.open(only)}>Open<//>
      <${Button} kind="quiet" icon="download" href=${fileUrl(only)} download=${entry.name}>Save as…<//>`}
    ${isOne && html`<${Button} kind="quiet" icon="edit" onClick=${() => onRename(entry)}>Rename<//>`}
    <${Button} kind="quiet" icon="remove" onClick=${onRemove}>Remove<//>
    <${Button} class="home-do" kind="primary" onClick=${home.showThings}>What to do with ${isOne ? 'it' : 'them'}<//>
  </div>`;
}

/** @param {{home: import('../home.js').Home, query?: string, folder: string}} props */
function Nothing({ home, query, folder }) {
  if (query) {
    return html`<${Empty} icon="search" title=${`No file has ‘${query}’ in its name`}
      actions=${html`<${Button} onClick=${() => home.goTo({ query: '' })}>Show all files<//>`}>
      <p>This folder and the folders in it were searched.</p>
    <//>`;
  }
  return html`<${Empty} icon="photo" title=${folder ? 'This folder is empty' : 'There are no files yet'}
    actions=${html`<${Button} kind="primary" icon="add" onClick=${home.pickFiles}>Add files<//>`}>
    <p>Drop photos, a video or a sound here, paste them, or choose them. They stay on this computer.</p>
  <//>`;
}

/** @param {import('../home.js').Home} home @param {string[]} paths */
async function removeFiles(home, paths) {
  if (!paths.length) return;
  /** @type {string[]} */
  const removed = [];
  try {
    for (const path of paths) {
      removed.push((await request('DELETE', `/api/files?${new URLSearchParams({ path })}`)).id);
      home.forget(path);
    }
  } catch (error) {
    toastError(error);
  }
  if (!removed.length) return;
  const text = removed.length === 1 ? `${paths[0].split('/').pop()} is in the trash.` : `${removed.length} files are in the trash.`;
  const undo = async () => {
    try {
      for (const id of removed) await request('POST', '/api/restore', { id });
    } catch (error) {
      toastError(error);
    }
  };
  toast(text, { action: { label: 'Undo', fn: undo } });
}
