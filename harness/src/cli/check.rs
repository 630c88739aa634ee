//! `tokenlapse check`: judges finished journals once more.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::journal::{self, Record, Run, transcript};
use crate::report::Text;
use crate::run::{ScenarioReport, judge};

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
#[derive(Serialize)]
struct Checked {
    version: u32,
    scenarios: Vec<ScenarioReport>,
}

/// Code 0 if all is well, 1 if a journal gives a bad verdict, 2 if one cannot be read.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut journals = Vec::new();
    for path in &arguments.journals {
        match files(path) {
            Ok(files) => journals.extend(files),
            Err(error) => return super::fail("check", &format!("{}: {error}", path.display()), 2),
        }
    }
    if journals.is_empty() {
        return super::fail("check", "there is no journal (`*.jsonl`) in there", 2);
    }
    let done = if arguments.transcript { tell(&journals) } else { judge_all(&journals, arguments.format) };
    done.unwrap_or_else(|why| super::fail("check", &why, 2))
}

/// Prints the story of each journal, after its name where there are several.
fn tell(journals: &[PathBuf]) -> Result<ExitCode, String> {
    let mut out = anstream::stdout();
    for (index, file) in journals.iter().enumerate() {
        let records = read(file)?;
        let title = match (journals.len(), index) {
            (1, _) => String::new(),
            (_, 0) => format!("==> {} <==\n", file.display()),
            _ => format!("\n==> {} <==\n", file.display()),
        };
        // Nothing is left to do if nobody reads it.
        let _ = write!(out, "{title}{}", transcript(&Run::new(&records)));
    }
    Ok(ExitCode::SUCCESS)
}

fn judge_all(journals: &[PathBuf], format: super::Format) -> Result<ExitCode, String> {
    let reports = journals.iter().map(|file| report(file)).collect::<Result<Vec<_>, _>>()?;
    let bad = reports.iter().any(|report| report.verdict.is_bad());
    let mut out = anstream::stdout();
    // Nothing is left to do if nobody reads it; the exit code says it too.
    let _ = match format {
        super::Format::Text => Text::default().scenarios(&reports, &mut out),
        super::Format::Json => {
            let checked = Checked { version: crate::run::VERSION, scenarios: reports };
            serde_json::to_writer_pretty(&mut out, &checked).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
    };
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A directory stands for the journals in it, by name.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The records of a journal, of which the first says what was run.
fn read(file: &Path) -> Result<Vec<Record>, String> {
    let told = |why: String| format!("{}: {why}", file.display());
    let reader = io::BufReader::new(std::fs::File::open(file).map_err(|error| told(error.to_string()))?);
    let records = journal::read(reader).map_err(|error| told(super::with_causes(&error)))?;
    if Run::new(&records).header().is_none() {
        return Err(told("it does not begin with `run.started`".to_owned()));
    }
    Ok(records)
}

fn report(file: &Path) -> Result<ScenarioReport, String> {
    let records = read(file)?;
    let run = Run::new(&records);
    let header = run.header().expect("`read` gives no other");
    let duration = records.last().map(crate::journal::Record::at).unwrap_or_default();
    let resolved = crate::scenario::Resolved::read(&header.resolved).map_err(|error| {
        let why = "check it with the version that wrote it";
        format!("{}: its first record cannot be read ({error}); {why}", file.display())
    })?;
    Ok(ScenarioReport::blank(&resolved.scenario, &resolved.family, &resolved.title, repeat(file)).judged(
        judge(&run),
        duration,
        file.to_path_buf(),
    ))
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
