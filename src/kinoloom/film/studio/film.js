// The film page: a film of photos or of a video, frame by frame before it is made.
import { createFilm } from './state.js';
import { Choices } from './choices.js';
import { Picker } from './picker.js';
import { Viewer } from './viewer.js';

/**
 * @param {HTMLElement} host
 * @param {import('./state.js').Studio} studio
 */
export function mount(host, studio) {
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = '/pages/film/film.css';
  document.head.append(style);
  const film = createFilm(studio);
  studio.render(studio.html`<${Film} studio=${studio} film=${film} />`, host);
  return () => {
    film.dispose();
    style.remove();
  };
}

/** @param {{studio: import('./state.js').Studio, film: import('./state.js').Film}} props */
function Film({ studio, film }) {
  const { html, use } = studio;
  const files = use(film.files);
  studio.hooks.useEffect(() => {
    const names = files.map((/** @type {string} */ path) => path.split('/').at(-1));
    studio.bar({ title: files.length ? names.join(', ') : 'Film' });
  }, [files]);
  if (!files.length) return html`<${Picker} studio=${studio} film=${film} />`;
  return html`<div class="film">
    <${Viewer} studio=${studio} film=${film} />
    <${Choices} studio=${studio} film=${film} />
  </div>`;
}
