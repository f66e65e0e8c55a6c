// A map that follows a feed or shows a moment of the past hour, and alerts to acknowledge.
const BOUNDS = { x: 0, y: 0, width: 1000, height: 600 };
const TONES = ['good', 'warn', 'bad'];
const SHAPES = [{ key: 'ground', points: [[0, 0], [1000, 0], [1000, 600], [0, 600]], tone: 'ground', closed: true }];

const reduce = (state, change) => ({
  ...state,
  [change.id]: change.type === 'raise' ? { text: change.text, by: '' } : { ...state[change.id], by: change.person },
});

export function mount(host, studio) {
  const { html, hooks, ui } = studio;
  const { useEffect, useMemo, useState } = hooks;
  let updates = 0;
  let lost = 0;

  function Page() {
    const doc = useMemo(() => studio.document('alerts', 'all', { reduce }), []);
    const alerts = studio.use(doc.state) ?? {};
    const [now, setNow] = useState(null);
    const [past, setPast] = useState(null);
    const [ago, setAgo] = useState(0);
    useEffect(() => {
      let last = -1;
      const stop = studio.feed('live', {}, (data) => {
        if (data.failure) return studio.toastError(data.failure);
        if (last >= 0 && data.number > last + 1) lost += data.number - last - 1;
        last = data.number;
        host.dataset.updates = String(++updates);
        host.dataset.lost = String(lost);
        setNow(data);
      });
      return () => (stop(), doc.close());
    }, []);
    useEffect(() => {
      if (!ago) return setPast(null);
      studio.call('past', { ago }, { latest: 'past' }).then(setPast, (error) => error.name !== 'AbortError' && studio.toastError(error));
    }, [ago]);
    const shown = ago && past ? past : now;
    const things = useMemo(() => describe(shown), [shown]);
    const acknowledge = (id) => doc.change({ type: 'acknowledge', id, person: studio.person.name }).catch(studio.toastError);
    const raise = () => {
      const id = crypto.getRandomValues(new Uint32Array(2)).join('-');
      doc.change({ type: 'raise', id, text: `${Object.keys(alerts).length + 1}. Vehicle behind an aircraft` }).catch(studio.toastError);
    };
    return html`<link rel="stylesheet" href="/pages/apron/apron.css" />
      <h2>Apron</h2>
      <p role="status">${ago ? `${ago} seconds ago` : 'Now'}: ${shown?.tracks.length ?? 0} tracks, ${shown?.lights.length ?? 0} lights</p>
      <div class="apron">
        <${ui.MapView} label="Apron" bounds=${BOUNDS} shapes=${SHAPES} things=${things} showLabels=${false} />
        <div class="rows"><${ui.Button} onClick=${raise}>Raise an alert<//>
          <ul class="rows" aria-label="Alerts">${Object.entries(alerts).map(([id, one]) => html`<li key=${id}>
            <p>${one.text}</p>${one.by
              ? html`<p class="small">Acknowledged by ${one.by}</p>`
              : html`<${ui.Button} onClick=${() => acknowledge(id)}>Acknowledge<//>`}</li>`)}</ul></div>
      </div>
      <label for="apron-ago">How long ago, in seconds</label>
      <input id="apron-ago" type="range" min="0" max="3600" step="1" value=${ago}
        onInput=${(event) => setAgo(Number(event.target.value))} />`;
  }

  function describe(shown) {
    if (!shown) return [];
    const tracks = shown.tracks.map(([key, x, y, heading]) => ({ key, x, y, heading, icon: 'vehicle', label: key }));
    return [...tracks, ...shown.lights.map((state, k) => ({
      key: `L${k}`, x: 40 + 48 * k, y: 570, icon: 'light', label: `L${k}`, note: ['on', 'dim', 'off'][state], tone: TONES[state] }))];
  }

  studio.render(html`<${Page} />`, host);
  return () => studio.render(null, host);
}
