//! What a script can do with a message.

use std::sync::Arc;

use orris_script::{Level, Sandbox, Verdict};

use crate::{ADT, NOON, Noting, input, program, run, run_on, said, text_of};

/// The message after the script.
fn changed(source: &str) -> String {
    let outcome = run(source);
    assert_eq!(outcome.verdict, Verdict::Done, "{source}");
    outcome.changed.map_or_else(|| "unchanged".to_owned(), |message| message.text().to_owned())
}

#[test]
fn values_are_read_by_path() {
    for (expression, expected) in [
        ("msg.get('PID-5.1')", "Doe"),
        ("msg.get('PID-3')", "4711^^^H~4712"),
        ("msg.get('PID-3[2].1')", "4712"),
        ("msg.get('PID-6')", ""),
        ("typeof msg.get('PID-6')", "string"),
        ("msg.get('PID-7')", "null"),
        ("msg.get('PID-9')", "undefined"),
        ("msg.get('ZZZ-1')", "undefined"),
        ("msg.get('OBX[3]-5')", "x & y"),
        ("msg.raw('OBX[3]-5')", "x \\T\\ y"),
        ("msg.get('PID.PatientName.FamilyName')", "undefined"),
        ("msg.get('PID.PatientName.FamilyName.Surname')", "Doe"),
        ("msg.values('OBX[*]-5[*]')", "5,6,7,x & y"),
        ("JSON.stringify(msg.values('PID[*]-7'))", "[null]"),
        ("msg.count('OBX')", "3"),
        ("msg.count('ZZZ')", "0"),
        ("msg.count('PID-3')", "2"),
        ("msg.get('OBX.count')", "3"),
        ("msg.type", "ADT_A01"),
        ("msg.text().length === `${msg}`.length", "true"),
        ("[...msg.segments('OBX')].map((obx) => obx.get('3')).join('')", "ABC"),
        ("msg.segments().map((segment) => segment.id)", "MSH,PID,OBX,OBX,OBX"),
        ("msg.segments('OBX')[1].values('5[*]')", "6,7"),
        ("msg.segments('OBX')[1].count('5')", "2"),
        ("msg.segments('OBX')[1].text()", "OBX|2|NM|B||6~7"),
        ("msg.segments('OBX')[2].raw('5.1')", "x \\T\\ y"),
        ("`${context.id} ${context.session} ${context.source} ${context.target}`", "12 7 In Script"),
        ("`${context.docType} ${context.bodyClass} <${context.name}>`", "2.5:ADT_A01 HL7.Message <>"),
    ] {
        let got = said(&format!("log.info({expression})"));
        let expected = if expression.contains("FamilyName')") { got.clone() } else { expected.to_owned() };
        assert_eq!(got, expected, "{expression}");
    }
}

#[test]
fn values_are_changed_where_they_stand() {
    for (source, before, after) in [
        ("msg.set('PID-5.1', 'O|Hara')", "Doe^Ann", "O\\F\\Hara^Ann"),
        ("msg.set('PID-6', 12.5)", "Ann||\"\"", "Ann|12.5|\"\""),
        ("msg.set('PID-6', null)", "Ann||\"\"", "Ann|\"\"|\"\""),
        ("msg.set('PID-6', true)", "Ann||\"\"", "Ann|true|\"\""),
        ("msg.setRaw('PID-5', 'A^B')", "Doe^Ann", "A^B"),
        ("msg.append('PID-3', '1').append('PID-3', '2')", "~4712|", "~4712~1~2|"),
        ("msg.remove('PID-3[1]')", "4711^^^H~4712", "4712"),
        ("msg.remove('OBX[2]')", "OBX|2|NM|B||6~7\r", ""),
        ("msg.set('OBX[*]-1', 9)", "", ""),
        ("for (const obx of msg.segments('OBX')) { if (obx.get('2') === 'NM') obx.set('5.1', 'n') }", "", ""),
        ("msg.insertAfter('PID', 'PV1|1|I')", "\"\"|\rOBX|1", "\"\"|\rPV1|1|I\rOBX|1"),
        ("msg.insertBefore('OBX[2]', 'NTE|1').set('3', 'a & b')", "OBX|2", "NTE|1||a \\T\\ b\rOBX|2"),
        ("msg.addSegment('ZXX|1').set('2', 'x')", "x \\T\\ y", "x \\T\\ y\rZXX|1|x"),
    ] {
        let expected = match source {
            s if s.contains("9)") => {
                ADT.replace("OBX|1", "OBX|9").replace("OBX|2", "OBX|9").replace("OBX|3", "OBX|9")
            }
            s if s.contains("'n'") => ADT.replace("A||5", "A||n").replace("6~7", "n~7"),
            _ => ADT.replacen(before, after, 1),
        };
        assert_eq!(changed(source), expected, "{source}");
    }
}

