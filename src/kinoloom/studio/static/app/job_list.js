// The jobs of the server, kept up to date by its events.
import { computed, signal } from 'signals';
import { listen } from './events.js';
import { RequestError, request } from './request.js';
import { toastError } from './toasts.js';

/**
 * @typedef {'waiting' | 'running' | 'paused' | 'done' | 'incomplete' | 'failed' | 'cancelled' |
 *   'stopped'} JobState
 * @typedef {{id: string, op: string, title: string, inputs: string[], output: string | null,
 *   options: Record<string, any>, state: JobState, done: number, total: number | null,
 *   rate: number | null, seconds_left: number | null, waiting_for: string,
 *   notes: {level: string, message: string}[], error: string, hint: string, created: number,
 *   started: number | null, ended: number | null, command: string, person: string,
 *   removed?: boolean}} Job
 */

const LISTED = 200;
/** The newest jobs, newest first. */
export const jobs = signal(/** @type {Job[]} */ ([]));
export const runningJobs = computed(() => jobs.value.filter((job) => job.state === 'running'));

/** Keep `jobs` up to date from now on. */
export function followJobs() {
  return listen('jobs', keep, () => void readJobs().catch(toastError));
}

async function readJobs() {
  try {
    const answer = await request('GET', `/api/jobs?limit=${LISTED}`);
    jobs.value = answer.jobs ?? answer;
  } catch (error) {
    if (!(error instanceof RequestError) || ![0, 401, 404].includes(error.status)) throw error;
  }
}

/** @param {Job} job */
function keep(job) {
  const others = jobs.value.filter((one) => one.id !== job.id);
  const at = jobs.value.findIndex((one) => one.id === job.id);
  if (job.removed) jobs.value = others;
  else if (at < 0) jobs.value = [job, ...others].slice(0, LISTED);
  else jobs.value = jobs.value.with(at, { ...jobs.value[at], ...job });
}

/**
 * Start a job.
 * @param {{op: string, inputs: string[], options?: object, output?: string | null,
 *   report?: boolean}} body
 * @returns {Promise<{id: string, output: string, made_before: {path: string} | null}>}
 */
export function startJob(body) {
  return request('POST', '/api/jobs', { options: {}, output: null, report: false, ...body });
}

/**
 * Change a job: "cancel", "pause", "continue", "again", "resume", "move" or "remove".
 * @param {string} id
 * @param {string} verb
 * @param {object} [body] of "move": {before: ID or null}
 */
export async function actOnJob(id, verb, body = {}) {
  const path = `/api/jobs/${encodeURIComponent(id)}`;
  if (verb !== 'remove') return request('POST', `${path}/${verb}`, body);
  const answer = await request('DELETE', path);
  jobs.value = jobs.value.filter((job) => job.id !== id);
  return answer;
}
