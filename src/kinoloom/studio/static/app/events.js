// Events of the server. A browser allows six connections to a server, for all tabs together, so
// one tab, the leader, holds the one event stream and passes events to the others. The leader
// holds a Web Lock; when it closes, the next tab in line takes over. Without Web Locks (plain
// http from another computer) each tab has a stream of its own.
import { connection, probe, whenBack } from './connection.js';

/**
 * @typedef {{topic: string, fn: (data: any, topic: string) => void, read?: () => void,
 *   isRead: boolean}} Listener isRead: whether `read` was called since it listens
 */

const CHANNEL = 'kinoloom-events';
const GATHER_MS = 30;

/** @type {Set<Listener>} */
const listeners = new Set();
const tab = Math.random().toString(36).slice(2);
/** The topics of other tabs; only the leader uses them. @type {Map<string, string[]>} */
const others = new Map();
/** Topics of other tabs whose states they must read once the stream is open; of the leader.
 * @type {Map<string, Set<string>>} */
const waiting = new Map();
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(CHANNEL) : null;

let isLeader = false;
let hasStarted = false;
/** @type {EventSource | null} */
let source = null;
/** The topics of the open stream. @type {string} */
let opened = '';
let lastId = '';
let gathering = 0;

/**
 * Listen to a topic; the topic "resync" says that events were missed.
 * @param {string} topic
 * @param {(data: any, topic: string) => void} fn
 * @param {() => void} [read] called when the stream of the topic has opened, and after every gap:
 *   it reads the present state, after which `fn` gets every change
 * @returns {() => void} stops listening
 */
export function listen(topic, fn, read) {
  const listener = { topic, fn, read, isRead: false };
  listeners.add(listener);
  start();
  announce();
  return () => {
    listeners.delete(listener);
    announce();
  };
}

function start() {
  if (hasStarted) return;
  hasStarted = true;
  if (channel && navigator.locks) {
    channel.onmessage = (message) => receive(message.data);
    // Held until this tab ends: whoever waits for it learns that the tab is gone.
    navigator.locks.request(`kinoloom-tab-${tab}`, () => new Promise(() => {}));
    navigator.locks.request(CHANNEL, () => {
      lead();
      return new Promise(() => {});
    });
  } else {
    lead();
  }
  whenBack(() => (isLeader ? reopen() : channel?.postMessage({ kind: 'back' })));
}

function lead() {
  isLeader = true;
  channel?.postMessage({ kind: 'who' });
  announce();
}

/** @returns {string[]} the topics of this tab */
function ownTopics() {
  return [...new Set([...listeners].map((one) => one.topic))].filter((one) => one !== 'resync');
}

function announce() {
  window.clearTimeout(gathering);
  gathering = window.setTimeout(() => {
    if (isLeader) openStream();
    else channel?.postMessage({ kind: 'topics', tab, topics: ownTopics() });
  }, GATHER_MS);
}

/** @param {any} message from another tab */
function receive(message) {
  if (message.kind === 'event') {
    lastId = message.id;
    deliver(message.topic, message.data);
  } else if (message.kind === 'open' && !isLeader && [undefined, tab].includes(message.tab)) {
    readStates(message.topics);
  } else if (message.kind === 'who') {
    channel?.postMessage({ kind: 'topics', tab, topics: ownTopics() });
  } else if (message.kind === 'topics' && isLeader) {
    if (!others.has(message.tab)) watch(message.tab);
    const known = new Set(others.get(message.tab));
    const added = message.topics.filter((/** @type {string} */ topic) => !known.has(topic));
    waiting.set(message.tab, new Set([...(waiting.get(message.tab) ?? []), ...added]));
    others.set(message.tab, message.topics);
    announce();
  } else if (message.kind === 'back' && isLeader) {
    if (source?.readyState !== EventSource.OPEN) reopen();
  }
}

/** Forget another tab when it has ended. @param {string} other */
function watch(other) {
  navigator.locks.request(`kinoloom-tab-${other}`, () => {
    others.delete(other);
    waiting.delete(other);
    announce();
  });
}

function reopen() {
  source?.close();
  source = null;
  opened = '';
  openStream();
}

function openStream() {
  const topics = [...new Set([...ownTopics(), ...[...others.values()].flat()])].sort();
  const wanted = topics.join('\n');
  if (wanted === opened) {
    if (source?.readyState === EventSource.OPEN) readUnread();
    return;
  }
  const before = new Set(opened.split('\n'));
  const added = topics.filter((topic) => !before.has(topic));
  opened = wanted;
  source?.close();
  source = null;
  if (topics.length === 0) return;
  const query = new URLSearchParams(topics.map((topic) => ['topic', topic]));
  if (lastId) query.set('after', lastId);
  connect(new EventSource(`/events?${query}`), added);
}

/**
 * @param {EventSource} stream
 * @param {string[]} added the topics whose states have not been read yet
 */
function connect(stream, added) {
  source = stream;
  let unread = added;
  stream.onopen = () => {
    if (connection.value !== 'ok') probe();
    if (unread.length) channel?.postMessage({ kind: 'open', topics: unread });
    readStates(unread);
    for (const topics of waiting.values()) for (const topic of unread) topics.delete(topic);
    unread = [];
    readUnread();
  };
  stream.onmessage = (message) => {
    const { topic, data } = JSON.parse(message.data);
    lastId = message.lastEventId;
    channel?.postMessage({ kind: 'event', topic, data, id: lastId });
    deliver(topic, data);
  };
  stream.onerror = () => {
    // The browser opens the stream again by itself, unless the server answered with an error.
    if (stream === source && stream.readyState === EventSource.CLOSED) opened = '';
    probe().then(() => {
      if (stream === source && opened === '' && connection.value === 'ok') reopenLater();
    });
  };
}

function reopenLater() {
  window.setTimeout(() => opened === '' && openStream(), 2000);
}

/** @param {string} topic @param {any} data */
function deliver(topic, data) {
  if (topic === 'resync') readStates(ownTopics());
  for (const one of [...listeners]) if (one.topic === topic) guard(() => one.fn(data, topic));
}

/** @param {string[]} topics */
function readStates(topics) {
  const chosen = new Set(topics);
  for (const one of [...listeners]) {
    if (!chosen.has(one.topic)) continue;
    one.isRead = true;
    if (one.read) guard(one.read);
  }
}

/** Read the states of topics that the open stream had before this tab or another one listened. */
function readUnread() {
  for (const [other, topics] of waiting) {
    if (topics.size) channel?.postMessage({ kind: 'open', tab: other, topics: [...topics] });
  }
  waiting.clear();
  for (const one of [...listeners]) {
    if (one.isRead) continue;
    one.isRead = true;
    if (one.read) guard(one.read);
  }
}

/** Run a listener; its failure must not keep others from their events. @param {() => void} run */
function guard(run) {
  try {
    run();
  } catch (error) {
    reportError(error);
  }
}
