// What the film page shows: files, choices, and the frame that the server computes for them.

/** @typedef {any} Studio the object that pages get */
/** @typedef {ReturnType<typeof createFilm>} Film */
/**
 * @typedef {{frames: number, rate: string, duration: string, width: number, height: number,
 *   engine: string, stills: boolean, sources: number | null}} Plan
 * @typedef {{url: string, facts: Record<string, string>}} Shown
 */

const SETTLE_MS = 150;
export const DRAWINGS = { frame: 'New frame', motion: 'Motion', error: 'Expected error' };

/** @param {Studio} studio */
export function createFilm(studio) {
  const { signal, computed, effect, batch } = studio;
  const files = computed(() => (studio.params.value.path ?? '').split('\n').filter(Boolean));
  const values = signal(/** @type {Record<string, any>} */ ({}));
  const isValid = signal(true); // whether every choice can be used
  const number = signal(-1); // none yet: the middle of the film, where a new frame is
  const drawing = signal(/** @type {keyof typeof DRAWINGS} */ ('frame'));
  const peer = signal('');
  const plan = signal(/** @type {Plan | null} */ (null));
  const frame = signal(/** @type {Shown | null} */ (null));
  const other = signal(/** @type {Shown | null} */ (null));
  const cuts = signal(/** @type {{times: string[], isComplete: boolean} | null} */ (null));
  const busy = signal(false);
  const failure = signal(/** @type {unknown} */ (null));
  const name = computed(() => files.value.join('\n'));

  /** @param {Record<string, any>} [more] */
  const options = (more = {}) => {
    const given = Object.entries(values.value).filter(([, value]) => value !== '' && value !== null);
    return { files: name.value, ...Object.fromEntries(given), ...more };
  };

  /** @param {string} call @param {Record<string, any>} more @param {string} latest */
  const draw = async (call, more, latest) => {
    const blob = await studio.call(call, options(more), { latest });
    return { url: URL.createObjectURL(blob), facts: blob.facts ?? {} };
  };

  const readPlan = async () => {
    try {
      const found = await studio.call('plan', options(), { latest: 'plan' });
      batch(() => {
        failure.value = null;
        plan.value = found;
        number.value = place(number.value, found.frames);
      });
    } catch (error) {
      if (!isReplaced(error)) failure.value = error;
    }
  };

  const readFrame = async () => {
    const more = { number: number.value, width: chooseWidth() };
    const isDrawing = drawing.value !== 'frame';
    busy.value = true;
    try {
      const [one, two] = await Promise.all([
        isDrawing
          ? draw('overlay', { ...more, kind: drawing.value }, 'frame')
          : draw('frame', more, 'frame'),
        peer.value && !isDrawing ? draw('frame', { ...more, engine: peer.value }, 'peer') : null,
      ]);
      batch(() => {
        show(frame, one);
        show(other, two);
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

  const settle = delay(SETTLE_MS);
  const stops = [
    effect(() => {
      if (!name.value || !values.value) return;
      plan.value = null;
      settle(readPlan);
    }),
    effect(() => {
      const isReady = plan.value && drawing.value && peer.value !== undefined && number.value >= 0;
      if (isReady) void readFrame();
    }),
    effect(() => {
      // Read again when the server is back.
      const isLost = [0, 401].includes(/** @type {any} */ (failure.peek())?.status);
      if (studio.state.value && isLost) void readPlan();
    }),
  ];

  const findCuts = async () => {
    const [file] = files.value;
    let start = '0';
    cuts.value = { times: [], isComplete: false };
    try {
      while (file === files.value[0]) {
        const part = await studio.call('cuts', { file, start });
        const times = [...(cuts.value?.times ?? []), ...part.times];
        cuts.value = { times, isComplete: part.next === null };
        if (part.next === null) return;
        start = part.next;
      }
    } catch (error) {
      cuts.value = null;
      studio.toastError(error);
    }
  };

  return {
    files,
    values,
    isValid,
    number,
    drawing,
    peer,
    plan,
    frame,
    other,
    cuts,
    busy,
    failure,
    options,
    findCuts,
    retry: readPlan,
    /** @param {string[]} paths */
    choose: (paths) => studio.setParams({ path: paths.join('\n') }, { replace: false }),
    dispose: () => {
      for (const stop of stops) stop();
      show(frame, null);
      show(other, null);
    },
  };
}

/** @param {number} number @param {number} frames */
function place(number, frames) {
  return number < 0 ? Math.floor((frames - 1) / 2) : Math.min(number, frames - 1);
}

/** @param {any} target a signal @param {Shown | null} shown */
function show(target, shown) {
  const before = target.peek();
  target.value = shown;
  if (before) URL.revokeObjectURL(before.url);
}

/** @param {any} error */
function isReplaced(error) {
  return error?.name === 'AbortError' || error?.status === 409;
}

/** As wide as the picture is shown, up to what a preview needs. */
function chooseWidth() {
  const wanted = Math.min(window.innerWidth, 960) * Math.min(window.devicePixelRatio, 2);
  return Math.min(1280, Math.max(320, Math.round(wanted / 160) * 160));
}

/** @param {number} ms */
function delay(ms) {
  let timer = 0;
  return (/** @type {() => void} */ action) => {
    clearTimeout(timer);
    timer = window.setTimeout(action, ms);
  };
}

/** @param {string} text a fraction such as "11/15" */
export function parseFraction(text) {
  const [top, bottom = '1'] = text.split('/');
  return Number(top) / Number(bottom);
}
