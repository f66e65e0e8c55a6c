// The page of parts: every component with its story, or one of them (?story=NAME).
import { loadStyle } from '../app/load.js';
import { stories } from './stories.js';

/**
 * @param {Element} host
 * @param {import('../app/types.js').Studio} studio
 */
export async function mount(host, studio) {
  const { html, ui } = studio;
  await loadStyle('/static/css/stories.css');

  function Parts() {
    const { story = '' } = studio.use(studio.params);
    const shown = stories.filter((one) => !story || one.name === story);
    return html`<div class="parts">
      <nav class="parts-nav" aria-label="Components"><ul>
        <li><a class="rail-item" href=${studio.address('parts')} aria-current=${story ? undefined : 'page'}>All</a></li>
        ${stories.map((one) => html`<li key=${one.name}><a class="rail-item" href=${studio.address('parts', { story: one.name })}
          aria-current=${one.name === story ? 'page' : undefined}>${one.name}</a></li>`)}
      </ul></nav>
      <div class="rows parts-list">
        ${shown.map((one) => html`<section key=${one.name} class="story" aria-label=${`Story of ${one.name}`}>
          <header class="row wrap"><h2>${one.name}</h2><span class="small">${one.note}</span></header>
          <div class="story-body">${one.show(studio)}</div>
        </section>`)}
        ${!shown.length && html`<${ui.Empty} title=${`There is no component ‘${story}’`} />`}
      </div>
    </div>`;
  }

  studio.render(html`<${Parts} />`, host);
}
