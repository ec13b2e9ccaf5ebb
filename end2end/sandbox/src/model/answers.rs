//! What the model says when no script tells it otherwise.

const GREETING: &str = include_str!("answers/greeting.md");
const CODE: &str = include_str!("answers/code.md");
const COMPARISON: &str = include_str!("answers/comparison.md");
const LANGUAGES: &str = include_str!("answers/languages.md");
const LIST: &str = include_str!("answers/list.md");
const EXPLANATION: &str = include_str!("answers/explanation.md");
const ANYTHING: &str = include_str!("answers/anything.md");

/// The words that call for an answer; the first row with one of them wins, so the more telling rows come first.
const ANSWERS: [(&str, &[&str]); 6] = [
    (CODE, &["code", "function", "rust", "python", "javascript", "sql", "script", "regex", "bug", "program"]),
    (COMPARISON, &["compare", "comparison", "versus", "vs", "difference", "differences", "table"]),
    (LANGUAGES, &["translate", "translation", "language", "languages", "japanese", "chinese", "korean"]),
    (LIST, &["list", "ideas", "steps", "plan", "tips", "checklist", "suggest", "suggestions"]),
    (EXPLANATION, &["explain", "how", "why", "what", "describe", "summarize", "summarise"]),
    (GREETING, &["hi", "hello", "hey", "hiya", "howdy", "morning", "evening", "welcome"]),
];

/// Chooses the answer that suits a prompt.
pub(crate) fn choose(prompt: &str) -> &'static str {
    let prompt = prompt.to_lowercase();
    let words: Vec<&str> = prompt.split(|c: char| !c.is_alphanumeric()).collect();
    let suits = |keywords: &[&str]| keywords.iter().any(|keyword| words.contains(keyword));
    let answer = ANSWERS.iter().find(|(_, keywords)| suits(keywords)).map_or(ANYTHING, |(answer, _)| answer);
    answer.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_get_answers_that_suit_them() {
        let cases = [
            ("Hello there!", GREETING),
            ("Which colour is it", ANYTHING),
            ("Explain how streams work", EXPLANATION),
            ("Write a Rust function", CODE),
            ("Give me a list of ideas", LIST),
            ("Postgres vs. Redis", COMPARISON),
            ("Say it in Japanese", LANGUAGES),
        ];
        for (prompt, answer) in cases {
            assert_eq!(choose(prompt), answer.trim_end(), "{prompt}");
        }
    }
}
