//! Secrets in settings: never shown, and compared so that nobody learns from how long that takes.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A value that is never shown: not by `Debug`, not when settings are written out.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("<secret>")
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

impl Secret {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value itself, to be told to the one it is meant for.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that depends on the length of `given` alone.
    pub(crate) fn is(&self, given: &str) -> bool {
        let known = self.0.as_bytes();
        let mut different = u8::from(known.len() != given.len());
        for (at, byte) in given.bytes().enumerate() {
            let other = if known.is_empty() { 0 } else { known[at % known.len()] };
            different |= std::hint::black_box(byte ^ other);
        }
        different == 0 && !known.is_empty()
    }
}

/// Whether user and password are among `users`. An unknown user takes as long as a known one.
pub(crate) fn is_known(users: &BTreeMap<String, Secret>, user: &str, password: &str) -> bool {
    let nobody = Secret("-".repeat(16));
    match users.get(user) {
        Some(known) => known.is(password),
        None => {
            std::hint::black_box(nobody.is(password));
            false
        }
    }
}

/// The name under which `token` is known. Every known token is compared.
pub(crate) fn bearer<'a>(tokens: &'a BTreeMap<String, Secret>, token: &str) -> Option<&'a str> {
    let mut found = None;
    for (name, known) in tokens {
        if known.is(token) {
            found = Some(name.as_str());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs.iter().map(|(name, secret)| ((*name).to_owned(), Secret((*secret).to_owned()))).collect()
    }

    #[test]
    fn who_is_known_is_known_exactly() {
        let users = known(&[("_SYSTEM", "SYS"), ("empty", "")]);
        for (user, password, right) in [
            ("_SYSTEM", "SYS", true),
            ("_SYSTEM", "SYSSYS", false),
            ("_SYSTEM", "SY", false),
            ("_SYSTEM", "", false),
            ("_system", "SYS", false),
            ("nobody", "SYS", false),
            ("nobody", "----------------", false),
            ("empty", "", false),
        ] {
            assert_eq!(is_known(&users, user, password), right, "{user} {password}");
        }
        let tokens = known(&[("portal", "abc"), ("ward", "def")]);
        assert_eq!(bearer(&tokens, "def"), Some("ward"));
        assert_eq!(bearer(&tokens, "de"), None);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret("hunter2".into());
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"<secret>\"");
    }
}
