//! What sockets were told, held against what they are to be told.

use super::Miss;
use crate::output::count;

/// So much is shown of what differs.
const REST: usize = 40;

/// What sockets were told.
pub(super) struct Telling<'a> {
    /// All of them, or one.
    pub(super) who: &'a str,
    /// Who is to tell it, where that is known.
    pub(super) by: Option<&'a str>,
    pub(super) heard: &'a [String],
}

impl Telling<'_> {
    /// `what` is all that is told, or a part of it.
    pub(super) fn judge(&self, what: (Option<&str>, Option<&str>), number: Option<usize>) -> Option<Miss> {
        let (text, part) = what;
        let is_meant = |heard: &&String| {
            text.is_none_or(|text| *heard == text) && part.is_none_or(|part| heard.contains(part))
        };
        let matching = self.heard.iter().filter(is_meant).count();
        if number.map_or(matching > 0, |number| matching == number) {
            return None;
        }
        let what = match what {
            (Some(text), _) => format!("\"{text}\""),
            (None, Some(part)) => format!("something with \"{part}\""),
            (None, None) => "something".to_owned(),
        };
        let who = match self.by {
            Some(by) => format!("{by} tells {}", self.who),
            None => format!("{} is told", self.who),
        };
        let wanted = match number {
            None => format!("{who} {what}"),
            Some(0) if (text, part) == (None, None) => format!("{who} nothing"),
            Some(0) => format!("{who} never {what}"),
            Some(number) => format!("{who} {what} {}", count(number, "time")),
        };
        Some(Miss::new(wanted, self.found(matching) + &self.nearest(text.filter(|_| matching == 0))))
    }

    fn found(&self, matching: usize) -> String {
        let were = if self.by.is_some() { "they were" } else { "it was" };
        match self.heard.len() {
            0 => format!("{were} told nothing"),
            all => {
                let some: Vec<_> = self.heard.iter().take(3).map(|heard| format!("\"{heard}\"")).collect();
                let more = if all > 3 { format!(" and {} more", all - 3) } else { String::new() };
                let times = match matching {
                    0 => String::new(),
                    // All of it is what was meant.
                    matching if matching == all => String::new(),
                    matching => format!("that {}; all that was told: ", count(matching, "time")),
                };
                format!("{were} told {times}{}{more}", some.join(", "))
            }
        }
    }

    /// Where that text of what was told differs that is like the wanted one for the longest.
    fn nearest(&self, wanted: Option<&str>) -> String {
        let Some(wanted) = wanted else { return String::new() };
        let alike = |heard: &str| wanted.chars().zip(heard.chars()).take_while(|(a, b)| a == b).count();
        let nearest = self.heard.iter().map(|heard| (alike(heard), heard)).max_by_key(|(alike, _)| *alike);
        let Some((alike, heard)) = nearest.filter(|(alike, _)| *alike > 0) else { return String::new() };
        let rest = |text: &str| match text.chars().skip(alike).take(REST).collect::<String>() {
            rest if rest.is_empty() => "its end".to_owned(),
            rest => format!("\"{rest}\""),
        };
        format!("; the nearest has {} from character {} on, and not {}", rest(heard), alike + 1, rest(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_where_a_text_differs() {
        let heard = ["{\"id\": 3, \"ward\": \"W2\"}".to_owned(), "other".to_owned()];
        let telling = Telling { who: "board", by: None, heard: &heard };
        let found = |text| telling.judge((Some(text), None), None).map(|miss| miss.found).unwrap_or_default();
        assert!(found("{\"id\": 4, \"ward\": \"W2\"}").ends_with(
            "the nearest has \"3, \"ward\": \"W2\"}\" from character 8 on, and not \"4, \"ward\": \"W2\"}\""
        ));
        assert!(found("others").ends_with("the nearest has its end from character 6 on, and not \"s\""));
        assert!(found("x").ends_with("\"other\""), "nothing is like it");
    }
}
