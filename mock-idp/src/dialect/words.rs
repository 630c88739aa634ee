//! A profile in words, which is where the table of facts comes from: nothing is written down twice.

use super::fact::{Fact, Known};
use super::profile::{
    Assertion, AssertionAudience, Audience, ErrorBody, Format, Numbers, Profile, Refresh, Refusal, Revocation, Scope,
    Throttled, Verification, Widened, Workload,
};
use super::route::{Generation, Route};
use crate::config::Rotation;
use crate::endpoint::Endpoint;

impl Profile {
    /// All of it in words.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![self.issuer.fact("issuer", told(self.issuer.value))];
        for route in self.routes {
            let Route { endpoint, method, path, generation, certainty } = route;
            let former = if *generation == Generation::Former { " (former generation)" } else { "" };
            let says = format!("{endpoint}: `{method} {path}`{former}");
            facts.push(Fact { topic: "address", says, certainty: *certainty });
        }
        for none in self.absent {
            facts.push(none.fact("address", format!("{}: none", none.value)));
        }
        if self.routes.iter().any(|route| route.endpoint == Endpoint::DeviceAuthorization) {
            facts.push(self.verification.fact("where a device sends its user", self.verification.value.words()));
        }
        let seconds = |known: &Known<u64>, topic| known.fact(topic, format!("{} s", known.value));
        facts.push(seconds(&self.access_token_lifetime, "access token lifetime"));
        facts.push(seconds(&self.refresh_token_lifetime, "refresh token lifetime"));
        facts.push(self.format.fact("access token", self.format.value.words()));
        if matches!(self.format.value, Format::Jwt(_)) {
            facts.push(self.typ.fact("`typ` of the access token", told(self.typ.value)));
            facts.push(self.claims.fact("claims without a user", list(self.claims.value)));
        }
        if matches!(self.format.value, Format::Jwt(_)) || self.id_token_key.value.is_some() {
            let own_key = self.id_token_key.value.map_or_else(
                || "that of access tokens".to_owned(),
                |algorithm| format!("one of its own, {}", algorithm.name()),
            );
            facts.push(self.id_token_key.fact("key of ID tokens", own_key));
        }
        facts.push(self.expires_in.fact("`expires_in`", numbers(self.expires_in.value)));
        facts.push(self.extras.fact("further members of a success", list(self.extras.value)));
        facts.push(self.refresh.fact("refresh tokens", self.refresh.value.words()));
        facts.push(self.scope.fact("`scope`", self.scope.value.words()));
        facts.push(self.widened_refresh.fact("refresh for more", self.widened_refresh.value.words()));
        facts.push(self.audience.fact("audience", self.audience.value.words()));
        facts.push(self.error_body.fact("body of a refusal", self.error_body.value.words()));
        facts.extend(self.refusals.iter().map(|refusal| refusal.fact(self.error_body.value)));
        facts.push(self.throttled.fact("one request too many", self.throttled.value.words()));
        if self.routes.iter().any(|route| route.endpoint == Endpoint::Revoke) {
            facts.push(self.revocation.fact("revocation", self.revocation.value.words()));
        }
        let headers: Vec<String> =
            self.key_set_headers.value.iter().map(|(name, value)| format!("`{name}: {value}`")).collect();
        facts.push(self.key_set_headers.fact("headers of the key set", headers.join(", ")));
        facts.push(self.assertion.fact("client assertions", self.assertion.value.words()));
        if let Some(workload) = self.workload.value {
            facts.push(self.workload.fact("tokens for workloads", workload.words()));
        }
        facts
    }
}

impl Refusal {
    fn fact(&self, error_body: ErrorBody) -> Fact {
        let first = self.causes[0];
        let status = self.status.unwrap_or(first.status());
        let mut says = format!("{status}");
        if !self.bodiless {
            says += &format!(" `{}`", self.code.unwrap_or(first.code()));
        }
        if let Some(number) = self.number {
            says += &format!(" AADSTS{number}");
        }
        if let Some(text) = self.text.filter(|_| error_body != ErrorBody::CodeAlone && !self.bodiless) {
            says += &format!(" “{text}”");
        }
        if self.bodiless {
            says += " without a body";
        }
        for (name, _) in self.headers {
            says += &format!(", header `{name}`");
        }
        let causes: Vec<String> = self.causes.iter().map(|cause| cause.words()).collect();
        let place = self.at.map_or_else(String::new, |endpoint| format!(" at the {endpoint} endpoint"));
        Fact { topic: "refusal", says: format!("{}{place}: {says}", causes.join(", ")), certainty: self.certainty }
    }
}

