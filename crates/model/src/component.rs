//! What a component is: a name, settings, and the host it builds.

use async_trait::async_trait;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    BusinessType, Checks, Decision, Failure, HostContext, Library, MessageBody, MessageHeader, Step,
    Timestamp,
};

/// A message in the hands of a host.
#[derive(Debug, Clone)]
pub struct Message {
    /// The hop.
    pub header: MessageHeader,
    /// The payload, shared with every other hop of it.
    pub body: MessageBody,
}

/// Takes messages in.
#[async_trait]
pub trait BusinessService: Send {
    /// Sets up, says so ([`HostPort::started`](crate::HostPort::started)), and takes in until
    /// [`HostPort::stopping`](crate::HostPort::stopping). Returning before that is a failure of the host:
    /// after a temporary one the engine builds the service anew.
    ///
    /// # Errors
    /// Why it cannot go on.
    async fn run(&mut self, host: &HostContext) -> Result<(), Failure>;
}

/// Decides what becomes of messages.
#[async_trait]
pub trait BusinessProcess: Send {
    /// Called once before the first message.
    ///
    /// # Errors
    /// Why it cannot take messages (yet).
    async fn start(&mut self, _host: &HostContext) -> Result<(), Failure> {
        Ok(())
    }

    /// Decides about one message.
    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision;

    /// Decides about several, in order, and may stop early: what has no decision was not looked at.
    /// Nothing may be looked at behind a decision that holds the queue.
    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(requests.len());
        for request in requests {
            decisions.push(self.on_message(request, host).await);
            if decisions.last().is_some_and(Decision::holds_queue) || host.is_stopping() {
                break;
            }
        }
        decisions
    }

    /// When it wants to be woken; asked again after everything it did. None where messages alone move it.
    fn next_wake(&self) -> Option<Timestamp> {
        None
    }

    /// Its time has come, and every answer that was there before has been handed over: what it does now.
    /// Each step is a change of its own; those that are due and not among them are asked for again.
    ///
    /// # Errors
    /// Why it cannot go on (yet): it is built anew.
    async fn on_wake(&mut self, _host: &HostContext) -> Result<Vec<Step>, Failure> {
        Ok(Vec::new())
    }
}

/// Sends messages out. Called only when the header that ordered it is durable.
#[async_trait]
pub trait BusinessOperation: Send {
    /// Called once before the first message.
    ///
    /// # Errors
    /// Why it cannot take messages (yet).
    async fn start(&mut self, _host: &HostContext) -> Result<(), Failure> {
        Ok(())
    }

    /// Sends one message out.
    async fn on_message(&mut self, request: &Message, host: &HostContext) -> Decision;

    /// Sends several out, in order, and may stop early: what has no decision was not tried.
    /// Nothing may be sent behind a decision that holds the queue.
    async fn on_messages(&mut self, requests: &[Message], host: &HostContext) -> Vec<Decision> {
        let mut decisions = Vec::with_capacity(requests.len());
        for request in requests {
            decisions.push(self.on_message(request, host).await);
            if decisions.last().is_some_and(Decision::holds_queue) || host.is_stopping() {
                break;
            }
        }
        decisions
    }
}

/// A host as its component builds it: nothing is open, nothing runs.
pub enum Built {
    /// Takes in.
    Service(Box<dyn BusinessService>),
    /// Decides.
    Process(Box<dyn BusinessProcess>),
    /// Sends out.
    Operation(Box<dyn BusinessOperation>),
}

/// Why a host cannot be built from its settings.
#[derive(Debug, thiserror::Error)]
#[error("setting \"{path}\": {message}")]
pub struct BuildError {
    /// The path below `settings`; empty for all of it.
    pub path: String,
    /// What was found and what was wanted.
    pub message: String,
}

/// A reusable kind of host. One file, in this order: module doc, settings, this, tests.
pub trait Component {
    /// The name in YAML, as in `hl7.file`. A service and an operation may share one.
    const TYPE: &'static str;
    /// What kind of host it builds.
    const BUSINESS_TYPE: BusinessType;
    /// One line for listings, lower case, no final stop.
    const SUMMARY: &'static str;
    /// A YAML example of one item, as it stands below `services:`, `processes:` or `operations:`.
    const EXAMPLE: &'static str;
    /// Whether a message's effects leave the engine (true for operations): then it is handed over
    /// only when its header is durable.
    const OUTSIDE_EFFECTS: bool = matches!(Self::BUSINESS_TYPE, BusinessType::BusinessOperation);
    /// Whether there may be one worker only, since what it remembers would not agree otherwise.
    const ONE_WORKER: bool = false;
    /// What an engineer may set. `deny_unknown_fields`; every field has a doc sentence.
    type Settings: DeserializeOwned + Serialize + JsonSchema;

    /// Whether effects leave the engine with these settings, where it is for them to say.
    fn leaves_engine(_settings: &Self::Settings) -> bool {
        Self::OUTSIDE_EFFECTS
    }

    /// Reports what is wrong with the settings, seen beside [`Checks::library`]. It changes nothing and connects
    /// to nothing; files that the settings name, and the time, are for [`Machine`](crate::Machine) to tell.
    fn check(settings: &Self::Settings, checks: &mut Checks);

    /// Makes the host; `library` is what the production defines beside its items. May allocate and compile
    /// patterns; may not spawn or open anything.
    ///
    /// # Errors
    /// What `check` would have reported.
    fn build(settings: Self::Settings, library: &Library) -> Result<Built, BuildError>;
}

