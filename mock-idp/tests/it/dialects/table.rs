//! The table of facts in the README is the code's.

use mock_idp::{Certainty, Dialect};

/// Set to write the table anew instead of comparing it.
const WRITE: &str = "MOCK_IDP_WRITE_README";
const BEGIN: &str =
    "<!-- facts: written by `MOCK_IDP_WRITE_README=1 cargo test -p mock-idp --test it dialects::table` -->\n";
const END: &str = "<!-- end of facts -->\n";

#[test]
fn the_readme_has_every_fact() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("a README");
    let (before, rest) = readme.split_once(BEGIN).expect("the beginning of the table");
    let (written, after) = rest.split_once(END).expect("the end of the table");
    let marks: Vec<String> = Certainty::ALL.iter().map(|mark| format!("**{mark}** {}", mark.doc())).collect();
    let table = format!("\nMarks: {}.\n\n{}\n", marks.join(" · "), Dialect::table());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).expect("written");
        return;
    }
    assert!(written == table, "README.md does not say what the code does: {WRITE}=1 writes it anew");
}

#[test]
fn every_dialect_has_a_name_a_doc_and_a_fact_of_each_topic() {
    let generic: Vec<&str> = Dialect::Generic.facts().iter().map(|fact| fact.topic).collect();
    let mut names = std::collections::BTreeSet::new();
    for dialect in Dialect::ALL.iter().copied() {
        assert!(names.insert(dialect.name()), "{dialect} is there twice");
        assert_eq!(Dialect::named(dialect.name()), Some(dialect));
        assert!(dialect.doc().ends_with('.'), "{dialect}");
        let facts = dialect.facts();
        for topic in ["issuer", "address", "access token lifetime", "refresh tokens", "`scope`", "one request too many"]
        {
            assert!(generic.contains(&topic) && facts.iter().any(|fact| fact.topic == topic), "{dialect}: {topic}");
        }
        for fact in &facts {
            assert!(!fact.says.is_empty(), "{dialect}: nothing of {}", fact.topic);
        }
        let sure = facts.iter().filter(|fact| fact.certainty != Certainty::Ours).count();
        assert_eq!(sure == 0, dialect == Dialect::Generic, "{dialect}: a vendor is known for something");
    }
    assert_eq!(Dialect::named("nobody"), None);
}
