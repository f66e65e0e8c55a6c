// The newest of live pictures, at most ten a second and only while the page is visible.
const INTERVAL_MS = 100;

export function mount(host, studio) {
  const { html, hooks } = studio;
  const { useEffect, useState } = hooks;

  function Page() {
    const [picture, setPicture] = useState({ url: '', number: -1 });
    useEffect(() => {
      const control = new AbortController();
      follow(control.signal, setPicture).catch((error) => !control.signal.aborted && studio.toastError(error));
      return () => control.abort();
    }, []);
    useEffect(() => () => URL.revokeObjectURL(picture.url), [picture.url]);
    return html`<h2>Live</h2><p role="status">Picture ${picture.number}</p>
      ${picture.url && html`<img src=${picture.url} alt="Live picture" width="320" height="180" />`}`;
  }

  async function follow(signal, show) {
    let number = -1;
    let next = 0;
    for (let count = 1; !signal.aborted; count++) {
      await visible(signal);
      await pause(next - performance.now());
      if (signal.aborted) return;
      next = performance.now() + INTERVAL_MS;
      const blob = await studio.call('newest', { after: number }, { latest: 'tile', signal });
      number = Number(blob.facts.number);
      host.dataset.count = String(count);
      show({ url: URL.createObjectURL(blob), number });
    }
  }

  const pause = (ms) => new Promise((resolve) => window.setTimeout(resolve, Math.max(0, ms)));

  const visible = (signal) =>
    new Promise((resolve) => {
      if (document.visibilityState === 'visible') return resolve();
      const done = () => {
        if (document.visibilityState !== 'visible' && !signal.aborted) return;
        document.removeEventListener('visibilitychange', done);
        resolve();
      };
      document.addEventListener('visibilitychange', done);
      signal.addEventListener('abort', done);
    });

  studio.render(html`<${Page} />`, host);
  return () => studio.render(null, host);
}
