//! How long documents may be kept, by a configuration file or the control.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caching::{CacheControl, Caching};

/// `Cache-Control` of documents, as in `max-age=300`; an empty text leaves it out. Default: as the dialect has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "admin", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct CachingSettings {
    /// Of the JWKS.
    #[schemars(with = "Option<String>")]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>, example = "max-age=300"))]
    pub jwks: CacheControl,
    /// Of discovery documents.
    #[schemars(with = "Option<String>")]
    #[cfg_attr(feature = "admin", schema(value_type = Option<String>, example = "no-store"))]
    pub discovery: CacheControl,
}

impl From<CachingSettings> for Caching {
    fn from(CachingSettings { jwks, discovery }: CachingSettings) -> Self {
        Self { jwks, discovery }
    }
}

impl From<Caching> for CachingSettings {
    fn from(Caching { jwks, discovery }: Caching) -> Self {
        Self { jwks, discovery }
    }
}
