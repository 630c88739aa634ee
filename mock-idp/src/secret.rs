//! Values that are never printed whole.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use subtle::ConstantTimeEq;

/// A token or client secret. `Debug` shows a digest; [`Secret::expose`] is the only way to the value. Clones share it.
#[derive(Clone)]
pub struct Secret(Arc<Value>);

enum Value {
    Known(Box<str>),
    /// Made when it is first asked for, by whoever asks: a JWT is decided under a lock and signed outside of it.
    Deferred(LazyLock<String, Box<dyn FnOnce() -> String + Send + Sync>>),
}

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Arc::new(Value::Known(value.into().into_boxed_str())))
    }

    /// A value that `make` makes when it is first asked for, once.
    pub(crate) fn deferred(make: impl FnOnce() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(Value::Deferred(LazyLock::new(Box::new(make)))))
    }

    /// Whether asking for the value makes it, or waits until it is made.
    pub(crate) fn is_deferred(&self) -> bool {
        matches!(*self.0, Value::Deferred(_))
    }

    /// The value itself.
    pub fn expose(&self) -> &str {
        match &*self.0 {
            Value::Known(value) => value,
            Value::Deferred(value) => value,
        }
    }

    /// The part that is random, so that finding a stretch of it elsewhere is a leak: of a JWT its signature, of an
    /// opaque token what follows its prefix.
    pub fn random_part(&self) -> &str {
        let after_dots = self.expose().rsplit('.').next().unwrap_or_else(|| self.expose());
        after_dots.split_once('_').filter(|(prefix, _)| prefix.len() <= 4).map_or(after_dots, |(_, rest)| rest)
    }

    /// Names it without telling it: a few digits of a digest, as in `sha256:0a1b2c3d`.
    pub fn fingerprint(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.expose().as_bytes());
        let digits: String = digest.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{digits}")
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &str) -> bool {
        self.expose().as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(feature = "file")]
impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1 })
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for Secret {}

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

/// A secret of a client, and from when until when it is good, by the identity provider's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// Its value.
    pub value: Secret,
    /// When it becomes good, in milliseconds since the Unix epoch; `None` if it always was.
    pub from_ms: Option<i64>,
    /// When it is over, likewise; `None` if it never is.
    pub until_ms: Option<i64>,
}

impl ClientSecret {
    /// A secret that is always good.
    pub fn new(value: impl Into<String>) -> Self {
        Secret::new(value).into()
    }

    /// The same secret, good from then on.
    #[must_use]
    pub fn from_ms(self, from_ms: i64) -> Self {
        Self { from_ms: Some(from_ms), ..self }
    }

    /// The same secret, good until then.
    #[must_use]
    pub fn until_ms(self, until_ms: i64) -> Self {
        Self { until_ms: Some(until_ms), ..self }
    }

    /// Whether its time has come.
    pub(crate) fn has_begun(&self, now_ms: i64) -> bool {
        self.from_ms.is_none_or(|from_ms| from_ms <= now_ms)
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self, now_ms: i64) -> bool {
        self.until_ms.is_some_and(|until_ms| until_ms <= now_ms)
    }
}

impl From<Secret> for ClientSecret {
    fn from(value: Secret) -> Self {
        Self { value, from_ms: None, until_ms: None }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.fingerprint())
    }
}

/// By what a value is found: half of its SHA-256, so that the time of a look-up tells nothing of the value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 16]);

impl Digest {
    pub(crate) fn of(value: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_ref()[..16]);
        Self(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_part_leaves_out_what_all_tokens_share() {
        assert_eq!(Secret::new("tlat_Abc1").random_part(), "Abc1");
        assert_eq!(Secret::new("head.claims.signa_ture").random_part(), "signa_ture");
        assert_eq!(Secret::new("plain").random_part(), "plain");
    }

    #[test]
    fn a_deferred_value_is_made_once_when_it_is_asked_for() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let made = Arc::new(AtomicUsize::new(0));
        let secret = Secret::deferred({
            let made = Arc::clone(&made);
            move || format!("made {}", made.fetch_add(1, Ordering::Relaxed))
        });
        let clone = secret.clone();
        assert_eq!(made.load(Ordering::Relaxed), 0, "cloning does not ask");
        assert_eq!((secret.expose(), clone.expose()), ("made 0", "made 0"));
    }

    #[test]
    fn debug_shows_a_digest_only() {
        let shown = format!("{:?}", Secret::new("tlat_Abc1"));
        assert!(shown.starts_with("Secret(sha256:") && !shown.contains("Abc1"), "{shown}");
    }
}
