// A directed graph, such as the steps of a pipeline; only nodes near the visible part are in the DOM.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from '../app/view.js';
import { NODE, layOut } from './graph_layout.js';

const AROUND = 300;
const PAD = 16;
const MOST = 400;

/**
 * A graph. Arrow keys move between nodes: up and down along edges, left and right in a layer.
 * @param {{label: string, nodes: import('./graph_layout.js').GraphNode[],
 *   edges: import('./graph_layout.js').GraphEdge[], chosen?: string | null,
 *   onChoose?: (id: string) => void, height?: number}} props
 */
export function Graph({ label, nodes, edges, chosen, onChoose, height = 420 }) {
  const shape = nodes.map((node) => node.id).join(' ') + edges.join(' ');
  const { placed, width, height: total, layers } = useMemo(() => layOut(nodes, edges), [shape]);
  const now = useMemo(() => new Map(nodes.map((node) => [node.id, node])), [nodes]);
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const view = useView(box);
  const [at, setAt] = useState(chosen ?? nodes[0]?.id ?? '');
  const focused = useRef(false);
  useEffect(() => {
    if (focused.current) /** @type {HTMLElement | null | undefined} */ (box.current?.querySelector('.graph-node[tabindex="0"]'))?.focus({ preventScroll: true });
  }, [at]);
  const current = placed.has(at) ? at : (layers[0]?.[0] ?? '');
  const isNear = (/** @type {number} */ x, /** @type {number} */ y) =>
    x + NODE.width > view.x - AROUND && x < view.x + view.width + AROUND &&
    y + NODE.height > view.y - AROUND && y < view.y + view.height + AROUND;
  const all = [...placed.values()];
  const near = all.filter((one) => isNear(one.x, one.y) || one.node.id === current).slice(0, MOST);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const target = findTarget(event.key, current, placed, layers, edges);
    if (!target) return;
    event.preventDefault();
    focused.current = true;
    reveal(box.current, placed.get(target));
    setAt(target);
  };
  const path = useMemo(() => drawEdges(edges, placed), [placed]);
  return html`<div class="graph" ref=${box} style=${{ '--height': `${height}px` }} tabindex="-1">
    <div class="graph-space" role="group" aria-roledescription="graph" aria-label=${label}
      style=${{ '--width': `${width + 2 * PAD}px`, '--space': `${total + 2 * PAD}px` }} onKeyDown=${onKeyDown}>
      <svg width=${width + 2 * PAD} height=${total + 2 * PAD} aria-hidden="true"><path
        transform=${`translate(${PAD} ${PAD})`} d=${path} /></svg>
      ${near.map(({ node: { id }, x, y }) => {
        const node = now.get(id) ?? { id, title: id };
        return html`<button type="button" key=${id} class="graph-node ${node.tone ?? ''} ${id === chosen ? 'chosen' : ''}"
          tabindex=${id === current ? 0 : -1} aria-pressed=${String(id === chosen)}
          style=${{ '--x': `${x + PAD}px`, '--y': `${y + PAD}px` }}
          onFocus=${() => (focused.current = true)} onBlur=${() => (focused.current = false)}
          onClick=${() => (setAt(id), onChoose?.(id))}>
          <b class="cut-short">${node.title}</b>
          <span class="row"><span class="small cut-short grow">${node.note ?? ''}</span>${node.tag && html`<span class="tag ${node.tone ?? ''}">${node.tag}</span>`}</span>
        </button>`;
      })}
    </div>
  </div>`;
}

/** @param {{current: HTMLElement | null}} ref */
function useView(ref) {
  const [view, setView] = useState({ x: 0, y: 0, width: 1000, height: 600 });
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box) return;
    const read = () => setView({ x: box.scrollLeft, y: box.scrollTop, width: box.clientWidth, height: box.clientHeight });
    box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2;
    read();
    const sizes = new ResizeObserver(read);
    sizes.observe(box);
    box.addEventListener('scroll', read, { passive: true });
    return () => (sizes.disconnect(), box.removeEventListener('scroll', read));
  }, []);
  return view;
}

/**
 * @param {string} key @param {string} at
 * @param {Map<string, import('./graph_layout.js').Placed>} placed
 * @param {string[][]} layers @param {import('./graph_layout.js').GraphEdge[]} edges
 * @returns {string | undefined}
 */
function findTarget(key, at, placed, layers, edges) {
  const here = placed.get(at);
  if (!here) return undefined;
  if (key === 'ArrowRight') return layers[here.layer][here.order + 1];
  if (key === 'ArrowLeft') return layers[here.layer][here.order - 1];
  if (key === 'ArrowDown') return edges.find(([from]) => from === at)?.[1];
  if (key === 'ArrowUp') return edges.find(([, to]) => to === at)?.[0];
  return undefined;
}

/** @param {HTMLElement | null} box @param {import('./graph_layout.js').Placed | undefined} one */
function reveal(box, one) {
  if (!box || !one) return;
  const [left, top] = [one.x, one.y];
  const [right, bottom] = [left + NODE.width + 2 * PAD, top + NODE.height + 2 * PAD];
  if (left < box.scrollLeft) box.scrollLeft = left;
  else if (right > box.scrollLeft + box.clientWidth) box.scrollLeft = right - box.clientWidth;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
}

/**
 * @param {import('./graph_layout.js').GraphEdge[]} edges
 * @param {Map<string, import('./graph_layout.js').Placed>} placed
 */
function drawEdges(edges, placed) {
  let path = '';
  for (const [from, to] of edges) {
    const [start, end] = [placed.get(from), placed.get(to)];
    if (!start || !end) continue;
    const [x0, y0] = [start.x + NODE.width / 2, start.y + NODE.height];
    const [x1, y1] = [end.x + NODE.width / 2, end.y];
    const half = (y0 + y1) / 2;
    path += `M${x0} ${y0}C${x0} ${half} ${x1} ${half} ${x1} ${y1}`;
  }
  return path;
}
