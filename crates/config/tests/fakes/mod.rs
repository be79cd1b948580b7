//! Components that check their settings as real ones do, and run nothing.

use std::collections::BTreeMap;

use model::{
    BuildError, Built, BusinessType, ByteSize, Catalogue, Checks, Claim, Component, ComponentSpec, Library,
    Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All of them.
pub(crate) const CATALOGUE: Catalogue = Catalogue(&[
    ComponentSpec::of::<FileService>(),
    ComponentSpec::of::<SocketService>(),
    ComponentSpec::of::<Router>(),
    ComponentSpec::of::<Invocation>(),
    ComponentSpec::of::<FileOperation>(),
]);

fn none<S>(_: S) -> Result<Built, BuildError> {
    Err(BuildError { path: String::new(), message: "a fake runs nothing".to_owned() })
}

macro_rules! component {
    ($name:ident, $type:literal, $kind:ident, $settings:ty) => {
        /// A fake.
        pub(crate) struct $name;
        impl Component for $name {
            const TYPE: &'static str = $type;
            const BUSINESS_TYPE: BusinessType = BusinessType::$kind;
            const SUMMARY: &'static str = "a fake";
            const EXAMPLE: &'static str = "";
            type Settings = $settings;
            fn check(settings: &Self::Settings, checks: &mut Checks) {
                settings.check(checks);
            }
            fn build(settings: Self::Settings, _library: &Library) -> Result<Built, BuildError> {
                none(settings)
            }
        }
    };
}

component!(FileService, "hl7.file", BusinessService, FileIn);
component!(SocketService, "websocket", BusinessService, Socket);
component!(Router, "hl7.router", BusinessProcess, Rules);
component!(Invocation, "socket.invocation", BusinessProcess, Broadcast);
component!(FileOperation, "hl7.file", BusinessOperation, FileOut);

/// When a file is complete.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Confirm {
    /// At once.
    Never,
    /// When its size stands still.
    #[default]
    SizeStable,
    /// When it has been renamed.
    Rename,
}

fn every_five_seconds() -> Span {
    Span::secs(5)
}

/// Settings of the file service.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileIn {
    /// The folder to take files from.
    file_path: String,
    /// Which files to take.
    #[serde(default = "all_hl7")]
    file_spec: String,
    /// Where to put what was taken.
    #[serde(default)]
    archive_path: Option<String>,
    /// How often to look.
    #[serde(default = "every_five_seconds")]
    polling_interval: Span,
    /// When a file is complete.
    #[serde(default)]
    confirm_complete: Confirm,
    /// The largest file.
    #[serde(default)]
    max_size: Option<ByteSize>,
}

fn all_hl7() -> String {
    "*.hl7".to_owned()
}

impl FileIn {
    fn check(&self, checks: &mut Checks) {
        if self.file_path.is_empty() {
            checks.error("file_path", "file_path is empty; expected a folder");
        }
        if self.polling_interval.0.is_zero() {
            checks.warning("polling_interval", "polling_interval is 0; the folder is looked at all the time");
            checks.help("use 1s");
        }
        checks.claim("file_path", Claim::TakeFrom(self.file_path.clone(), self.file_spec.clone()));
        if let Some(archive) = &self.archive_path {
            checks.claim("archive_path", Claim::WriteTo(archive.clone()));
        }
    }
}

/// A port, as a text that only serde can judge.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Address(String);

impl TryFrom<String> for Address {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.rsplit_once(':').map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(_)) => Ok(Address(text)),
            _ => Err(format!("address is \"{text}\"; expected host:port, as in 127.0.0.1:52774")),
        }
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.0
    }
}

impl JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

fn here() -> Address {
    Address("127.0.0.1:52774".to_owned())
}

/// Settings of the socket service.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Socket {
    /// Where to listen.
    #[serde(default = "here")]
    listen: Address,
    /// Where to listen as well.
    #[serde(default)]
    also: Option<Address>,
    /// The path.
    #[serde(default)]
    path: String,
    /// Passwords by user.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    users: BTreeMap<String, String>,
    /// The most sockets.
    #[serde(default)]
    max_sockets: u16,
    /// Whether to compress.
    #[serde(default)]
    compress: bool,
}

impl Socket {
    fn check(&self, checks: &mut Checks) {
        if let Some(also) = &self.also {
            checks.claim("also", Claim::Listen(also.0.clone(), self.path.clone()));
        }
        checks.claim("listen", Claim::Listen(self.listen.0.clone(), self.path.clone()));
    }
}

/// Settings of the router.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// The rules, in order.
    rules: Vec<Rule>,
    /// Where bad messages go.
    #[serde(default)]
    bad_message_handler: Option<String>,
}

/// One rule.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// Its name.
    #[serde(default)]
    name: String,
    /// Whose messages it is for.
    #[serde(default)]
    source: Option<String>,
    /// The condition.
    #[serde(default)]
    when: Option<String>,
    /// Where to send.
    #[serde(default)]
    send: Vec<String>,
    /// Whether to stop here.
    #[serde(default)]
    stop: bool,
    /// Whether this is for what no rule took.
    #[serde(default)]
    otherwise: bool,
}

impl Rules {
    fn check(&self, checks: &mut Checks) {
        for (index, rule) in self.rules.iter().enumerate() {
            if let Some(start) = rule.when.as_ref().and_then(|when| when.find("PDI")) {
                checks.error_at(
                    format!("rules[{index}].when"),
                    start..start + 3,
                    "no segment is called \"PDI\"",
                );
                checks.help("did you mean \"PID\"?");
            }
            if let Some(source) = &rule.source {
                checks.comes_from(format!("rules[{index}].source"), source);
            }
            if rule.when.is_none() && !rule.otherwise {
                checks
                    .error(format!("rules[{index}]"), "a rule has no condition; expected when or otherwise");
            }
            for (at, name) in rule.send.iter().enumerate() {
                checks.sends_to(format!("rules[{index}].send[{at}]"), name);
            }
        }
        if let Some(handler) = &self.bad_message_handler {
            checks.sends_to("bad_message_handler", handler);
        }
    }
}

/// Settings of the broadcast.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broadcast {
    /// The server whose sockets are written to.
    server: String,
    /// The text.
    message: String,
}

impl Broadcast {
    fn check(&self, checks: &mut Checks) {
        checks.uses("server", &self.server, "websocket");
    }
}

/// Settings of the file operation.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileOut {
    /// The folder to write to.
    file_path: String,
    /// What to call files.
    #[serde(default)]
    file_name: String,
}

impl FileOut {
    fn check(&self, checks: &mut Checks) {
        checks.claim("file_path", Claim::WriteTo(self.file_path.clone()));
    }
}
