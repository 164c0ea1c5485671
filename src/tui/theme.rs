//! Themes: a colour for each role, from a file. Meaning never rests on colour alone; a theme may have none.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use crate::document::{self, Mistake};

/// What something on the screen is, as far as its looks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Text,
    /// Labels, units, what is there if one looks for it.
    Muted,
    Border,
    /// The border of the pane that has the keys.
    Focus,
    Title,
    Good,
    Warn,
    Alarm,
    /// Data that is old because our link is down.
    Stale,
    /// A switch that is armed.
    Armed,
    /// The mark of a drill, and of a production broker: they never look alike.
    Drill,
    Prod,
    Selected,
    /// A key that can be pressed.
    Key,
    Chart,
    Mark,
}

impl Role {
    pub const ALL: [Self; 16] = [
        Self::Text,
        Self::Muted,
        Self::Border,
        Self::Focus,
        Self::Title,
        Self::Good,
        Self::Warn,
        Self::Alarm,
        Self::Stale,
        Self::Armed,
        Self::Drill,
        Self::Prod,
        Self::Selected,
        Self::Key,
        Self::Chart,
        Self::Mark,
    ];
}

/// The shipped themes: name and text.
const SHIPPED: [(&str, &str); 4] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("colour-blind", include_str!("../../themes/colour-blind.toml")),
];

/// A style for every role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    pub name: String,
    styles: BTreeMap<Role, Style>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Looks {
    fg: Option<toml::Spanned<String>>,
    bg: Option<toml::Spanned<String>>,
    #[serde(default)]
    bold: bool,
    #[serde(default)]
    dim: bool,
    #[serde(default)]
    reverse: bool,
    #[serde(default)]
    underline: bool,
}

impl Theme {
    /// Names of the shipped themes.
    pub fn shipped() -> [&'static str; 4] {
        SHIPPED.map(|(name, _)| name)
    }

    /// A shipped theme, or one from a file. `NO_COLOR` asks for the one without colours.
    ///
    /// # Errors
    /// An unknown name, an unreadable file, or a mistake in it with its place.
    pub fn find(name: &str, no_color: bool) -> Result<Self, String> {
        let name = if no_color { "mono" } else { name };
        if let Some((name, source)) = SHIPPED.iter().find(|(known, _)| *known == name) {
            return Self::read(source, name).map_err(|mistake| mistake.to_string());
        }
        if !name.contains(['/', '.']) {
            let known = Self::shipped();
            let mend = document::nearest(name, &known).map_or_else(
                || format!("there are {}", known.join(", ")),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            return Err(format!("no theme `{name}`; {mend}"));
        }
        let source = std::fs::read_to_string(Path::new(name))
            .map_err(|error| format!("the theme {name} cannot be read: {error}"))?;
        Self::read(&source, name).map_err(|mistake| mistake.to_string())
    }

    /// Reads a theme: a table a role, with `fg`, `bg`, and what is bold, dim, reversed or underlined.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn read(source: &str, file: &str) -> Result<Self, Mistake> {
        let looks: BTreeMap<Role, Looks> = document::read(source, file)?;
        let mut styles = BTreeMap::new();
        for (role, look) in looks {
            let colour = |word: &Option<toml::Spanned<String>>| match word {
                None => Ok(None),
                Some(word) => word.get_ref().parse::<Color>().map(Some).map_err(|_| {
                    let expected = "expected a name such as `red` or `light-blue`, a number below 256, or `#rrggbb`";
                    document::mistake(
                        source,
                        file,
                        &word.span(),
                        format!("`{}` is not a colour; {expected}", word.get_ref()),
                    )
                }),
            };
            let mut style = Style::new();
            style.fg = colour(&look.fg)?;
            style.bg = colour(&look.bg)?;
            let modifiers = [
                (look.bold, Modifier::BOLD),
                (look.dim, Modifier::DIM),
                (look.reverse, Modifier::REVERSED),
                (look.underline, Modifier::UNDERLINED),
            ];
            for (on, modifier) in modifiers {
                if on {
                    style = style.add_modifier(modifier);
                }
            }
            styles.insert(role, style);
        }
        Ok(Self { name: file.to_owned(), styles })
    }

    /// The looks of a role; plain where the theme does not say.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_theme_dresses_every_role_and_tells_the_serious_ones_apart() {
        for name in Theme::shipped() {
            let theme = Theme::find(name, false).unwrap();
            for role in Role::ALL {
                assert!(theme.styles.contains_key(&role), "{name} has no {role:?}");
            }
            let serious = [Role::Text, Role::Alarm, Role::Armed, Role::Selected].map(|role| theme.style(role));
            for (i, a) in serious.iter().enumerate() {
                assert!(serious[i + 1..].iter().all(|b| a != b), "{name}: two serious roles look alike");
            }
            assert_ne!(theme.style(Role::Drill), theme.style(Role::Prod), "{name}");
        }
        let mono = Theme::find("dark", true).unwrap();
        assert!(mono.styles.values().all(|style| style.fg.is_none() && style.bg.is_none()));
    }

    #[test]
    fn a_mistake_is_told() {
        assert_eq!(Theme::find("drak", false).unwrap_err(), "no theme `drak`; did you mean `dark`?");
        let mistake = Theme::read("[alarm]\nfg = 'redd'\n", "t.toml").unwrap_err().to_string();
        assert!(mistake.starts_with("t.toml:2:6: `redd` is not a colour"), "{mistake}");
        let mistake = Theme::read("[alarn]\n", "t.toml").unwrap_err().to_string();
        assert!(mistake.contains("did you mean `alarm`?"), "{mistake}");
    }
}
