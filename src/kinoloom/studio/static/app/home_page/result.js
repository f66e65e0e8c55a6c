// A file: its picture or player, its facts, and how it was made; or the job that is making it.
import { Button, Card, Failure, IconButton, Meter, Tag } from '../../ui/basics.js';
import { ui } from '../../ui/index.js';
import { showBytes, showCount, showDuration } from '../../ui/texts.js';
import { actOnJob, jobs } from '../job_list.js';
import { fileUrl, frameUrl, reportUrl, thumbUrl } from '../media.js';
import { request } from '../request.js';
import { toastError } from '../toasts.js';
import { html, use, useEffect, useState } from '../view.js';
import { Compare, findCompared } from './compare.js';
import { Origin } from './origin.js';
import { ReportView } from './report_view.js';

const STILLS = 9;
const STILL_PX = 160;
const SHOWN_BY_BROWSERS = /\.(jpe?g|png|apng|webp|avif|gif|bmp)$/i;
const LARGE_PX = 1920;
const ACTIVE = ['waiting', 'running', 'paused'];
const TONES = /** @type {Record<string, any>} */ ({ running: 'on', done: 'good', failed: 'bad', incomplete: 'warn', stopped: 'warn' });

/** @param {{home: import('../home.js').Home, path: string}} props */
export function Result({ home, path }) {
  const job = use(jobs).find((one) => one.output === path);
  const isActive = job !== undefined && ACTIVE.includes(job.state);
  const [known, setKnown] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const read = () => {
    setError(null);
    request('GET', `/api/file?${new URLSearchParams({ path })}`).then(setKnown, setError);
  };
  useEffect(() => (isActive ? undefined : read()), [path, isActive]);
  const take = (/** @type {{path: string, change: string}} */ changed) => {
    if (changed.path === path && changed.change !== 'removed') read();
  };
  useEffect(() => (isActive ? undefined : home.studio.listen('files', take)), [path, isActive]);
  const name = path.split('/').pop();
  const close = html`<${IconButton} icon="close" label=${`Close ${name}`} onClick=${() => home.goTo({ path: '' })} />`;
  if (isActive) return html`<${Card} title=${name} tags=${html`<${Tag} tone=${TONES[job.state]}>${capital(job.state)}<//>`} actions=${close}><${Making} job=${job} /><//>`;
  if (job && !known && error && job.state !== 'done') return html`<${Card} title=${name} actions=${close}><${Ended} job=${job} /><//>`;
  if (error) return html`<${Card} title=${name} actions=${close}><${Failure} title="This file cannot be shown" error=${error} retry=${read} /><//>`;
  if (!known) return html`<${Card} title=${name} actions=${close}><div class="home-stage" role="status" aria-busy="true"><span class="sr">Reading ${name}</span></div><//>`;
  return html`<${Shown} home=${home} path=${path} known=${known} close=${close} job=${job} />`;
}

/** The report of a job that writes no file. @param {{home: import('../home.js').Home, id: string}} props */
export function JobResult({ home, id }) {
  const job = use(jobs).find((one) => one.id === id);
  const [report, setReport] = useState(/** @type {any} */ (null));
  const state = job?.state;
  useEffect(() => {
    if (state === 'done' || state === 'incomplete') request('GET', `/api/jobs/${encodeURIComponent(id)}/report`).then(setReport, toastError);
  }, [id, state]);
  const close = html`<${IconButton} icon="close" label="Close the result" onClick=${() => home.goTo({ job: '' })} />`;
  if (!job) return null;
  return html`<${Card} title=${job.title} tags=${html`<${Tag} tone=${TONES[job.state]}>${capital(job.state)}<//>`} actions=${close}>
    ${ACTIVE.includes(job.state) && html`<${Making} job=${job} />`}
    ${['failed', 'cancelled', 'stopped'].includes(job.state) && html`<${Ended} job=${job} />`}
    ${report && html`<${ReportView} report=${report} />`}
  <//>`;
}

/** @param {{job: import('../job_list.js').Job}} props */
function Making({ job }) {
  const { done, total, rate, seconds_left: left, waiting_for: reason } = job;
  const share = total ? done / total : null;
  const parts = [
    total ? `${showCount(done)} of ${showCount(total)}` : done ? showCount(done) : '',
    rate ? `${rate.toFixed(1)} a second` : '',
    left !== null && left !== undefined ? `${showDuration(left)} left` : '',
  ];
  const text = job.state === 'waiting' ? reason || 'waits for its turn' : parts.filter(Boolean).join(', ') || 'starts';
  const act = (/** @type {string} */ verb) => actOnJob(job.id, verb).catch(toastError);
  return html`<div class="rows home-making">
    <${Meter} label=${`Progress of ${job.title}`} value=${share} text=${text} />
    <p class="row wrap"><span class="soft n grow">${text}</span>
      ${job.state === 'running' && html`<${Button} icon="pause" onClick=${() => act('pause')}>Pause<//>`}
      ${job.state === 'paused' && html`<${Button} icon="play" onClick=${() => act('continue')}>Continue<//>`}
      <${Button} icon="cancel" onClick=${() => act('cancel')}>Cancel<//></p>
  </div>`;
}

/** @param {{job: import('../job_list.js').Job}} props */
function Ended({ job }) {
  const act = (/** @type {string} */ verb) => actOnJob(job.id, verb).catch(toastError);
  if (job.state === 'cancelled') return html`<p class="row"><span class="soft grow">This was cancelled.</span><${Button} icon="loop" onClick=${() => act('again')}>Start it again<//></p>`;
  return html`<${Failure} title="This did not work" error=${{ error: job.error || 'The job ended.', hint: job.hint }} retry=${() => act('again')} />`;
}

