//! What stops a script: time, memory and stack.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orris_script::{Limits, Sandbox, Verdict};

use crate::{ADT, Noting, failure, input, program, within};

fn quick() -> Limits {
    Limits { time: Duration::from_millis(100), ..Limits::default() }
}

#[test]
fn what_takes_too_long_is_stopped() {
    for source in [
        "while (true) {}",
        "for (;;) msg.get('PID-5.1')",
        "while (true) { try { while (true) {} } catch (e) {} finally { } }",
        "function f() { try { f() } catch (e) { f() } } while (true) f()",
        "/(a+)+$/.test('a'.repeat(40) + 'b')",
        "'x'.repeat(30000).match(/(x+x+)+y/)",
        "[1, 2].sort(() => { while (true) {} })",
        "new Proxy({}, { get() { while (true) {} } }).x",
        "JSON.stringify({ toJSON() { while (true) {} } })",
        "log.info({ toString() { while (true) {} } })",
        "const e = new Error(); Object.defineProperty(e, 'name', { get() { while (true) {} } }); throw e",
        "for (const x of (function* () { while (true) yield 1 })()) {}",
        "let n = 1n; while (true) n += 1n",
        "while (true) msg.set('PID-1', 'x'.repeat(5e5) + now())",
        "let n = 0; while (true) { try { msg.set('PID-1', 'x'.repeat(5e5) + n++) } catch (e) {} }",
    ] {
        let begin = Instant::now();
        let outcome = within(quick(), source);
        assert!(failure(&outcome.verdict).contains("100 ms"), "{source}: {}", failure(&outcome.verdict));
        // Far from its limit, on a machine that does other things, too.
        assert!(begin.elapsed() < Duration::from_secs(20), "{source}: {:?}", begin.elapsed());
    }
}

#[test]
fn an_endless_chain_of_promises_is_stopped_by_whichever_limit_comes_first() {
    for source in [
        "const next = () => Promise.resolve().then(next); next()",
        "const next = async () => { await null; return next() }; return next()",
    ] {
        let outcome = within(quick(), source);
        let failure = failure(&outcome.verdict);
        assert!(failure.contains("100 ms") || failure.contains("more memory"), "{source}: {failure}");
    }
}

#[test]
fn a_promise_that_nobody_looks_after_is_a_failure() {
    for (source, expected) in [
        ("Promise.reject(new TypeError('lost'))", "TypeError"),
        ("Promise.reject(new TypeError('lost')).catch(() => {})", ""),
        ("const p = Promise.reject(new TypeError('lost')); p.catch(() => {})", ""),
        ("return new Promise(() => {})", "never kept"),
    ] {
        let outcome = within(quick(), source);
        match expected {
            "" => assert_eq!(outcome.verdict, Verdict::Done, "{source}"),
            _ => assert!(failure(&outcome.verdict).contains(expected), "{source}: {:?}", outcome.verdict),
        }
    }
}

#[test]
fn what_takes_too_much_memory_is_stopped() {
    for source in [
        "const all = []; while (true) all.push(new Array(1000).fill(1))",
        "let s = 'ab'; while (true) s = s + s",
        "let s = 'é日'; for (;;) s += s.slice(1) + 'x'",
        "new ArrayBuffer(1e9)",
        "Array.from({ length: 1e9 }, () => 0)",
        "'x'.repeat(5e8)",
        "'x'.padEnd(5e8, 'ab')",
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, 'x' + i)",
        "let o = {}; while (true) o = { o }",
        "const s = []; for (let i = 0; ; i++) s.push('n' + i); ",
        "while (true) msg.append('PID-3', 'x'.repeat(3e5))",
        "const all = []; while (true) all.push(msg.copy())",
        "while (true) { msg.set('PID-1', msg.get('PID-1') + 'x'.repeat(1e5)); send('A') }",
        "while (true) log.info('x'.repeat(1e5))",
        "while (true) send('A')",
        "while (true) msg.addSegment('OBX|' + 'x'.repeat(3e5))",
        "while (true) new Message('MSH|^~\\\\&|' + 'x'.repeat(1e5))",
        "JSON.parse('['.repeat(1e6) + ']'.repeat(1e6))",
        "new RegExp('('.repeat(1e5) + ')'.repeat(1e5))",
        "BigInt(1) << 100000000n",
    ] {
        let limits = Limits { time: Duration::from_secs(30), memory: 4 << 20, ..Limits::default() };
        let outcome = within(limits, source);
        let got = failure(&outcome.verdict);
        assert!(got.starts_with("code") && !got.contains("30000 ms"), "{source}: {got}");
    }
}

#[test]
fn what_goes_too_deep_is_stopped() {
    for source in [
        "const f = (n) => f(n + 1) + 1; f(0)",
        "const o = { toString() { return `${this}` } }; `${o}`",
        "const o = {}; o.toJSON = () => JSON.stringify(o); JSON.stringify(o)",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)",
    ] {
        let got = failure(&within(Limits::default(), source).verdict);
        assert!(got.contains("RangeError") || got.contains("InternalError"), "{source}: {got}");
    }
    // A deeper stack goes deeper.
    let count = "let n = 0; const f = () => { n++; f() }; try { f() } catch (e) { log.info(n) }";
    let depth = |stack| {
        let outcome = within(Limits { stack, ..Limits::default() }, count);
        outcome.said[0].text.parse::<u32>().unwrap()
    };
    assert!(depth(1 << 20) > 2 * depth(256 << 10), "{} {}", depth(1 << 20), depth(256 << 10));
}

#[test]
fn a_sandbox_works_on_after_a_script_was_stopped() {
    let source = "if (msg.get('MSH-10') === 'loop') while (true) {}
        if (msg.get('MSH-10') === 'bomb') { const a = []; while (true) a.push(new Array(1000).fill(1)) }
        if (msg.get('MSH-10') === 'deep') { const f = (n) => f(n + 1) + 1; f(0) }
        msg.set('PID-1', 'done'); send('A')";
    let door = Arc::new(Noting::default());
    let mut sandbox = Sandbox::new(&program(source).with_limits(quick())).unwrap();
    for bad in ["loop", "bomb", "deep", "loop"] {
        let text = ADT.replace("|7|P", &format!("|{bad}|P"));
        assert!(matches!(sandbox.run(&input(&text), &door).verdict, Verdict::Failed(_)), "{bad}");
        let good = sandbox.run(&input(ADT), &door);
        assert_eq!((good.verdict, good.sends.len()), (Verdict::Done, 1), "after {bad}");
    }
}

#[test]
fn limits_that_are_too_small_are_said() {
    let program = program("send('A')");
    for limits in [Limits { memory: 1, ..Limits::default() }, Limits { stack: 1, ..Limits::default() }] {
        let program = program.with_limits(limits);
        let outcome =
            Sandbox::new(&program).map(|mut sandbox| sandbox.run(&input(ADT), &Arc::new(Noting::default())));
        // Either it fits, or it fails with a reason; it never goes down.
        assert!(outcome.is_ok_and(|outcome| outcome.sends.len() <= 1));
    }
}
