//! Nobody acts as somebody else, or with more or less than it needs.
//!
//! Every token that is sent to the API, and every request for one, is the client's own; every token speaks for the
//! subject that the workflows belong to. Where the target says which scopes its activities need (`activities:`), a token
//! was asked for with them, allows nothing that no activity needs, and is not used by an activity for what it must not
//! do.

use std::collections::{BTreeMap, BTreeSet};

use mock_idp::Dialect;

use super::grants::{grants, is_grant};
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{ApiRequest, Event, Live, Run, Seq, TokenName};
use crate::scenario::Grant;

pub(super) struct RightIdentity;

impl Check for RightIdentity {
    fn id(&self) -> &'static str {
        "right-identity"
    }

    fn doc(&self) -> &'static str {
        "every token is the worker's own, speaks for the right subject and has the scopes that its activity needs"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-10"
    }

    fn requires(&self) -> &'static [&'static str] {
        &["a request to the API with a token", "for scopes: `activities`"]
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let Some(who) = Who::of(run, context) else {
            return Opinion::not_applicable("no token was issued");
        };
        let asked = asked_scopes(run, context.resolved.idp.dialect);
        let routes: BTreeMap<String, &[String]> = context
            .resolved
            .api
            .routes
            .iter()
            .map(|route| (route.route.to_string(), route.scopes.as_slice()))
            .collect();
        let mut live = Live::default();
        let (mut tally, mut requests, mut wide) = (Tally::default(), 0, BTreeSet::new());
        for record in run.records() {
            match &record.event {
                Event::IdpRequest(request) if is_grant(request) => {
                    if let Some(client) = request.client.as_ref().filter(|client| **client != who.client) {
                        tally.find(
                            format!("{} asked for a token as client {client}", request.instance),
                            format!("client {}, by {}", who.client, who.known_by),
                            vec![record.seq],
                        );
                    }
                }
                Event::ApiRequest(request) => {
                    let life = request.token.as_ref().and_then(|token| Some((token, run.tokens().get(token)?)));
                    if let Some((token, life)) = life {
                        requests += 1;
                        let owner = (&life.issued.client, &life.issued.sub);
                        if *owner.0 != who.client || *owner.1 != who.sub {
                            tally.find(
                                format!("{} sent token {token} of client {} for {}", request.target, owner.0, owner.1),
                                format!("a token of client {} for {}, by {}", who.client, who.sub, who.known_by),
                                vec![life.born, record.seq],
                            );
                        } else {
                            let scopes = asked.get(token).copied().flatten();
                            let granted: BTreeSet<&str> = life.issued.scopes.iter().map(String::as_str).collect();
                            let needless = who.needless(&granted);
                            if !needless.is_empty() && wide.insert(token) {
                                tally.find(
                                    format!("token {token} allows {}, which no activity needs", needless.join(" ")),
                                    "the scopes of `activities` and no others",
                                    vec![life.born, record.seq],
                                );
                            }
                            judge_scopes(&mut tally, &live, &who, request, record.seq, (token, scopes), &routes);
                        }
                    }
                }
                _ => {}
            }
            live.follow(record);
        }
        let otherwise: Opinion = match requests {
            0 => Opinion::not_applicable("no token was sent to the API"),
            _ => Judgement::Pass.into(),
        };
        tally
            .opinion(otherwise)
            .detail(format!("{requests} requests as client {} for {}, by {}", who.client, who.sub, who.known_by))
    }
}

/// Who the worker has to be.
struct Who<'a> {
    client: String,
    sub: String,
    known_by: &'static str,
    activities: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Who<'a> {
    fn of(run: &Run<'_>, context: &'a Context) -> Option<Self> {
        let client = &context.resolved.client;
        let control = context.control.as_ref().and_then(|control| match control.identities.as_slice() {
            [only] => Some(only),
            _ => None,
        });
        let first = run.tokens().values().min_by_key(|life| life.born)?;
        let (id, known_by) = match (&client.id, control) {
            (Some(id), _) => (id.value.clone(), "the target file"),
            (None, Some(control)) => (control.client.clone(), "the control"),
            (None, None) => (first.issued.client.clone(), "the first token"),
        };
        let sub = match (&client.subject, client.grant) {
            (Some(subject), _) => subject.clone(),
            // Without a user, a client speaks for itself (RFC 9068 §2.2).
            (None, Grant::ClientCredentials) => id.clone(),
            (None, Grant::RefreshToken) => first.issued.sub.clone(),
        };
        let activities = context
            .resolved
            .activities
            .iter()
            .map(|(activity, scopes)| (activity.value.as_str(), scopes.value.iter().map(String::as_str).collect()));
        Some(Self { client: id, sub, known_by, activities: activities.collect() })
    }

    /// The scopes that no activity needs.
    fn needless<'s>(&self, granted: &BTreeSet<&'s str>) -> Vec<&'s str> {
        let needed = |scope: &&&str| self.activities.values().any(|needs| needs.contains(**scope));
        if self.activities.is_empty() {
            Vec::new()
        } else {
            granted.iter().filter(|scope| !needed(scope)).copied().collect()
        }
    }
}

/// The scopes that each access token was asked for with; `None` where the request left that to the identity provider,
/// or asked for all that there is.
fn asked_scopes<'a>(run: &Run<'a>, dialect: Dialect) -> BTreeMap<&'a TokenName, Option<&'a str>> {
    let asked = grants(run);
    let some = |scope: &&str| !dialect.asks_for_all(scope);
    asked.iter().filter_map(|grant| Some((grant.access(run)?, grant.request.scope.as_deref().filter(some)))).collect()
}

/// What an attempt may do, by the activity that it is one of. Fails only if it does for each attempt that it can be.
fn judge_scopes(
    tally: &mut Tally,
    live: &Live,
    who: &Who<'_>,
    request: &ApiRequest,
    at: Seq,
    (token, asked): (&TokenName, Option<&str>),
    routes: &BTreeMap<String, &[String]>,
) {
    let candidates = live.candidates(&request.instance, request.workflow.as_ref());
    if candidates.attempts.is_empty() {
        return;
    }
    // What was not asked for is lacking by the worker's own doing; what was asked for and not given is not.
    let asked: Option<BTreeSet<&str>> = asked.map(|scopes| scopes.split_whitespace().collect());
    let route = request.route.as_ref().and_then(|route| routes.get(route)).copied().unwrap_or_default();
    let wrong: Vec<String> = candidates
        .attempts
        .iter()
        .filter_map(|delivered| {
            let activity = delivered.attempt.activity_type.as_str();
            let needs = who.activities.get(activity)?;
            let lacks: Vec<_> = asked.iter().flat_map(|asked| needs.difference(asked)).copied().collect();
            let beyond: Vec<_> = route.iter().map(String::as_str).filter(|scope| !needs.contains(scope)).collect();
            match (lacks.as_slice(), beyond.as_slice()) {
                ([], []) => None,
                ([], _) => Some(format!("{activity} called {}, which needs {}", request.target, beyond.join(" "))),
                _ => Some(format!("{activity} used token {token}, which was asked for without {}", lacks.join(" "))),
            }
        })
        .collect();
    let Some(first) = wrong.first() else { return };
    tally.used(candidates.how);
    if wrong.len() == candidates.attempts.len() {
        tally.find(first.clone(), "the scopes that `activities` names for it", vec![at]);
    } else {
        tally.doubt(at);
    }
}
