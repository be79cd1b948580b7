//! What stands in a message is not told by a failure.

use orris_script::Verdict;

use crate::{ADT, run_on};

#[test]
fn a_failure_tells_nothing_of_the_message() {
    const SECRET: &str = "Mustermann";
    let text = ADT.replace("Doe", SECRET).replace("4711", "MUS");
    for source in [
        "throw new Error(msg.get('PID-5.1'))",
        "throw msg.get('PID-5.1')",
        "throw { message: msg.get('PID-5.1') }",
        "null[msg.get('PID-5.1')]",
        "undefined[msg.get('PID-5.1')].x",
        "const e = new Error('x'); e.name = msg.get('PID-5.1'); throw e",
        "const e = new Error('x'); e.stack = msg.get('PID-5.1'); throw e",
        "const e = new Error('x'); e.stack = `    at code:${msg.get('PID-5.1')}:1`; throw e",
        "msg.get(msg.get('PID-5.1'))",
        "msg.get('PID-' + msg.get('PID-5.1'))",
        "msg.set(msg.get('PID-5.1'), 'x')",
        "msg.segments('OBX')[0].get(msg.get('PID-5.1'))",
        "msg.count(msg.get('PID-5.1'))",
        "msg.set('PID-8', { [msg.get('PID-5.1')]: 1 })",
        "msg.addSegment(msg.get('PID-5.1'))",
        "msg.insertAfter(msg.get('PID-5.1'), 'ZZZ|1')",
        "send('Nowhere' + msg.get('PID-5.1').slice(0, 0))",
        "new Message(msg.get('PID-5.1'))",
        "JSON.parse(msg.get('PID-5.1'))",
        "new RegExp('(' + msg.get('PID-5.1'))",
        "BigInt(msg.get('PID-5.1'))",
        "Symbol.keyFor(msg.get('PID-5.1'))",
        "decodeURIComponent('%' + msg.get('PID-5.1'))",
        "const o = Object.freeze({ [msg.get('PID-5.1')]: 1 }); o[msg.get('PID-5.1')] = 2",
        "Promise.reject(msg.get('PID-5.1')); throw new TypeError(`${msg.get('PID-5.1')} is not defined`)",
        "return Promise.reject(new Error(msg.get('PID-5.1')))",
        "try { msg.get('PID-') } catch (e) { throw new Error(e.message + msg.get('PID-5.1')) }",
        "throw new AggregateError([new Error(msg.get('PID-5.1'))], msg.get('PID-5.1'))",
        "class E extends Error { get message() { return msg.get('PID-5.1') } } throw new E()",
    ] {
        let Verdict::Failed(trouble) = run_on(source, &text).verdict else { panic!("{source} did not fail") };
        assert!(!format!("{trouble} {trouble:?}").contains(SECRET), "{source}: {trouble}");
        assert!(!trouble.kind.is_empty(), "{source}");
    }
}

#[test]
fn a_reason_on_purpose_is_told_as_it_is() {
    assert_eq!(run_on("reject('no ward')", ADT).verdict, Verdict::Reject("no ward".to_owned()));
}
