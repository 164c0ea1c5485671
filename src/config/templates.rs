//! The library of templates: the shipped ones, and a team's own before them.

use std::path::Path;
use std::sync::Arc;

use super::runbooks::own_files;
use crate::domain::update::template::{self, Template};

macro_rules! shipped {
    ($($id:literal),*) => {
        &[$((concat!("templates/", $id, ".md"), include_str!(concat!("../../templates/", $id, ".md")))),*]
    };
}

/// The shipped templates: file and text.
const SHIPPED: &[(&str, &str)] = shipped![
    "internal-first",
    "internal-update",
    "internal-resolved",
    "customers-first",
    "customers-update",
    "customers-resolved",
    "public-statement",
    "regulator-notice"
];

/// Templates that can be used, and what is wrong with those that cannot.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    pub templates: Vec<Arc<Template>>,
    pub problems: Vec<String>,
}

impl Templates {
    pub fn ids(&self) -> Vec<String> {
        self.templates.iter().map(|template| template.id.clone()).collect()
    }
}

/// Reads the library. A file with a mistake does not close the room: the shipped one is used, and the mistake is told.
pub fn library(directory: Option<&Path>) -> Templates {
    let mut library = Templates::default();
    for (name, source) in own_files(directory, "templates", &mut library.problems) {
        match template::read(&source) {
            Ok(template) => library.templates.push(template.into()),
            Err(mistake) => library.problems.push(format!("{name}: {mistake}; the shipped one is used meanwhile")),
        }
    }
    for (name, source) in SHIPPED {
        match template::read(source) {
            Ok(template) if library.templates.iter().any(|own| own.id == template.id) => {}
            Ok(template) => library.templates.push(template.into()),
            Err(mistake) => library.problems.push(format!("{name}: {mistake}")),
        }
    }
    library
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::update::{Audience, UpdateKind};

    #[test]
    fn shipped_templates_have_no_mistake_and_serve_every_audience() {
        let library = library(None);
        assert_eq!(library.problems, [""; 0]);
        for audience in Audience::ALL {
            let first = |t: &&Arc<Template>| t.audience == audience && t.kind == UpdateKind::First;
            assert!(library.templates.iter().any(|t| first(&t)), "{audience}");
        }
    }

    #[test]
    fn a_teams_own_template_goes_first_and_a_broken_one_is_told_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let own = SHIPPED[0].1.replace("title: First word to the team", "title: Ours");
        std::fs::write(directory.path().join("a.md"), own).unwrap();
        std::fs::write(directory.path().join("b.md"), SHIPPED[3].1.replace("{{cohort}}", "{{whom}}")).unwrap();
        let own_library = library(Some(directory.path()));
        assert_eq!(own_library.templates[0].title, "Ours");
        assert_eq!(own_library.templates.len(), SHIPPED.len());
        let told = &own_library.problems[0];
        assert!(told.contains("b.md: line 8: unknown fact `whom`") && told.ends_with("used meanwhile"), "{told}");
    }
}
