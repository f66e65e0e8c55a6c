// Which rows of a long list are near the visible part of what scrolls them.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from '../app/view.js';

/** Rows in the DOM above and below the visible ones. */
const AROUND = 20;
/** Never more rows than this, however small they are. */
const MOST = 400;

/**
 * Follow a scrolling element of `count` rows of equal height.
 * @param {number} count
 * @param {number} height of a row, px
 */
export function useWindow(count, height) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  const [range, setRange] = useState({ first: 0, last: Math.min(count, 3 * AROUND) });
  const measure = useCallback(() => {
    const box = ref.current;
    if (!box) return;
    const first = Math.max(0, Math.min(Math.floor(box.scrollTop / height), count) - AROUND);
    const shown = Math.ceil(box.clientHeight / height) + 2 * AROUND;
    const last = Math.min(count, first + Math.min(MOST, shown));
    setRange((now) => (now.first === first && now.last === last ? now : { first, last }));
  }, [count, height]);
  useLayoutEffect(measure, [measure]);
  useEffect(() => {
    const box = ref.current;
    if (!box) return;
    const sizes = new ResizeObserver(measure);
    sizes.observe(box);
    box.addEventListener('scroll', measure, { passive: true });
    return () => (sizes.disconnect(), box.removeEventListener('scroll', measure));
  }, [measure]);
  const reveal = (/** @type {number} */ row, head = 0) => {
    const box = ref.current;
    if (!box) return;
    const [top, bottom] = [row * height, (row + 1) * height + head];
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
    measure();
  };
  return { ref, ...range, reveal };
}
