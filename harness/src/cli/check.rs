//! `tokenlapse check`: judges finished journals once more.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::journal::{self, Run};
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
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Checked {
    version: u32,
    scenarios: Vec<ScenarioReport>,
}

/// Code 0 if all is well, 1 if a journal gives a bad verdict, 2 if one cannot be read.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let mut reports = Vec::new();
    for path in &arguments.journals {
        let files = match files(path) {
            Ok(files) => files,
            Err(error) => return super::fail("check", &format!("{}: {error}", path.display()), 2),
        };
        for file in files {
            match report(&file) {
                Ok(report) => reports.push(report),
                Err(why) => return super::fail("check", &format!("{}: {why}", file.display()), 2),
            }
        }
    }
    if reports.is_empty() {
        return super::fail("check", "there is no journal (`*.jsonl`) in there", 2);
    }
    let bad = reports.iter().any(|report| report.verdict.is_bad());
    let mut out = anstream::stdout();
    // Nothing is left to do if nobody reads it; the exit code says it too.
    let _ = match arguments.format {
        super::Format::Text => Text::default().scenarios(&reports, &mut out),
        super::Format::Json => {
            let checked = Checked { version: crate::run::VERSION, scenarios: reports };
            serde_json::to_writer_pretty(&mut out, &checked).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
    };
    if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS }
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

fn report(file: &Path) -> Result<ScenarioReport, String> {
    let reader = io::BufReader::new(std::fs::File::open(file).map_err(|error| error.to_string())?);
    let records = journal::read(reader).map_err(|error| super::with_causes(&error))?;
    let run = Run::new(&records);
    let Some(header) = run.header() else { return Err("it does not begin with `run.started`".to_owned()) };
    let duration = records.last().map(crate::journal::Record::at).unwrap_or_default();
    let resolved = crate::scenario::Resolved::read(&header.resolved).map_err(|error| {
        format!("its first record cannot be read ({error}); check it with the version that wrote it")
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