/** @param {{home: import('../home.js').Home, path: string, known: any, close: any, job: any}} props */
function Shown({ home, path, known, close, job }) {
  const kind = kindOf(path, known);
  const { frames } = known.facts;
  const compared = findCompared(path, known, kind);
  const [mode, setMode] = useState('show');
  const [at, setAt] = useState(0);
  const [isTold, setTold] = useState(false);
  const isComparing = mode === 'compare' && compared !== null;
  const name = path.split('/').pop();
  const compare = () => {
    setMode(isComparing ? 'show' : 'compare');
    if (at === 0) setAt(Math.floor((frames ?? 1) / 2));
  };
  const actions = html`
    ${compared && html`<${Button} kind="quiet" pressed=${isComparing} onClick=${compare}>Before and after<//>`}
    <${Button} kind="quiet" href=${fileUrl(path)} download=${name}>Save as…<//>
    ${known.op && html`<${Button} kind="quiet" aria-expanded=${String(isTold)} aria-controls="home-origin" onClick=${() => setTold(!isTold)}>How it was made<//>`}
    ${close}`;
  const tags = job && html`<${Tag} tone=${TONES[job.state]}>${capital(job.state)}<//>`;
  return html`<${Card} title=${name} tags=${tags} actions=${actions} flush class="home-result">
    ${isComparing ? html`<${Compare} path=${path} compared=${compared} frame=${at} />` : html`<${Stage} path=${path} known=${known} kind=${kind} frame=${at} onFrame=${setAt} />`}
    ${kind === 'video' && frames > 1 && html`<${Stills} path=${path} frames=${frames} at=${at} onChoose=${setAt} />`}
    <${Facts} known=${known} />
    ${isTold && html`<${Origin} home=${home} path=${path} known=${known} />`}
  <//>`;
}

/** @param {string} path @param {any} known @returns {string} */
function kindOf(path, known) {
  return known.kind === 'other' && /\.html?$/i.test(path) ? 'page' : known.kind;
}

/**
 * @param {{path: string, known: any, kind: string, frame: number,
 *   onFrame: (n: number) => void}} props
 */
function Stage({ path, known, kind, frame, onFrame }) {
  const name = path.split('/').pop();
  const [time, setTime] = useState(0);
  if (known.problem) return html`<div class="home-stage"><${Failure} title="This file is damaged or of an unknown kind" error=${known.problem} /></div>`;
  if (kind === 'video') return html`<div class="home-player" style=${{ '--aspect': `${known.facts.shown_width ?? known.facts.width} / ${known.facts.height}` }}><${ui.Player} path=${path} label=${name} frame=${frame} onFrame=${onFrame} /></div>`;
  if (kind === 'photo') {
    const url = SHOWN_BY_BROWSERS.test(path) ? fileUrl(path) : thumbUrl(path, LARGE_PX);
    return html`<div class="home-stage"><img src=${url} alt=${name} /></div>`;
  }
  if (kind === 'audio') {
    return html`<div class="home-sound"><${ui.Wave} label=${`Sound of ${name}`} path=${path} cursor=${time} onSeek=${setTime} />
      <${Sound} path=${path} name=${name} time=${time} onTime=${setTime} /></div>`;
  }
  const text = kind === 'page' ? 'A report opens in a tab of its own, where it can reach neither the studio nor another page.' : 'The studio shows no picture of this kind of file.';
  return html`<div class="home-stage home-note"><p class="soft">${text}</p>
    <div class="row wrap">
      ${kind === 'page' && html`<${Button} kind="primary" icon="open" href=${reportUrl(path)} target="_blank" rel="noopener">Open the report<//>`}
      <${Button} icon="download" href=${fileUrl(path)} download=${name}>${kind === 'page' ? 'Save the report' : 'Save as…'}<//></div></div>`;
}

/** @param {{path: string, name: string | undefined, time: number, onTime: (time: number) => void}} props */
function Sound({ path, name, time, onTime }) {
  const seek = (/** @type {HTMLAudioElement | null} */ audio) => {
    if (audio && Math.abs(audio.currentTime - time) > 0.3) audio.currentTime = time;
  };
  return html`<audio ref=${seek} controls preload="metadata" src=${fileUrl(path)} aria-label=${`Play ${name}`}
    onTimeUpdate=${(/** @type {any} */ event) => onTime(event.target.currentTime)}></audio>`;
}

/** @param {{path: string, frames: number, at: number, onChoose: (n: number) => void}} props */
function Stills({ path, frames, at, onChoose }) {
  const count = Math.min(STILLS, frames);
  const numbers = Array.from({ length: count }, (_, k) => Math.round((k * (frames - 1)) / Math.max(1, count - 1)));
  const nearest = numbers.reduce((best, n) => (Math.abs(n - at) < Math.abs(best - at) ? n : best), numbers[0]);
  const stills = numbers.map((n) => ({ key: String(n), url: frameUrl(path, n, STILL_PX), label: `Frame ${n}` }));
  return html`<div class="home-strip"><${ui.Strip} label="Frames" stills=${stills} chosen=${String(nearest)} onChoose=${(/** @type {string} */ key) => onChoose(Number(key))} /></div>`;
}

/** @param {{known: any}} props */
function Facts({ known }) {
  const lines = [...known.lines, ['On disk', showBytes(known.bytes)]];
  return html`<dl class="home-facts">${lines.map(([label, text]) => html`<div key=${label}><dt>${label}</dt><dd class="n">${text}</dd></div>`)}</dl>
    ${known.notes.length > 0 && html`<ul class="home-notes">${known.notes.map((/** @type {any} */ note, /** @type {number} */ k) => html`<li key=${k} class="soft">${note.message ?? note.text}</li>`)}</ul>`}`;
}

/** @param {string} word */
function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
