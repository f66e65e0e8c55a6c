// Addresses of files, pictures of them, and the download of what a page has made.

/** @param {string} path @returns {string} the address of a file */
export function fileUrl(path) {
  return `/media/${encodePath(path)}`;
}

/** @param {string} path @returns {string} the address at which an HTML file is shown, in a sandbox */
export function reportUrl(path) {
  return `/report/${encodePath(path)}`;
}

/** @param {string} path */
function encodePath(path) {
  return path.split('/').map(encodeURIComponent).join('/');
}

/**
 * @param {string} path
 * @param {number} [width] px
 * @param {string | number} [version] changes with the file, so that an old picture is not shown
 */
export function thumbUrl(path, width = 320, version = '') {
  return `/thumb?${new URLSearchParams({ path, v: String(version), width: String(width) })}`;
}

/**
 * @param {string} path
 * @param {number} n number of the frame, from 0
 * @param {number} [width] px; 0: as stored
 */
export function frameUrl(path, n, width = 0) {
  const query = new URLSearchParams({ path, n: String(n) });
  if (width) query.set('width', String(width));
  return `/frame?${query}`;
}
