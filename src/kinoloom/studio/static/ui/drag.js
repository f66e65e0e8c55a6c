// Dragging with any pointer; every control that uses this has keys that do the same.

/**
 * Return handlers that follow a pointer from its press to its release.
 * @param {(share: {x: number, y: number}, event: PointerEvent, isStart: boolean) => void} onMove
 *   x and y: where in the element, from 0 to 1
 * @param {() => void} [onEnd]
 * @param {() => Element | null | undefined} [areaOf] the element; default: what is pressed
 */
export function dragHandlers(onMove, onEnd, areaOf) {
  const follow = (/** @type {PointerEvent} */ event, isStart = false) => {
    const area = areaOf?.() ?? /** @type {Element} */ (event.currentTarget);
    const { left, top, width, height } = area.getBoundingClientRect();
    const clamp = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));
    const x = clamp((event.clientX - left) / (width || 1));
    const y = clamp((event.clientY - top) / (height || 1));
    onMove({ x, y }, event, isStart);
  };
  return {
    onPointerDown: (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
      follow(event, true);
    },
    onPointerMove: (/** @type {PointerEvent} */ event) => {
      if (/** @type {Element} */ (event.currentTarget).hasPointerCapture(event.pointerId)) follow(event);
    },
    onPointerUp: () => onEnd?.(),
    onPointerCancel: () => onEnd?.(),
  };
}

/**
 * Return what a key changes a value to, or null for other keys.
 * @param {KeyboardEvent} event
 * @param {number} value
 * @param {{low: number, high: number, step: number, page?: number}} range
 */
export function stepByKey(event, value, { low, high, step, page = step * 10 }) {
  const size = event.shiftKey ? page : step;
  const targets = /** @type {Record<string, number>} */ ({
    ArrowRight: value + size,
    ArrowUp: value + size,
    ArrowLeft: value - size,
    ArrowDown: value - size,
    PageUp: value + page,
    PageDown: value - page,
    Home: low,
    End: high,
  });
  if (!(event.key in targets)) return null;
  return Math.min(high, Math.max(low, targets[event.key]));
}
