// A text that grows at its end, such as the log of a job.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../app/view.js';
import { Button } from './basics.js';

const NEAR_PX = 24;
const SHOWN_LINES = 2000;

/**
 * The lines of a log; it follows the end while the end is visible.
 * @param {{label: string, lines: string[], height?: number}} props
 */
export function Log({ label, lines, height = 240 }) {
  const box = useRef(/** @type {HTMLPreElement | null} */ (null));
  const [follows, setFollows] = useState(true);
  const shown = lines.slice(-SHOWN_LINES);
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follows]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const look = () => {
      const below = element.scrollHeight - element.scrollTop - element.clientHeight;
      setFollows(below < NEAR_PX);
    };
    element.addEventListener('scroll', look, { passive: true });
    return () => element.removeEventListener('scroll', look);
  }, []);
  return html`<div class="log" style=${{ '--height': `${height}px` }}>
    <pre ref=${box} role="log" aria-label=${label} tabindex="0">${
      shown.length < lines.length ? `… ${lines.length - shown.length} earlier lines\n` : ''
    }${shown.join('\n')}</pre>
    ${!follows && html`<${Button} class="log-end" icon="down" onClick=${() => setFollows(true)}>Follow<//>`}
  </div>`;
}