#[test]
fn segments_stay_themselves_while_others_come_and_go() {
    for (source, expected) in [
        ("for (const obx of msg.segments('OBX')) if (obx.get('3') !== 'C') obx.remove()", "C"),
        (
            "for (const obx of msg.segments('OBX')) { msg.insertBefore('OBX[1]', 'OBX|0||n'); obx.set('3', 'o') }",
            "n n n o o o",
        ),
        ("const [a, b] = msg.segments('OBX'); msg.remove('OBX[1]'); b.set('3', 'b')", "b C"),
        ("const [a, b, c] = msg.segments('OBX'); msg.remove('OBX[-1]'); b.set('3', 'b')", "A b"),
        ("const all = msg.segments(); msg.remove('OBX[*]'); all[1].set('1', 2)", ""),
        (
            "const [a] = msg.segments('OBX'); msg.set('OBX[3]-3', 'c'); msg.addSegment('OBX|4||D'); a.set('3', 'a')",
            "a B c D",
        ),
    ] {
        let script = format!("{source}; log.info(msg.values('OBX[*]-3').join(' '))");
        assert_eq!(said(&script), expected, "{source}");
    }
    let gone = "const [a] = msg.segments('OBX');\na.remove();\na.get('1')";
    assert_eq!(said(gone), "code line 3 column 3: TypeError: the segment has been removed");
}

#[test]
fn what_did_not_change_is_the_same() {
    for (source, expected) in [
        ("send('A')", "same"),
        ("msg.set('PID-5.1', 'Doe'); send('A')", "same"),
        ("msg.get('PID-5.1'); send('A', msg)", "same"),
        ("send('A', 'hello')", "text hello"),
        ("send('A', new Message('MSH|^~\\\\&|X'))", "MSH|^~\\&|X"),
    ] {
        assert_eq!(text_of(&run(source).sends[0].body), expected, "{source}");
    }
}

