//! `tokenlapse explain`: what one word means, why it is there and where it is used.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use mock_idp::{Certainty, Dialect};

use super::parameters::parameters;
use super::table::{paragraph, table};
use crate::check;
use crate::journal::{KIND_DOCS, KindDoc, Moment, kind_doc};
use crate::run::Verdict;
use crate::scenario::{
    Action, CHECKS, CheckWord, Facts, Group, Requirement, Scenario, Target, Unmet, builtin_target, catalogue,
    failure_mode, failure_modes, filters, prescribed_wait, triggers, unmet, values_of,
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A scenario, family, check, verdict, action, event, failure mode (FM-08), dialect or defect
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

/// Code 2 if a word means nothing.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let (scenarios, target) = match (catalogue(), builtin_target()) {
        (Ok(scenarios), Ok(target)) => (scenarios, target),
        (Err(problems), _) | (_, Err(problems)) => {
            let _ = writeln!(io::stderr(), "tokenlapse explain: what ships is broken: {problems:?}");
            return ExitCode::from(3);
        }
    };
    let words = Words { scenarios, target };
    let mut code = ExitCode::SUCCESS;
    for (position, id) in arguments.ids.iter().enumerate() {
        // Nothing is left to do if nobody hears it; the exit code says it too.
        let _ = match words.explain(id) {
            Some(text) => write!(io::stdout(), "{}{text}", if position == 0 { "" } else { "\n" }),
            None => {
                code = ExitCode::from(2);
                let hint = super::nearest(id, words.all());
                writeln!(io::stderr(), "tokenlapse explain: nothing is called `{id}`: {hint}")
            }
        };
    }
    code
}

/// What the worker of the built-in target does wrong with this defect; other targets say only its name.
pub(super) fn defect_summary(target: &Target, name: &str) -> Option<String> {
    let builtin = builtin_target().is_ok_and(|builtin| builtin == *target);
    builtin.then(|| defect(name)).flatten().map(|defect| defect.summary.to_owned())
}

/// What is known of a defect of the reference worker.
struct Defect {
    summary: &'static str,
    mirrors: &'static str,
    checks: &'static [&'static str],
}

#[cfg(feature = "builtin")]
fn defect(name: &str) -> Option<Defect> {
    let defect = reference_worker::defect::named(name)?;
    Some(Defect { summary: defect.summary, mirrors: defect.mirrors, checks: defect.checks })
}

#[cfg(not(feature = "builtin"))]
fn defect(_: &str) -> Option<Defect> {
    None
}

/// Everything that has a name.
struct Words {
    scenarios: Vec<Scenario>,
    target: Target,
}

impl Words {
    fn all(&self) -> Vec<&str> {
        let scenarios = self.scenarios.iter().map(|scenario| scenario.scenario.value.as_str());
        let families: BTreeSet<&str> = self.scenarios.iter().map(|scenario| scenario.family.value.as_str()).collect();
        let actions = Action::DOCS.iter().map(|(name, _)| *name);
        let events = KIND_DOCS.iter().map(|kind| kind.name);
        let modes = failure_modes().iter().map(|mode| mode.id.as_str());
        let checks = CHECKS.iter().map(|check| check.id);
        let words = scenarios.chain(families).chain(checks).chain(actions).chain(events).chain(modes);
        let dialects = Dialect::ALL.iter().map(|dialect| dialect.name());
        let verdicts = Verdict::ALL.iter().map(|verdict| verdict.name());
        words.chain(dialects).chain(verdicts).chain(self.defects()).collect()
    }

    fn defects(&self) -> impl Iterator<Item = &str> {
        self.target.defects.iter().map(|defect| defect.value.as_str())
    }

