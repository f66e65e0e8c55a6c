// What surrounds every page: the rail, the bar, the banner, toasts, search and shortcuts.
import { Button, Empty, IconButton, Tag } from '../ui/basics.js';
import { Menu } from '../ui/dialog.js';
import { Icon } from '../ui/icons.js';
import { showBytes } from '../ui/texts.js';
import { bar } from './bar.js';
import { connection, loginHint, probe } from './connection.js';
import { jobs, runningJobs } from './job_list.js';
import { showCombo } from './keys.js';
import { isLoggedOut, logOut } from './log_out.js';
import { PageHost } from './page_host.js';
import { OpenDialogs, areShortcutsOpen, isPaletteOpen } from './open_dialogs.js';
import { address, go, place } from './router.js';
import { findPage, hasState, listPages, state } from './state.js';
import { choice, choose, theme, toggle } from './theme.js';
import { close, toasts } from './toasts.js';
import { html, use, useEffect, useRef } from './view.js';

/** In the bar at the bottom of narrow windows; the others are in its menu. */
const NARROW = 4;

/** The whole window. */
export function Shell() {
  const { page: name } = use(place);
  use(state);
  const isReady = use(hasState);
  const page = findPage(name);
  if (use(isLoggedOut)) return html`<${LoggedOut} />`;
  return html`<a class="button skip" href="#content" onClick=${skip}>Skip to the page</a>
    <div class="frame">
      <${Rail} current=${name} />
      <div class="stack">
        <${Bar} page=${page} />
        <${Banner} />
        <main id="content" tabindex="-1">
          ${page && html`<${PageHost} key=${page.name} page=${page} />`}
          ${!page && isReady && html`<${Unknown} name=${name} />`}
        </main>
      </div>
    </div>
    <${Toasts} /><${OpenDialogs} />`;
}

