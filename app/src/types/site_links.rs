//! Addresses of whoever runs the product.

/// Where people get help, and what they agree to. Each is there only if it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteLinks {
    pub support: Option<String>,
    pub terms: Option<String>,
    pub privacy: Option<String>,
}
