// The card of jobs on Home, which the page of jobs provides.
import { html, useEffect, useState } from '../view.js';

/** @param {{studio: any}} props */
export function JobsSlot({ studio }) {
  const [Card, setCard] = useState(/** @type {any} */ (null));
  useEffect(() => {
    // Without the page of jobs there is no card.
    import('../jobs/card.js').then((module) => setCard(() => module.JobsCard), () => {});
  }, []);
  return Card ? html`<${Card} studio=${studio} />` : null;
}