/// A component, with its types erased.
#[derive(Clone, Copy)]
pub struct ComponentSpec {
    /// The name in YAML.
    pub type_name: &'static str,
    /// What kind of host it builds.
    pub business_type: BusinessType,
    /// One line for listings.
    pub summary: &'static str,
    /// A YAML example of one item.
    pub example: &'static str,
    /// Whether a message's effects leave the engine.
    pub outside_effects: bool,
    /// Whether there may be one worker only.
    pub one_worker: bool,
    schema: fn() -> Schema,
    leaves_engine: fn(Value) -> bool,
    fits: fn(Value) -> Result<(), BuildError>,
    check: fn(Value, &mut Checks),
    build: fn(Value, &Library) -> Result<Built, BuildError>,
}

impl ComponentSpec {
    /// The spec of component `C`.
    pub const fn of<C: Component>() -> Self {
        ComponentSpec {
            type_name: C::TYPE,
            business_type: C::BUSINESS_TYPE,
            summary: C::SUMMARY,
            example: C::EXAMPLE,
            outside_effects: C::OUTSIDE_EFFECTS,
            one_worker: C::ONE_WORKER,
            schema: schema::<C>,
            leaves_engine: leaves_engine::<C>,
            fits: fits::<C>,
            check: check::<C>,
            build: build::<C>,
        }
    }

    /// The JSON Schema (draft 7) of the settings, with each setting's default and meaning.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Whether a message's effects leave the engine with these settings.
    pub fn leaves_engine(&self, settings: Value) -> bool {
        self.outside_effects || (self.leaves_engine)(settings)
    }

    /// Whether settings have the types that the component reads, before any meaning is checked.
    ///
    /// # Errors
    /// The first setting that has not.
    pub fn fits(&self, settings: Value) -> Result<(), BuildError> {
        (self.fits)(settings)
    }

    /// Checks settings. A setting of a wrong type is one error note, and ends the check.
    pub fn check(&self, settings: Value, checks: &mut Checks) {
        (self.check)(settings, checks);
    }

    /// Builds a host from checked settings.
    ///
    /// # Errors
    /// What [`ComponentSpec::check`] would have reported.
    pub fn build(&self, settings: Value, library: &Library) -> Result<Built, BuildError> {
        (self.build)(settings, library)
    }
}

impl std::fmt::Debug for ComponentSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ComponentSpec({} {})", self.business_type, self.type_name)
    }
}

fn schema<C: Component>() -> Schema {
    let settings = schemars::generate::SchemaSettings::draft07().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<C::Settings>()
}

fn read<C: Component>(settings: Value) -> Result<C::Settings, BuildError> {
    serde_path_to_error::deserialize(&settings).map_err(|error| {
        let message = error.inner().to_string();
        let path = match error.path().to_string() {
            path if path == "." => culprit::<C::Settings>(&settings, &message).unwrap_or_default(),
            path => path,
        };
        BuildError { path, message }
    })
}

/// The setting at which an error without a place lies, as those of flattened settings are: left out, the
/// error is gone or is another one.
fn culprit<S: DeserializeOwned>(settings: &Value, message: &str) -> Option<String> {
    const MISSING: &str = "missing field";
    let all = settings.as_object().filter(|_| !message.starts_with(MISSING))?;
    let mut required = Vec::new();
    for key in all.keys() {
        let mut others = all.clone();
        others.remove(key);
        match S::deserialize(Value::Object(others)).err().map(|error| error.to_string()) {
            Some(error) if error == message => {}
            Some(error) if error.starts_with(MISSING) => required.push(key),
            _ => return Some(key.clone()),
        }
    }
    // Leaving out a setting that must be there says little when there are several of them.
    let [only] = required[..] else { return None };
    Some(only.clone())
}

/// With settings that cannot be read nothing is built.
fn leaves_engine<C: Component>(settings: Value) -> bool {
    read::<C>(settings).is_ok_and(|settings| C::leaves_engine(&settings))
}

fn fits<C: Component>(settings: Value) -> Result<(), BuildError> {
    read::<C>(settings).map(drop)
}

fn check<C: Component>(settings: Value, checks: &mut Checks) {
    match read::<C>(settings) {
        Ok(settings) => C::check(&settings, checks),
        Err(error) => checks.error(error.path, error.message),
    }
}

fn build<C: Component>(settings: Value, library: &Library) -> Result<Built, BuildError> {
    C::build(read::<C>(settings)?, library)
}

/// The visible list of components, in order.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue(pub &'static [ComponentSpec]);

impl Catalogue {
    /// The component of that type for that kind of host.
    pub fn find(&self, business_type: BusinessType, type_name: &str) -> Option<&'static ComponentSpec> {
        self.0.iter().find(|spec| spec.business_type == business_type && spec.type_name == type_name)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct All {
        _own: Option<u8>,
        #[serde(flatten)]
        _shared: Shared,
    }

    #[derive(Debug, Deserialize)]
    struct Shared {
        _size: u8,
        _flag: Option<bool>,
    }

    #[test]
    fn an_error_of_flattened_settings_is_told_where_it_is() {
        for (settings, wanted) in [
            (json!({ "_own": 1, "_size": "x" }), Some("_size")),
            (json!({ "_own": 1, "_size": 1, "_flag": "x" }), Some("_flag")),
            (json!({ "_own": 1, "_size": 1, "_flga": true }), Some("_flga")),
            (json!({ "_own": 1 }), None),
        ] {
            let error = All::deserialize(&settings).unwrap_err().to_string();
            assert_eq!(culprit::<All>(&settings, &error).as_deref(), wanted, "{error}");
        }
    }
}
