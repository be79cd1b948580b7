//! Each code, each action, and what is wrong with a list.

use testkit::message;

use super::*;

const PEER: &str = "lab:2575";

fn answer(code: &str) -> Came<'_> {
    Came::Answer { code: Some(code), other_id: false, other_type: false }
}

/// What becomes of a message, in letters; a warning is a `w` before it.
fn outcome(actions: &str, came: Came<'_>) -> String {
    let ruling = actions.parse::<ReplyActions>().unwrap().rule(PEER, came);
    let decision = ruling.decide("Out", &message(7, "MSH|^~\\&"), None);
    match decision {
        Decision::Completed { events, .. } => format!("{}C", "w".repeat(events.len())),
        Decision::Retry { then, counts: true, .. } => match then {
            AfterRetries::Suspend => "R".into(),
            AfterRetries::Fail => "RF".into(),
            AfterRetries::Complete => "RC".into(),
            AfterRetries::Disable => "RD".into(),
        },
        Decision::Retry { counts: false, .. } => "r".into(),
        Decision::Suspend { .. } => "S".into(),
        Decision::Reject { .. } => "F".into(),
        Decision::Fatal(_) => "D".into(),
        Decision::Discarded(_) | Decision::Step(_) => "-".into(),
    }
}

#[test]
fn a_code_that_stands_twice_is_warned_of_at_the_second_place() {
    let said = |text: &str| {
        let mut checks = model::Checks::default();
        ReplyActions::check("reply_code_actions", text, &mut checks);
        checks.notes.into_iter().map(|note| (note.range.unwrap(), note.message)).collect::<Vec<_>>()
    };
    let twice = said(":?A=C, :?E=S ,(:?R,:?E)=C");
    assert_eq!(twice.len(), 1);
    assert_eq!(twice[0].0, 14..25);
    assert_eq!(twice[0].1, "\"(:?R,:?E)=C\" has a code of \":?E=S\" at character 8, which goes first");
    assert_eq!(said(":I?=W,:I?=W").len(), 1);
    assert!(said(":I?=W,:I?=S").is_empty(), "one warns and the other decides");
    assert!(said(USUAL).is_empty());
}

#[test]
fn the_usual_actions_are_those_that_users_know() {
    for (code, wanted) in [
        ("AA", "C"),
        ("CA", "C"),
        ("AE", "S"),
        ("CE", "S"),
        ("AR", "RF"),
        ("CR", "RF"),
        ("XX", "S"),
        ("", "S"),
        ("aa", "S"),
    ] {
        assert_eq!(outcome(USUAL, answer(code)), wanted, "{code}");
    }
    assert_eq!(outcome(USUAL, Came::Answer { code: None, other_id: false, other_type: false }), "S");
    assert_eq!(outcome(USUAL, Came::Answer { code: Some("AA"), other_id: true, other_type: false }), "wC");
    assert_eq!(outcome(USUAL, Came::Answer { code: Some("AE"), other_id: true, other_type: false }), "S");
    assert_eq!(outcome(USUAL, Came::Answer { code: Some("AA"), other_id: false, other_type: true }), "C");
    assert_eq!(outcome(USUAL, Came::NoReply("no answer came")), "R");
    assert_eq!(outcome(USUAL, Came::BadReply("junk came")), "R");
}

#[test]
fn each_code_and_each_action_does_what_it_says() {
    let of = |code| Came::Answer { code, other_id: false, other_type: false };
    let other_id = Came::Answer { code: Some("AA"), other_id: true, other_type: false };
    let other_type = Came::Answer { code: Some("AA"), other_id: false, other_type: true };
    for (actions, came, wanted) in [
        (":?A=S", answer("CA"), "S"),
        (":?E=F", answer("AE"), "F"),
        (":?R=D", answer("CR"), "D"),
        (":AE=C,:?E=S", answer("AE"), "C"),
        (":AE=C,:?E=S", answer("CE"), "S"),
        (":_=C", answer(""), "C"),
        (":_=C", answer("AA"), "S"),
        (":*=C", answer(""), "C"),
        (":*=C,:_=F", answer(""), "F"),
        (":*=F,:?A=C", answer("AA"), "C"),
        (":*=F,:?A=C", answer("ZZ"), "F"),
        (":~=C", of(None), "C"),
        (":*=C", of(None), "S"),
        (":I?=F,:?A=C", other_id, "F"),
        (":?A=C,:I?=F", other_id, "C"),
        (":I?=W", other_id, "wC"),
        (":T?=S,:?A=C", other_type, "S"),
        ("X=S", Came::NoReply("silence"), "S"),
        ("X=S", Came::BadReply("junk"), "R"),
        ("E=F", Came::NoReply("silence"), "F"),
        ("E=F", Came::BadReply("junk"), "F"),
        ("E=F", answer("AE"), "S"),
        ("E#bad_reply=S,E#no_reply=F", Came::NoReply("silence"), "F"),
        ("E#bad_reply=S,E#no_reply=F", Came::BadReply("junk"), "S"),
        ("E*within=S", Came::NoReply("no answer within 30s"), "S"),
        ("E*within=S", Came::NoReply("closed"), "R"),
        ("(:AE,:AR)=C,:*=S", answer("AR"), "C"),
        ("(:AE , :AR) = C , :*=S", answer("AA"), "S"),
        // What warns comes first, wherever it stands, and leaves the rest to the others.
        (":?E=F,:AE=W,:I?=W", Came::Answer { code: Some("AE"), other_id: true, other_type: false }, "F"),
        (":?A=C,:AA=W,:I?=W", other_id, "wwC"),
        (":AE=W,:*=S", answer("AE"), "wC"),
        (":AA=CW", answer("AA"), "wC"),
        (":?R=R", answer("AR"), "R"),
        (":?R=RS", answer("AR"), "R"),
        (":?R=RF", answer("CR"), "RF"),
        (":?R=RC", answer("AR"), "RC"),
        (":?R=RW", answer("AR"), "RC"),
        (":?R=RD", answer("AR"), "RD"),
        ("X=RF,E=RC", Came::NoReply("silence"), "RF"),
        ("X=RF,E=RC", Came::BadReply("junk"), "RC"),
        // What nobody reckoned with.
        (":?A=C", answer("AE"), "S"),
        (":?A=C", Came::BadReply("junk"), "R"),
    ] {
        assert_eq!(outcome(actions, came), wanted, "{actions} {came:?}");
    }
}

