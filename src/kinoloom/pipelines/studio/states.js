// The states of executions and steps: their colours and words.

/** @type {Record<string, string>} */
export const TONES = {
  Succeeded: 'good',
  Cached: 'good',
  Executing: 'on',
  Stopping: 'warn',
  Stopped: 'warn',
  Interrupted: 'warn',
  Failed: 'bad',
};
/** @type {Record<string, string>} */
export const WORDS = {
  Succeeded: 'Succeeded',
  Cached: 'Reused',
  Executing: 'Running',
  Stopping: 'Stopping',
  Stopped: 'Stopped',
  Interrupted: 'Interrupted',
  Failed: 'Failed',
};
const CAN_RESUME = ['Failed', 'Stopped', 'Interrupted'];

/** @param {{studio: any, state: string}} props */
export function State({ studio, state }) {
  return studio.html`<${studio.ui.Tag} tone=${TONES[state] ?? ''}>${WORDS[state] ?? state}<//>`;
}

/** @param {string} status @returns {boolean} */
export const isRunning = (status) => status === 'Executing' || status === 'Stopping';

/** @param {string} status @returns {boolean} */
export const canResume = (status) => CAN_RESUME.includes(status);

/** @param {string} text a time in UTC as ISO text @returns {number} seconds since 1970 */
export const seconds = (text) => Date.parse(text) / 1000;
