//! Hours, dates and days of the week as people write them, and what they meant where that is none.

use std::ops::Range;

use super::{DAY, Dates, Hours, Span, Week};
use crate::Texts;
use crate::calendar::{WEEKDAYS, day_number, days_in};
use crate::schedule::{HoursDef, ScheduleFinding};
use crate::suggest::nearest;

impl Hours {
    /// Reads all entries.
    pub(in crate::schedule) fn read(all: &[HoursDef], findings: &mut Vec<ScheduleFinding>) -> Hours {
        let mut hours = Hours::default();
        if all.is_empty() {
            let help = "write hours, as in - { days: mon-fri, from: \"08:00\", to: \"18:00\" }";
            findings.push(ScheduleFinding::error("", None, "the schedule has no hours").help(help));
        }
        for (index, def) in all.iter().enumerate() {
            Reader { at: format!("[{index}]"), findings }.entry(def, &mut hours);
        }
        let only_exceptions = all.iter().all(|def| !def.except.all().is_empty());
        if only_exceptions && !all.is_empty() {
            let doubt = ScheduleFinding::doubt("", "the schedule is never on: it has nothing but exceptions");
            findings.push(doubt.help("add the hours that they are of, as in - { days: mon-fri }"));
        }
        hours
    }
}

/// Reads one entry.
struct Reader<'a> {
    /// Where it stands.
    at: String,
    findings: &'a mut Vec<ScheduleFinding>,
}

