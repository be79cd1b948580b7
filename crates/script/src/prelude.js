// What a script finds when it begins, and what it does not find. Run once in each sandbox, before any
// script. Everything that can be reached afterwards is frozen, so that nothing is left from one message
// to the next: not in a sandbox, and not in another one on another thread.
(function (native) {
  "use strict";
  const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { construct, ownKeys } = Reflect;
  const MADE = Symbol();
  let handleOf;

  // A value for a message, as text; null is HL7's null.
  function textOf(value, what) {
    switch (typeof value) {
      case "string":
        return value;
      case "boolean":
      case "bigint":
        return `${value}`;
      case "number":
        if (value === value && value !== Infinity && value !== -Infinity) return `${value}`;
    }
    if (value === null) return null;
    return native.refuse(`${what}: value is no text, number, boolean or null`);
  }

  class Segment {
    #handle;
    #key;
    constructor(made, handle, key) {
      if (made !== MADE) native.refuse("a segment is made by msg.addSegment(text)");
      this.#handle = handle;
      this.#key = key;
    }
    #path(path) {
      return `${native.place(this.#handle, this.#key)}-${path}`;
    }
    get id() {
      return native.place(this.#handle, this.#key).slice(0, 3);
    }
    get(path) {
      return native.get(this.#handle, this.#path(path));
    }
    values(path) {
      return native.values(this.#handle, this.#path(path));
    }
    raw(path) {
      return native.raw(this.#handle, this.#path(path));
    }
    count(path) {
      return native.count(this.#handle, this.#path(path));
    }
    set(path, value) {
      native.set(this.#handle, this.#path(path), textOf(value, "set"));
      return this;
    }
    setRaw(path, value) {
      native.setRaw(this.#handle, this.#path(path), value);
      return this;
    }
    append(path, value) {
      native.append(this.#handle, this.#path(path), textOf(value, "append"));
      return this;
    }
    remove(path) {
      const place = path === undefined ? native.place(this.#handle, this.#key) : this.#path(path);
      return native.remove(this.#handle, place);
    }
    text() {
      return native.raw(this.#handle, native.place(this.#handle, this.#key));
    }
  }

  class Message {
    #handle;
    constructor(text, handle) {
      this.#handle = text === MADE ? handle : native.read(text);
    }
    static {
      handleOf = (value) =>
        typeof value === "object" && value !== null && #handle in value ? value.#handle : undefined;
    }
    get type() {
      return native.type(this.#handle);
    }
    get(path) {
      return native.get(this.#handle, path);
    }
    values(path) {
      return native.values(this.#handle, path);
    }
    raw(path) {
      return native.raw(this.#handle, path);
    }
    count(path) {
      return native.count(this.#handle, path);
    }
    set(path, value) {
      native.set(this.#handle, path, textOf(value, "set"));
      return this;
    }
    setRaw(path, value) {
      native.setRaw(this.#handle, path, value);
      return this;
    }
    append(path, value) {
      native.append(this.#handle, path, textOf(value, "append"));
      return this;
    }
    remove(path) {
      return native.remove(this.#handle, path);
    }
    segments(id) {
      const keys = native.segments(this.#handle, id);
      for (let at = 0; at < keys.length; at++) keys[at] = new Segment(MADE, this.#handle, keys[at]);
      return keys;
    }
    addSegment(text) {
      return new Segment(MADE, this.#handle, native.add(this.#handle, text));
    }
    insertBefore(path, text) {
      return new Segment(MADE, this.#handle, native.insert(this.#handle, path, text, false));
    }
    insertAfter(path, text) {
      return new Segment(MADE, this.#handle, native.insert(this.#handle, path, text, true));
    }
    copy() {
      return new Message(MADE, native.copy(this.#handle));
    }
    text() {
      return native.text(this.#handle);
    }
    toString() {
      return native.text(this.#handle);
    }
  }

  // A message goes by its handle, a text as it is; nothing for the message that came.
  function bodyOf(what, message) {
    if (message === undefined) return 0;
    if (typeof message === "string") return message;
    const handle = handleOf(message);
    return handle === undefined ? native.refuse(`${what}: expected a message or a text`) : handle;
  }

  const say = (level) => (...texts) => native.say(level, texts.map((text) => `${text}`).join(" "));
  const log = { trace: say(0), info: say(1), warning: say(2), warn: say(2), error: say(3) };
  const facts = {
    get id() { return native.fact("id"); },
    get session() { return native.fact("session"); },
    get source() { return native.fact("source"); },
    get target() { return native.fact("target"); },
    get description() { return native.fact("description"); },
    get resent() { return native.fact("resent"); },
    get docType() { return native.fact("docType"); },
    get bodyClass() { return native.fact("bodyClass"); },
    get name() { return native.fact("name"); },
  };
  // What is known of the message, and behind that what a flow has set, and may be set.
  const context = new Proxy(facts, {
    get(known, name) {
      return typeof name !== "string" || name in known ? known[name] : native.variable(name);
    },
    set(known, name, value) {
      if (typeof name !== "string" || name in known) return false;
      native.setVariable(name, textOf(value, `context.${name}`));
      return true;
    },
  });
  const sockets = {
    list: () => JSON.parse(native.sockets()),
    write: (id, text) => native.write(id, text),
    remove: (id) => native.forget(id),
  };
  const now = () => native.now();
  // What is not there in a message is a key like an empty one.
  const keyOf = (key) => (key === undefined || key === null ? "" : textOf(key, "key"));
  const tools = {
    Message,
    log,
    context,
    sockets,
    now,
    lookup: (table, key, otherwise) => {
      const found = native.lookup(table, keyOf(key), otherwise !== undefined);
      return found === undefined ? otherwise : found;
    },
    exists: (table, key) => native.exists(table, keyOf(key)),
    send: (target, message, why) => native.send(target, bodyOf("send", message), why),
    answer: (message) => native.answer(bodyOf("answer", message)),
    alert: say(4),
    discard: (reason) => native.end(0, `${reason}`),
    reject: (reason) => native.end(1, `${reason}`),
    suspend: (reason) => native.end(2, `${reason}`),
  };
  // A transform makes its message, and decides about nothing.
  if (native.isTransform) {
    const no = (name) => () => native.refuse(`there is no "${name}" in the code of a transform`);
    for (const name of ["send", "answer", "discard", "reject", "suspend"]) tools[name] = no(name);
    for (const name of ownKeys(sockets)) sockets[name] = no("sockets");
  }
  for (const name of ownKeys(tools)) defineProperty(globalThis, name, { value: tools[name] });

  // There is one time while a message is worked on: the host's, when its turn came.
  const RealDate = Date;
  const { parse, UTC, prototype } = RealDate;
  function HostDate(...parts) {
    if (new.target === undefined) return `${new RealDate(now())}`;
    return construct(RealDate, parts.length === 0 ? [now()] : parts, new.target);
  }
  defineProperty(HostDate, "name", { value: "Date" });
  defineProperty(HostDate, "length", { value: 7 });
  defineProperty(HostDate, "prototype", { value: prototype });
  Object.assign(HostDate, { now, parse, UTC });
  defineProperty(prototype, "constructor", { value: HostDate });
  defineProperty(globalThis, "Date", { value: HostDate });

  // No chance, no shared memory, nothing that tells when memory is cleared up.
  delete Math.random;
  for (const name of [
    "eval", "performance", "SharedArrayBuffer", "Atomics", "WeakRef", "FinalizationRegistry",
    "DOMException", "InternalError",
  ]) delete globalThis[name];

  // The engine keeps these two aside, where they cannot be frozen.
  for (const name of ["prepareStackTrace", "stackTraceLimit"]) delete Error[name];

  // No code out of text: what runs is what was checked.
  const hidden = [
    function* () {}, async function () {}, async function* () {},
  ].map(getPrototypeOf);
  function NoFunction() {
    throw new TypeError("code cannot be made out of text");
  }
  defineProperty(NoFunction, "name", { value: "Function" });
  defineProperty(NoFunction, "prototype", { value: Function.prototype });
  for (const kind of [Function.prototype, ...hidden]) {
    defineProperty(kind, "constructor", { value: NoFunction });
  }
  defineProperty(globalThis, "Function", { value: NoFunction });

  // An object may have a toString, an error a name of its own, although what it inherits is frozen.
  function overridable(object, ...names) {
    for (const name of names) {
      const found = getOwnPropertyDescriptor(object, name);
      if (found === undefined || !("value" in found)) continue;
      const { value } = found;
      defineProperty(object, name, {
        get: () => value,
        set(other) {
          if (this === object) throw new TypeError(`${name} is read-only`);
          defineProperty(this, name, { value: other, writable: true, enumerable: true, configurable: true });
        },
      });
    }
  }
  overridable(Object.prototype, "constructor", "toString", "toLocaleString", "valueOf", "hasOwnProperty");
  overridable(Array.prototype, "constructor", "toString");
  overridable(Function.prototype, "toString");
  for (const kind of [
    Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError,
  ]) overridable(kind.prototype, "constructor", "name", "message", "toString");

  // Iterators and their like are reached through nothing that has a name.
  const iterators = [
    [][Symbol.iterator](), new Map().entries(), new Set().values(), ""[Symbol.iterator](),
    "".matchAll(/x/g), (function* () {})(), (async function* () {})(),
  ];
  if (typeof Iterator === "function") {
    iterators.push([].values().map((x) => x), Iterator.from({ next() {} }));
  }
  if (typeof Iterator === "function" && Iterator.concat) iterators.push(Iterator.concat());
  const todo = [globalThis, ...hidden, ...iterators.map(getPrototypeOf), Segment, Message, handleOf];
  const done = new Set();
  while (todo.length > 0) {
    const one = todo.pop();
    if ((typeof one !== "object" && typeof one !== "function") || one === null || done.has(one)) continue;
    done.add(one);
    freeze(one);
    todo.push(getPrototypeOf(one));
    for (const key of ownKeys(one)) {
      const { value, get, set } = getOwnPropertyDescriptor(one, key);
      todo.push(value, get, set);
    }
  }
  if (!native.isTransform) return (code) => code(new Message(MADE, 0));
  const segmentOf = (handle, key) => (key < 0 ? undefined : new Segment(MADE, handle, key));
  return (code) => {
    const [source, target, number] = native.turn() ?? [];
    const turn =
      source === undefined
        ? undefined
        : { source: segmentOf(0, source), target: segmentOf(1, target), number: number || undefined };
    return code(new Message(MADE, 0), new Message(MADE, 1), turn);
  };
});
