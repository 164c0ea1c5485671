//! Names that differ within a site only: the room calls such a device `fra/gw-1`.

use std::borrow::Cow;

use super::text::visible_name;

/// What the room calls the device of that name, `within` its site where names do not differ beyond it: safe to show, each part
/// cut to `limit` characters.
pub fn called<'a>(name: &'a str, within: Option<&str>, limit: usize) -> Cow<'a, str> {
    let name = visible_name(name, limit);
    match within {
        None => name,
        Some(site) => format!("{}/{name}", visible_name(site, limit)).into(),
    }
}

/// The site and the name of a target that a call is about. `says_site`: whether the call asks for the site.
///
/// # Errors
/// That the call could be about another device of that name as well.
pub fn addressed(id: &str, says_site: bool) -> Result<(&str, &str), String> {
    if !says_site {
        return Err("names of devices differ within a site only, and this call does not say the site: \
                    it needs {site} beside {device}"
            .into());
    }
    parted(id).ok_or_else(|| format!("`{id}` is known without its site, and others may have the same name"))
}

/// The site and the name of what the room calls so; none where it is no name within a site.
pub fn parted(id: &str) -> Option<(&str, &str)> {
    id.split_once('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_within_a_site_is_told_from_others() {
        // (site, name, what the room calls it)
        let cases = [
            ("fra", "gw-1", "fra/gw-1"),
            ("fra", "", "fra/(empty)"),
            ("fra", "gw-123456", "fra/gw-12345…(9)"),
            ("f\x1b", "a", "f^[/a"),
        ];
        for (site, name, expected) in cases {
            assert_eq!(called(name, Some(site), 8), expected);
        }
        assert_eq!(called("gw-1", None, 8), "gw-1");
        // What a payload names may hold a slash; the site is a level of a topic, and cannot.
        assert_eq!(parted("fra/a/b"), Some(("fra", "a/b")));
        assert_eq!(addressed("fra/gw-1", true), Ok(("fra", "gw-1")));
        assert!(addressed("fra/gw-1", false).unwrap_err().contains("it needs {site} beside {device}"));
        assert!(addressed("gw-1", true).unwrap_err().contains("`gw-1` is known without its site"));
    }
}
