//! Who signs in.

use serde_json::{Map, Value, json};

use crate::secret::Secret;

/// Claims that the scope `profile` asks for (OpenID Connect Core §5.4).
const PROFILE: &[&str] = &[
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];

/// A user who can sign in and consent.
///
/// ```
/// use mock_idp::User;
///
/// let user = User::new("alice").name("Alice Example").email("alice@example.com").claim("groups", ["admins"]);
/// assert_eq!(user.claims["groups"][0], "admins");
/// ```
#[derive(Debug, Clone)]
pub struct User {
    /// `sub`, and the name to sign in with.
    pub subject: String,
    /// `name`: told to whoever has the scope `profile`.
    pub name: Option<String>,
    /// `email`: told to whoever has the scope `email`; signs in as well as the subject.
    pub email: Option<String>,
    /// Asked for by the login page; without one any is right.
    pub password: Option<Secret>,
    /// Other claims. Those of OpenID Connect Core §5.4 are told to whoever has their scope, others to everybody.
    pub claims: Map<String, Value>,
}

impl User {
    /// A user of whom nothing but the subject is known.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), name: None, email: None, password: None, claims: Map::new() }
    }

    /// The same user with a name.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The same user with an address, which is said to be verified.
    #[must_use]
    pub fn email(self, email: impl Into<String>) -> Self {
        Self { email: Some(email.into()), ..self }
    }

    /// The same user with a password.
    #[must_use]
    pub fn password(self, password: impl Into<String>) -> Self {
        Self { password: Some(Secret::new(password)), ..self }
    }

    /// The same user with one more claim.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Whether this is the user who signs in as `text`.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        self.subject == text || self.email.as_deref() == Some(text)
    }

    /// What is told of the user to whoever has these scopes (OpenID Connect Core §5.4).
    pub(crate) fn told(&self, scopes: &[String]) -> Map<String, Value> {
        let has = |scope: &str| scopes.iter().any(|one| one == scope);
        let mut told = Map::new();
        told.insert("sub".into(), json!(self.subject));
        if let (true, Some(name)) = (has("profile"), &self.name) {
            told.insert("name".into(), json!(name));
        }
        if let (true, Some(email)) = (has("email"), &self.email) {
            told.insert("email".into(), json!(email));
            told.insert("email_verified".into(), json!(true));
        }
        for (name, value) in &self.claims {
            if name != "sub" && scope_of(name).is_none_or(has) {
                told.insert(name.clone(), value.clone());
            }
        }
        told
    }
}

fn scope_of(claim: &str) -> Option<&'static str> {
    match claim {
        "email" | "email_verified" => Some("email"),
        "address" => Some("address"),
        "phone_number" | "phone_number_verified" => Some("phone"),
        _ => PROFILE.contains(&claim).then_some("profile"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_told_with_its_scope_and_never_another_subject() {
        let user = User::new("alice").name("Alice").email("a@example.com").claim("locale", "de").claim("sub", "bob");
        let user = user.claim("email_verified", false).claim("groups", ["admins"]);
        let told = |scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            Value::Object(user.told(&scopes))
        };
        assert_eq!(told(&["openid"]), json!({"sub": "alice", "groups": ["admins"]}));
        assert_eq!(told(&["profile"]), json!({"sub": "alice", "name": "Alice", "locale": "de", "groups": ["admins"]}));
        let email = json!({"sub": "alice", "email": "a@example.com", "email_verified": false, "groups": ["admins"]});
        assert_eq!(told(&["email"]), email);
    }
}
