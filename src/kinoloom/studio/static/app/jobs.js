// The page Jobs: what runs, the queue, what has ended, and everything about one job.
import { Button, Card, Empty, IconButton } from '../ui/basics.js';
import { html, use, useEffect, useRef, useState } from './view.js';
import { act, listActions } from './jobs/actions.js';
import { JobSummary, countJobs, sortJobs } from './jobs/card.js';
import { JobDetail } from './jobs/detail.js';
import { isActive } from './jobs/texts.js';

export { JobsCard } from './jobs/card.js';

/** @typedef {import('./jobs/texts.js').Job} Job */

const PAGE = 100;
const KEYS = {
  p: 'Pause the chosen job, or continue it',
  c: 'Cancel the chosen job',
  r: 'Resume the chosen job',
  a: 'Run the chosen job again',
  delete: 'Remove the chosen job from the list',
};

/** @param {Element} host @param {any} studio */
export function mount(host, studio) {
  const removers = [
    studio.keys('j', 'Next job', () => move(studio, 1)),
    studio.keys('k', 'Previous job', () => move(studio, -1)),
    ...Object.entries(KEYS).map(([key, label]) => studio.keys(key, label, () => press(studio, key))),
  ];
  studio.render(html`<${JobsPage} studio=${studio} />`, host);
  return () => removers.forEach((remove) => remove());
}

/** @param {any} studio @param {number} step */
function move(studio, step) {
  const all = sortJobs(studio.jobs.list.value);
  const at = all.findIndex((job) => job.id === studio.params.value.id);
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
  if (next) studio.setParams({ id: next.id });
}

/** @param {any} studio @param {string} key */
function press(studio, key) {
  const job = studio.jobs.list.value.find((/** @type {Job} */ one) => one.id === studio.params.value.id);
  const action = job && listActions(job).find((one) => one.key === key);
  if (action) run(studio, job, action.verb);
}

/** @param {any} studio @param {Job} job @param {string} verb */
async function run(studio, job, verb) {
  const answer = await act(studio, job, verb);
  if (answer && verb === 'again' && answer.id) studio.setParams({ id: answer.id });
  if (answer && verb === 'remove') studio.setParams({ id: '' });
}

/** @param {{studio: any}} props */
function JobsPage({ studio }) {
  const newest = /** @type {Job[]} */ (use(studio.jobs.list));
  const { older, hasMore, readMore } = useOlder(studio, newest);
  const { id } = use(studio.params);
  const jobs = sortJobs([...newest, ...older]);
  const chosen = useChosen(studio, jobs, id);
  const parts = {
    now: jobs.filter((job) => isActive(job) && job.state !== 'waiting'),
    queue: jobs.filter((job) => job.state === 'waiting'),
    ended: jobs.filter((job) => !isActive(job)),
  };
  const count = countJobs(newest);
  useEffect(() => studio.bar({ tags: count && html`<span class="tag">${count}</span>` }), [count]);
  if (!jobs.length) return html`<div class="aside"><${Nothing} studio=${studio} /></div>`;
  const shared = { studio, chosen: chosen?.id };
  return html`<div class="jobs ${id ? 'has-chosen' : ''}">
    <div class="rows job-lists">
      <${Section} title="Now" jobs=${parts.now} none="Nothing runs." ...${shared} />
      <${Section} title="Queue" jobs=${parts.queue} none="Nothing waits." ...${shared} />
      <${Section} title="Ended" jobs=${parts.ended} none="Nothing has ended yet." ...${shared} />
      ${hasMore && html`<div><${Button} icon="down" onClick=${readMore}>Show older jobs<//></div>`}
    </div>
    <div class="job-side"><${JobDetail} studio=${studio} job=${chosen}
      onBack=${() => studio.setParams({ id: '' })} onAct=${(/** @type {string} */ verb) => chosen && run(studio, chosen, verb)} /></div>
  </div>`;
}

/** @param {{studio: any}} props */
function Nothing({ studio }) {
  const home = html`<${Button} kind="primary" icon="home" href=${studio.address('home')}>Go to the files<//>`;
  return html`<${Empty} icon="jobs" title="No jobs yet" actions=${home}>
    <p>Choose files and what to do with them. The work appears here, and continues when you close
      this page or stop the studio.</p>
  <//>`;
}

/** The jobs before the newest ones, by pages. @param {any} studio @param {Job[]} newest */
function useOlder(studio, newest) {
  const [older, setOlder] = useState(/** @type {Job[]} */ ([]));
  const [next, setNext] = useState(/** @type {string | null | undefined} */ (undefined));
  const known = new Set(newest.map((job) => job.id));
  const last = newest.at(-1)?.id;
  const hasMore = next === undefined ? newest.length >= PAGE : next !== null;
  const readMore = async () => {
    try {
      const after = next ?? last;
      const page = await studio.request('GET', `/api/jobs?after=${after}&limit=${PAGE}`);
      setOlder((before) => [...before, ...page.jobs]);
      setNext(page.next);
    } catch (error) {
      studio.toastError(error);
    }
  };
  return { older: older.filter((job) => !known.has(job.id)), hasMore, readMore };
}

