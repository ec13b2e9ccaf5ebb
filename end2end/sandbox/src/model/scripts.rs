//! The scripts that tests registered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::script::Script;

/// The registered scripts, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Scripts(Mutex<Vec<Script>>);

impl Scripts {
    /// Registers a script; from now on it goes before older ones.
    pub(crate) fn register(&self, script: Script) -> Result<(), &'static str> {
        script.check()?;
        self.lock().push(script);
        Ok(())
    }

    /// Forgets all scripts, or those registered with exactly this `match`.
    pub(crate) fn clear(&self, matches: Option<&str>) {
        self.lock().retain(|script| matches.is_some_and(|matches| script.matches != matches));
    }

    /// Takes the script for a request to an upstream, using up one of its times.
    pub(crate) fn take(&self, upstream: &str, last_user_message: &str) -> Option<Script> {
        let mut scripts = self.lock();
        let index = scripts.iter().rposition(|script| script.is_for(upstream, last_user_message))?;
        let script = scripts[index].clone();
        match &mut scripts[index].times {
            Some(1) => drop(scripts.remove(index)),
            Some(left) => *left -= 1,
            None => {}
        }
        Some(script)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Script>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn script(value: serde_json::Value) -> Script {
        serde_json::from_value(value).unwrap()
    }

    fn texts(scripts: &Scripts, prompts: &[&str]) -> Vec<Option<String>> {
        prompts.iter().map(|prompt| scripts.take("", prompt).and_then(|script| script.text)).collect()
    }

    #[test]
    fn the_latest_match_wins_as_often_as_it_may() {
        let scripts = Scripts::default();
        scripts.register(script(json!({"match": "t-1", "text": "old"}))).unwrap();
        scripts.register(script(json!({"match": "t-1", "text": "new", "times": 2}))).unwrap();
        let prompts = ["say t-1", "t-1", "unrelated", "t-1", "t-1"];
        let expected = [Some("new"), Some("new"), None, Some("old"), Some("old")];
        assert_eq!(texts(&scripts, &prompts), expected.map(|text| text.map(str::to_owned)));
    }

    #[test]
    fn clearing_can_spare_other_tests() {
        let scripts = Scripts::default();
        for name in ["t-1", "t-2"] {
            scripts.register(script(json!({"match": name}))).unwrap();
        }
        scripts.clear(Some("t-1"));
        assert!(scripts.take("", "t-1").is_none() && scripts.take("", "t-2").is_some());
        scripts.clear(None);
        assert!(scripts.take("", "t-2").is_none());
    }

    #[test]
    fn a_script_can_be_for_one_upstream() {
        let scripts = Scripts::default();
        scripts.register(script(json!({"match": "t-1", "text": "anybody"}))).unwrap();
        scripts.register(script(json!({"match": "t-1", "text": "b", "upstream": "b"}))).unwrap();
        scripts.register(script(json!({"match": "t-1", "text": "default", "upstream": ""}))).unwrap();
        let served = |upstream| scripts.take(upstream, "t-1").and_then(|script| script.text).unwrap();
        assert_eq!(["", "a", "b"].map(served), ["default", "anybody", "b"]);
    }
}
