//! Who may present a token, where having it is not enough, and who acts with it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

/// What a token is bound to, and who acts with it. Most tokens are for any bearer and have nothing of this.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holder {
    /// What whoever presents the token must prove.
    pub binding: Binding,
    /// Who acts for the subject (RFC 8693 §4.1), and for whom that one acts in turn.
    pub actor: Option<Value>,
    /// Who may become the actor (RFC 8693 §4.4). Whoever the server lets, if `None`.
    pub may_act: Option<Value>,
}

/// Keys that a token is bound to (RFC 7800 §3.1). Each that there is must be proved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binding {
    /// `jkt`: the thumbprint of the key of the DPoP proofs (RFC 9449 §6.1).
    pub jkt: Option<String>,
    /// `x5t#S256`: the thumbprint of the certificate of the TLS connection (RFC 8705 §3.1).
    pub x5t_s256: Option<String>,
}

impl Binding {
    /// Whether any bearer may present the token.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether what a request proved is what this asks for.
    pub fn is_met_by(&self, proved: &Self) -> bool {
        let met = |asked: &Option<String>, proved: &Option<String>| asked.is_none() || asked == proved;
        met(&self.jkt, &proved.jkt) && met(&self.x5t_s256, &proved.x5t_s256)
    }

    /// What a `cnf` says; `None` if it asks for a proof that is not known here.
    pub(crate) fn of_claim(cnf: &Value) -> Option<Self> {
        let mut binding = Self::default();
        for (name, thumbprint) in cnf.as_object()? {
            let thumbprint = Some(thumbprint.as_str()?.to_owned());
            match name.as_str() {
                "jkt" => binding.jkt = thumbprint,
                "x5t#S256" => binding.x5t_s256 = thumbprint,
                _ => return None,
            }
        }
        Some(binding)
    }

    /// `cnf`.
    pub(crate) fn claim(&self) -> Option<Value> {
        let mut claim = Map::new();
        let members = [("jkt", &self.jkt), ("x5t#S256", &self.x5t_s256)];
        claim.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
        (!claim.is_empty()).then_some(Value::Object(claim))
    }
}

impl Holder {
    /// What is noted with a token: nothing, if there is nothing to note.
    pub(crate) fn shared(self) -> Option<Arc<Self>> {
        (self != Self::default()).then(|| Arc::new(self))
    }

    /// `token_type` (RFC 6749 §7.1, RFC 9449 §5).
    pub(crate) fn token_type(this: Option<&Self>) -> &'static str {
        match this.is_some_and(|holder| holder.binding.jkt.is_some()) {
            true => "DPoP",
            false => "Bearer",
        }
    }
}
