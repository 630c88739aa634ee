//! `tokenlapse check`: judges finished journals once more.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use schemars::JsonSchema;
use serde::Serialize;

use crate::journal::{self, ReadError, Record, Run, transcript};
use crate::report::Text;
use crate::run::{ScenarioReport, Totals, judge};
use crate::scenario::Resolved;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Journals (`*.jsonl`), or directories of runs
    #[arg(required = true, value_name = "JOURNAL")]
    journals: Vec<PathBuf>,
    /// Form of the result on standard output
    #[arg(long, value_enum, default_value_t = super::Format::Text)]
    format: super::Format,
    /// Tell each journal's story instead: what happened per workflow and per client, the same text in each run of a
    /// scenario
    #[arg(long, conflicts_with = "format")]
    transcript: bool,
}

/// What `--format json` prints.
#[derive(Serialize, JsonSchema)]
pub(super) struct Checked<'a> {
    /// That of the form of this object.
    version: u32,
    /// How many journals gave each verdict.
    totals: Totals,
    /// Whether a run was interrupted, so that it left a journal without an end.
    interrupted: bool,
    /// One per journal that could be read, in the order of the command line.
    scenarios: Vec<ScenarioReport>,
    /// Paths that no verdict can be given for; one makes the exit code 2.
    unreadable: &'a [Unreadable],
}

/// A path that no verdict can be given for.
#[derive(Serialize, JsonSchema)]
struct Unreadable {
    /// As it was given, or found in a directory that was given.
    path: PathBuf,
    /// Why.
    reason: String,
    /// What the user can do about it.
    hint: String,
}

impl Unreadable {
    fn new(path: &Path, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { path: path.to_path_buf(), reason: reason.into(), hint: hint.into() }
    }

    fn because(path: &Path, error: &ReadError) -> Self {
        Self::new(path, super::with_causes(error), error.hint())
    }

    /// On standard error, in every form of the result.
    fn tell(&self) {
        let Self { path, reason, hint } = self;
        // Nothing is left to do if nobody hears it; the exit code says it too.
        let _ = writeln!(io::stderr(), "tokenlapse check: {}: {reason}\n  hint: {hint}", path.display());
    }
}

/// Code 0 if all is well, 1 if a journal gives a bad verdict, 2 if one cannot be read, which keeps no other from being
/// judged.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut journals = Vec::new();
    let mut unreadable = Vec::new();
    for path in &arguments.journals {
        match files(path) {
            Ok(files) => journals.extend(files),
            Err(why) => unreadable.push(why),
        }
    }
    let mut out = anstream::stdout();
    let well = if arguments.transcript {
        tell(&journals, &mut unreadable, &mut out);
        true
    } else {
        let reports = gather(&journals, &mut unreadable, report);
        show(arguments.format, reports, &unreadable, &mut out)
    };
    unreadable.iter().for_each(Unreadable::tell);
    match (unreadable.is_empty(), well) {
        (false, _) => ExitCode::from(2),
        (true, false) => ExitCode::FAILURE,
        (true, true) => ExitCode::SUCCESS,
    }
}

/// What each journal gives that can be read.
fn gather<T>(
    journals: &[PathBuf],
    unreadable: &mut Vec<Unreadable>,
    read: impl Fn(&Path) -> Result<T, Unreadable>,
) -> Vec<T> {
    let mut all = Vec::new();
    for file in journals {
        match read(file) {
            Ok(one) => all.push(one),
            Err(why) => unreadable.push(why),
        }
    }
    all
}

/// Prints the story of each journal, after its name where there are several.
fn tell(journals: &[PathBuf], unreadable: &mut Vec<Unreadable>, out: &mut dyn io::Write) {
    let stories = gather(journals, unreadable, |file| Ok((file.to_path_buf(), transcript(&Run::new(&read(file)?)))));
    for (index, (file, story)) in stories.iter().enumerate() {
        let title = match (journals.len(), index) {
            (1, _) => String::new(),
            (_, 0) => format!("==> {} <==\n", file.display()),
            _ => format!("\n==> {} <==\n", file.display()),
        };
        // Nothing is left to do if nobody reads it.
        let _ = write!(out, "{title}{story}");
    }
}

