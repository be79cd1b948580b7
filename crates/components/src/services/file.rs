//! `file`, the service: takes whole files out of a folder, whatever they hold.
//!
//! ```yaml
//! services:
//!   ReportIn:
//!     type: file
//!     targets: [ReportOut]
//!     settings: { file_path: reports, file_spec: "*.pdf", archive_path: archive }
//! ```
//!
//! Each file becomes one message body, with its bytes as they came and its name for `%f`. A body is text
//! (`Text`) where all of it is text of `charset`, else bytes (`Bytes`); `body_class` may say so itself.
//! An empty file is an empty text.
//!
//! Everything else is as `hl7.file` does it: which files are taken and when, that each is taken exactly
//! once whatever happens in between, that it is archived or removed only when its message is durably
//! stored, and what becomes of one that is refused (`on_error`). Refused is a file that is longer than
//! `max_message_size`, and with `body_class: text` one that is no text.

use async_trait::async_trait;
use hl7::charset;
use model::{
    BuildError, Built, BusinessService, BusinessType, Checks, Component, Failure, HostContext, Library,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adapters::file_inbound::settings::{FileInboundSettings, FileSource};
use crate::adapters::file_inbound::taking::{Bodies, Content, TakenFor};

/// What an engineer may set.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What all file services have in common.
    #[serde(flatten)]
    pub files: FileInboundSettings,
    /// What the bodies are taken for.
    #[serde(default)]
    pub body_class: TakenFor,
    /// The charset of bodies that are text, such as `UTF-8`, `ISO-8859-1` or `windows-1252`. In charsets
    /// of one byte everything without a zero byte is text.
    #[serde(default = "utf_8")]
    pub charset: String,
}

fn utf_8() -> String {
    "UTF-8".into()
}

/// The component.
pub struct FileService(FileSource);

impl Component for FileService {
    const TYPE: &'static str = "file";
    const BUSINESS_TYPE: BusinessType = BusinessType::BusinessService;
    const SUMMARY: &'static str = "takes whole files out of a folder, whatever they hold";
    const EXAMPLE: &'static str = "ReportIn:
  type: file
  targets: [ReportOut]
  settings:
    file_path: reports
    file_spec: \"*.pdf\"
    archive_path: archive
";
    type Settings = Settings;

    fn check(settings: &Settings, checks: &mut Checks) {
        settings.files.check(checks);
        if charset::by_name(&settings.charset).is_none() {
            let found = &settings.charset;
            checks.error("charset", format!("charset is \"{found}\"; expected the name of a charset"));
            checks.help("such as UTF-8, ISO-8859-1, windows-1252 or ASCII; UTF-16 is taken as bytes");
        }
    }

    fn build(settings: Settings, _library: &Library) -> Result<Built, BuildError> {
        let bodies = Bodies { class: settings.body_class, charset: settings.charset };
        let source = FileSource::new(settings.files, Content::Bodies(bodies))?;
        Ok(Built::Service(Box::new(FileService(source))))
    }
}

