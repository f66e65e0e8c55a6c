// Places the nodes of a directed acyclic graph in layers, from top to bottom.

export const NODE = { width: 196, height: 56, gapX: 28, gapY: 44 };
const SWEEPS = 4;

/**
 * @typedef {{id: string, title: string, note?: string, tone?: string, tag?: string}} GraphNode
 * @typedef {[string, string]} GraphEdge from, to
 * @typedef {{node: GraphNode, x: number, y: number, layer: number, order: number}} Placed px
 */

/**
 * Lay out a graph: the layer of a node is its longest way from a source; in a layer, nodes are
 * ordered by the mean place of their neighbours (Sugiyama, Tagawa and Toda 1981).
 * @param {GraphNode[]} nodes
 * @param {GraphEdge[]} edges
 * @returns {{placed: Map<string, Placed>, width: number, height: number, layers: string[][]}}
 */
export function layOut(nodes, edges) {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const real = edges.filter(([from, to]) => known.has(from) && known.has(to) && from !== to);
  const [parents, children] = [group(real, 1, 0), group(real, 0, 1)];
  const layers = findLayers(nodes, parents, children);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    const order = isDown ? layers.keys() : [...layers.keys()].reverse();
    for (const at of order) sortLayer(layers, at, isDown ? -1 : 1, isDown ? parents : children);
  }
  const widest = Math.max(1, ...layers.map((layer) => layer.length));
  const [stepX, stepY] = [NODE.width + NODE.gapX, NODE.height + NODE.gapY];
  /** @type {Map<string, Placed>} */
  const placed = new Map();
  for (const [at, layer] of layers.entries()) {
    const shift = ((widest - layer.length) * stepX) / 2;
    for (const [order, id] of layer.entries()) {
      const node = /** @type {GraphNode} */ (known.get(id));
      placed.set(id, { node, x: shift + order * stepX, y: at * stepY, layer: at, order });
    }
  }
  const [width, height] = [widest * stepX - NODE.gapX, Math.max(1, layers.length) * stepY - NODE.gapY];
  return { placed, width, height, layers };
}

/** @param {GraphEdge[]} edges @param {0 | 1} by @param {0 | 1} take */
function group(edges, by, take) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const edge of edges) found.set(edge[by], [...(found.get(edge[by]) ?? []), edge[take]]);
  return found;
}

/**
 * @param {GraphNode[]} nodes
 * @param {Map<string, string[]>} parents
 * @param {Map<string, string[]>} children
 * @returns {string[][]}
 */
function findLayers(nodes, parents, children) {
  const missing = new Map(nodes.map(({ id }) => [id, parents.get(id)?.length ?? 0]));
  /** @type {string[][]} */
  const layers = [];
  let ready = nodes.filter(({ id }) => missing.get(id) === 0).map(({ id }) => id);
  while (ready.length) {
    layers.push(ready);
    /** @type {string[]} */
    const next = [];
    for (const id of ready) {
      missing.delete(id);
      for (const child of children.get(id) ?? []) {
        const left = (missing.get(child) ?? 1) - 1;
        missing.set(child, left);
        if (left === 0) next.push(child);
      }
    }
    ready = next;
  }
  // What is left is a cycle, which no valid graph has; it is still shown.
  if (missing.size) layers.push([...missing.keys()]);
  return layers;
}

/**
 * @param {string[][]} layers @param {number} at @param {-1 | 1} beside
 * @param {Map<string, string[]>} neighbours
 */
function sortLayer(layers, at, beside, neighbours) {
  const other = layers[at + beside];
  if (!other) return;
  const places = new Map(other.map((id, order) => [id, order / Math.max(1, other.length - 1)]));
  const own = layers[at];
  const means = new Map(
    own.map((id, order) => {
      const near = (neighbours.get(id) ?? []).flatMap((one) => places.get(one) ?? []);
      const mean = near.reduce((sum, one) => sum + one, 0) / near.length;
      return [id, near.length ? mean : order / Math.max(1, own.length - 1)];
    }),
  );
  layers[at] = [...own].sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0));
}