function LoggedOut() {
  return html`<main id="content" tabindex="-1"><h1 class="sr">kinoloom</h1>
    <${Empty} icon="logout" title="You are logged out">
      <p>Jobs continue. Run kinoloom studio FOLDER --link and open the printed address to log in.</p>
    <//></main>`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function Mark() {
  return html`<div class="mark">
    <svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true" fill="none"
      stroke-width="2.2" stroke-linecap="round"><path class="warp" d="M5 3v16M11 3v16M17 3v16" /><path
      class="weft" d="M2 7h5.500M9 7h4.500M15 7h5M2 15h2M7.5 15h7M18.5 15H20M2 11h2M7 11h8M18 11h2" /></svg>
    kinoloom
  </div>`;
}

/** @param {{current: string}} props */
function Rail({ current }) {
  const { cores, memory_bytes: memory, version } = use(state);
  const pages = listPages();
  const running = use(runningJobs).length;
  const waiting = use(jobs).filter((job) => job.state === 'waiting').length;
  const count = running + waiting;
  const facts = [cores && `${cores} cores`, memory && showBytes(memory)].filter(Boolean).join(', ');
  return html`<nav class="rail" aria-label="Pages">
    <${Mark} />
    <ul>
      ${pages.map(
        (page, number) => html`<li key=${page.name} class=${number < NARROW ? '' : 'rest'}>
          <a class="rail-item" href=${address(page.name)}
            aria-current=${page.name === current ? 'page' : undefined}>
            <${Icon} name=${page.icon} />${page.title}
            ${page.name === 'jobs' && count > 0 && html`<span class="count"><${Tag} tone="on">${count}<span class="sr"> running or waiting</span><//></span>`}
          </a>
        </li>`,
      )}
      <li class="narrow"><${More} pages=${pages.slice(NARROW)} current=${current} /></li>
    </ul>
    <div class="foot">
      ${facts && html`<p class="small n">${facts}</p>`}
      ${version && html`<p class="small n">Version ${version}</p>`}
      <div class="row"><${ThemeButton} />
        <${IconButton} icon="keyboard" label="Keyboard shortcuts"
          onClick=${() => (areShortcutsOpen.value = true)} />
        <${IconButton} icon="logout" label="Log out" onClick=${logOut} />
      </div>
    </div>
  </nav>`;
}

function ThemeButton() {
  const now = use(theme);
  const label = now === 'dark' ? 'Use the light theme' : 'Use the dark theme';
  return html`<${IconButton} icon=${now === 'dark' ? 'sun' : 'moon'} label=${label} onClick=${toggle} />`;
}

/** @param {{pages: import('./state.js').PageEntry[], current: string}} props */
function More({ pages, current }) {
  const chosen = use(choice);
  /** @type {import('../ui/dialog.js').MenuItem[]} */
  const items = pages.map((page) => ({
    label: page.title,
    icon: page.icon,
    checked: page.name === current ? true : undefined,
    onSelect: () => go(page.name),
  }));
  const themes = /** @type {const} */ (['system', 'light', 'dark']);
  const names = { system: 'Theme of the system', light: 'Light theme', dark: 'Dark theme' };
  for (const one of themes) {
    items.push({ label: names[one], checked: one === chosen, onSelect: () => choose(one) });
  }
  items.push('line', { label: 'Log out', icon: 'logout', onSelect: logOut });
  const trigger = (/** @type {object} */ shared) =>
    html`<button type="button" class="rail-item" ...${shared}><${Icon} name="menu" />More</button>`;
  return html`<${Menu} class="rail-more" label="More pages, theme, log out" items=${items}
    trigger=${trigger} />`;
}

/** @param {{page: import('./state.js').PageEntry | undefined}} props */
function Bar({ page }) {
  const shown = use(bar);
  const title = shown.title ?? page?.title ?? 'kinoloom';
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const before = useRef(page?.name);
  useEffect(() => {
    document.title = `${title} – kinoloom`;
  }, [title]);
  useEffect(() => {
    if (before.current !== page?.name) heading.current?.focus({ preventScroll: true });
    before.current = page?.name;
    window.scrollTo(0, 0);
  }, [page?.name]);
  return html`<header class="bar">
    <h1 class="cut-short" tabindex="-1" ref=${heading}>${title}</h1>
    <div class="tags">${shown.tags}</div>
    <span class="grow"></span>
    <button type="button" class="find" aria-label="Find a file, a page, a thing to do"
      aria-keyshortcuts="Control+K" onClick=${() => (isPaletteOpen.value = true)}>
      <${Icon} name="search" /><span class="cut-short">Find a file, a page, a thing to do</span>
      <kbd>${showCombo('ctrl+k').join(' ')}</kbd>
    </button>
    <div class="actions">${shown.actions}</div>
  </header>`;
}

function Banner() {
  const now = use(connection);
  const hint = use(loginHint).replaceAll('`', '');
  if (now === 'ok') return html`<div role="status" class="sr"></div>`;
  const [what, then] =
    now === 'gone'
      ? ['The studio does not answer.', 'Jobs continue. Start it again with kinoloom studio; this page then reconnects by itself.']
      : ['This browser is not logged in.', hint || 'Run kinoloom studio FOLDER --link and open the printed address.'];
  return html`<div class="banner" role="alert">
    <${Icon} name="warn" />
    <p class="grow"><strong>${what}</strong> ${then}</p>
    <${Button} onClick=${probe}>Try now<//>
  </div>`;
}

/** @param {{name: string}} props */
function Unknown({ name }) {
  return html`<${Empty} icon="page" title=${`There is no page ‘${name}’`}
    actions=${html`<${Button} href=${address('home')} icon="home">Go to the files<//>`}>
    <p>It may belong to a package that is not installed.</p>
  <//>`;
}

function Toasts() {
  const all = use(toasts);
  return html`<div class="toasts" role="region" aria-label="Messages">
    <div aria-live="polite">${all.filter((one) => one.kind !== 'bad').map(showToast)}</div>
    <div role="alert">${all.filter((one) => one.kind === 'bad').map(showToast)}</div>
  </div>`;
}

/** @param {import('./toasts.js').Toast} one */
function showToast(one) {
  return html`<${ToastCard} key=${one.id} one=${one} />`;
}

const SHOWN_MS = 6000;

/** @param {{one: import('./toasts.js').Toast}} props */
function ToastCard({ one }) {
  const timer = useRef(0);
  const leave = () => {
    if (one.kind !== 'bad' && !one.action) timer.current = window.setTimeout(() => close(one.id), SHOWN_MS);
  };
  const stay = () => window.clearTimeout(timer.current);
  useEffect(() => (leave(), stay), []);
  const act = () => {
    close(one.id);
    one.action?.fn();
  };
  return html`<div class="toast ${one.kind}" onMouseEnter=${stay} onMouseLeave=${leave}>
    <div class="grow rows">
      <p>${one.text}</p>
      ${one.hint && html`<p class="small">${one.hint}</p>`}
      ${one.action && html`<div><${Button} onClick=${act}>${one.action.label}<//></div>`}
    </div>
    <${IconButton} icon="close" size="14" label="Close this message" onClick=${() => close(one.id)} />
  </div>`;
}