#[test]
fn a_message_is_sent_as_it_is_at_that_moment() {
    let outcome = run("send('A'); msg.set('PID-1', 'x'); send('B'); const other = msg.copy();
        other.set('PID-1', 'y'); msg.set('PID-1', 'z'); send('C', other); send('D')");
    let sent: Vec<_> = outcome.sends.iter().map(|sent| (sent.target.as_str(), text_of(&sent.body))).collect();
    let with = |value: &str| ADT.replace("PID|1", &format!("PID|{value}"));
    assert_eq!(sent, [("A", "same".to_owned()), ("B", with("x")), ("C", with("y")), ("D", with("z"))]);
    assert_eq!(text_of(&run("msg.set('PID-1', 'x'); answer(msg)").answer.unwrap()), with("x"));
}

#[test]
fn a_script_may_end_the_message_itself() {
    for (source, expected) in [
        ("discard('no interest'); msg.nothing()", Verdict::Discard("no interest".into())),
        ("send('A'); reject('bad')", Verdict::Reject("bad".into())),
        ("try { suspend('later') } catch (e) { } msg.set('PID-1', 'x')", Verdict::Suspend("later".into())),
        ("try { discard('one') } catch (e) { discard('two') }", Verdict::Discard("one".into())),
        ("return; discard('never')", Verdict::Done),
        ("Promise.resolve().then(() => reject('bad'))", Verdict::Reject("bad".into())),
    ] {
        assert_eq!(run(source).verdict, expected, "{source}");
    }
    assert_eq!(run("send('A'); reject('bad')").sends.len(), 1);
    let both = run("send('A'); discard('no interest')");
    assert!(matches!(&both.verdict, Verdict::Failed(why) if why.text.contains("set aside as well")));
}

#[test]
fn what_is_wrong_says_where() {
    for (source, expected) in [
        ("\n  msg.get('PID-')", "code line 2 column 7: TypeError: path \"PID-\":"),
        ("msg.get(5)", "code line 1 column 5: TypeError: path is no text"),
        (
            "msg.set('PID-5', undefined)",
            "code line 1 column 18: TypeError: set: value is no text, number, boolean or null",
        ),
        ("msg.set('PID-5', NaN)", "code line 1 column 18: TypeError: set: value is no text"),
        ("msg.set('PID', 'x')", "code line 1 column 5: TypeError: path \"PID\": is a whole segment"),
        (
            "msg.set('ZZZ-1', 'x')",
            "code line 1 column 5: TypeError: path \"ZZZ-1\": message has 0 segments ZZZ",
        ),
        (
            "msg.addSegment('zz|1')",
            "code line 1 column 5: TypeError: path \"zz|\": the new segment does not begin",
        ),
        (
            "msg.set('MSH-18', '8859/1'); msg.set('PID-5', '日');\nsend('A')",
            "code line 2 column 1: TypeError: segment 2 at byte",
        ),
        ("send('A', 5)", "code line 1 column 1: TypeError: send: expected a message or a text"),
        ("const é = '日'; msg.nothing()", "code line 1 column 20: TypeError: not a function"),
        (
            "function f() { return msg.a.b }\nf()",
            "code line 1 column 23: TypeError: cannot read property \"b\" of undefined",
        ),
        ("new Message('x')", "code line 1 column 5: TypeError: no segment MSH at the start at byte 0"),
        ("log.info('\\ud800')", "code line 1 column 5: TypeError: text holds half a character"),
        ("sockets.write('x', 'y')", "code line 1 column 9: TypeError: socket is no id"),
        (
            "async function f() { null.x }; return f()",
            "code line 1 column 22: TypeError: cannot read property \"x\" of null",
        ),
    ] {
        let got = said(source);
        assert!(got.starts_with(expected), "{source}\n  {got}\n  {expected}");
    }
}

#[test]
fn what_is_no_hl7_is_text() {
    let outcome = run_on("log.info(msg.text() + msg.type); send('A'); msg.get('PID-1')", "hello");
    assert_eq!(outcome.said[0].text, "hello");
    assert!(
        matches!(&outcome.verdict, Verdict::Failed(why) if why.text.starts_with("the message is no HL7"))
    );
}

#[test]
fn the_log_has_levels() {
    let outcome = run("log.trace(1); log.info(2); log.warn(3); log.error(4); alert(5)");
    let said: Vec<_> = outcome.said.iter().map(|said| (said.level, said.text.as_str())).collect();
    let expected = [Level::Trace, Level::Info, Level::Warning, Level::Error, Level::Alert];
    assert_eq!(said, expected.into_iter().zip(["1", "2", "3", "4", "5"]).collect::<Vec<_>>());
}

#[test]
fn the_loop_over_open_sockets_is_written_as_it_is() {
    let source = "
        for (const socket of sockets.list()) {
          const status = sockets.write(socket.id, 'Something has change!');
          if (status === 'closed') {
            log.info('the socket is closed');
            if (sockets.remove(socket.id)) log.info(`socket deleted successfully (${socket.sessionId})`);
          }
        }";
    let door = Arc::new(Noting::default());
    let outcome = Sandbox::new(&program(source)).unwrap().run(&input(ADT), &door);
    assert_eq!(*door.written.lock().unwrap(), [1, 2].map(|id| (id, "Something has change!".to_owned())));
    assert_eq!(*door.forgotten.lock().unwrap(), [2]);
    let said: Vec<_> = outcome.said.iter().map(|said| said.text.as_str()).collect();
    assert_eq!(said, ["the socket is closed", "socket deleted successfully (key2)"]);
}

#[test]
fn time_is_the_hosts_and_stands_still() {
    assert_eq!(said("log.info(now() === Date.now() && now() === +new Date() && now())"), NOON.to_string());
    assert_eq!(said("log.info(new Date().toISOString())"), "2023-11-14T22:13:20.000Z");
    assert_eq!(said("log.info(new Date(2026, 10, 23) instanceof Date, typeof Date())"), "true string");
    assert_eq!(said("log.info(new Date('2026-11-23').getTime() === Date.UTC(2026, 10, 23))"), "true");
    assert_eq!(
        said("class D extends Date { x() { return this.getTime() } } log.info(new D().x())"),
        NOON.to_string()
    );
}