    fn explain(&self, id: &str) -> Option<String> {
        if let Some(scenario) = self.scenarios.iter().find(|scenario| scenario.scenario.value == id) {
            return Some(self.scenario(scenario));
        }
        if let Some(check) = CHECKS.iter().find(|check| check.id == id) {
            return Some(self.check(check));
        }
        if let Some(verdict) = Verdict::ALL.iter().find(|verdict| verdict.name() == id) {
            return Some(self::verdict(*verdict));
        }
        if let Some((name, doc)) = Action::DOCS.iter().find(|(name, _)| *name == id) {
            return Some(self.action(name, doc));
        }
        if let Some(kind) = kind_doc(id) {
            return Some(self.event(kind));
        }
        if let Some(mode) = failure_mode(&id.to_uppercase()) {
            let mut text = format!("{}  failure mode\n{}\n\n{}", mode.id, mode.title, paragraph(0, &mode.about));
            let of_check = |check: &&CheckWord| mode_of(check.id) == Some(mode.id.as_str());
            let checks = CHECKS.iter().filter(of_check).map(|check| [check.id, check.doc]);
            section(&mut text, "checks that look for it", checks);
            section(&mut text, "scenarios that bring it about", self.scenarios_that(|it| mirrors(it, &mode.id)));
            let mirrored = self.defects().filter_map(|name| Some((name, defect(name)?)));
            let defects = mirrored.filter(|(_, defect)| defect.mirrors == mode.id);
            section(&mut text, "defects that stand for it", defects.map(|(name, defect)| [name, defect.summary]));
            return Some(text);
        }
        if let Some(dialect) = Dialect::named(id) {
            return Some(self.dialect(dialect));
        }
        if let Some(name) = self.defects().find(|name| *name == id) {
            return Some(Self::defect(name));
        }
        self.family(id)
    }

    fn scenarios_that(&self, wanted: impl Fn(&Scenario) -> bool) -> impl Iterator<Item = [&str; 2]> {
        let wanted = self.scenarios.iter().filter(move |scenario| wanted(scenario));
        wanted.map(|scenario| [scenario.scenario.value.as_str(), scenario.title.value.as_str()])
    }

    fn scenario(&self, scenario: &Scenario) -> String {
        let id = &scenario.scenario.value;
        let mut text = format!("{id}  scenario of family {}\n{}\n", scenario.family.value, scenario.title.value);
        let modes = scenario.mirrors.iter().map(|mode| [mode.value.as_str(), title_of(mode)]);
        section(&mut text, "mirrors", modes);
        let checks = CHECKS.iter().filter(|check| proves(scenario, check.id)).map(|check| [check.id, check.doc]);
        section(&mut text, "exists for these checks, and is judged by all", checks);
        let requires = Requirement::DOCS.iter().filter(|(name, _)| asks(scenario, name));
        section(
            &mut text,
            "requires, and is not applicable or skipped without",
            requires.map(|(name, doc)| [*name, *doc]),
        );
        let wait = prescribed_wait(scenario);
        let group = Group::of(scenario).name();
        let _ = writeln!(text, "\ngroup {group}: it waits {wait} in real time, and runs with\n  tokenlapse run {id}");
        if let Some(file) = tokenlapse_scenarios::scenario(id) {
            let _ = write!(text, "\n{}\n{}", file.path, indented(&file.text));
        }
        text
    }

    fn family(&self, id: &str) -> Option<String> {
        let mut members = self.scenarios_that(|scenario| scenario.family.value == id).peekable();
        members.peek()?;
        let mut text = format!("{id}  family of scenarios\n");
        section(&mut text, "scenarios", members);
        let _ = writeln!(text, "\nall of them run with\n  tokenlapse run {id}");
        Some(text)
    }

    fn check(&self, check: &CheckWord) -> String {
        let mut text = format!("{}  check\n{}\n", check.id, check.doc);
        section(&mut text, "mirrors", mode_of(check.id).map(|mode| [mode, title_of(mode)]));
        let scenarios = self.scenarios_that(|scenario| proves(scenario, check.id));
        section(&mut text, "scenarios that exist for it", scenarios);
        let known = self.defects().filter_map(|name| Some((name, defect(name)?)));
        let killed = known.filter(|(_, defect)| defect.checks.contains(&check.id));
        section(&mut text, "defects that should fail it", killed.map(|(name, defect)| [name, defect.summary]));
        text.push_str("\nIt judges every scenario, unless a target or scenario turns it off with a reason:\n");
        let _ = writeln!(text, "  checks: {{ {}: {{ off: \"why it says nothing here\" }} }}", check.id);
        text
    }

