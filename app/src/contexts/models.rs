//! The models of the catalogue, and which of them is asked.

use leptos::prelude::*;

use crate::browser;
use crate::types::Model;

#[derive(Clone, Copy)]
pub struct Models {
    catalogue: StoredValue<Vec<Model>>,
    /// The key this browser remembers. It may name a model that is gone.
    remembered: RwSignal<Option<String>>,
}

impl Models {
    const CHOICE: &'static str = "model";

    /// The choice is read after the first render, which must equal the server's.
    pub fn new(catalogue: Vec<Model>) -> Self {
        let models = Self { catalogue: StoredValue::new(catalogue), remembered: RwSignal::new(None) };
        Effect::new(move |_| {
            let remembered = browser::choices::read(Self::CHOICE);
            models.remembered.set(remembered);
        });
        models
    }

    pub fn list(self) -> Vec<Model> {
        self.catalogue.get_value()
    }

    /// The key that goes into requests; none leaves it to the server.
    pub fn asked(self) -> Option<String> {
        let remembered = self.remembered.get_untracked();
        self.catalogue
            .with_value(|models| usable(models, remembered.as_deref()).map(|model| model.key.clone()))
    }

    /// Where the model to be asked stands in the list.
    pub fn current(self) -> Option<usize> {
        let remembered = self.remembered.get();
        self.catalogue.with_value(|models| current(models, remembered.as_deref()))
    }

    /// The key of the model to be asked.
    pub fn current_key(self) -> Option<String> {
        let current = self.current()?;
        self.catalogue.with_value(|models| models.get(current).map(|model| model.key.clone()))
    }

    /// Whether it could be chosen: the plan includes it.
    pub fn choose(self, index: usize) -> bool {
        let chosen = self.catalogue.with_value(|models| models.get(index).cloned());
        let Some(model) = chosen.filter(|model| model.is_included) else { return false };
        browser::choices::write(Self::CHOICE, &model.key);
        self.remembered.set(Some(model.key));
        true
    }

    /// The name of a model, where there is more than one to tell apart.
    pub fn name_to_tell(self, key: &str) -> Option<String> {
        self.catalogue.with_value(|models| {
            let model = models.iter().find(|model| model.key == key)?;
            (models.len() > 1).then(|| model.name.clone())
        })
    }
}

fn usable<'a>(models: &'a [Model], remembered: Option<&str>) -> Option<&'a Model> {
    models.iter().find(|model| model.is_included && Some(model.key.as_str()) == remembered)
}

/// Without a usable choice the server takes the first that the plan includes.
fn current(models: &[Model], remembered: Option<&str>) -> Option<usize> {
    let chosen = usable(models, remembered);
    models.iter().position(|model| match chosen {
        Some(chosen) => model.key == chosen.key,
        None => model.is_included,
    })
}

#[cfg(test)]
mod tests {
    use super::{current, usable};
    use crate::types::{Model, ModelPrices, Nanos};

    fn model(key: &str, is_included: bool) -> Model {
        let prices = ModelPrices { input: Nanos(1), cached_input: Nanos(1), output: Nanos(1) };
        Model { key: key.to_owned(), name: String::new(), description: String::new(), prices, is_included }
    }

    #[test]
    fn a_remembered_model_is_asked_while_it_can_be() {
        let models = [model("small", true), model("large", true), model("huge", false)];
        let asked = |key| usable(&models, key).map(|model| model.key.as_str());
        assert_eq!([asked(Some("large")), asked(Some("gone")), asked(None)], [Some("large"), None, None]);
        assert_eq!(asked(Some("huge")), None, "not in the plan any more");
    }

    #[test]
    fn what_is_shown_is_what_answers() {
        let models = [model("huge", false), model("small", true), model("large", true)];
        let shown = |key| current(&models, key);
        assert_eq!([shown(Some("large")), shown(Some("huge")), shown(None)], [Some(2), Some(1), Some(1)]);
        assert_eq!(current(&[], None), None);
    }
}
