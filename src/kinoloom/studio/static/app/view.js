// What every view uses: htm bound to Preact, hooks, signals, and a border that catches failures.
import { Component, Fragment, h, render as renderInto } from 'preact';
import * as hooks from 'preact/hooks';
import htm from 'htm';
import { batch, computed, effect, signal } from 'signals';

export const html = htm.bind(h);
export { Fragment, batch, computed, effect, h, hooks, signal };
export const { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } = hooks;

let ids = 0;

/**
 * Return an id for an element; unlike Preact's own, it is unique over the shell and all pages,
 * which are rendered separately.
 * @returns {string}
 */
export function useId() {
  const [id] = useState(() => `id-${++ids}`);
  return id;
}

/**
 * Return the value of a signal, and render the component again when it changes.
 * @template T
 * @param {import('signals').ReadonlySignal<T>} source
 * @returns {T}
 */
export function use(source) {
  const [, set] = useState(() => source.peek());
  useEffect(() => source.subscribe((value) => set(() => value)), [source]);
  return source.peek();
}

/**
 * Shows what `show` returns for an error that a component below it throws.
 * @extends {Component<{show: (error: unknown) => any, children?: any}, {error?: unknown}>}
 */
export class Border extends Component {
  /** @param {any} props */
  constructor(props) {
    super(props);
    /** @type {{error?: unknown}} */
    this.state = {};
  }

  /** @param {unknown} error */
  componentDidCatch(error) {
    console.error(error);
    this.setState({ error });
  }

  render() {
    return this.state.error === undefined ? this.props.children : this.props.show(this.state.error);
  }
}

/**
 * Render a view into an element; null removes it.
 * @param {any} view
 * @param {Element} host
 */
export function render(view, host) {
  renderInto(view, host);
}
