//! The identity provider is asked for tokens no more often than there is reason to.
//!
//! Reasons, for each generation of a worker and each key (client, scope, audience): one to begin with, one for each of
//! its tokens that expired, one for each that was refused before, two for each grant that failed. A token that is over
//! within the target's `refresh_margin` counts as expired, if the worker replaces it then. A target with policy
//! `per-attempt` may ask once for each attempt instead.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{Key, grants};
use super::idp_clock::IdpClock;
use super::judgement::Tally;
use super::{Check, Context, Judgement, Opinion};
use crate::journal::{Event, Run, Seq, TokenChange, TokenName};
use crate::scenario::Refresh;

pub(super) struct BoundedLoad;

/// The terms of the sum for one key.
#[derive(Default)]
struct Load<'a> {
    asked: Vec<Seq>,
    failed: usize,
    tokens: Vec<&'a TokenName>,
    replaced_in_time: BTreeSet<&'a TokenName>,
}

impl Check for BoundedLoad {
    fn id(&self) -> &'static str {
        "bounded-load"
    }

    fn doc(&self) -> &'static str {
        "grants are at most: per worker generation and key, 1 + expiries + refusals + 2 × failed grants"
    }

    fn failure_mode(&self) -> &'static str {
        "FM-12"
    }

    fn judge(&self, run: &Run<'_>, context: &Context) -> Opinion {
        let policy = &context.resolved.policy;
        let clock = IdpClock::of(run, context);
        let mut loads: BTreeMap<Key, Load<'_>> = BTreeMap::new();
        let grants = grants(run);
        for grant in &grants {
            let load = loads.entry(Key::of(grant.request)).or_default();
            if let Some(held) = load.tokens.last()
                && let Some(life) = run.tokens().get(*held)
                && clock.is_over(life, grant.record, policy.refresh_margin.as_millis())
            {
                load.replaced_in_time.insert(held);
            }
            load.asked.push(grant.at());
            let altered = grant.reply.is_some_and(|(_, reply)| reply.fault.is_some());
            match grant.access(run).filter(|_| grant.succeeded().is_some()) {
                Some(token) => {
                    load.tokens.push(token);
                    load.failed += usize::from(altered);
                }
                None => load.failed += 1,
            }
        }
        if grants.is_empty() {
            return Opinion::not_applicable("no token was asked for");
        }
        let (mut refused, mut attempts) = (BTreeSet::new(), 0);
        for record in run.records() {
            match &record.event {
                Event::ApiResponse(reply) if reply.status == 401 => refused.extend(&reply.request.token),
                Event::ActivityStarted(_) => attempts += 1,
                _ => {}
            }
        }
        let (mut expiries, mut refusals, mut failed) = (0, 0, 0);
        for load in loads.values() {
            for token in &load.tokens {
                let expired = run
                    .tokens()
                    .get(*token)
                    .is_some_and(|life| life.died.is_some_and(|(_, change)| change == TokenChange::Expired));
                if expired || load.replaced_in_time.contains(token) {
                    expiries += 1;
                } else if refused.contains(token) {
                    refusals += 1;
                }
            }
            failed += load.failed;
        }
        let asked = grants.len();
        let (bound, sum) = if policy.refresh == Refresh::PerAttempt {
            (attempts, format!("{attempts} attempts"))
        } else {
            let keys = loads.len();
            let bound = keys + expiries + refusals + 2 * failed;
            let sum = format!(
                "{keys} (generations and keys) + {expiries} expired + {refusals} refused + 2 × {failed} failed = {bound}"
            );
            (bound, sum)
        };
        let mut tally = Tally::default();
        if asked > bound {
            let events = loads.values().flat_map(|load| load.asked.iter().copied()).collect();
            tally.find(format!("{asked} token requests"), format!("at most {sum}"), events);
        }
        tally.opinion(Judgement::Pass).detail(format!("{asked} token requests, at most {sum}"))
    }
}
