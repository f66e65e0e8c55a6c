// Four players that show the same frame, and points that are placed by the pointer or the keyboard.
const VIEWS = [0, 1, 2, 3];
const STEP = 0.01;

const reduce = (state, change) => {
  const key = `${change.view}/${change.frame}`;
  const { [key]: _, ...others } = state;
  const { type, ...point } = change;
  return type === 'remove' ? others : { ...others, [key]: point };
};

export function mount(host, studio) {
  const { html, hooks, ui } = studio;
  const { useEffect, useMemo, useRef, useState } = hooks;

  function Page() {
    const doc = useMemo(() => studio.document('points', 'all', { reduce }), []);
    const points = studio.use(doc.state) ?? {};
    const [frame, setFrame] = useState(0);
    const [view, setView] = useState(0);
    const [cursor, setCursor] = useState({ x: 0.5, y: 0.5 });
    const latest = useRef({});
    latest.current = { frame, view, cursor, points };
    const change = (one) => void doc.change(one).catch(studio.toastError);
    const step = (by) => setFrame(Math.max(0, latest.current.frame + by));
    const move = (x, y) => setCursor((at) => ({ x: Math.min(1, Math.max(0, at.x + x)), y: Math.min(1, Math.max(0, at.y + y)) }));
    const set = (state) => {
      const now = latest.current;
      const point = now.points[`${now.view}/${now.frame}`];
      const place = state === 'placed' || !point ? now.cursor : { x: point.x, y: point.y };
      if (state !== 'placed' && !point) return;
      change({ type: 'set', view: now.view, frame: now.frame, ...place, state });
    };
    const propagate = () => studio.call('propagate', { start: latest.current.frame, end: latest.current.frame + 3 }).catch(studio.toastError);
    useEffect(() => {
      const keys = {
        '.': ['One frame forward', () => step(1)],
        ',': ['One frame back', () => step(-1)],
        h: ['Move the cursor left', () => move(-STEP, 0)],
        l: ['Move the cursor right', () => move(STEP, 0)],
        k: ['Move the cursor up', () => move(0, -STEP)],
        j: ['Move the cursor down', () => move(0, STEP)],
        p: ['Place a point', () => set('placed')],
        a: ['Accept the point', () => set('accepted')],
        r: ['Reject the point', () => set('rejected')],
        g: ['Propose the next frames', propagate],
        'ctrl+z': ['Undo', () => void doc.undo().catch(studio.toastError)],
      };
      for (const n of VIEWS) keys[String(n + 1)] = [`Choose view ${n + 1}`, () => setView(n)];
      const removers = Object.entries(keys).map(([combo, [label, fn]]) => studio.keys(combo, label, fn));
      return () => (removers.forEach((remove) => remove()), doc.close());
    }, []);
    return html`<link rel="stylesheet" href="/pages/views/views.css" />
      <h2>Four views</h2>
      <p role="status">Frame ${frame}, view ${view + 1}, cursor ${cursor.x.toFixed(2)} ${cursor.y.toFixed(2)}. ${Object.keys(points).length} points.</p>
      <div class="views-grid">${VIEWS.map((n) => html`<div key=${n} class="views-one ${n === view ? 'chosen' : ''}">
        <${ui.Player} path=${`view${n}.mp4`} label=${`View ${n + 1}`} keys=${false} controls=${false} muted
          frame=${frame}
          onFrame=${(shown) => (host.dataset[`view${n}`] = String(shown))} />
        <${Point} point=${points[`${n}/${frame}`]} cursor=${n === view ? cursor : null} /></div>`)}</div>
      <p class="row wrap">
        <${ui.Button} onClick=${() => step(-1)}>Back<//><${ui.Button} onClick=${() => step(1)}>Forward<//>
        <${ui.Button} onClick=${() => set('placed')}>Place<//>
        <${ui.Button} onClick=${() => set('accepted')}>Accept<//>
        <${ui.Button} onClick=${() => set('rejected')}>Reject<//>
        <${ui.Button} onClick=${propagate}>Propose the next frames<//></p>`;
  }

  function Point({ point, cursor }) {
    const at = (one) => ({ '--x': `${one.x * 100}%`, '--y': `${one.y * 100}%` });
    return html`${point && html`<span class="views-point ${point.state}" style=${at(point)}
        role="img" aria-label=${`Point, ${point.state}`}></span>`}
      ${cursor && html`<span class="views-cursor" style=${at(cursor)} aria-hidden="true"></span>`}`;
  }

  studio.render(html`<${Page} />`, host);
  return () => studio.render(null, host);
}
