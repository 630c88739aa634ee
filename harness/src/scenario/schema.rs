//! JSON Schema of both files, for editors; made from the models, so that it cannot differ from what is read.

use mock_idp::file::schema;
use schemars::Schema;

use super::model::Scenario;
use super::target::Target;

/// JSON Schema (2020-12) of target files.
pub fn target_schema() -> Schema {
    schema::<Target>()
}

/// JSON Schema (2020-12) of scenario files.
pub fn scenario_schema() -> Schema {
    schema::<Scenario>()
}
