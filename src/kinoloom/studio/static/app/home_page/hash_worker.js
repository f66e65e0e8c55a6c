// Hashes the pieces of a file away from the page. It takes blobs, and null for the digest.
import { Sha256 } from './sha256.js';

const hash = new Sha256();
let chain = Promise.resolve();

self.onmessage = ({ data }) => {
  chain = chain.then(async () => {
    if (data === null) self.postMessage(hash.digest());
    else hash.update(new Uint8Array(await data.arrayBuffer()));
  });
};