#[test]
fn the_reason_names_the_entry_and_nothing_of_the_answer() {
    let ruling = |came| USUAL.parse::<ReplyActions>().unwrap().rule(PEER, came);
    assert_eq!(ruling(answer("AE")).reason, "lab:2575 answered AE (reply_code_actions \":?E=S\")");
    let secret = ruling(answer("Mustermann")).reason;
    assert_eq!(secret, "lab:2575 answered with an MSA-1 that is no code (reply_code_actions \":*=S\")");
    let other = ruling(Came::Answer { code: Some("AA"), other_id: true, other_type: false });
    assert_eq!(
        other.warnings,
        [
            "lab:2575 answered AA, with another control id in MSA-2 than the message's (reply_code_actions \":I?=W\")"
        ]
    );
    assert_eq!(ruling(answer("AA")).reason, "");
    assert!(ruling(answer("AR")).is_retry());
    let event = other.decide("Out", &message(7, "MSH|^~\\&"), None);
    let Decision::Completed { events, .. } = event else { panic!("{event:?}") };
    assert!(events[0].text.starts_with("message 7: lab:2575 answered AA, with"), "{}", events[0].text);
    assert_eq!(events[0].message.map(|id| id.0), Some(7));
}

#[test]
fn what_is_wrong_is_named_with_its_bytes() {
    for (text, range, message, help) in [
        ("", 0..0, "an entry is empty; expected code=action", "the codes are"),
        (":?A=C,", 6..6, "an entry is empty; expected code=action", "the codes are"),
        (":?A", 0..3, "\":?A\" has no \"=\"; expected code=action, as in :?E=S", "the codes are"),
        (":?A=C,AE=S", 6..8, "code is \"AE\"; expected a reply code", "did you mean \":AE\"?"),
        (":?A=C, :?X=S", 7..10, "code is \":?X\"; expected a reply code", "the codes are"),
        (":?a=C", 0..3, "code is \":?a\"; expected a reply code", "did you mean \":?A\"?"),
        ("E#5001=C", 0..6, "code is \"E#5001\"; expected a reply code", "expected one of E#no_reply"),
        (":?A=X", 4..5, "action is \"X\"; expected C, W, R, S, F, D or a pair as in RF", "the actions are"),
        (":?A= rf ", 5..7, "action is \"rf\"; expected C, W, R, S, F, D or a pair as in RF", "\"RF\""),
        (":?A=", 4..4, "action is \"\"; expected C, W, R, S, F, D or a pair as in RF", "the actions are"),
        (":?A=SF", 4..6, "action is \"SF\"; expected C, W, R, S, F, D or a pair as in RF", "the actions are"),
        ("(:AE,:AR=C", 0..1, "\"(\" is not closed; expected (code,code)=action", "write \")\""),
        ("(:AE,AR)=C", 5..7, "code is \"AR\"; expected a reply code", "did you mean \":AR\"?"),
        ("(:AE,:AR)C", 9..10, "no \"=\" behind \")\"; expected (code,code)=action", "the actions are"),
        ("(:AE,:AR)", 9..9, "no \"=\" behind \")\"; expected (code,code)=action", "the actions are"),
    ] {
        let error = text.parse::<ReplyActions>().unwrap_err();
        assert_eq!((error.range.clone(), error.message.as_str()), (range, message), "{text:?}");
        assert!(error.help.contains(help), "{text:?}: {}", error.help);
    }
    for good in [USUAL, ":?R=C,:?E=C,:~=C,:?A=C,:*=C,:I?=C", " :?A = C ", ":é=S"] {
        assert_eq!(good.parse::<ReplyActions>().is_ok(), good != ":é=S", "{good}");
    }
}
