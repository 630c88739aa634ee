//! Routes of the protected API: `GET /orders/{id}`.

use std::fmt;
use std::str::FromStr;

use mock_idp::as_text;
use mock_idp::file::{Complaint, suggest};

/// Methods of RFC 9110 §9 and RFC 5789 that an API can be expected to have.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSegment {
    /// Stands for itself.
    Literal(String),
    /// `{id}`: any one segment, known by this name.
    Param(String),
}

/// Method and path, with parameters: `GET /orders/{id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePattern {
    method: String,
    segments: Vec<PathSegment>,
}

impl RoutePattern {
    /// The method, in capitals.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path's segments in order.
    pub fn segments(&self) -> &[PathSegment] {
        &self.segments
    }

    /// Names of the parameters in order.
    pub fn params(&self) -> impl Iterator<Item = &str> + Clone {
        self.segments.iter().filter_map(|segment| match segment {
            PathSegment::Param(name) => Some(name.as_str()),
            PathSegment::Literal(_) => None,
        })
    }

    /// The parameters' values if method and path (without query, not decoded) fit.
    pub fn matches<'a>(&'a self, method: &str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        if method != self.method {
            return None;
        }
        let path = path.strip_prefix('/')?;
        let mut given = path.split('/');
        let mut params = Vec::new();
        // The root has no segments, yet splitting the empty path gives one.
        if self.segments.is_empty() {
            return path.is_empty().then_some(params);
        }
        for segment in &self.segments {
            let given = given.next()?;
            match segment {
                PathSegment::Literal(literal) if literal == given => {}
                PathSegment::Param(name) if !given.is_empty() => params.push((name.as_str(), given)),
                PathSegment::Literal(_) | PathSegment::Param(_) => return None,
            }
        }
        given.next().is_none().then_some(params)
    }
}

impl FromStr for RoutePattern {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let form = "a route is a method and a path, as in `GET /orders/{id}`";
        let Some((method, path)) = text.split_once(' ') else {
            return Err(Complaint::new(format!("`{text}` is not a route")).hint(form));
        };
        if !METHODS.contains(&method) {
            return Err(Complaint::new(format!("unknown method `{method}`"))
                .about(method)
                .hint(suggest(method, METHODS)));
        }
        let Some(path) = path.strip_prefix('/') else {
            return Err(Complaint::new(format!("the path `{path}` does not begin with `/`")).about(path).hint(form));
        };
        if path.contains(['?', '#', ' ']) {
            return Err(Complaint::new("a route has neither query nor fragment nor spaces").hint(form));
        }
        let mut segments: Vec<PathSegment> = Vec::new();
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            let parsed = match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                    let param = PathSegment::Param(name.to_owned());
                    if segments.contains(&param) {
                        return Err(Complaint::new(format!("the parameter `{segment}` stands twice")).about(segment));
                    }
                    param
                }
                None if !segment.is_empty() && !segment.contains(['{', '}']) => {
                    PathSegment::Literal(segment.to_owned())
                }
                _ => {
                    let complaint = Complaint::new(format!("`{segment}` cannot be a part of a path"));
                    return Err(complaint.about(segment).hint("a parameter is a whole segment, as in `/{id}/`"));
                }
            };
            segments.push(parsed);
        }
        Ok(Self { method: method.to_owned(), segments })
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method)?;
        if self.segments.is_empty() {
            return f.write_str("/");
        }
        self.segments.iter().try_for_each(|segment| match segment {
            PathSegment::Literal(text) => write!(f, "/{text}"),
            PathSegment::Param(name) => write!(f, "/{{{name}}}"),
        })
    }
}

as_text!(
    RoutePattern,
    "Route",
    "a method and a path, such as `GET /orders/{id}`",
    "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /[^ ?#]*$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_match_whole_paths() {
        let route: RoutePattern = "POST /orders/{id}/ship".parse().expect("a route");
        assert_eq!(route.to_string(), "POST /orders/{id}/ship");
        assert_eq!(route.matches("POST", "/orders/7/ship"), Some(vec![("id", "7")]));
        for (method, path) in [
            ("GET", "/orders/7/ship"),
            ("POST", "/orders//ship"),
            ("POST", "/orders/7"),
            ("POST", "/orders/7/ship/now"),
            ("POST", "orders/7/ship"),
        ] {
            assert_eq!(route.matches(method, path), None, "{method} {path}");
        }
        let root: RoutePattern = "GET /".parse().expect("a route");
        assert!(root.matches("GET", "/").is_some() && root.matches("GET", "/x").is_none());
    }

    #[test]
    fn what_is_no_route_is_refused() {
        for text in [
            "/orders",
            "GET orders",
            "GET /a b",
            "GET /a?x=1",
            "GET /{}",
            "GET /x{id}",
            "GET //a",
            "GET /{id}/{id}",
            "get /a",
        ] {
            assert!(text.parse::<RoutePattern>().is_err(), "{text}");
        }
        let complaint = "PSOT /orders".parse::<RoutePattern>().expect_err("unknown method");
        assert_eq!(complaint.hint.as_deref(), Some("did you mean `POST`?"));
    }
}
