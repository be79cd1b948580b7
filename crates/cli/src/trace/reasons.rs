//! The rule log of a message, one rule a line.
//!
//! A router tells it as one event, whose text is read here again; what is not as expected stays as it is.

use components::processes::rule_log::BEGINS;

/// What one rule did, or several that did not hold for the same reason.
struct Line {
    rules: Vec<String>,
    /// As in `holds` or `does not: not of its source`.
    did: String,
}

impl Line {
    fn text(&self) -> String {
        match (self.rules.len(), self.did.strip_prefix("does not: ")) {
            (0 | 1, _) | (_, None) => format!("{} {}", self.rules.join(", "), self.did).trim().to_owned(),
            (_, Some(why)) => format!("{} do not: {why}", self.rules.join(", ")),
        }
    }
}

/// The text of an event as it is drawn: the rule log in lines, all else as it is.
pub(crate) fn in_lines(text: &str) -> String {
    let Some(log) = text.strip_prefix(BEGINS) else { return text.to_owned() };
    let mut lines: Vec<Line> = Vec::new();
    for step in steps(log) {
        let (rule, did) = parts(step);
        match lines.last_mut() {
            Some(last) if !rule.is_empty() && last.rules == [rule] => last.did += &format!(", {did}"),
            Some(last) if did.starts_with("does not: ") && last.did == did => {
                last.rules.push(rule.to_owned())
            }
            _ => lines.push(Line { rules: vec![rule.to_owned()], did: did.to_owned() }),
        }
    }
    match &lines[..] {
        [line] => format!("{BEGINS}{}", line.text()),
        lines => lines.iter().fold(BEGINS.trim_end().to_owned(), |text, line| text + "\n" + &line.text()),
    }
}

/// The steps of a log; a semicolon within a rule's name ends none.
fn steps(log: &str) -> impl Iterator<Item = &str> {
    let mut rest = log;
    std::iter::from_fn(move || {
        let quoted = |at: usize| rest[..at].matches('"').count() % 2 == 1;
        let end = rest.match_indices("; ").map(|(at, _)| at).find(|at| !quoted(*at));
        let step = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or("", |end| &rest[end + 2..]);
        (!step.is_empty()).then_some(step)
    })
}

/// The rule's name in its quotes, and what it did.
fn parts(step: &str) -> (&str, &str) {
    let name = step.strip_prefix('"').and_then(|rest| rest.find("\" ")).map_or(0, |end| end + 2);
    (&step[..name], step[name..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_a_line_and_what_it_sent_stands_there() {
        let log = "rules: \"noise\" does not: condition 1 does not hold; \"beds; all\" holds; \
            \"beds; all\" sends to \"Board\" by short; \"orders\" does not: not of its source; \
            \"results\" does not: not of its source; and 3 more; no rule wanted the message";
        let lines = [
            "rules:",
            "\"noise\" does not: condition 1 does not hold",
            "\"beds; all\" holds, sends to \"Board\" by short",
            "\"orders\", \"results\" do not: not of its source",
            "and 3 more",
            "no rule wanted the message",
        ];
        assert_eq!(in_lines(log).lines().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn a_single_rule_stays_on_its_line_and_other_events_as_they_are() {
        let single = "rules: \"all\" holds; \"all\" sends to \"Out\"; \"all\" sends to \"Board\"";
        assert_eq!(in_lines(single), "rules: \"all\" holds, sends to \"Out\", sends to \"Board\"");
        for other in ["told 3; all of them", "rules: no rule wanted the message", "rules: \"", ""] {
            assert_eq!(in_lines(other), other);
        }
    }
}