impl Reader<'_> {
    fn error(&mut self, place: &str, range: Option<Range<usize>>, message: String, help: impl Into<String>) {
        let place = format!("{}{place}", self.at);
        self.findings.push(ScheduleFinding::error(place, range, message).help(help));
    }

    fn entry(&mut self, def: &HoursDef, hours: &mut Hours) {
        let HoursDef { days, dates, except, from, to } = def;
        let says = |texts: &Texts| !texts.all().is_empty();
        let timed = from.is_some() || to.is_some();
        if !says(days) && !says(dates) && !says(except) && !timed {
            let help = "write days, dates, from and to, or except";
            return self.error("", None, "these hours say nothing".to_owned(), help);
        }
        let except = self.dates(".except", except);
        if !except.is_empty() && (says(days) || says(dates) || timed) {
            let help = "put it into an entry of its own: - { except: [\"*-01-01\"] }";
            return self.error(".except", None, "\"except\" stands beside other keys".to_owned(), help);
        }
        hours.except.extend(&except);
        if says(&def.except) {
            return;
        }
        let span = self.span(from.as_deref(), to.as_deref());
        let (week, dated) = (self.week(days), self.dates(".dates", dates));
        if says(days) && says(&def.dates) {
            let help = "make two entries of it; the hours of a date stand in place of those of its day";
            return self.error(".dates", None, "hours are either of days or of dates".to_owned(), help);
        }
        match says(&def.dates) {
            true => hours.dated.extend(dated.into_iter().map(|dates| (dates, span.clone()))),
            false => hours.weekly.push((week, span)),
        }
    }

    /// When they begin and end; the whole day where that is wrong.
    fn span(&mut self, from: Option<&str>, to: Option<&str>) -> Span {
        let begin = from.map_or(Some(0), |text| self.time(".from", text, false));
        let end = to.map_or(Some(DAY), |text| self.time(".to", text, true));
        match (begin, end) {
            (Some(begin), Some(end)) if begin == end => {
                let message = format!("the hours end as they begin, at {}", to.or(from).unwrap_or_default());
                self.error(".to", None, message, "leave from and to away for the whole day");
                0..DAY
            }
            (Some(begin), Some(end)) if end < begin => begin..end + DAY,
            (Some(begin), Some(end)) => begin..end,
            _ => 0..DAY,
        }
    }

    /// Seconds of the day.
    fn time(&mut self, key: &str, text: &str, is_end: bool) -> Option<u32> {
        let parts: Vec<&str> = text.split(':').collect();
        let number = |part: &&str| {
            (part.len() == 2).then(|| part.parse::<u32>().ok()).flatten().filter(|_| is_digits(part))
        };
        let numbers = parts.iter().map(number).collect::<Option<Vec<u32>>>();
        let time = match numbers.as_deref() {
            Some(&[hour, minute]) => Some((hour, minute, 0)),
            Some(&[hour, minute, second]) => Some((hour, minute, second)),
            _ => None,
        };
        match time {
            Some((24, 0, 0)) if is_end => return Some(DAY),
            Some((hour, minute, second)) if hour < 24 && minute < 60 && second < 60 => {
                return Some(hour * 3600 + minute * 60 + second);
            }
            _ => {}
        }
        let help = match meant_time(text) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "write hours and minutes, as in \"08:00\"".to_owned(),
        };
        let most = if is_end { "24:00" } else { "23:59" };
        let message = format!("found \"{text}\"; expected a time from 00:00 to {most}");
        self.error(key, None, message, help);
        None
    }

    fn week(&mut self, texts: &Texts) -> Week {
        let mut week = [texts.all().is_empty(); 7];
        for (index, text) in texts.all().iter().enumerate() {
            let place = texts.place(".days", index);
            for (offset, part) in pieces(text) {
                let Some((first, last)) = self.days(&place, part, offset) else { continue };
                let mut day = first;
                week[day] = true;
                while day != last {
                    day = (day + 1) % 7;
                    week[day] = true;
                }
            }
        }
        week
    }

    /// The first and the last of `mon-fri`; the same of `mon`.
    fn days(&mut self, place: &str, text: &str, offset: usize) -> Option<(usize, usize)> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let mut at = |word: &str, start: usize| {
            let (start, word) = (start + word.len() - word.trim_start().len(), word.trim());
            let found = day_of(word);
            if found.is_none() {
                let help = match meant_day(word) {
                    Some(near) => format!("did you mean {near}?"),
                    None => {
                        "expected mon, tue, wed, thu, fri, sat or sun, or several as in mon-fri".to_owned()
                    }
                };
                let message = format!("\"{word}\" is no day of the week");
                self.error(place, Some(start..start + word.len()), message, help);
            }
            found
        };
        let begin = at(first, offset);
        if !text.contains('-') {
            return begin.map(|day| (day, day));
        }
        let end = at(last, offset + first.len() + 1);
        begin.zip(end)
    }

    fn dates(&mut self, key: &str, texts: &Texts) -> Vec<Dates> {
        let mut all = Vec::new();
        for (index, text) in texts.all().iter().enumerate() {
            let place = texts.place(key, index);
            for (offset, part) in pieces(text) {
                all.extend(self.one_or_several(&place, part, offset));
            }
        }
        all
    }

    /// `2026-12-24`, or `2026-12-24..2027-01-06`.
    fn one_or_several(&mut self, place: &str, text: &str, offset: usize) -> Option<Dates> {
        let Some((first, last)) = text.split_once("..") else {
            let (year, month, day) = self.date(place, text, offset)?;
            return Some(Dates::One { year, month, day });
        };
        let begin = self.date(place, first, offset);
        let end = self.date(place, last, offset + first.len() + 2);
        let range = Some(offset..offset + text.len());
        match (begin?, end?) {
            ((Some(year), Some(month), day), (Some(to_year), Some(to_month), to_day)) => {
                let between = [[year, month, day], [to_year, to_month, to_day]].map(day_number);
                if between[0] > between[1] {
                    let message = format!("\"{text}\" ends before it begins");
                    self.error(place, range, message, "write the first date and then the last one");
                    return None;
                }
                Some(Dates::Between(between[0], between[1]))
            }
            ((None, Some(month), day), (None, Some(to_month), to_day)) => {
                Some(Dates::Yearly([month, day], [to_month, to_day]))
            }
            _ => {
                let message = format!("\"{text}\" is no span of dates");
                let help = "write both with their year, or both as in *-12-24..*-12-31";
                self.error(place, range, message, help);
                None
            }
        }
    }

    /// Year, month and day of `2026-12-24`; none where a `*` stands.
    fn date(&mut self, place: &str, text: &str, offset: usize) -> Option<(Option<u32>, Option<u32>, u32)> {
        let (offset, text) = (offset + text.len() - text.trim_start().len(), text.trim());
        let range = Some(offset..offset + text.len());
        let parts: Vec<&str> = text.split('-').collect();
        let part = |at: usize, width: usize| match parts.get(at) {
            Some(&"*") => Some(None),
            Some(part) if part.len() == width && is_digits(part) => Some(part.parse::<u32>().ok()),
            _ => None,
        };
        let read = (parts.len() == 3).then(|| part(0, 4).zip(part(1, 2)).zip(part(2, 2))).flatten();
        let Some(((year, month), Some(day))) = read else {
            let help = match meant_date(text) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "write year, month and day, as in \"2026-12-24\", or \"*-12-24\" for every year"
                    .to_owned(),
            };
            self.error(place, range, format!("\"{text}\" is no date"), help);
            return None;
        };
        // The 29th of February is in the calendar of some years.
        let (any_year, any_month) = (year.unwrap_or(2000), month.unwrap_or(1));
        let last = days_in(any_year, any_month);
        if !(1..=12).contains(&any_month) || day < 1 || day > last {
            let help = match (1..=12).contains(&any_month) {
                true => format!("the month has {last} days"),
                false => "write year, month and day, as in \"2026-12-24\"".to_owned(),
            };
            self.error(place, range, format!("the calendar has no \"{text}\""), help);
            return None;
        }
        Some((year, month, day))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The parts of a text between commas, each with where it begins.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 0;
    text.split(',').map(move |part| {
        let offset = next + part.len() - part.trim_start().len();
        next += part.len() + 1;
        (offset, part.trim())
    })
}

