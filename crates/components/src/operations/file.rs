//! `file`, the operation: writes message bodies into files, whatever they are.
//!
//! ```yaml
//! operations:
//!   ReportOut:
//!     type: file
//!     settings: { file_path: out, file_name: "%f" }
//! ```
//!
//! The bytes are written as they came. Names, modes and promises are those of the operation `hl7.file`: a
//! file is seen under its name only when it is whole, a message that is repeated after a crash leaves one
//! file, and one that is appended stands in the file exactly once. A field in the name, as in `{MSH-10}`,
//! is empty for a body that is no HL7.
//!
//! With `mode: append` a `separator` follows each body that does not end with it itself: a line end,
//! unless another one is set, or none with `separator: ""`.

use model::{BuildError, Built, BusinessType, Checks, Component, Library};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::file_outbound::writing::{Between, FileOutbound, FileOutboundSettings, Mode};

/// The longest separator, in bytes.
const LONGEST: usize = 256;

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all file operations have in common.
    #[serde(flatten)]
    pub files: FileOutboundSettings,
    /// What stands behind each body in a file that they are appended to, such as `"\n"`, of at most 256
    /// bytes; empty for nothing. Only with `mode: append`.
    #[serde(default = "line_end")]
    pub separator: String,
}

fn line_end() -> String {
    "\n".into()
}

/// The component.
pub struct FileOperation;

impl Component for FileOperation {
    const TYPE: &'static str = "file";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessOperation;
    const SUMMARY: &'static str = "writes message bodies into files, whatever they are";
    const EXAMPLE: &'static str = "ReportOut:
  type: file
  settings:
    file_path: out
    file_name: \"%f\"
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.files.check(checks);
        let length = settings.separator.len();
        if length > LONGEST {
            checks.error("separator", format!("separator has {length} bytes; expected at most {LONGEST}"));
        } else if settings.separator != line_end() && settings.files.mode != Mode::Append {
            checks.error("separator", "separator is set, and mode is not \"append\"; expected none");
            checks.help("a file with one body needs none; set mode: append, or leave separator out");
        }
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let between = Between::Bytes(settings.separator.into_bytes());
        Ok(Built::Operation(Box::new(FileOutbound::new(settings.files, between)?)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use model::{BodyClass, BusinessOperation, Decision, Message, MessageBody};
    use serde_json::{Value, json};
    use testkit::{TestHost, request};

    use super::*;
    use crate::CATALOGUE;

    async fn started(host: &TestHost, settings: Value) -> Box<dyn BusinessOperation> {
        let spec = CATALOGUE.find(BusinessType::BusinessOperation, "file").unwrap();
        let Ok(Built::Operation(mut operation)) = spec.build(settings, &Library::default()) else {
            panic!("it is built")
        };
        operation.start(&host.context()).await.unwrap();
        operation
    }

    fn body(id: u64, name: &str, content: &[u8]) -> Message {
        let content = content.to_vec();
        request(
            id,
            MessageBody::described(BodyClass::BYTES, content, String::new(), String::new(), name.into()),
        )
    }

    async fn written(host: &TestHost, settings: Value, bodies: &[Message]) {
        let mut operation = started(host, settings).await;
        let decisions = operation.on_messages(bodies, &host.context()).await;
        assert_eq!(decisions.len(), bodies.len());
        assert!(
            decisions.iter().all(|decision| matches!(decision, Decision::Completed { .. })),
            "{decisions:?}"
        );
    }

    #[test]
    fn settings_are_checked() {
        let spec = CATALOGUE.find(BusinessType::BusinessOperation, "file").unwrap();
        for (settings, path, says) in [
            (json!({ "file_path": "o", "separator": "--" }), "separator", "mode is not"),
            (json!({ "file_path": "o", "mode": "append", "separator": "-".repeat(257) }), "separator", "257"),
            (json!({ "file_path": "", "mode": "append", "separator": "" }), "file_path", "empty"),
            (json!({ "file_path": "o", "mode": "apend" }), "mode", "unknown variant"),
            (json!({ "file_path": "o", "batch": "wrap" }), "batch", "unknown field"),
            (json!({ "file_path": "o", "file_name": "a/%f" }), "file_name", "\"/\""),
        ] {
            let mut checks = Checks::default();
            spec.check(settings.clone(), &mut checks);
            let found = checks.notes.iter().any(|note| note.path == path && note.message.contains(says));
            assert!(found, "{settings}: {:?}", checks.notes);
        }
    }

    #[tokio::test]
    async fn any_body_becomes_a_file_under_its_own_name() {
        let host = TestHost::new("Out");
        let bodies = [body(1, "a.pdf", b"%PDF\0\xff"), body(2, "a.pdf", b""), body(3, "b.txt", b"text")];
        written(&host, json!({ "file_path": "out", "file_name": "%f" }), &bodies).await;
        let read = |name: &str| fs::read(host.dir().join("out").join(name)).unwrap();
        assert_eq!(read("a.pdf"), b"%PDF\0\xff");
        assert_eq!((read("a_2.pdf"), read("b.txt")), (b"".to_vec(), b"text".to_vec()));
        written(&host, json!({ "file_path": "out", "file_name": "%f", "mode": "overwrite" }), &bodies).await;
        assert_eq!(read("a.pdf"), b"");
    }

    #[tokio::test]
    async fn appended_bodies_are_followed_by_the_separator() {
        for (separator, wanted) in
            [("\n", "one\ntwo\nthree\n"), ("", "onetwo\nthree"), ("--", "one--two\n--three--")]
        {
            let host = TestHost::new("Out");
            let bodies = [body(1, "a", b"one"), body(2, "b", b"two\n"), body(3, "c", b"three")];
            let settings =
                json!({ "file_path": "out", "file_name": "all", "mode": "append", "separator": separator });
            written(&host, settings.clone(), &bodies[..2]).await;
            written(&host, settings, &bodies[2..]).await;
            assert_eq!(fs::read_to_string(host.dir().join("out/all")).unwrap(), wanted, "{separator:?}");
        }
    }

    #[tokio::test]
    async fn what_somebody_else_has_written_is_separated_too() {
        for (before, after) in
            [("foreign", "foreign--one--"), ("foreign--", "foreign--one--"), ("-", "---one--")]
        {
            let host = TestHost::new("Out");
            fs::create_dir_all(host.dir().join("out")).unwrap();
            fs::write(host.dir().join("out/all"), before).unwrap();
            let settings =
                json!({ "file_path": "out", "file_name": "all", "mode": "append", "separator": "--" });
            written(&host, settings, &[body(1, "a", b"one")]).await;
            assert_eq!(fs::read_to_string(host.dir().join("out/all")).unwrap(), after);
        }
    }
}
