// Numbers as people read them.

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'];

/** @param {number} bytes @returns {string} such as "4.2 GB" */
export function showBytes(bytes) {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return unit === 0 ? `${value} bytes` : `${value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/**
 * @param {number} seconds
 * @param {number} [digits] after the point
 * @returns {string} such as "0:15.316" or "1:02:03"
 */
export function showTime(seconds, digits = 3) {
  if (!Number.isFinite(seconds)) return '–';
  const scale = 10 ** digits;
  const whole = Math.round(Math.abs(seconds) * scale);
  const [minutes, rest] = [Math.floor(whole / (60 * scale)), whole % (60 * scale)];
  const [hours, over] = [Math.floor(minutes / 60), minutes % 60];
  const width = digits ? 3 + digits : 2;
  const end = (rest / scale).toFixed(digits).padStart(width, '0');
  const head = hours ? `${hours}:${String(over).padStart(2, '0')}` : String(over);
  return `${seconds < 0 && whole ? '−' : ''}${head}:${end}`;
}

/** @param {number} seconds @returns {string} such as "1 min 46 s" */
export function showDuration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** @param {number} value @returns {string} with separators, such as "1,079" */
export function showCount(value) {
  return value.toLocaleString('en-GB');
}

/** @param {number} seconds since 1970 @returns {string} such as "today, 18:04" */
export function showDate(seconds) {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const days = (startOfDay(new Date()) - startOfDay(date)) / 86400000;
  if (Math.round(days) === 0) return `today, ${time}`;
  if (Math.round(days) === 1) return `yesterday, ${time}`;
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  /** @type {Intl.DateTimeFormatOptions} */
  const format = { day: 'numeric', month: 'short', year: isThisYear ? undefined : 'numeric' };
  return `${date.toLocaleDateString('en-GB', format)}, ${time}`;
}

/** @param {Date} date */
function startOfDay(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