fn told(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

fn numbers((current, former): (Numbers, Numbers)) -> &'static str {
    match (current, former) {
        (Numbers::Plain, Numbers::Plain) => "a number",
        (Numbers::Text, Numbers::Text) => "text",
        (Numbers::Plain, Numbers::Text) => "a number; text in the former generation",
        (Numbers::Text, Numbers::Plain) => "text; a number in the former generation",
    }
}

impl Format {
    fn words(self) -> String {
        match self {
            Self::Jwt(algorithm) => format!("JWT, {}", format!("{algorithm:?}").to_uppercase()),
            Self::Opaque(prefix) => format!("opaque, `{prefix}…`"),
        }
    }
}

impl Refresh {
    pub(super) fn words(self) -> String {
        let unrotated = match self.by_default {
            Rotation::On { grace, .. } => return format!("single use with {} s of grace", grace.as_secs()),
            Rotation::Fresh => "a new one with each use, the old one stays good",
            Rotation::Off => "the same one stays good",
        };
        match self.single_use {
            false => format!("{unrotated}; cannot be set to single use, for public clients neither"),
            true => {
                format!("{unrotated}, unless set to single use; here a public client's is replaced (RFC 9700 §4.14.2)")
            }
        }
    }
}

impl Scope {
    fn words(self) -> &'static str {
        match self {
            Self::Strict => "one that is not allowed is refused",
            Self::ForeignIgnored => "one that is not allowed is left out",
            Self::OfOneResource => "`RESOURCE/.default`, of exactly one resource with client credentials",
        }
    }
}

impl Widened {
    fn words(self) -> &'static str {
        match self {
            Self::Refused => "is refused",
            Self::Narrowed => "is narrowed in silence",
        }
    }
}

impl Audience {
    fn words(self) -> &'static str {
        match self {
            Self::Registered => "the client's",
            Self::Parameter => "`audience`, needed with client credentials",
            Self::InScope => "in `scope`; the former generation has `resource`",
        }
    }
}

impl ErrorBody {
    fn words(self) -> &'static str {
        match self {
            Self::Described => "`error`, `error_description`",
            Self::CodeAlone => "`error` alone",
            Self::Numbered => "`error`, `error_description`, `error_codes`, `timestamp`, `trace_id`, `correlation_id`",
        }
    }
}

impl Verification {
    fn words(self) -> String {
        let Self { uri, complete, message } = self;
        let mut says = format!("`{uri}`");
        if complete {
            says += &format!(" `{uri}_complete`");
        }
        says + if message { " `message`" } else { "" }
    }
}

impl Throttled {
    fn words(self) -> String {
        let Self { status, body, retry_after, counters } = self;
        let mut says = status.to_string();
        if let Some((media_type, body)) = body {
            says += &format!(", {media_type} `{body}`");
        }
        if retry_after {
            says += ", `Retry-After`";
        }
        if let Some(names) = counters {
            says += &format!(", {} (epoch seconds)", list(&names));
        }
        says
    }
}

impl Revocation {
    fn words(self) -> String {
        let Self { access_tokens, unknown_told, access_ends_family } = self;
        let mut says = vec![if access_tokens { "access and refresh tokens" } else { "refresh tokens only" }];
        says.push(if unknown_told { "an unknown token is told apart" } else { "200 for an unknown token" });
        if access_ends_family {
            says.push("an access token takes its refresh token with it");
        }
        says.join("; ")
    }
}

impl Assertion {
    fn words(self) -> String {
        let Self { audience, most_ahead, longest_life, skew, jti_required } = self;
        let audience = match audience {
            AssertionAudience::EndpointOrIssuer => "the token endpoint or the issuer",
            AssertionAudience::Endpoint => "the token endpoint",
            AssertionAudience::Issuer => "the issuer",
        };
        let mut says = format!("`aud` is {audience}");
        if let Some(seconds) = most_ahead {
            says += &format!("; `exp` at most {seconds} s ahead");
        }
        if let Some(seconds) = longest_life {
            says += &format!("; lives at most {seconds} s");
        }
        says += &format!("; clocks may differ by {skew} s");
        says + if jti_required { "; `jti` needed" } else { "" }
    }
}

impl Workload {
    fn words(self) -> String {
        let Self { header: (name, value), echoed, cached_until } = self;
        let echoed = if echoed { "needed and sent back" } else { "needed" };
        format!("header `{name}: {value}` {echoed}; the same token until its last {cached_until} s")
    }
}
