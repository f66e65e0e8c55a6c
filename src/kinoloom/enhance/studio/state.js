// What the enhance page shows: files, choices, and what the server computes for them.

/** @typedef {any} Studio the object that pages get */
/** @typedef {ReturnType<typeof createEnhancement>} Work */
/** @typedef {{studio: Studio, work: Work}} Props */
/**
 * @typedef {{width: number, height: number, duration: string, rate: string, frames: number | null}} Facts
 * @typedef {Facts & {photo: boolean, result: Facts, corrections: string[], networks: string[],
 *   measured: [string, string][], choices: {option: string, reason: string}[], order: string}} Outlook
 * @typedef {{url: string, facts: Record<string, string>}} Shown
 * @typedef {{zoom: number, x: number, y: number}} View zoom 0 is the whole picture
 */

const SETTLE_MS = 200;
const LISTED = 200;
const DEFAULT_RATE = 25;

/** @param {Studio} studio */
export function createEnhancement(studio) {
  const { signal, computed, effect, batch } = studio;
  // A path that ends with "/" is a folder.
  const inputs = computed(() => (studio.params.value.path ?? '').split('\n').filter(Boolean));
  const name = computed(() => inputs.value.join('\n'));
  const items = signal(/** @type {string[] | null} */ (null)); // what can be previewed
  const shown = signal('');
  const op = signal(/** @type {any} */ (null));
  const presets = signal(/** @type {any[]} */ ([]));
  const values = signal(/** @type {Record<string, any>} */ ({}));
  const isValid = signal(true);
  const view = signal(/** @type {View} */ ({ zoom: 0, x: 0.5, y: 0.5 }));
  const stage = signal({ width: 0, height: 0 });
  const number = signal(0); // of the frame
  const outlook = signal(/** @type {Outlook | null} */ (null));
  const before = signal(/** @type {Shown | null} */ (null));
  const after = signal(/** @type {Shown | null} */ (null));
  const busy = signal(false);
  const failure = signal(/** @type {unknown} */ (null));

  /** The options of the op, without those of reading and writing. */
  const options = () => {
    const own = new Set((op.value?.options ?? []).filter((/** @type {any} */ one) => one.section === 'op').map((/** @type {any} */ one) => one.name));
    return Object.fromEntries(Object.entries(values.value).filter(([key, value]) => own.has(key) && isGiven(value)));
  };

  const listItems = async () => {
    const expected = name.value;
    try {
      const found = await Promise.all(inputs.value.map((/** @type {string} */ one) => expand(studio, one)));
      if (expected !== name.value) return;
      batch(() => {
        items.value = found.flat();
        if (!items.value.includes(shown.value)) shown.value = items.value[0] ?? '';
      });
    } catch (error) {
      failure.value = error;
    }
  };

  const readOutlook = async () => {
    busy.value = true;
    try {
      const found = await studio.call('describe', { ...options(), file: shown.value }, { latest: 'describe' });
      batch(() => {
        failure.value = null;
        number.value = Math.min(number.value, countFrames(found) - 1);
        outlook.value = found;
      });
    } catch (error) {
      if (isReplaced(error)) return;
      batch(() => {
        failure.value = error;
        busy.value = false;
      });
    }
  };

  const readPictures = async () => {
    const { zoom, x, y } = view.value;
    const { width, height } = stage.value;
    const size = zoom
      ? { view: 'region', columns: limit(width / zoom), rows: limit(height / zoom) }
      : { columns: limit(width * Math.min(window.devicePixelRatio, 2)) };
    const time = findTime(outlook.value, number.value);
    const asked = { ...options(), ...size, file: shown.value, time, x, y };
    busy.value = true;
    try {
      const [old, fresh] = await Promise.all(
        ['before', 'after'].map(async (which) => {
          const blob = await studio.call(which, asked, { latest: which });
          return { url: URL.createObjectURL(blob), facts: blob.facts ?? {} };
        }),
      );
      batch(() => {
        show(before, old);
        show(after, fresh);
        failure.value = null;
        busy.value = false;
      });
    } catch (error) {
      if (isReplaced(error)) return;
      batch(() => {
        failure.value = error;
        busy.value = false;
      });
    }
  };

  const settleOutlook = delay();
  const settlePictures = delay();
  const stops = [
    effect(() => {
      if (!name.value) return;
      items.value = null;
      void listItems();
    }),
    effect(() => {
      if (shown.value === undefined) return;
      batch(() => {
        outlook.value = null;
        number.value = 0;
        view.value = { ...view.peek(), x: 0.5, y: 0.5 };
        show(before, null);
        show(after, null);
      });
    }),
    effect(() => {
      const isReady = shown.value && values.value && op.value && isValid.value;
      if (isReady) settleOutlook(readOutlook);
    }),
    effect(() => {
      const isReady = outlook.value && view.value && stage.value.width && number.value >= 0;
      if (isReady) settlePictures(readPictures);
    }),
    effect(() => {
      // Read again when the server is back.
      const isLost = [0, 401].includes(/** @type {any} */ (failure.peek())?.status);
      if (studio.state.value && isLost) void readOutlook();
    }),
  ];
  studio.request('GET', '/api/ops/enhance').then(
    (/** @type {any} */ found) => (op.value = found),
    (/** @type {unknown} */ error) => (failure.value = error),
  );
  studio.call('presets').then((/** @type {any[]} */ found) => (presets.value = found), studio.toastError);

  return {
    inputs,
    items,
    shown,
    op,
    presets,
    values,
    isValid,
    view,
    stage,
    number,
    outlook,
    before,
    after,
    busy,
    failure,
    retry: readOutlook,
    /** @param {string[]} paths */
    choose: (paths) => studio.setParams({ path: paths.join('\n') }, { replace: false }),
    dispose: () => {
      for (const stop of stops) stop();
      show(before, null);
      show(after, null);
    },
  };
}

