//! Values that no command ever writes out again.

/// What stands for a secret wherever values are shown.
pub(crate) const MASK: &str = "<secret>";

/// Every secret text of a production.
#[derive(Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    pub(crate) fn add(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push(text.to_owned());
        }
    }

    /// The text without any secret in it. A very short one is taken out only where it stands in
    /// quotes, since its letters are in every sentence.
    pub(crate) fn mask(&self, mut text: String) -> String {
        for secret in &self.0 {
            text = text.replace(&format!("\"{secret}\""), MASK);
            if secret.chars().count() > 3 {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        text
    }
}

/// Whether the environment variable of that name holds a secret, by the words people use.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "PRIVATE_KEY", "API_KEY"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_of_texts() {
        let mut secrets = Secrets::default();
        secrets.add("hunter2");
        secrets.add("is");
        let text = "password is \"hunter2\" or \"is\", not xhunter2x".to_owned();
        assert_eq!(secrets.mask(text), "password is <secret> or <secret>, not x<secret>x");
        assert!(is_secret_name("SOCKET_PASSWORD") && !is_secret_name("PORT"));
    }
}
