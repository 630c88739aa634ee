//! `tokenlapse list`: what there is.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mock_idp::Dialect;
use serde_json::{Value, json};

use super::table::table;
use crate::check;
use crate::journal::{KIND_DOCS, KindDoc};
use crate::scenario::{
    Action, CHECKS, Diagnostic, Group, Scenario, Target, builtin_target, catalogue, failure_modes, filters,
    prescribed_wait, triggers,
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// What to list
    #[arg(default_value = "scenarios")]
    what: What,
    /// Whose defects; else those of ./tokenlapse.yaml or of the built-in target
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// The catalogue, by family
    Scenarios,
    /// What is judged of every scenario
    Checks,
    /// The actions that faults can carry out
    Faults,
    /// What a fault can wait for, and what journals hold
    Events,
    /// What goes wrong in the wild
    FailureModes,
    /// Vendors whose ways the identity provider can have
    Dialects,
    /// Mistakes that a target's worker can be told to make
    Defects,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object
    Json,
}

/// Code 2 if the target file is wrong.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    // Nothing is left to do if nobody hears it; the exit code says it too.
    let listed = match arguments.what {
        What::Scenarios => catalogue().map(|scenarios| of_scenarios(&scenarios)),
        What::Checks => Ok(of_checks()),
        What::Faults => Ok(of_faults()),
        What::Events => Ok(of_events()),
        What::FailureModes => Ok(of_failure_modes()),
        What::Dialects => Ok(of_dialects()),
        What::Defects => match target(arguments.target.as_deref()) {
            Ok(target) => Ok(of_defects(&target)),
            Err(why) => {
                let _ = write!(io::stderr(), "{why}");
                return ExitCode::from(2);
            }
        },
    };
    let listed = match listed {
        Ok(listed) => listed,
        Err(problems) => {
            let _ = writeln!(io::stderr(), "tokenlapse list: the catalogue is broken: {problems:?}");
            return ExitCode::from(3);
        }
    };
    let written = match arguments.format {
        Format::Text => write!(io::stdout(), "{}", listed.text),
        Format::Json => writeln!(io::stdout(), "{:#}", listed.json),
    };
    if arguments.format == Format::Text {
        let _ = writeln!(io::stderr(), "\n{}", listed.hint);
    }
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// One list, in both forms.
struct Listed {
    text: String,
    json: Value,
    hint: String,
}

