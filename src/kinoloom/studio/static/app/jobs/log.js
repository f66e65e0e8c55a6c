// The log of a job, which is read on while the job runs.
import { html, useEffect, useRef, useState } from '../view.js';
import { Log } from '../../ui/log.js';

/** @typedef {import('./texts.js').Job} Job */

/**
 * @param {{studio: any, job: Job}} props a change of the job says that there may be more
 */
export function JobLog({ studio, job }) {
  const [text, setText] = useState('');
  const place = useRef({ next: /** @type {number | null} */ (null), isReading: false, isDue: false });
  const isGone = useRef(false);
  useEffect(() => () => void (isGone.current = true), []);
  useEffect(() => void readOn(), [job.done, job.state, job.notes.length]);

  async function readOn() {
    const now = place.current;
    now.isDue = true;
    if (now.isReading) return;
    now.isReading = true;
    try {
      while (now.isDue && !isGone.current) {
        now.isDue = false;
        const after = now.next === null ? '' : `?after=${now.next}`;
        const part = await studio.request('GET', `/api/jobs/${job.id}/log${after}`);
        now.next = part.next;
        now.isDue ||= part.next < part.total;
        if (part.text && !isGone.current) setText((before) => before + part.text);
      }
    } catch {
      now.isDue = false; // the banner says that the server is gone; the next change reads on
    } finally {
      now.isReading = false;
    }
  }

  if (!text) return html`<p class="soft">The log is empty.</p>`;
  return html`<${Log} label=${`Log of ${job.title}`} lines=${text.replace(/\n$/, '').split('\n')} />`;
}