/** The photos and videos of an input. @param {Studio} studio @param {string} input */
async function expand(studio, input) {
  if (!input.endsWith('/')) return [input];
  const query = new URLSearchParams({ folder: input.slice(0, -1), sort: 'name', limit: String(LISTED) });
  const { files } = await studio.request('GET', `/api/files?${query}`);
  return files.filter((/** @type {any} */ one) => one.kind === 'photo').map((/** @type {any} */ one) => one.path);
}

/** @param {any} value */
function isGiven(value) {
  return value !== '' && value !== null && value !== undefined;
}

/** @param {number} side in px, as the server takes it */
function limit(side) {
  return Math.min(2048, Math.max(16, Math.round(side)));
}

/** @param {Outlook | null} outlook @returns {number} frames that can be shown */
export function countFrames(outlook) {
  if (!outlook || outlook.photo) return 1;
  return outlook.frames ?? Math.max(1, Math.floor(parseFraction(outlook.duration) * rateOf(outlook)));
}

/** @param {Outlook} outlook */
export function rateOf(outlook) {
  return parseFraction(outlook.rate) || DEFAULT_RATE;
}

/** The exact time of a frame. @param {Outlook | null} outlook @param {number} number */
function findTime(outlook, number) {
  if (!outlook || outlook.photo) return '0';
  const [top, bottom = '1'] = (outlook.rate || String(DEFAULT_RATE)).split('/');
  return `${number * Number(bottom)}/${top}`;
}

/** @param {any} target a signal @param {Shown | null} shown */
function show(target, shown) {
  const old = target.peek();
  target.value = shown;
  if (old) URL.revokeObjectURL(old.url);
}

/** @param {any} error */
function isReplaced(error) {
  return error?.name === 'AbortError' || error?.status === 409;
}

function delay() {
  let timer = 0;
  return (/** @type {() => void} */ action) => {
    clearTimeout(timer);
    timer = window.setTimeout(action, SETTLE_MS);
  };
}

/** @param {string} text a fraction such as "30000/1001"; 0 for "" */
export function parseFraction(text) {
  const [top, bottom = '1'] = (text || '0').split('/');
  return Number(top) / Number(bottom);
}