    fn action(&self, name: &str, doc: &str) -> String {
        let mut text = format!("{name}  action of a fault\n{doc}\n");
        let parameters = parameters(name);
        let lines: Vec<_> =
            parameters.iter().map(|it| [it.name.as_str(), it.values.as_str(), it.doc.as_str()]).collect();
        section(&mut text, "parameters", lines);
        let uses = |it: &Scenario| it.faults.iter().any(|fault| fault.action.name() == name);
        let mut users = self.scenarios.iter().filter(|it| uses(it));
        if let Some(written) = users.find_map(|it| written(&it.scenario, name)) {
            let _ = writeln!(text, "\nas in\n  do: {written}");
        }
        section(&mut text, "scenarios that use it", self.scenarios_that(uses));
        text
    }

    fn event(&self, kind: &KindDoc) -> String {
        let mut text = format!("{}  event\n{}\n\n", kind.name, kind.doc);
        let can_trigger = triggers().any(|name| name == kind.name);
        text.push_str(match (can_trigger, kind.moment) {
            (true, Moment::Gating) => {
                "A fault can wait for it and change what becomes of it: the lab has not gone on.\n"
            }
            (true, _) => "A fault can wait for it; it has happened.\n",
            (false, _) => "No fault can wait for it.\n",
        });
        let filters = filters(kind);
        let values = |filter: &str| match filter {
            "effect" | "paging" => "true, false: by the target's routes".to_owned(),
            _ => values_of(kind.name, filter).map_or_else(String::new, |values| values.join(", ")),
        };
        let lines: Vec<_> = filters.iter().map(|filter| (*filter, values(filter))).collect();
        section(&mut text, "filters (`where:`)", lines.iter().map(|(filter, values)| [*filter, values.as_str()]));
        let uses = |it: &Scenario| {
            it.faults.iter().filter_map(|fault| fault.when.as_ref()).any(|when| when.event.value == kind.name)
        };
        section(&mut text, "scenarios that wait for it", self.scenarios_that(uses));
        text
    }

    /// What a vendor does, and which scenarios say nothing of it.
    fn dialect(&self, dialect: Dialect) -> String {
        let mut text = format!("{dialect}  dialect of the identity provider\n{}\n", dialect.doc());
        let facts = dialect.facts();
        let lines = facts.iter().map(|fact| [fact.certainty.mark(), fact.topic, fact.says.as_str()]);
        section(&mut text, "what it does", lines);
        let marks = Certainty::ALL.iter().map(|certainty| [certainty.mark(), certainty.doc()]);
        section(&mut text, "where that is known from", marks);
        let facts = Facts { movable_worker_clock: true, dialect, ..Facts::default() };
        let out: Vec<(&str, String)> = self
            .scenarios
            .iter()
            .filter_map(|scenario| {
                let why = unmet(&self.target, scenario, &facts).into_iter().find_map(|unmet| match unmet {
                    Unmet::NotApplicable(why) => Some(why),
                    Unmet::Skipped(_) => None,
                })?;
                Some((scenario.scenario.value.as_str(), why))
            })
            .collect();
        section(&mut text, "scenarios that do not apply", out.iter().map(|(id, why)| [*id, why.as_str()]));
        let _ = writeln!(text, "\nscenarios run with it by\n  tokenlapse run --idp {dialect}");
        text
    }

    fn defect(name: &str) -> String {
        let mut text = format!("{name}  defect of the built-in target\n");
        if let Some(defect) = defect(name) {
            let _ = writeln!(text, "{}", defect.summary);
            section(&mut text, "mirrors", [[defect.mirrors, title_of(defect.mirrors)]]);
            let checks = CHECKS.iter().filter(|check| defect.checks.contains(&check.id));
            section(&mut text, "checks that should fail", checks.map(|check| [check.id, check.doc]));
        }
        let _ = writeln!(text, "\nthe worker makes this mistake with\n  tokenlapse run --defect {name}");
        text
    }
}