/** The job of the address, read if it is not in the list. @param {any} studio @param {Job[]} jobs @param {string} id */
function useChosen(studio, jobs, id) {
  const [other, setOther] = useState(/** @type {Job | undefined} */ (undefined));
  const listed = jobs.find((job) => job.id === id);
  const isMissing = Boolean(id) && !listed;
  useEffect(() => {
    if (!isMissing) return;
    studio.request('GET', `/api/jobs/${encodeURIComponent(id)}`).then(setOther, () => setOther(undefined));
  }, [id, isMissing]);
  if (listed || !id) return listed ?? (window.innerWidth >= 1000 ? jobs[0] : undefined);
  return other?.id === id ? other : undefined;
}

/** @param {{title: string, jobs: Job[], none: string, studio: any, chosen?: string}} props */
function Section({ title, jobs, none, studio, chosen }) {
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const [over, setOver] = useState(/** @type {string | null} */ (null));
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => moveFocus(event, list.current);
  return html`<${Card} title=${title} note=${jobs.length || undefined} flush class="job-card">
    ${!jobs.length && html`<p class="soft job-none">${none}</p>`}
    <ul ref=${list} onKeyDown=${onKeyDown}>${jobs.map(
      (job, at) => html`<${Row} key=${job.id} job=${job} at=${at} jobs=${jobs} studio=${studio}
        isChosen=${job.id === chosen} isOver=${over === job.id} setOver=${setOver} />`,
    )}</ul>
  <//>`;
}

/** @param {KeyboardEvent} event @param {HTMLElement | null} list */
function moveFocus(event, list) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (!step || event.altKey || !list) return;
  const rows = [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('.job-line'))];
  const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0) return;
  event.preventDefault();
  rows[Math.max(0, Math.min(rows.length - 1, at + step))].focus();
}

/**
 * @param {{job: Job, at: number, jobs: Job[], studio: any, isChosen: boolean, isOver: boolean,
 *   setOver: (id: string | null) => void}} props
 */
function Row({ job, at, jobs, studio, isChosen, isOver, setOver }) {
  const isWaiting = job.state === 'waiting';
  const place = (/** @type {string | null} */ before) => act(studio, job, 'move', { before });
  const up = at > 0 && (() => place(jobs[at - 1].id));
  const down = at < jobs.length - 1 && (() => place(jobs[at + 2]?.id ?? null));
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const step = event.altKey && isWaiting && { ArrowUp: up, ArrowDown: down }[event.key];
    if (step) (event.preventDefault(), step());
  };
  return html`<li class="job-row ${isOver ? 'over' : ''}" draggable=${isWaiting}
    ...${isWaiting ? dragHandlers(studio, job, setOver) : {}}>
    <a class="job-line" href=${studio.address('jobs', { id: job.id })} aria-current=${isChosen ? 'true' : undefined}
      aria-keyshortcuts=${isWaiting ? 'Alt+ArrowUp Alt+ArrowDown' : undefined} draggable="false"
      onKeyDown=${onKeyDown}><${JobSummary} job=${job} /></a>
    ${isWaiting && jobs.length > 1 && html`<${IconButton} icon="up" label=${`Move ${job.title} up`}
        disabled=${up ? false : 'it is the first one'} onClick=${up || undefined} />
      <${IconButton} icon="down" label=${`Move ${job.title} down`}
        disabled=${down ? false : 'it is the last one'} onClick=${down || undefined} />`}
    ${isActive(job) && listActions(job).map((one) => html`<${IconButton} key=${one.verb} icon=${one.icon}
      label=${`${one.label} ${job.title}`} onClick=${() => run(studio, job, one.verb)} />`)}
  </li>`;
}

/** Dragging a waiting job onto another one puts it before that. @param {any} studio @param {Job} job @param {(id: string | null) => void} setOver */
function dragHandlers(studio, job, setOver) {
  const TYPE = 'application/x-kinoloom-job';
  return {
    onDragStart: (/** @type {DragEvent} */ event) => event.dataTransfer?.setData(TYPE, job.id),
    onDragOver: (/** @type {DragEvent} */ event) => {
      if (!event.dataTransfer?.types.includes(TYPE)) return;
      event.preventDefault();
      setOver(job.id);
    },
    onDragEnd: () => setOver(null),
    onDrop: (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      setOver(null);
      const id = event.dataTransfer?.getData(TYPE);
      if (id && id !== job.id) act(studio, /** @type {Job} */ ({ id }), 'move', { before: job.id });
    },
  };
}