/// `mon` or `Monday`: at least three letters of the day's name.
fn day_of(word: &str) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    WEEKDAYS.iter().position(|day| word == day[..3] || word == *day)
}

fn meant_day(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "weekday" | "weekdays" | "workdays" => Some("mon-fri"),
        "weekend" | "weekends" => Some("sat-sun"),
        "daily" | "all" | "always" | "*" => Some("mon-sun"),
        "tues" => Some("tue"),
        "weds" => Some("wed"),
        "thur" | "thurs" => Some("thu"),
        word => nearest(word, WEEKDAYS.iter().flat_map(|day| [&day[..3], *day])),
    }
}

/// `8:00`, `8`, `0800` and `8.30`, as they are written here.
fn meant_time(text: &str) -> Option<String> {
    let separated = text.trim().split_once([':', '.', 'h']);
    let (hour, minute) = match separated {
        Some((hour, minute)) => (hour, minute),
        None if text.len() == 4 => text.split_at_checked(2)?,
        None => (text, "00"),
    };
    let fits = is_digits(hour) && is_digits(minute) && minute.len() == 2;
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
    (fits && hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

/// `24.12.2026`, `2026/12/24`, `20261224`, `12-24`, as they are written here.
fn meant_date(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(['-', '.', '/']).filter(|part| !part.is_empty()).collect();
    let number = |part: &str| is_digits(part).then(|| part.parse::<u32>().ok()).flatten();
    let (year, month, day) = match parts.as_slice() {
        [all] if all.len() == 8 && is_digits(all) => (&all[..4], &all[4..6], &all[6..]),
        [day, month, year] if year.len() == 4 => (*year, *month, *day),
        [year, month, day] if year.len() == 4 => (*year, *month, *day),
        // Which is the month of 24.12. is known, of 12-24 as well.
        [day, month] if text.contains('.') => ("*", *month, *day),
        [month, day] => ("*", *month, *day),
        _ => return None,
    };
    let (month, day) = (number(month)?, number(day)?);
    let of = number(year).unwrap_or(2000);
    let known = (1..=12).contains(&month) && (1..=days_in(of, month)).contains(&day);
    known.then(|| format!("{year}-{month:02}-{day:02}"))
}
