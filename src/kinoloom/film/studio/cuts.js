// Scene cuts of a video: found on request, then accepted, moved or removed.
import { parseFraction } from './state.js';

/** @param {{studio: any, film: import('./state.js').Film, plan: import('./state.js').Plan}} props */
export function Cuts({ studio, film, plan }) {
  const { html, use, ui } = studio;
  const found = use(film.cuts);
  const chosen = use(film.values).cuts;
  const times = listTimes(chosen ?? null, found?.times ?? null);
  const number = use(film.number);
  const here = number / parseFraction(plan.rate || '1');
  /** @param {string[]} changed */
  const set = (changed) => {
    const sorted = [...changed].sort((one, other) => parseFraction(one) - parseFraction(other));
    film.values.value = { ...film.values.value, cuts: sorted.join(',') };
  };
  const note = !found
    ? 'Cuts are found while the film is made.'
    : `${times.length} ${times.length === 1 ? 'cut' : 'cuts'}${found.isComplete ? '' : ' so far'}`;
  return html`<section class="film-cuts" aria-label="Scene cuts">
    <header><h3>Scene cuts</h3><span class="small n" role="status">${note}</span><span class="grow"></span>
      ${!found && html`<${ui.Button} icon="search" onClick=${film.findCuts}>Find cuts<//>`}
      <${ui.Button} kind="quiet" icon="plus" onClick=${() => set([...times, here.toFixed(3)])}>
        Cut at ${ui.showTime(here)}<//>
      ${chosen !== undefined && html`<${ui.Button} kind="quiet" onClick=${() => forget(film)}>Use found cuts<//>`}
    </header>
    <ul>${times.map(
      (time, k) => html`<li key=${time}>
        <span class="n">${ui.showTime(parseFraction(time))}</span>
        <${ui.Button} kind="quiet" onClick=${() => goTo(film, plan, time)}>Show<//>
        <${ui.Button} kind="quiet" onClick=${() => set(times.with(k, here.toFixed(3)))}
          aria-label=${`Move the cut at ${ui.showTime(parseFraction(time))} to ${ui.showTime(here)}`}>Move here<//>
        <${ui.Button} kind="quiet" onClick=${() => set(times.filter((_, other) => other !== k))}
          aria-label=${`Remove the cut at ${ui.showTime(parseFraction(time))}`}>Remove<//>
      </li>`,
    )}</ul>
  </section>`;
}

/** @param {string | null} chosen @param {string[] | null} found */
function listTimes(chosen, found) {
  return chosen === null ? (found ?? []) : chosen.split(',').filter(Boolean);
}

/** @param {import('./state.js').Film} film */
function forget(film) {
  const { cuts, ...others } = film.values.value;
  film.values.value = others;
}

/** @param {import('./state.js').Film} film @param {import('./state.js').Plan} plan @param {string} time */
function goTo(film, plan, time) {
  const place = Math.round(parseFraction(time) * parseFraction(plan.rate || '1'));
  film.number.value = Math.min(plan.frames - 1, place);
}
