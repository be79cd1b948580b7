//! Nothing is in a script's reach but what it is given, and nothing stays from one message to the next.

use std::sync::Arc;

use orris_script::{Sandbox, Verdict};

use crate::{ADT, Noting, failure, input, program, run, said};

#[test]
fn nothing_leads_out() {
    for name in [
        "require",
        "process",
        "console",
        "fetch",
        "XMLHttpRequest",
        "std",
        "os",
        "setTimeout",
        "setInterval",
        "eval",
        "performance",
        "SharedArrayBuffer",
        "Atomics",
        "WeakRef",
        "FinalizationRegistry",
        "Math.random",
        "print",
        "load",
        "scriptArgs",
        "navigator",
        "Worker",
        "gc",
        "module",
        "exports",
        "Buffer",
        "window",
        "document",
        "logger",
        "channelMap",
        "tmp",
        "java",
        "native",
    ] {
        assert_eq!(said(&format!("log.info(typeof {name})")), "undefined", "{name}");
    }
    for source in [
        "Function('return 1')()",
        "new Function('return 1')",
        "(() => {}).constructor('return 1')",
        "(async () => {}).constructor('return 1')",
        "(function* () {}).constructor('return 1')",
        "Reflect.construct(Function, ['return 1'])",
    ] {
        assert_eq!(said(source).split(": ").last(), Some("code cannot be made out of text"), "{source}");
    }
    assert!(said("return import('fs')").starts_with("code"), "{}", said("return import('fs')"));
    assert_eq!(said("log.info(this === undefined)"), "true");
}

#[test]
fn a_script_that_closes_its_function_is_refused() {
    for source in ["}), (function () {", "} , function () {", "})(); (function () {"] {
        let refused = match orris_script::Program::compile(source) {
            Err(_) => true,
            Ok(program) => Sandbox::new(&program).is_err(),
        };
        assert!(refused, "{source}");
    }
}

/// Runs the script on one message after the other, in one sandbox.
fn twice(source: &str) -> [String; 2] {
    let mut sandbox = Sandbox::new(&program(source)).unwrap();
    [1, 2].map(|_| {
        let outcome = sandbox.run(&input(ADT), &Arc::new(Noting::default()));
        let said: Vec<_> = outcome.said.iter().map(|said| said.text.as_str()).collect();
        format!("{} {}", said.join("; "), if outcome.verdict == Verdict::Done { "done" } else { "failed" })
    })
}

#[test]
fn nothing_stays_from_one_message_to_the_next() {
    for change in [
        "globalThis.seen = 1",
        "seen = 1",
        "globalThis['seen'] = 1",
        "Object.prototype.seen = 1",
        "Object.seen = 1",
        "msg.constructor.prototype.seen = 1",
        "msg.constructor.seen = 1",
        "Object.getPrototypeOf(msg.segments('OBX')[0]).seen = 1",
        "log.seen = 1",
        "log.info.seen = 1",
        "send.seen = 1",
        "context.seen = 1",
        "sockets.list.seen = 1",
        "Math.seen = 1",
        "JSON.seen = 1",
        "Array.prototype.push = () => log.info('mine')",
        "String.prototype.trim = () => log.info('mine')",
        "Error.prototype.constructor.seen = 1",
        "Reflect.setPrototypeOf(Array.prototype, { seen: 1 }) || (() => { throw 1 })()",
        "Object.defineProperty(globalThis, 'seen', { value: 1 })",
        "Object.setPrototypeOf(globalThis, { seen: 1 })",
        "Object.getPrototypeOf(function* () {}).seen = 1",
        "Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).seen = 1",
        "Object.getPrototypeOf(async () => {}).seen = 1",
        "Object.getPrototypeOf([].values()).seen = 1",
        "Object.getPrototypeOf([].values()).next = () => ({ done: true })",
        "Object.getPrototypeOf(new Map().entries()).seen = 1",
        "Object.getPrototypeOf(new Set().values()).seen = 1",
        "Object.getPrototypeOf(''[Symbol.iterator]()).seen = 1",
        "Object.getPrototypeOf(''.matchAll(/x/g)).seen = 1",
        "Object.getPrototypeOf([].values().map((x) => x)).seen = 1",
        "Object.getPrototypeOf(Uint8Array).seen = 1",
        "Object.getPrototypeOf(Uint8Array.prototype).seen = 1",
        "Object.getOwnPropertyDescriptor(Map.prototype, 'size').get.seen = 1",
        "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').get.seen = 1",
        "Object.prototype.toString = () => log.info('mine')",
        "Error.prototype.message = 'mine'",
        "Date.now = () => 1",
        "Date.prototype.getTime = () => 1",
        "Symbol.iterator.description.seen = 1",
        "((strings) => { strings.seen = 1 })`text`",
        "Promise.prototype.then = () => 1",
        "Error.prepareStackTrace = () => 'mine'",
        "Error.stackTraceLimit = 0",
        "RegExp.prototype.exec = () => 1",
        "arguments.callee.seen = 1",
        "Function.prototype.seen = 1",
        "new Proxy(log, {}).seen = 1",
    ] {
        assert_eq!(twice(change), [" failed", " failed"], "{change}");
    }
    // What it may change is its own, and new each time.
    for (source, expected) in [
        ("var n; n = (n || 0) + 1; log.info(n)", "1 done"),
        ("let n = 0; function f() { return ++n } f(); log.info(f())", "2 done"),
        ("msg.seen = (msg.seen || 0) + 1; log.info(msg.seen)", "1 done"),
        ("this?.x; const r = /x/g; r.test('xx'); log.info(r.lastIndex)", "1 done"),
        ("const f = () => f; f.n = (f.n || 0) + 1; log.info(f.n)", "1 done"),
        ("class C { static n = 0 } C.n++; log.info(C.n)", "1 done"),
        ("log.info(msg.get('PID-5.1')); msg.set('PID-5.1', 'x')", "Doe done"),
        ("const t = ((s) => s)`x`; log.info(Object.isFrozen(t))", "true done"),
    ] {
        assert_eq!(twice(source), [expected, expected], "{source}");
    }
}

#[test]
fn objects_may_have_what_they_inherit_frozen() {
    for (source, expected) in [
        ("const o = {}; o.toString = () => 'mine'; log.info(`${o}`)", "mine"),
        (
            "class E extends Error { constructor(m) { super(m); this.name = 'E' } } log.info(`${new E('x')}`)",
            "E: x",
        ),
        ("const e = new Error('x'); e.message = 'y'; log.info(e.message)", "y"),
        ("function A() {} A.prototype.toString = () => 'a'; log.info(`${new A()}`)", "a"),
        (
            "function A() {} A.prototype = Object.create(Error.prototype); A.prototype.constructor = A; log.info(new A() instanceof Error)",
            "true",
        ),
        ("const a = []; a.toString = () => 'a'; log.info(`${a}`)", "a"),
        ("const { toString } = Object.prototype; log.info(toString.call([]))", "[object Array]"),
    ] {
        assert_eq!(said(source), expected, "{source}");
    }
}

#[test]
fn a_message_of_another_time_cannot_be_held() {
    // The only place that a script could hold one is frozen.
    assert!(failure(&run("globalThis.kept = msg").verdict).contains("TypeError"));
}
