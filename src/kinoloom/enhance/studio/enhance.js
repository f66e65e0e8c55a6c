// The enhance page: a photo or a frame before and after, the choices, and the job.
import { Choices } from './choices.js';
import { Job } from './job.js';
import { Picker } from './picker.js';
import { createEnhancement } from './state.js';
import { Viewer } from './viewer.js';

/**
 * @param {HTMLElement} host
 * @param {import('./state.js').Studio} studio
 */
export function mount(host, studio) {
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = '/pages/enhance/enhance.css';
  document.head.append(style);
  const work = createEnhancement(studio);
  studio.render(studio.html`<${Enhance} studio=${studio} work=${work} />`, host);
  return () => {
    work.dispose();
    style.remove();
  };
}

/** @param {import('./state.js').Props} props */
function Enhance({ studio, work }) {
  const { html, use, hooks } = studio;
  const inputs = use(work.inputs);
  hooks.useEffect(() => {
    const names = inputs.map((/** @type {string} */ path) => path.replace(/\/$/, '').split('/').at(-1));
    studio.bar({ title: names.length ? names.join(', ') : 'Enhance' });
  }, [inputs]);
  if (!inputs.length) return html`<${Picker} studio=${studio} work=${work} />`;
  return html`<div class="enhance">
    <${Viewer} studio=${studio} work=${work} />
    <div class="rows enhance-side">
      <${Choices} studio=${studio} work=${work} />
      <${Job} studio=${studio} work=${work} />
    </div>
  </div>`;
}