/// Prints the verdicts. Gives whether none of them is bad.
fn show(
    format: super::Format,
    reports: Vec<(ScenarioReport, bool)>,
    unreadable: &[Unreadable],
    out: &mut dyn io::Write,
) -> bool {
    let unfinished = reports.iter().filter(|(_, is_unfinished)| *is_unfinished).count();
    let reports: Vec<ScenarioReport> = reports.into_iter().map(|(report, _)| report).collect();
    let bad = reports.iter().any(|report| report.verdict.is_bad());
    let totals = Totals::of(reports.iter().map(|report| report.verdict));
    // Nothing is left to do if nobody reads it; the exit code says it too.
    let _ = match format {
        super::Format::Text => text(&reports, totals, unfinished, unreadable, out),
        super::Format::Json => {
            let checked = Checked {
                version: crate::run::VERSION,
                totals,
                interrupted: unfinished > 0,
                scenarios: reports,
                unreadable,
            };
            serde_json::to_writer_pretty(&mut *out, &checked).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
    };
    !bad
}

fn text(
    reports: &[ScenarioReport],
    totals: Totals,
    unfinished: usize,
    unreadable: &[Unreadable],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    Text::default().scenarios(reports, out)?;
    writeln!(out)?;
    match unfinished {
        0 => {}
        1 => Text::interrupted("one scenario run had not ended", out)?,
        more => Text::interrupted(&format!("{more} scenario runs had not ended"), out)?,
    }
    let journals = match reports.len() {
        1 => "of one journal".to_owned(),
        many => format!("of {many} journals"),
    };
    let of_what = match unreadable.len() {
        0 => journals,
        1 => format!("{journals}; one more could not be read"),
        more => format!("{journals}; {more} more could not be read"),
    };
    Text::totals(totals, &of_what, out)
}

/// A directory stands for the journals in it, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let read = || -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    let mut files = read().map_err(|error| Unreadable::because(path, &error.into()))?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    if files.is_empty() {
        let hint = match path.join("latest").is_dir() {
            true => format!("journals lie in the directory of a run: `{}`", path.join("latest").display()),
            false => "journals lie in the directory of a run, such as `tokenlapse-out/latest`".to_owned(),
        };
        return Err(Unreadable::new(path, "there is no journal (`*.jsonl`) in it", hint));
    }
    Ok(files)
}

/// The records of a journal, of which the first says what was run.
fn read(file: &Path) -> Result<Vec<Record>, Unreadable> {
    let because = |error: ReadError| Unreadable::because(file, &error);
    let reader = io::BufReader::new(std::fs::File::open(file).map_err(|error| because(error.into()))?);
    journal::read(reader).map_err(because)
}

/// What a journal says, and whether it is unfinished.
fn report(file: &Path) -> Result<(ScenarioReport, bool), Unreadable> {
    let records = read(file)?;
    let run = Run::new(&records);
    let header = run.header().expect("a journal that can be read has one");
    let duration = records.last().map(Record::at).unwrap_or_default();
    let resolved = Resolved::read(&header.resolved).map_err(|error| {
        let reason = format!("its first record cannot be read ({error})");
        Unreadable::new(file, reason, "check it with the version of tokenlapse that wrote it")
    })?;
    let blank = ScenarioReport::blank(&resolved.scenario, &resolved.family, &resolved.title, repeat(file));
    Ok((blank.judged(judge(&run), duration, file.to_path_buf()), run.is_unfinished()))
}

/// `expiry-herd.3.jsonl` is the third repetition.
fn repeat(file: &Path) -> u32 {
    let number = file.file_stem().map(Path::new).and_then(|stem| stem.extension()?.to_str()?.parse().ok());
    number.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journals_name_says_which_repetition_it_is() {
        assert_eq!(repeat(Path::new("out/expiry-herd.jsonl")), 1);
        assert_eq!(repeat(Path::new("out/expiry-herd.12.jsonl")), 12);
    }
}