fn of_scenarios(scenarios: &[Scenario]) -> Listed {
    let width = scenarios.iter().map(|scenario| scenario.scenario.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut family = "";
    for scenario in scenarios {
        if scenario.family.value != family {
            family = &scenario.family;
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{family}\n"));
        }
        let slow = match Group::of(scenario) {
            Group::Quick => "",
            Group::Slow => " (slow)",
        };
        text.push_str(&format!("  {:width$}  {}{slow}\n", scenario.scenario.value, scenario.title.value));
    }
    Listed {
        text,
        json: json!({ "scenarios": scenarios.iter().map(scenario_json).collect::<Vec<_>>() }),
        hint: format!(
            "{} scenarios; `tokenlapse explain ID` tells what one does, `tokenlapse run ID` runs it. Also: `tokenlapse \
             list checks`, `faults`, `events`, `failure-modes`, `dialects`, `defects`.",
            scenarios.len()
        ),
    }
}

fn scenario_json(scenario: &Scenario) -> Value {
    json!({
        "id": scenario.scenario,
        "family": scenario.family,
        "title": scenario.title,
        "group": Group::of(scenario).name(),
        "wait_ms": prescribed_wait(scenario).as_millis(),
        "mirrors": scenario.mirrors,
        "requires": scenario.requires,
        "proves": scenario.proves,
    })
}

fn of_checks() -> Listed {
    let failure_mode = |id: &str| check::ALL.iter().find(|check| check.id() == id).map(|check| check.failure_mode());
    let lines: Vec<_> = CHECKS.iter().map(|check| [check.id.to_owned(), check.doc.to_owned()]).collect();
    let json = CHECKS.iter().map(|it| json!({ "id": it.id, "doc": it.doc, "failure_mode": failure_mode(it.id) }));
    Listed {
        text: table(0, &lines),
        json: json!({ "checks": json.collect::<Vec<_>>() }),
        hint: "Every check applies to every scenario; `tokenlapse explain ID` tells which exist for it.".to_owned(),
    }
}

fn of_faults() -> Listed {
    let lines: Vec<_> = Action::DOCS.iter().map(|(name, doc)| [(*name).to_owned(), (*doc).to_owned()]).collect();
    let json = Action::DOCS.iter().map(|(name, doc)| json!({ "id": name, "doc": doc }));
    Listed {
        text: table(0, &lines),
        json: json!({ "faults": json.collect::<Vec<_>>() }),
        hint: "`tokenlapse explain ID` shows an action's parameters.".to_owned(),
    }
}

fn of_events() -> Listed {
    let can_trigger = |kind: &KindDoc| triggers().any(|name| name == kind.name);
    let lines: Vec<_> = KIND_DOCS
        .iter()
        .map(|kind| {
            let mark = if can_trigger(kind) { "" } else { "-" };
            [kind.name.to_owned(), mark.to_owned(), kind.doc.to_owned()]
        })
        .collect();
    let json = KIND_DOCS.iter().map(
        |kind| json!({ "id": kind.name, "doc": kind.doc, "triggers": can_trigger(kind), "filters": filters(kind) }),
    );
    Listed {
        text: table(0, &lines),
        json: json!({ "events": json.collect::<Vec<_>>() }),
        hint: "A fault can wait for all but those marked `-`; `tokenlapse explain ID` shows an event's filters."
            .to_owned(),
    }
}

fn of_failure_modes() -> Listed {
    let lines: Vec<_> = failure_modes().iter().map(|mode| [mode.id.clone(), mode.title.clone()]).collect();
    Listed {
        text: table(0, &lines),
        json: json!({ "failure_modes": failure_modes() }),
        hint: "`tokenlapse explain FM-08` tells how it comes about and what stands for it.".to_owned(),
    }
}

fn of_dialects() -> Listed {
    let lines: Vec<_> =
        Dialect::ALL.iter().map(|dialect| [dialect.name().to_owned(), dialect.doc().to_owned()]).collect();
    let json = Dialect::ALL.iter().map(|dialect| json!({ "id": dialect.name(), "doc": dialect.doc() }));
    Listed {
        text: table(0, &lines),
        json: json!({ "dialects": json.collect::<Vec<_>>() }),
        hint: "`tokenlapse explain ID` tells what it does; `tokenlapse run --idp ID` runs scenarios with it."
            .to_owned(),
    }
}

fn of_defects(target: &Target) -> Listed {
    let summary = |name: &str| super::explain::defect_summary(target, name).unwrap_or_default();
    let names = || target.defects.iter().map(|defect| defect.value.as_str());
    let lines: Vec<_> = names().map(|name| [name.to_owned(), summary(name)]).collect();
    let json = names().map(|name| json!({ "id": name, "doc": summary(name) }));
    let name = &target.target.value;
    Listed {
        text: table(0, &lines),
        json: json!({ "target": name, "defects": json.collect::<Vec<_>>() }),
        hint: match lines.is_empty() {
            true => format!("The target {name} names no `defects:`."),
            false => format!("`tokenlapse run --defect NAME` tells the worker of target {name} to make that mistake."),
        },
    }
}

/// The target file that is named, else `./tokenlapse.yaml`, else the built-in one.
fn target(file: Option<&Path>) -> Result<Target, String> {
    let here = Path::new("tokenlapse.yaml");
    let parsed = match file.or_else(|| here.exists().then_some(here)) {
        None => builtin_target(),
        Some(file) => {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(file).map_err(|error| format!("{name}: cannot be read: {error}\n"))?;
            Target::parse(&text, &name)
        }
    };
    parsed.map_err(|problems| problems.iter().map(Diagnostic::excerpt).collect())
}
