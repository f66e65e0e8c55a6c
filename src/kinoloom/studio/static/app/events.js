// Events of the server. A browser allows six connections to a server, for all tabs together, so
// one tab, the leader, holds the one event stream and passes events to the others. The leader
// holds a Web Lock; when it closes, the next tab in line takes over. Without Web Locks (plain
// http from another computer) each tab has a stream of its own.
import { connection, probe, whenBack } from './connection.js';

/**
 * @typedef {{topic: string, fn: (data: any, topic: string) => void, read?: () => void,
 *   isRead: boolean}} Listener isRead: `read` was called, or will be
 */

const CHANNEL = 'kinoloom-events';
const GATHER_MS = 30;

/** @type {Set<Listener>} */
const listeners = new Set();
const tab = Math.random().toString(36).slice(2);
/** The topics of other tabs; only the leader uses them. @type {Map<string, string[]>} */
const others = new Map();
const channel = 'BroadcastChannel' in window ? new BroadcastChannel(CHANNEL) : null;

let isLeader = false;
let hasStarted = false;
/** @type {EventSource | null} */
let source = null;
/** The topics of the open stream. @type {string} */
let opened = '';
let lastId = '';
/** Whether a stream was open before, in any tab: what happened since then may be missed. */
let wasOpen = false;
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
  } else if (message.kind === 'open' && !isLeader) {
    readNew(message.topics);
  } else if (message.kind === 'who') {
    channel?.postMessage({ kind: 'topics', tab, topics: ownTopics() });
  } else if (message.kind === 'topics' && isLeader) {
    if (!others.has(message.tab)) watch(message.tab);
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
    if (source?.readyState === EventSource.OPEN) confirm(topics);
    return;
  }
  opened = wanted;
  source?.close();
  source = null;
  if (topics.length === 0) return;
  const query = new URLSearchParams(topics.map((topic) => ['topic', topic]));
  if (lastId) query.set('after', lastId);
  connect(new EventSource(`/events?${query}`), topics);
}

/** Let listeners whose topics are now open read their states. @param {string[]} topics */
function confirm(topics) {
  channel?.postMessage({ kind: 'open', topics });
  readNew(topics);
}

/**
 * @param {EventSource} stream
 * @param {string[]} topics of the stream
 */
function connect(stream, topics) {
  source = stream;
  stream.onopen = () => {
    if (connection.value !== 'ok') probe();
    confirm(topics);
    // The server sends what was missed since an event; without one, all must be read again.
    if (wasOpen && !lastId) pass('resync', {});
    wasOpen = true;
  };
  stream.onmessage = (message) => {
    const { topic, data } = JSON.parse(message.data);
    lastId = message.lastEventId;
    pass(topic, data);
  };
  stream.onerror = () => {
    // The browser opens the stream again by itself, unless the server answered with an error.
    if (stream === source && stream.readyState === EventSource.CLOSED) opened = '';
    probe().then(() => {
      if (stream === source && opened === '' && connection.value === 'ok') reopenLater();
    });
  };
}

/** Give an event to every tab. @param {string} topic @param {any} data */
function pass(topic, data) {
  channel?.postMessage({ kind: 'event', topic, data, id: lastId });
  deliver(topic, data);
}

function reopenLater() {
  window.setTimeout(() => opened === '' && openStream(), 2000);
}

/** @param {string} topic @param {any} data */
function deliver(topic, data) {
  if (topic === 'resync') {
    for (const one of listeners) one.isRead = false;
    readNew(ownTopics());
  }
  for (const one of [...listeners]) if (one.topic === topic) guard(() => one.fn(data, topic));
}

/** Call `read` of listeners that have not read their state. @param {string[]} topics */
function readNew(topics) {
  wasOpen = wasOpen || !isLeader;
  const chosen = new Set(topics);
  for (const one of [...listeners]) {
    if (one.isRead || !chosen.has(one.topic)) continue;
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
