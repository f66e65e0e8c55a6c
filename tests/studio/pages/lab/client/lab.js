import { label } from "./parts/label.js";

export function mount(host, studio) {
  studio.render(studio.html`<h1>${label}</h1>`, host);
  return () => studio.render(null, host);
}
