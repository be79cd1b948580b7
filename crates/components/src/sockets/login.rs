//! The first message of a client that says who it is.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::adapters::secret::{Secret, is_known};

/// The first message of a client that authenticates so: exactly `{"User": "...", "Password": "..."}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Login {
    pub(crate) user: String,
    password: Secret,
}

impl Login {
    /// Reads `text` as a login; none when it is anything else.
    pub(crate) fn read(text: &str) -> Option<Login> {
        if !text.trim_start().starts_with('{') {
            return None;
        }
        serde_json::from_str(text).ok()
    }

    /// Whether user and password are among `users`. An unknown user takes as long as a known one.
    pub(crate) fn is_one_of(&self, users: &BTreeMap<String, Secret>) -> bool {
        is_known(users, &self.user, self.password.reveal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_is_a_login() {
        for (text, is_login) in [
            (r#"{"User": "_SYSTEM", "Password": "SYS"}"#, true),
            (r#" { "Password":"SYS","User":"_SYSTEM" } "#, true),
            (r#"{"User": "_SYSTEM"}"#, false),
            (r#"{"User": "_SYSTEM", "Password": 7}"#, false),
            (r#"{"User": "_SYSTEM", "Password": "SYS", "More": 1}"#, false),
            (r#"{"user": "_SYSTEM", "password": "SYS"}"#, false),
            (r#"["User", "Password"]"#, false),
            ("User Password", false),
            ("", false),
        ] {
            assert_eq!(Login::read(text).is_some(), is_login, "{text}");
        }
    }
}