fn verdict(verdict: Verdict) -> String {
    let code = if verdict.is_bad() { "makes the exit code 1" } else { "leaves the exit code 0" };
    format!("{}  verdict on a scenario run\n{}\n\nIt {code}.\n", verdict.name(), paragraph(0, verdict.doc()).trim_end())
}

fn mirrors(scenario: &Scenario, mode: &str) -> bool {
    scenario.mirrors.iter().any(|mirrored| mirrored.value == mode)
}

fn proves(scenario: &Scenario, check: &str) -> bool {
    scenario.proves.iter().any(|proved| proved.value == check)
}

fn asks(scenario: &Scenario, requirement: &str) -> bool {
    scenario.requires.iter().any(|asked| asked.value.name() == requirement)
}

fn mode_of(check: &str) -> Option<&'static str> {
    check::ALL.iter().find(|known| known.id() == check).map(|check| check.failure_mode())
}

fn title_of(mode: &str) -> &'static str {
    failure_mode(mode).map_or("", |mode| &mode.title)
}

/// The action `name` as the file of a scenario writes it.
fn written(scenario: &str, name: &str) -> Option<String> {
    let file = tokenlapse_scenarios::scenario(scenario)?;
    let line = file.text.lines().find(|line| line.contains(&format!("do: {{ {name}:")))?;
    Some(line.trim_start().trim_start_matches("- ").strip_prefix("do: ")?.to_owned())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n").replace("  \n", "\n")).collect()
}

/// A heading with aligned lines under it; nothing if there are none.
fn section<'a, const N: usize>(text: &mut String, heading: &str, lines: impl IntoIterator<Item = [&'a str; N]>) {
    let lines: Vec<[String; N]> = lines.into_iter().map(|line| line.map(str::to_owned)).collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n{heading}\n{}", table(2, &lines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words { scenarios: catalogue().expect("valid"), target: builtin_target().expect("valid") }
    }

    #[test]
    fn everything_that_has_a_name_is_explained() {
        let words = words();
        for id in words.all() {
            let text = words.explain(id).unwrap_or_else(|| panic!("{id} is not explained"));
            assert!(text.starts_with(&format!("{id}  ")) && text.lines().count() > 3, "{id}:\n{text}");
        }
        assert_eq!(words.explain("no-such-word"), None);
        assert!(words.explain("fm-08").is_some_and(|text| text.contains("expiry-inside-paging")));
    }

    #[test]
    fn names_mean_one_thing_each() {
        let words = words();
        let all = words.all();
        for name in &all {
            assert_eq!(all.iter().filter(|other| *other == name).count(), 1, "{name} means several things");
            assert!(!Group::NAMES.contains(name), "{name} is a group");
        }
    }

    #[test]
    fn what_belongs_together_is_shown_together() {
        let words = words();
        for (id, shown) in [
            ("expiry-herd", "FM-12"),
            ("expiry-herd", "api.hold: { until: 8 }"),
            ("expiry-herd", "control-shows  a workload in whose workflows"),
            ("rotation-restart", "processes"),
            ("bounded-load", "grant-storm"),
            ("bounded-load", "expiry-herd"),
            ("api.hold", "do: { api.hold: { until: 2 } }"),
            ("idp.respond", "do: { idp.respond: { endpoint: token, status: 503, times: 1000 } }"),
            ("idp.respond", "status"),
            ("time.pass", "all-expired"),
            ("idp.request", "introspect"),
            ("grant-storm", "FM-12"),
            ("outage", "outage-html-502"),
        ] {
            let text = words.explain(id).expect("explained");
            assert!(text.contains(shown), "{id} does not show {shown}:\n{text}");
        }
    }
}
