//! Placeholders: what the lab fills in where a target file says `{temporal.address}`.

use std::fmt;
use std::str::FromStr;

use mock_idp::as_text;
use mock_idp::file::{Complaint, suggest};

/// What the lab fills in. The list is closed; [`LabValue::ALL`] documents it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// One of the fixed names.
    Lab(LabValue),
    /// `{env.X}`: a variable of the caller. It must be set.
    CallerEnv(String),
    /// `{n}`: the workflow's number, from 1, as text.
    N,
    /// `{n:int}`: the workflow's number as a number, if it is all that the text holds.
    NInt,
}

macro_rules! lab_values {
    ($($variant:ident $name:literal $doc:literal)*) => {
        /// A value that the lab has one of, per worker instance or scenario run.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum LabValue {
            $(#[doc = $doc] $variant,)*
        }

        impl LabValue {
            /// Every one of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As files write it, without the braces.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

lab_values! {
    TemporalAddress "temporal.address" "`host:port` of the Temporal frontend, as this instance must use it."
    TemporalNamespace "temporal.namespace" "The Temporal namespace."
    TemporalToken "temporal.token" "A bearer for the Temporal frontend; only where the scenario asks for one."
    TemporalTokenFile "temporal.token_file" "A file with that bearer, rewritten when it is renewed."
    IdpIssuer "idp.issuer" "The issuer, for discovery."
    IdpTokenUrl "idp.token_url" "The token endpoint."
    IdpJwksUrl "idp.jwks_url" "The key set."
    ClientId "client.id" "The OAuth client's id."
    ClientSecret "client.secret" "The OAuth client's secret."
    ClientAuth "client.auth" "How the client authenticates: `client_secret_basic` or `client_secret_post`."
    ClientRefreshTokenFile "client.refresh_token_file" "A file with the refresh token; only with grant `refresh_token`. Mode 0600, shared by instances, kept over restarts."
    ClientScopes "client.scopes" "What the client sends as `scope`: its scopes, separated by spaces, or what the identity provider's dialect has for all of them."
    ClientAudience "client.audience" "What the client sends as `audience`; only with `--idp` dialects that need it."
    OtherClientId "other_client.id" "Id of a client that belongs to somebody else: whoever uses it acts as the wrong one (FM-10)."
    OtherClientSecret "other_client.secret" "That client's secret."
    ApiUrl "api.url" "The protected API."
    ApiTokenFile "api.token_file" "A file with an access token, for workers whose tokens a broker or sidecar renews."
    TaskQueue "workload.task_queue" "The task queue to poll."
    CaFile "ca.file" "The certificate authority of the lab's addresses; only where they speak TLS."
    StateDir "state.dir" "A directory of the target's own, mode 0700, shared by instances, kept over restarts."
    Defect "defect" "The defect that `--defect` names; left out without it."
    Tokenlapse "tokenlapse" "This executable."
}

impl Placeholder {
    /// The names of all placeholders but `{env.X}`, whose name is the caller's.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        LabValue::ALL.iter().map(|value| value.name()).chain(["env.", "n", "n:int"])
    }

    /// Whether it stands for something that nobody else may read.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Lab(LabValue::ClientSecret | LabValue::OtherClientSecret | LabValue::TemporalToken))
    }

    fn parse(name: &str) -> Result<Self, Complaint> {
        if let Some(value) = LabValue::ALL.iter().find(|value| value.name() == name) {
            return Ok(Self::Lab(*value));
        }
        match name {
            "n" => return Ok(Self::N),
            "n:int" => return Ok(Self::NInt),
            _ => {}
        }
        match name.strip_prefix("env.") {
            Some("") => Err(Complaint::new("`{env.}` names no variable").about("{env.}")),
            Some(variable) => Ok(Self::CallerEnv(variable.to_owned())),
            None => Err(Complaint::new(format!("unknown placeholder `{{{name}}}`"))
                .about(format!("{{{name}}}"))
                .hint(format!("{}; `{{{{` stands for a brace", suggest(name, Self::names())))),
        }
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lab(value) => f.write_str(value.name()),
            Self::CallerEnv(variable) => write!(f, "env.{variable}"),
            Self::N => f.write_str("n"),
            Self::NInt => f.write_str("n:int"),
        }
    }
}

/// A part of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Stands for itself.
    Text(String),
    /// Is filled in.
    Placeholder(Placeholder),
}

/// Text with placeholders. `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template(Vec<Segment>);

