//! `tokenlapse new`: files to start from.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use crate::scenario::{Scenario, scenario_template};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Write a commented scenario file, ID.yaml, into this folder
    Scenario {
        /// Its name: small letters, digits and `-`
        id: String,
        /// Any word that sorts it with others
        #[arg(long, default_value = "custom")]
        family: String,
        /// What happens, in one sentence
        #[arg(long)]
        title: Option<String>,
    },
}

/// Code 2 if the file cannot be as wished or is there already.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let What::Scenario { id, family, title } = &arguments.what;
    // Nothing is left to do if nobody hears it; the exit code says it too.
    match scenario(id, family, title.as_deref()) {
        Ok(said) => {
            let _ = write!(io::stdout(), "{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(io::stderr(), "tokenlapse new: {why}");
            ExitCode::from(2)
        }
    }
}

fn scenario(id: &str, family: &str, title: Option<&str>) -> Result<String, String> {
    if tokenlapse_scenarios::scenario(id).is_some() {
        return Err(format!("the catalogue has a scenario `{id}`: take another name"));
    }
    let text = filled(id, family, title);
    let name = format!("{id}.yaml");
    // Only what was given can be wrong: the template is good.
    Scenario::parse(&text, &name).map_err(|problems| {
        let said = problems.iter().map(|problem| match problem.hint() {
            Some(hint) => format!("{} ({hint})", problem.message()),
            None => problem.message().to_owned(),
        });
        said.collect::<Vec<_>>().join("; ")
    })?;
    write_new(Path::new(&name), &text).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{name} is there already, and stays as it is"),
        _ => format!("{name} cannot be written: {error}"),
    })?;
    Ok(format!(
        "{name}\n\nSay in it what goes wrong; `tokenlapse explain` knows events and actions. Then:\n  tokenlapse validate \
         {name}\n  tokenlapse run {name}\n"
    ))
}

/// The template with the given words in their places.
fn filled(id: &str, family: &str, title: Option<&str>) -> String {
    let template = scenario_template(id);
    let lines = template.lines().map(|line| {
        if let Some(rest) = line.strip_prefix("family: custom") {
            format!("family: {}{rest}\n", plain_or_quoted(family))
        } else if let Some(title) = title.filter(|_| line.starts_with("title: ")) {
            format!("title: {}\n", plain_or_quoted(title))
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

/// Words as they are; anything that YAML could take for something else in quotes.
fn plain_or_quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | ',' | '.' | '\''))
        && text.trim() == text
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// Never over a file that is there, and never half.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What the umask leaves: it is a file like any other, not a temporary one.
    let mut aside = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
    aside.write_all(text.as_bytes())?;
    aside.persist_noclobber(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_takes_whatever_is_given() {
        for (family, title) in
            [("outage", "It's down, twice"), ("expiry", "A: b # c \"d\""), ("custom", "true"), ("n", "7")]
        {
            let scenario = Scenario::parse(&filled("mine", family, Some(title)), "mine.yaml").expect("valid");
            let given = [&scenario.scenario, &scenario.family, &scenario.title].map(|word| word.value.as_str());
            assert_eq!(given, ["mine", family, title]);
        }
        assert_eq!(filled("mine", "custom", None), scenario_template("mine"));
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mine.yaml");
        write_new(&path, "one").expect("written");
        assert_eq!(write_new(&path, "two").expect_err("it is there").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "one");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing else is left");
    }
}
