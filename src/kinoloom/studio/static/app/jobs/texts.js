// How a job is described in words.
import { showCount, showDate, showDuration } from '../../ui/texts.js';

/** @typedef {import('../job_list.js').Job & {unit?: string, cancelling?: boolean, report?: string | null,
 *   can_resume?: boolean, position?: number, facts?: string[], summary?: string, input_count?: number}} Job */

const STATES = /** @type {Record<string, {word: string, tone: any, icon: string}>} */ ({
  waiting: { word: 'Waiting', tone: '', icon: 'clock' },
  running: { word: 'Running', tone: 'on', icon: 'play' },
  paused: { word: 'Paused', tone: 'warn', icon: 'pause' },
  done: { word: 'Done', tone: 'good', icon: 'check' },
  incomplete: { word: 'Incomplete', tone: 'warn', icon: 'warn' },
  failed: { word: 'Failed', tone: 'bad', icon: 'error' },
  cancelled: { word: 'Cancelled', tone: '', icon: 'cancel' },
  stopped: { word: 'Stopped', tone: 'warn', icon: 'stop' },
});

/** @param {Job} job */
export function describeState(job) {
  const ending = { word: 'Ending', tone: 'warn', icon: 'stop' };
  return job.cancelling ? ending : (STATES[job.state] ?? { word: job.state, tone: '', icon: 'info' });
}

/** @param {Job} job */
export function isActive(job) {
  return job.state === 'waiting' || job.state === 'running' || job.state === 'paused';
}

/** @param {Job} job @returns {string} such as "412 of 1,079 frames, 6.3 a second, 1 min 46 s left" */
export function describeProgress(job) {
  if (job.done === null || job.done === undefined) return job.state === 'paused' ? 'Not begun' : 'Starting';
  const unit = job.unit ? ` ${job.unit}` : '';
  const count = job.total === null ? showCount(job.done) : `${showCount(job.done)} of ${showCount(job.total)}`;
  const rate = job.rate ? `${job.rate.toFixed(job.rate < 10 ? 1 : 0)} a second` : '';
  const left = job.seconds_left ? `${showDuration(job.seconds_left)} left` : '';
  return [`${count}${unit}`, rate, left].filter(Boolean).join(', ');
}

/** @param {Job} job @returns {string} the line below its title: its progress, or the reason for its state */
export function describeReason(job) {
  if (job.state === 'waiting') return job.waiting_for || 'Starts soon.';
  if (job.cancelling) return 'Ends in order; what is finished is kept.';
  if (job.state === 'running' || job.state === 'paused') return describeProgress(job);
  const when = job.ended === null ? '' : showDate(job.ended);
  if (job.state === 'failed' || job.state === 'stopped') return [job.error, when].filter(Boolean).join(' · ');
  if (job.state === 'cancelled') return `Ended by a person, ${when}`;
  return [when, (job.facts ?? []).slice(0, 2).join(', ') || job.summary].filter(Boolean).join(' · ');
}

/** @param {Job} job @returns {number | null} seconds from its start to its end */
export function measureTime(job) {
  return job.started === null || job.ended === null ? null : Math.max(0, job.ended - job.started);
}
