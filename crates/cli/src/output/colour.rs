//! Which colour means what, once for tables, traces and the status page.

use anstyle::{AnsiColor, Style};
use model::{EventKind, MessageStatus};

/// Requests are blue, as in the field's trace.
pub(crate) const REQUEST: Style = AnsiColor::Blue.on_default();
/// Responses are green.
pub(crate) const RESPONSE: Style = AnsiColor::Green.on_default();
/// What failed is red.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default();
/// What waits for a person or is doubtful is yellow.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default();
/// What is still on its way is cyan.
pub(crate) const WAITING: Style = AnsiColor::Cyan.on_default();
/// A place in a message, as in `PID-3.1`: what one copies into another command.
pub(crate) const PLACE: Style = AnsiColor::Cyan.on_default();
/// What a code stands for.
pub(crate) const MEANING: Style = AnsiColor::Green.on_default();
/// What is there for orientation only.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What is looked for first.
pub(crate) const BOLD: Style = Style::new().bold();
/// Nothing special.
pub(crate) const PLAIN: Style = Style::new();

/// The colour of a status.
pub(crate) fn of_status(status: MessageStatus) -> Style {
    match status {
        MessageStatus::Error | MessageStatus::Aborted => ERROR,
        MessageStatus::Suspended => WARNING,
        MessageStatus::Discarded => DIM,
        MessageStatus::Completed => RESPONSE,
        _ => WAITING,
    }
}

/// The colour of an event.
pub(crate) fn of_event(kind: EventKind) -> Style {
    match kind {
        EventKind::Assert | EventKind::Error => ERROR,
        EventKind::Warning | EventKind::Alert => WARNING,
        EventKind::Info => PLAIN,
        EventKind::Trace => DIM,
    }
}
