// SHA-256 of a file that arrives in pieces (FIPS 180-4); browsers only hash what is in memory.

const PRIMES = firstPrimes(64);
/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/** A SHA-256 that is computed piece by piece. */
export class Sha256 {
  constructor() {
    this.state = START.slice();
    this.words = new Int32Array(64);
    this.rest = new Uint8Array(64);
    this.restLength = 0;
    this.length = 0;
  }

  /** @param {Uint8Array} data */
  update(data) {
    this.length += data.length;
    let at = 0;
    if (this.restLength) {
      at = Math.min(64 - this.restLength, data.length);
      this.rest.set(data.subarray(0, at), this.restLength);
      this.restLength += at;
      if (this.restLength < 64) return;
      this.addBlock(this.rest, 0);
    }
    for (; at + 64 <= data.length; at += 64) this.addBlock(data, at);
    this.rest.set(data.subarray(at));
    this.restLength = data.length - at;
  }

  /** @returns {string} 64 hexadecimal digits */
  digest() {
    const bits = this.length * 8;
    const size = this.restLength < 56 ? 64 : 128;
    const end = new Uint8Array(size);
    end.set(this.rest.subarray(0, this.restLength));
    end[this.restLength] = 0x80;
    const view = new DataView(end.buffer);
    view.setUint32(size - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(size - 4, bits % 2 ** 32);
    for (let at = 0; at < size; at += 64) this.addBlock(end, at);
    return Array.from(this.state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** @param {Uint8Array} data @param {number} at */
  addBlock(data, at) {
    const w = this.words;
    for (let k = 0, p = at; k < 16; k += 1, p += 4) {
      w[k] = (data[p] << 24) | (data[p + 1] << 16) | (data[p + 2] << 8) | data[p + 3];
    }
    for (let k = 16; k < 64; k += 1) {
      const x = w[k - 15];
      const y = w[k - 2];
      const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[k] = (w[k - 16] + low + w[k - 7] + high) | 0;
    }
    let [a, b, c, d, e, f, g, h] = this.state;
    for (let k = 0; k < 64; k += 1) {
      const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + high + ((e & f) ^ (~e & g)) + K[k] + w[k]) | 0;
      const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    const sums = [a, b, c, d, e, f, g, h];
    for (let k = 0; k < 8; k += 1) this.state[k] += sums[k];
  }
}

/** @param {number} count @returns {number[]} */
function firstPrimes(count) {
  /** @type {number[]} */
  const found = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((prime) => n % prime)) found.push(n);
  return found;
}

/** @param {number} value @returns {number} the first 32 bits after the point */
function fraction(value) {
  return Math.floor((value - Math.floor(value)) * 2 ** 32);
}