impl Template {
    /// Its parts in order.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// The placeholders in it.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Placeholder(placeholder) => Some(placeholder),
            Segment::Text(_) => None,
        })
    }

    /// The text with everything filled in.
    ///
    /// # Errors
    ///
    /// The first placeholder that `value` has nothing for; what holds the text is then left out, or, for
    /// [`Placeholder::CallerEnv`], the run cannot start.
    pub fn render(&self, mut value: impl FnMut(&Placeholder) -> Option<String>) -> Result<String, &Placeholder> {
        let mut text = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Text(part) => text.push_str(part),
                Segment::Placeholder(placeholder) => text.push_str(&value(placeholder).ok_or(placeholder)?),
            }
        }
        Ok(text)
    }

    /// As [`render`](Self::render), for values that may be more than text: a text that is `{n:int}` and nothing else
    /// becomes a number.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render).
    pub fn render_json(
        &self,
        mut value: impl FnMut(&Placeholder) -> Option<String>,
    ) -> Result<serde_json::Value, &Placeholder> {
        if let [Segment::Placeholder(placeholder @ Placeholder::NInt)] = self.0.as_slice() {
            let text = value(placeholder).ok_or(placeholder)?;
            return Ok(text.parse::<u64>().map_or(serde_json::Value::String(text), Into::into));
        }
        self.render(value).map(Into::into)
    }
}

impl FromStr for Template {
    type Err = Complaint;

    fn from_str(source: &str) -> Result<Self, Complaint> {
        let mut segments = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(brace) = rest.find(['{', '}']) {
            text.push_str(&rest[..brace]);
            let tail = &rest[brace..];
            if let Some(after) = tail.strip_prefix("{{").or_else(|| tail.strip_prefix("}}")) {
                text.push_str(&tail[..1]);
                rest = after;
                continue;
            }
            if let Some(after) = tail.strip_prefix('}') {
                // A brace that closes nothing is harmless, as in JSON.
                text.push('}');
                rest = after;
                continue;
            }
            let Some(end) = tail.find('}') else {
                return Err(Complaint::new("a placeholder without its `}`")
                    .about(tail)
                    .hint("`{{` stands for a brace"));
            };
            if !text.is_empty() {
                segments.push(Segment::Text(std::mem::take(&mut text)));
            }
            segments.push(Segment::Placeholder(Placeholder::parse(&tail[1..end])?));
            rest = &tail[end + 1..];
        }
        text.push_str(rest);
        if !text.is_empty() {
            segments.push(Segment::Text(text));
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            match segment {
                Segment::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Segment::Placeholder(placeholder) => write!(f, "{{{placeholder}}}")?,
            }
        }
        Ok(())
    }
}

as_text!(Template, "Template", "text with placeholders such as `{temporal.address}`", "");

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(source: &str) -> Result<String, String> {
        let template: Template = source.parse().map_err(|complaint: Complaint| complaint.to_string())?;
        assert_eq!(template.to_string().parse(), Ok(template.clone()), "survives its text");
        template
            .render(|placeholder| match placeholder {
                Placeholder::Lab(LabValue::Defect) => None,
                Placeholder::CallerEnv(_) => None,
                other => Some(format!("<{other}>")),
            })
            .map_err(ToString::to_string)
    }

    #[test]
    fn every_placeholder_is_filled_in() {
        for value in LabValue::ALL {
            assert_eq!(format!("{{{}}}", value.name()).parse::<Template>().map(|it| it.segments().len()), Ok(1));
        }
        assert_eq!(filled("a{temporal.address}b{n}"), Ok("a<temporal.address>b<n>".to_owned()));
        assert_eq!(filled("{{n}} {{{n}}}"), Ok("{n} {<n>}".to_owned()));
        assert_eq!(filled(""), Ok(String::new()));
    }

    #[test]
    fn what_has_no_value_is_named() {
        assert_eq!(filled("x{defect}"), Err("defect".to_owned()));
        assert_eq!(filled("{env.STAGE}"), Err("env.STAGE".to_owned()));
    }

    #[test]
    fn unknown_placeholders_are_refused_with_the_nearest() {
        for (wrong, right) in [
            ("{temporal.adress}", "temporal.address"),
            ("{client.ID}", "client.id"),
            ("{workload.taskqueue}", "workload.task_queue"),
            ("{n:integer}", "n:int"),
        ] {
            let complaint = wrong.parse::<Template>().expect_err(wrong);
            assert!(complaint.hint.clone().unwrap_or_default().contains(right), "{wrong}: {complaint}");
            assert_eq!(complaint.word.as_deref(), Some(wrong));
        }
        assert!("{temporal.address".parse::<Template>().is_err());
        assert!("{env.}".parse::<Template>().is_err());
    }

    #[test]
    fn a_number_stays_a_number_where_it_stands_alone() {
        let render = |source: &str| {
            let template: Template = source.parse().expect("valid");
            template.render_json(|_| Some("7".to_owned())).expect("filled")
        };
        assert_eq!(render("{n:int}"), serde_json::json!(7));
        assert_eq!(render("{n}"), serde_json::json!("7"));
        assert_eq!(render("order-{n:int}"), serde_json::json!("order-7"));
    }
}
