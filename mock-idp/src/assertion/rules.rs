//! What an assertion must say (RFC 7521 §5.1, RFC 7523 §3).

use std::time::Duration;

use super::{Flaw, Jwt};
use crate::config::Listener;
use crate::endpoint::{Call, Endpoint};

/// What assertions must be like. The default is the strictest reading of RFC 7523 that ordinary clients keep to; a
/// dialect may have other rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionRules {
    /// Which `aud` are right; one of those that an assertion names must be.
    pub audiences: Vec<Audience>,
    /// Longest time from `iat`, if there is one, and from now to `exp`. `None`: any.
    pub max_lifetime: Option<Duration>,
    /// So much may the signer's clock be wrong, in both directions.
    pub skew: Duration,
    /// Whether there must be a `jti`. If there is one, it is good once in any case.
    pub jti_required: bool,
    /// Longest assertion, in bytes. `None`: what fits into a request.
    pub max_length: Option<usize>,
    /// Longest `iss`, `sub` and `jti`, in characters. `None`: any.
    pub max_claim_length: Option<usize>,
}

/// An `aud` that means this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The issuer identifier.
    Issuer,
    /// The address of the token endpoint, whichever endpoint is called.
    TokenEndpoint,
    /// The address of the endpoint that is called.
    CalledEndpoint,
    /// This text.
    Exactly(String),
}

impl Default for AssertionRules {
    fn default() -> Self {
        Self {
            audiences: vec![Audience::Issuer, Audience::TokenEndpoint, Audience::CalledEndpoint],
            max_lifetime: Some(Duration::from_secs(3600)),
            skew: Duration::ZERO,
            jti_required: true,
            max_length: None,
            max_claim_length: None,
        }
    }
}

/// Where an assertion arrives.
pub(crate) struct Place {
    pub(crate) issuer: String,
    pub(crate) token_endpoint: Option<String>,
    pub(crate) called: Option<String>,
}

impl Place {
    pub(crate) fn of(call: &Call, listener: &Listener) -> Self {
        Self {
            issuer: call.vendor.issuer(&listener.origin),
            token_endpoint: call.vendor.url(Endpoint::Token, &listener.origin),
            called: (!call.path.is_empty()).then(|| format!("{}{}", listener.origin, call.path)),
        }
    }
}

impl AssertionRules {
    /// Whether an assertion of so many bytes is short enough to be looked at.
    pub(crate) fn check_length(&self, length: usize) -> Result<(), Flaw> {
        match self.max_length {
            Some(longest) if length > longest => Err(format!("it is longer than {longest} bytes").into()),
            _ => Ok(()),
        }
    }

    /// The same rules with further audiences.
    pub(crate) fn and_audiences(&self, more: &[String]) -> Self {
        let mut rules = self.clone();
        rules.audiences.extend(more.iter().cloned().map(Audience::Exactly));
        rules
    }

    /// The same rules with this audience and no other.
    pub(crate) fn only_audience(&self, audience: &str) -> Self {
        Self { audiences: vec![Audience::Exactly(audience.to_owned())], ..self.clone() }
    }

    /// Whether its claims are right, here and now. Gives the time until which it could be presented again, in
    /// milliseconds since the Unix epoch.
    pub(crate) fn check(&self, jwt: &Jwt, place: &Place, now_ms: i64) -> Result<i64, Flaw> {
        self.check_audience(jwt, place)?;
        for claim in ["iss", "sub", "jti"] {
            let length = jwt.text(claim).map_or(0, |text| text.chars().count());
            if let Some(longest) = self.max_claim_length.filter(|longest| length > *longest) {
                return Err(format!("{claim} is longer than {longest} characters").into());
            }
        }
        if self.jti_required && jwt.text("jti").is_none() {
            return Err("jti is missing".into());
        }
        self.check_time(jwt, now_ms)
    }

    fn check_audience(&self, jwt: &Jwt, place: &Place) -> Result<(), Flaw> {
        let right = |given: &str| {
            self.audiences.iter().any(|audience| match audience {
                Audience::Issuer => given == place.issuer,
                Audience::TokenEndpoint => Some(given) == place.token_endpoint.as_deref(),
                Audience::CalledEndpoint => Some(given) == place.called.as_deref(),
                Audience::Exactly(text) => given == text,
            })
        };
        let given = jwt.audiences();
        match given.iter().any(|given| right(given)) {
            true => Ok(()),
            false if given.is_empty() => Err("aud is missing".into()),
            false => Err("aud names another server".into()),
        }
    }

    fn check_time(&self, jwt: &Jwt, now_ms: i64) -> Result<i64, Flaw> {
        let exp_ms = jwt.time_ms("exp")?.ok_or("exp is missing")?;
        let skew_ms = milliseconds(self.skew);
        let until_ms = exp_ms.saturating_add(skew_ms);
        if now_ms >= until_ms {
            return Err("it has expired".into());
        }
        for claim in ["nbf", "iat"] {
            if jwt.time_ms(claim)?.is_some_and(|time_ms| time_ms > now_ms.saturating_add(skew_ms)) {
                return Err(format!("{claim} is in the future").into());
            }
        }
        if let Some(longest) = self.max_lifetime {
            let longest_ms = milliseconds(longest);
            let too_far = exp_ms > now_ms.saturating_add(longest_ms).saturating_add(skew_ms);
            let too_long = jwt.time_ms("iat")?.is_some_and(|iat_ms| exp_ms.saturating_sub(iat_ms) > longest_ms);
            if too_far || too_long {
                return Err(format!("exp is more than {} s away", longest.as_secs()).into());
            }
        }
        Ok(until_ms)
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
