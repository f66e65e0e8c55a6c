// One job: its progress, its result or error, its facts, the command, the log and what may be done.
import { Button, Card, Empty, Meter, Tag } from '../../ui/basics.js';
import { showDate, showDuration } from '../../ui/texts.js';
import { html, useRef } from '../view.js';
import { listActions } from './actions.js';
import { JobLog } from './log.js';
import { describeProgress, describeReason, describeState, measureTime } from './texts.js';

/** @typedef {import('./texts.js').Job} Job */

/**
 * @param {{studio: any, job: Job | undefined, onBack: () => void, onAct: (verb: string) => void}} props
 *   onBack: closes it in narrow windows
 */
export function JobDetail({ studio, job, onBack, onAct }) {
  if (!job) {
    return html`<${Card}><${Empty} icon="jobs" title="Choose a job"><p>Its progress, notes, log and
      command appear here.</p><//><//>`;
  }
  const state = describeState(job);
  const back = html`<${Button} kind="quiet" icon="back" class="job-back" onClick=${onBack}>All jobs<//>`;
  return html`<${Card} title=${job.title} class="job-detail"
    tags=${html`<${Tag} tone=${state.tone}>${state.word}<//>`} actions=${back}>
    <div class="rows job-parts">
      <${JobState} job=${job} />
      <${Actions} studio=${studio} job=${job} onAct=${onAct} />
      <${Notes} job=${job} />
      <${Facts} studio=${studio} job=${job} />
      <${Command} studio=${studio} job=${job} />
      <section aria-label="Log"><h3>Log</h3><${JobLog} key=${job.id} studio=${studio} job=${job} /></section>
    </div>
  <//>`;
}

/** @param {{job: Job}} props */
function JobState({ job }) {
  if (job.error) {
    return html`<div class="job-error ${job.state === 'failed' ? 'bad' : 'warn'}" role="group"
      aria-label="Why it ended"><p>${job.error}</p>${job.hint && html`<p class="soft">${job.hint}</p>`}</div>`;
  }
  if (job.state !== 'running' && job.state !== 'paused') return html`<p class="n">${describeReason(job)}</p>`;
  return html`<div class="rows">
    <${Meter} label=${`Progress of ${job.title}`} value=${job.total ? job.done : null} max=${job.total || 1}
      text=${describeProgress(job)} tone=${job.state === 'paused' ? 'warn' : ''} />
    <p class="n">${describeReason(job)}</p>
  </div>`;
}

/** @param {{studio: any, job: Job, onAct: (verb: string) => void}} props */
function Actions({ studio, job, onAct }) {
  const isMade = job.output && (job.state === 'done' || job.state === 'incomplete');
  return html`<div class="row wrap" role="group" aria-label="Actions">
    ${isMade && html`<${Button} kind="primary" icon="open" onClick=${() => studio.open(job.output)}>Open the result<//>`}
    ${isMade && job.report && html`<${Button} icon="page" href=${studio.files.url(job.report)} download>Report<//>`}
    ${listActions(job).map(
      (one) => html`<${Button} key=${one.verb} icon=${one.icon} kind=${one.kind ?? 'plain'}
        aria-keyshortcuts=${one.key} onClick=${() => onAct(one.verb)}>${one.label}<//>`,
    )}
  </div>`;
}

const NOTE_TONES = /** @type {Record<string, any>} */ ({ warning: 'warn', error: 'bad' });
const NOTE_WORDS = /** @type {Record<string, string>} */ ({ warning: 'Warning', error: 'Error', info: 'Note' });

/** @param {{job: Job}} props */
function Notes({ job }) {
  if (!job.notes.length) return null;
  return html`<section aria-label="Notes"><h3>Notes</h3><ul class="rows">${job.notes.map(
    (note, number) => html`<li key=${number} class="row job-note"><${Tag} tone=${NOTE_TONES[note.level] ?? ''}>${
      NOTE_WORDS[note.level] ?? 'Note'
    }<//><span>${note.message}</span></li>`,
  )}</ul></section>`;
}

/** @param {{studio: any, job: Job}} props */
function Facts({ studio, job }) {
  const took = measureTime(job);
  const link = (/** @type {string} */ path) =>
    html`<a class="link" href=${studio.address('home', { path })}>${path}</a>`;
  const choices = Object.entries(job.options ?? {});
  /** @type {[string, any][]} */
  const facts = [
    ['Inputs', job.inputs.length ? html`<${Inputs} job=${job} link=${link} />` : ''],
    ['Output', job.output && (job.state === 'done' ? link(job.output) : job.output)],
    ['Result', (job.facts ?? []).join(', ') || job.summary],
    ['Choices', choices.map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`).join(', ')],
    ['Started', job.started === null ? '' : `${showDate(job.started)} by ${job.person}`],
    ['Took', took === null ? '' : showDuration(took)],
  ];
  return html`<dl class="job-facts">${facts
    .filter(([, value]) => value)
    .map(([name, value]) => html`<div key=${name}><dt class="small">${name}</dt><dd class="n">${value}</dd></div>`)}</dl>`;
}

const INPUTS = 8;

/** @param {{job: Job, link: (path: string) => any}} props */
function Inputs({ job, link }) {
  const more = (job.input_count ?? job.inputs.length) - INPUTS;
  return html`${job.inputs.slice(0, INPUTS).map((path, number) => html`<div key=${number}>${link(path)}</div>`)}
    ${more > 0 && html`<div>and ${more} more</div>`}`;
}

/** @param {{studio: any, job: Job}} props */
function Command({ studio, job }) {
  const code = useRef(/** @type {HTMLElement | null} */ (null));
  const copy = async () => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(job.command);
      studio.toast('The command is copied.', { kind: 'good' });
    } else if (code.current) {
      window.getSelection()?.selectAllChildren(code.current); // plain http: the person copies it
    }
  };
  return html`<section aria-label="Command">
    <div class="row"><h3 class="grow">The same in a terminal</h3><${Button} kind="quiet" icon="copy" onClick=${copy}>Copy<//></div>
    <pre class="job-command" tabindex="0" aria-label="Command"><code ref=${code}>${job.command}</code></pre>
  </section>`;
}
