//! The log on standard error: one line a happening, for people or, as JSON, for machines.

use std::fmt::{self, Write};
use std::io::IsTerminal;
use std::str::FromStr;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::output::{Exit, colour, time};

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogForm {
    /// One line each, for people
    Human,
    /// One JSON object each, for machines
    Json,
}

/// Starts the log. `level` is `info`, or finer, as in `info,orris_runtime=debug`.
///
/// # Errors
/// When `level` is none.
pub(crate) fn start(form: LogForm, level: &str) -> Result<(), Exit> {
    let targets = Targets::from_str(level).map_err(|_| {
        Exit::Usage(format!(
            "log level is \"{level}\"; expected one of error, warn, info, debug, trace, or finer as in info,orris_runtime=debug"
        ))
    })?;
    let base = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(targets);
    match form {
        LogForm::Json => registry.with(base.json().flatten_event(true).with_timer(Utc)).init(),
        LogForm::Human => {
            let stderr = std::io::stderr();
            let coloured =
                stderr.is_terminal() && anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
            registry.with(base.with_ansi(coloured).event_format(Human)).init();
        }
    }
    Ok(())
}

/// Times of machines: RFC 3339, UTC.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(&(time::now().to_utc().replace(' ', "T") + "Z"))
    }
}

/// `12:59:00.123 info  item "X": text (session 48217, message 48219)`
struct Human;

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut words = Words::default();
        event.record(&mut words);
        let (name, style) = match *event.metadata().level() {
            Level::ERROR => ("error", colour::ERROR),
            Level::WARN => ("warn ", colour::WARNING),
            Level::INFO => ("info ", colour::RESPONSE),
            Level::DEBUG => ("debug", colour::DIM),
            Level::TRACE => ("trace", colour::DIM),
        };
        let time = time::of_day(time::now());
        if out.has_ansi_escapes() {
            let dim = colour::DIM;
            write!(out, "{dim}{time}{dim:#} {style}{name}{style:#} ")?;
        } else {
            write!(out, "{time} {name} ")?;
        }
        let about =
            if words.about.is_empty() { String::new() } else { format!(" ({})", words.about.join(", ")) };
        writeln!(out, "{}{about}", words.message)
    }
}

/// What an event says.
#[derive(Default)]
struct Words {
    message: String,
    about: Vec<String>,
}

impl Words {
    fn add(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            // The message names its item.
            "item" => {}
            "message_id" => self.about.push(format!("message {value}")),
            name => self.about.push(format!("{name} {value}")),
        }
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _written = write!(text, "{value:?}");
        self.add(field, text);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic holds it").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_time_level_text_and_ids() {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .event_format(Human);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(
                item = "A",
                session = Some(7_u64),
                message_id = 9_u64,
                "item \"A\": cannot connect"
            );
        });
        let line = String::from_utf8(kept.0.lock().expect("no panic holds it").clone()).expect("UTF-8");
        let (time, rest) = line.split_at("12:59:00.123".len());
        assert_eq!(rest, " warn  item \"A\": cannot connect (session 7, message 9)\n");
        assert!(time.chars().all(|c| c.is_ascii_digit() || c == ':' || c == '.'), "{time}");
    }

    #[test]
    fn a_wrong_level_is_refused() {
        let error = start(LogForm::Human, "loud=very").unwrap_err();
        assert!(matches!(error, Exit::Usage(text) if text.contains("\"loud=very\"")));
    }
}
