// The jobs as a card: what runs, what waits, what ended last.
import { Button, Card, Meter, Tag } from '../../ui/basics.js';
import { html, use } from '../view.js';
import { describeReason, describeState, isActive } from './texts.js';

/** @typedef {import('./texts.js').Job} Job */

/** @param {Job[]} jobs @returns {Job[]} running ones first, then the queue, then the ended ones */
export function sortJobs(jobs) {
  const rank = (/** @type {Job} */ job) => (job.state === 'waiting' ? 1 : isActive(job) ? 0 : 2);
  const place = (/** @type {Job} */ job) =>
    job.state === 'waiting' ? (job.position ?? 0) : -(job.ended ?? job.started ?? job.created);
  return [...jobs].sort((a, b) => rank(a) - rank(b) || place(a) - place(b));
}

/** @param {Job[]} jobs @returns {string} such as "1 running, 2 waiting" */
export function countJobs(jobs) {
  const count = (/** @type {string} */ state) => jobs.filter((job) => job.state === state).length;
  const parts = ['running', 'paused', 'waiting'].map((state) => [count(state), state]);
  return parts.filter(([n]) => n).map(([n, state]) => `${n} ${state}`).join(', ');
}

/**
 * A card with the present jobs and those that ended last; every row leads to its job.
 * @param {{studio: any, most?: number}} props most: the number of rows
 */
export function JobsCard({ studio, most = 5 }) {
  const jobs = /** @type {Job[]} */ (use(studio.jobs.list));
  const shown = sortJobs(jobs).slice(0, most);
  const more = html`<${Button} kind="quiet" href=${studio.address('jobs')}>All jobs<//>`;
  return html`<${Card} title="Jobs" note=${countJobs(jobs)} actions=${more} flush class="job-card">
    ${!shown.length && html`<p class="soft job-none">Nothing runs. Work that you start appears here.</p>`}
    <ul>${shown.map(
      (job) => html`<li key=${job.id}><a class="job-line" href=${studio.address('jobs', { id: job.id })}>
        <${JobSummary} job=${job} /></a></li>`,
    )}</ul>
  <//>`;
}

/** The title, the state, the progress and the reason of a job. @param {{job: Job}} props */
export function JobSummary({ job }) {
  const state = describeState(job);
  const isCounted = job.state === 'running' || job.state === 'paused';
  const reason = describeReason(job);
  return html`<span class="row job-head"><span class="strong grow job-title">${job.title}</span
    ><${Tag} tone=${state.tone}>${state.word}<//></span>
    ${isCounted && html`<${Meter} label=${`Progress of ${job.title}`} value=${job.total ? job.done : null}
      max=${job.total || 1} text=${reason} tone=${job.state === 'paused' ? 'warn' : ''} />`}
    <span class="small n cut-short">${reason}</span>`;
}
