// The page Home: files, what can be done with them, results, and jobs.
import { Button, Tag } from '../ui/basics.js';
import { Drop } from '../ui/drop.js';
import { lazy } from '../ui/lazy.js';
import { loadStyle } from './load.js';
import { Files } from './home_page/files.js';
import { FileList } from './home_page/listing.js';
import { UploadList } from './home_page/upload_list.js';
import { addFiles, uploads } from './home_page/uploads.js';
import { Things } from './ops.js';
import { JobsSlot } from './home_page/jobs_slot.js';
import { html, signal, use, useEffect, useRef } from './view.js';

const MEDIA = '/static/css/media.css';
const Result = lazy(() => import('./home_page/result.js'), 'Result', MEDIA);
const JobResult = lazy(() => import('./home_page/result.js'), 'JobResult', MEDIA);

/**
 * @typedef {object} Home
 * @property {any} studio
 * @property {any} params a signal of the address
 * @property {any} chosen a signal of the paths of the chosen files, in order
 * @property {FileList} list
 * @property {(changed: Record<string, string>) => void} goTo changes the address
 * @property {(path: string) => void} open shows a file
 * @property {(paths: string[]) => void} choose
 * @property {(path: string, to: string) => void} replaceChosen
 * @property {(path: string) => void} forget
 * @property {() => void} pickFiles
 * @property {() => void} showThings
 */

/**
 * @param {HTMLElement} host
 * @param {any} studio
 */
export async function mount(host, studio) {
  await loadStyle('/static/css/home.css');
  const home = createHome(studio);
  const stop = studio.listen('files', (/** @type {any} */ changed) => home.list.take(changed), () => home.list.refresh());
  studio.render(html`<${View} home=${home} />`, host);
  return () => {
    stop();
    home.list.close();
    studio.render(null, host);
  };
}

/** @param {any} studio @returns {Home} */
function createHome(studio) {
  const chosen = signal(/** @type {string[]} */ ([]));
  const goTo = (/** @type {Record<string, string>} */ changed) => {
    studio.go('home', { ...studio.params.value, ...changed });
  };
  return {
    ...{ studio, params: studio.params, chosen, list: new FileList(), goTo },
    open: (path) => {
      goTo({ path });
      window.scrollTo(0, 0);
    },
    choose: (paths) => {
      chosen.value = paths;
    },
    replaceChosen: (path, to) => {
      chosen.value = chosen.value.map((one) => (one === path ? to : one));
      if (studio.params.value.path === path) goTo({ path: to });
    },
    forget: (path) => {
      chosen.value = chosen.value.filter((one) => one !== path);
      if (studio.params.value.path === path) goTo({ path: '' });
    },
    pickFiles: () => document.getElementById('home-pick')?.click(),
    showThings: () => {
      const card = document.getElementById('home-things');
      card?.scrollIntoView({ block: 'start' });
      /** @type {HTMLElement | null | undefined} */ (card?.querySelector('input, button, a'))?.focus();
    },
  };
}

/** @param {{home: Home}} props */
function View({ home }) {
  const { studio } = home;
  const params = use(home.params);
  const { place } = use(home.list.listing);
  const folder = params.folder ?? '';
  useEffect(() => {
    const { query = '', sort = 'name', descending = '' } = params;
    home.list.show({ folder, query, sort, descending: descending === '1' });
  }, [params]);
  useEffect(() => {
    const add = html`<${Button} kind="primary" icon="add" onClick=${home.pickFiles}>Add files<//>`;
    const tags = place.location && html`<${Tag}><span class="cut-short" title=${place.location}>${place.location}</span><//>`;
    studio.bar({ title: place.name || 'Home', tags, actions: add });
  }, [place.name, place.location]);
  useEffect(() => studio.keys('a', 'Add files', home.pickFiles), []);
  useChoiceByAddress(home, params.choose);
  const take = (/** @type {File[]} */ files) => addFiles(files, folder);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useOpenedUploads(home);
  return html`<${Drop} onFiles=${take} text="Drop the files to add them to this folder">
    <div class="home">
      <input id="home-pick" ref=${input} class="sr" type="file" multiple tabindex="-1" aria-label="Add files"
        onChange=${(/** @type {any} */ event) => (take([...event.target.files]), (event.target.value = ''))} />
      <div class="home-col">
        <${UploadList} />
        ${params.path && html`<${Result} key=${params.path} home=${home} path=${params.path} />`}
        ${params.job && html`<${JobResult} key=${params.job} home=${home} id=${params.job} />`}
        <${Files} home=${home} />
      </div>
      <div class="home-col home-side">
        <${Things} home=${home} />
        <${JobsSlot} studio=${studio} />
      </div>
    </div>
  <//>`;
}

/** Choose a file that the address names, once. @param {Home} home @param {string | undefined} path */
function useChoiceByAddress(home, path) {
  useEffect(() => {
    if (path) home.choose([path]);
  }, [path]);
}

/** Choose files when they have been added. @param {Home} home */
function useOpenedUploads(home) {
  const all = use(uploads);
  const seen = useRef(/** @type {Set<number>} */ (new Set()));
  useEffect(() => {
    const fresh = all.filter((one) => one.state === 'done' && !seen.current.has(one.id));
    for (const one of fresh) seen.current.add(one.id);
    if (fresh.length) home.choose([...home.chosen.value, ...fresh.map((one) => one.path)]);
  }, [all]);
}
