// The smallest components: button, tag, meter, card, and what is shown where nothing is.
import { html, useId } from '../app/view.js';
import { describeError } from '../app/toasts.js';
import { Icon } from './icons.js';

/**
 * @typedef {'plain' | 'primary' | 'quiet' | 'danger'} ButtonKind
 * @typedef {'' | 'good' | 'warn' | 'bad' | 'new' | 'on'} Tone
 */

/**
 * A button, or a link where `href` is given. A text as `disabled` is the reason, shown as its
 * description; other properties pass on to the element.
 * @param {{kind?: ButtonKind, icon?: string, pressed?: boolean, disabled?: boolean | string,
 *   busy?: boolean, href?: string, onClick?: (event: Event) => void, children?: any,
 *   class?: string, [other: string]: any}} props
 */
export function Button({ kind = 'plain', icon, pressed, disabled, busy, href, onClick, children, ...rest }) {
  const name = `button ${kind} ${rest.class ?? ''}`;
  const content = html`${icon && html`<${Icon} name=${icon} size="16" />`}${children}`;
  if (href !== undefined) return html`<a ...${rest} class=${name} href=${href}>${content}</a>`;
  const reason = typeof disabled === 'string' ? disabled : undefined;
  const isOff = Boolean(disabled) || Boolean(busy);
  return html`<button
    type="button"
    ...${rest}
    class=${name}
    title=${reason || rest.title}
    aria-pressed=${pressed === undefined ? undefined : String(pressed)}
    aria-disabled=${isOff ? 'true' : undefined}
    aria-busy=${busy ? 'true' : undefined}
    onClick=${(/** @type {Event} */ event) => (isOff ? event.preventDefault() : onClick?.(event))}
  >${content}</button>`;
}

/**
 * A button with an icon only.
 * @param {{icon: string, label: string, size?: number, pressed?: boolean,
 *   disabled?: boolean | string, onClick?: (event: Event) => void, [other: string]: any}} props
 */
export function IconButton({ icon, label, size = 18, pressed, disabled, onClick, ...rest }) {
  const reason = typeof disabled === 'string' ? `${label}: ${disabled}` : undefined;
  return html`<button
    type="button"
    ...${rest}
    class="icon-button ${rest.class ?? ''}"
    aria-label=${label}
    title=${reason ?? rest.title ?? label}
    aria-pressed=${pressed === undefined ? undefined : String(pressed)}
    aria-disabled=${disabled ? 'true' : undefined}
    onClick=${(/** @type {Event} */ event) => (disabled ? event.preventDefault() : onClick?.(event))}
  ><${Icon} name=${icon} size=${size} /></button>`;
}

/**
 * A short state; the colour only repeats what the text says.
 * @param {{tone?: Tone, icon?: string, children?: any, title?: string}} props
 */
export function Tag({ tone = '', icon, children, title }) {
  return html`<span class="tag ${tone} n" title=${title}
    >${icon && html`<${Icon} name=${icon} size="12" />`}${children}</span>`;
}

/**
 * How much of something is done or used; without `value`, only that work is in progress.
 * @param {{label: string, value?: number | null, max?: number, text?: string, tone?: Tone}} props
 */
export function Meter({ label, value, max = 1, text, tone = '' }) {
  const share = value === null || value === undefined ? null : Math.min(1, Math.max(0, value / max));
  const percent = share === null ? undefined : Math.round(share * 100);
  return html`<div class="meter ${tone} ${share === null ? 'unknown' : ''}" role="progressbar"
    aria-label=${label} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent}
    aria-valuetext=${text}><div class="fill" style=${{ '--share': share ?? 0.3 }}></div></div>`;
}

/**
 * A surface with a heading.
 * @param {{title?: any, note?: any, tags?: any, actions?: any, level?: 2 | 3, flush?: boolean,
 *   children?: any, class?: string}} props flush: the content has no margin
 */
export function Card({ title, note, tags, actions, level = 2, flush = false, children, ...rest }) {
  const id = useId();
  const name = `card ${rest.class ?? ''}`;
  if (!title) return html`<section class=${name}><div class=${flush ? '' : 'card-body'}>${children}</div></section>`;
  return html`<section class=${name} aria-labelledby=${id}>
    <header>
      <${`h${level}`} id=${id} class="cut-short">${title}<//>${tags}
      <span class="grow"></span>${note && html`<span class="small n">${note}</span>`}${actions}
    </header>
    <div class=${flush ? '' : 'card-body'}>${children}</div>
  </section>`;
}

/**
 * What is shown where there is nothing yet: why, and what to do.
 * @param {{icon?: string, title: string, children?: any, actions?: any}} props
 */
export function Empty({ icon = 'info', title, children, actions }) {
  return html`<div class="empty">
    <${Icon} name=${icon} size="28" />
    <h2>${title}</h2>
    <div class="soft">${children}</div>
    ${actions && html`<div class="row wrap">${actions}</div>`}
  </div>`;
}

/**
 * What is shown where something has failed: the error, its hint, and another try.
 * @param {{error: unknown, title?: string, retry?: () => void, actions?: any}} props
 */
export function Failure({ error, title = 'This did not work', retry, actions }) {
  const { text, hint } = describeError(error);
  return html`<div class="failure" role="alert">
    <${Icon} name="error" size="20" />
    <div class="rows">
      <h2>${title}</h2>
      <p>${text}</p>
      ${hint && html`<p class="soft">${hint}</p>`}
      <div class="row wrap">
        ${retry && html`<${Button} icon="loop" onClick=${retry}>Try again<//>`}${actions}
      </div>
    </div>
  </div>`;
}