#[async_trait]
impl BusinessService for FileService {
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure> {
        self.0.run(host).await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use model::{BodyClass, Fate};
    use serde_json::{Value, json};
    use testkit::{TestHost, eventually};

    use super::*;
    use crate::CATALOGUE;

    fn checked(settings: Value) -> Checks {
        let spec = CATALOGUE.find(BusinessType::BusinessService, "file").unwrap();
        let mut checks = Checks::default();
        spec.check(settings, &mut checks);
        checks
    }

    #[test]
    fn settings_are_checked() {
        let good = json!({ "file_path": "in", "charset": "windows-1252", "body_class": "text",
            "work_path": "w", "archive_path": "a", "on_error": "move", "error_path": "e" });
        assert!(checked(good).notes.is_empty());
        for (wrong, path, says) in [
            (json!({ "file_path": "in", "charset": "latin-99" }), "charset", "\"latin-99\""),
            (json!({ "file_path": "in", "charset": "UTF-16" }), "charset", "\"UTF-16\""),
            (json!({ "file_path": "in", "body_class": "hl7" }), "body_class", "unknown variant"),
            (json!({ "file_path": "in", "order": "size" }), "order", "unknown variant"),
            (json!({ "file_path": "in", "batch_handling": "whole" }), "batch_handling", "unknown field"),
            (json!({ "file_path": "in", "polling_interval": "5" }), "polling_interval", "with a unit"),
            (json!({ "file_path": "in", "on_error": "move" }), "on_error", "no error_path"),
            (json!({ "file_path": 1 }), "file_path", "expected a string"),
        ] {
            let notes = checked(wrong.clone()).notes;
            let found = notes.iter().any(|note| note.path == path && note.message.contains(says));
            assert!(found, "{wrong}: {notes:?}");
        }
    }

    /// Runs the service over these files until all are taken, and gives what came of each, by name.
    async fn taken(
        host: &TestHost,
        settings: Value,
        files: &[(&str, &[u8])],
    ) -> Vec<(String, &'static str, Fate)> {
        let mut all = json!({ "file_path": "in", "confirm_complete": "none" });
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        fs::create_dir_all(host.dir().join("in")).unwrap();
        for (name, content) in files {
            fs::write(host.dir().join("in").join(name), content).unwrap();
        }
        let spec = CATALOGUE.find(BusinessType::BusinessService, "file").unwrap();
        let Ok(Built::Service(mut service)) = spec.build(all, &Library::default()) else {
            panic!("it is built")
        };
        let context = host.context();
        let task = tokio::spawn(async move { service.run(&context).await });
        eventually(Duration::from_secs(30), || host.arrivals().len() >= files.len()).await;
        host.stop();
        task.await.unwrap().unwrap();
        let arrivals = host.arrivals();
        arrivals
            .into_iter()
            .map(|arrival| (arrival.body.name().to_owned(), arrival.body.class().0, arrival.fate))
            .collect()
    }

    #[tokio::test]
    async fn each_file_is_one_body_of_its_class() {
        let host = TestHost::new("In");
        let files: [(&str, &[u8]); 5] = [
            ("a.txt", "MSH|^~\\&|one\rMSH|^~\\&|two\rZo\u{eb}".as_bytes()),
            ("b.txt", b"Zo\xeb"),
            ("c.bin", b"PK\x03\x04\0\0"),
            ("d.txt", b""),
            ("e.csv", b"a;b\n"),
        ];
        let found = taken(&host, json!({ "order": "name", "archive_path": "archive" }), &files).await;
        let (text, bytes) = (BodyClass::TEXT.0, BodyClass::BYTES.0);
        let classes = [text, bytes, bytes, text, text];
        for (((name, content), class), (index, found)) in
            files.iter().zip(classes).zip(found.iter().enumerate())
        {
            assert_eq!((&*found.0, found.1, &found.2), (*name, class, &Fate::Deliver));
            let body = host.arrivals().remove(index).body;
            assert_eq!(
                (&body.content()[..], body.charset()),
                (*content, if class == text { "UTF-8" } else { "" })
            );
            assert_eq!(fs::read(host.dir().join("archive").join(name)).unwrap(), *content);
        }
    }

    #[tokio::test]
    async fn a_body_may_be_said_to_be_bytes_and_text_may_be_asked_for() {
        let found = taken(&TestHost::new("In"), json!({ "body_class": "bytes" }), &[("a", b"text")]).await;
        assert_eq!((found[0].1, &found[0].2), ("Bytes", &Fate::Deliver));
        let host = TestHost::new("In");
        let settings =
            json!({ "body_class": "text", "on_error": "move", "error_path": "error", "order": "name" });
        let found = taken(&host, settings, &[("a", b"text"), ("b", b"\xff\xfe")]).await;
        assert_eq!((found[0].1, &found[0].2), ("Text", &Fate::Deliver));
        assert!(
            matches!(&found[1].2, Fate::Refuse(reason) if reason.contains("no text of the charset UTF-8"))
        );
        assert_eq!(&host.arrivals()[1].body.content()[..], b"\xff\xfe", "kept as it came");
        assert_eq!(fs::read(host.dir().join("error/b")).unwrap(), b"\xff\xfe");
    }

    #[tokio::test]
    async fn a_file_that_is_too_long_is_refused_and_stays() {
        let host = TestHost::new("In");
        let long = vec![b'x'; 1_025];
        let files: [(&str, &[u8]); 2] = [("a", &long), ("b", &long[1..])];
        let found = taken(&host, json!({ "max_message_size": "1KiB", "order": "name" }), &files).await;
        assert!(
            matches!(&found[0].2, Fate::Refuse(reason) if reason.contains("1025 bytes; expected at most 1024"))
        );
        assert_eq!((found[1].1, &found[1].2), ("Text", &Fate::Deliver));
        assert!(host.dir().join("in/a").is_file() && !host.dir().join("in/b").exists());
    }
}
