//! Routes of the protected API: `GET /orders/{id}`.

use std::collections::BTreeMap;

use http::Method;

/// A route that the target names.
#[derive(Debug, Clone)]
pub struct Route {
    name: String,
    method: Method,
    segments: Vec<Segment>,
    scopes: Vec<String>,
    effect: Option<Option<String>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Segment {
    Fixed(String),
    Parameter(String),
}

/// A route that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no route; write a method and a path: `GET /orders/{{id}}`")]
pub struct RouteError(String);

impl Route {
    /// Reads `METHOD /path/{parameter}`.
    ///
    /// # Errors
    ///
    /// [`RouteError`] if it is not of that form.
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        let wrong = || RouteError(text.to_owned());
        let (method, path) = text.split_once(' ').ok_or_else(wrong)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| wrong())?;
        let path = path.trim().strip_prefix('/').ok_or_else(wrong)?;
        let segments = path
            .split('/')
            .map(|segment| match segment.strip_prefix('{').map(|rest| rest.strip_suffix('}')) {
                Some(Some(name)) if !name.is_empty() => Ok(Segment::Parameter(name.to_owned())),
                Some(_) => Err(wrong()),
                None => Ok(Segment::Fixed(segment.to_owned())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { name: text.to_owned(), method, segments, scopes: Vec::new(), effect: None })
    }

    /// The same route for tokens with these scopes only.
    #[must_use]
    pub fn needs(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The same route with an effect, once per value of the header `idempotency` if one is named.
    #[must_use]
    pub fn with_effect(mut self, idempotency: Option<&str>) -> Self {
        self.effect = Some(idempotency.map(str::to_owned));
        self
    }

    /// Scopes that a token needs, all of them.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The header that carries the idempotency key, if calling this route has an effect; without a header
    /// (`Some(None)`) each call is an effect of its own.
    pub fn effect(&self) -> Option<Option<&str>> {
        self.effect.as_ref().map(|header| header.as_deref())
    }

    /// The route as the target writes it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path parameters, if the request is for this route.
    pub fn matches(&self, method: &Method, path: &str) -> Option<BTreeMap<String, String>> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        if *method != self.method || parts.len() != self.segments.len() {
            return None;
        }
        let mut parameters = BTreeMap::new();
        for (segment, part) in self.segments.iter().zip(parts) {
            match segment {
                Segment::Fixed(fixed) if fixed == part => {}
                Segment::Fixed(_) => return None,
                // An empty part is another path, not an empty parameter.
                Segment::Parameter(_) if part.is_empty() => return None,
                Segment::Parameter(name) => {
                    parameters.insert(name.clone(), part.to_owned());
                }
            }
        }
        Some(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_matches_its_paths_only() {
        let route = Route::parse("GET /orders/{id}/items").expect("a route");
        let found = route.matches(&Method::GET, "/orders/7/items").expect("it is this route");
        assert_eq!(found["id"], "7");
        for other in ["/orders/7", "/orders//items", "/orders/7/items/", "/users/7/items", "orders/7/items"] {
            assert!(route.matches(&Method::GET, other).is_none(), "{other}");
        }
        assert!(route.matches(&Method::POST, "/orders/7/items").is_none());
    }

    #[test]
    fn what_is_no_route_is_refused() {
        for wrong in ["", "GET", "GET orders", "/orders", "GET /orders/{id", "GET /orders/{}", "G T /orders"] {
            let said = Route::parse(wrong).expect_err(wrong).to_string();
            assert!(said.starts_with(&format!("`{wrong}` is no route")), "{said}");
        }
    }
}
