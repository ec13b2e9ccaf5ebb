//! How much of a conversation the model is shown.

use app::types::{Message, Role};

use crate::pricing::estimate_tokens;
use crate::providers::llm::{Speaker, Turn};

/// Makes a model go on with its last answer.
const GO_ON: &str =
    "Your last answer was cut off. Continue it exactly where it stopped, without repeating anything.";

/// A conversation, oldest turn first and a person's last.
pub(super) struct Context {
    turns: Vec<Turn>,
    /// The answer before the last turn is to be continued.
    is_continued: bool,
    /// Nothing may be left out.
    is_whole: bool,
}

impl Context {
    /// Of messages that end with a question.
    pub(super) fn asking(path: &[Message]) -> Self {
        Self { turns: to_turns(path), is_continued: false, is_whole: false }
    }

    /// Of messages that end with an answer that was cut off.
    pub(super) fn going_on(path: &[Message]) -> Self {
        let mut turns = to_turns(path);
        turns.push(Turn::said(Speaker::User, GO_ON));
        Self { turns, is_continued: true, is_whole: false }
    }

    /// As a program wants it: it knows best what matters, so it is told when that is too much.
    pub(super) fn whole(turns: Vec<Turn>) -> Self {
        Self { turns, is_continued: false, is_whole: true }
    }

    /// The newest turns that fit into `tokens`, as every provider accepts them: the first is a person's, and speakers take
    /// turns. None when not even the last question fits.
    pub(super) fn fit(mut self, tokens: u32) -> Option<Vec<Turn>> {
        if self.is_whole {
            let needed = self.turns.iter().map(Turn::tokens).fold(0, u32::saturating_add);
            return (needed <= tokens).then_some(self.turns);
        }
        if self.is_continued {
            self.shorten_answer(tokens)?;
        }
        let mut left = tokens;
        let fits = |turn: &&Turn| {
            let rest = left.checked_sub(turn.tokens());
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        let kept = self.turns.iter().rev().take_while(fits).count();
        let newest = self.turns.split_off(self.turns.len() - kept);
        let first = newest.iter().position(|turn| turn.speaker == Speaker::User)?;
        Some(join(newest.into_iter().skip(first), Speaker::User, "\n\n"))
    }

    /// Keeps what fits of the end of the answer to be continued, beside its question.
    fn shorten_answer(&mut self, tokens: u32) -> Option<()> {
        let [.., question, answer, last] = self.turns.as_mut_slice() else { return None };
        let others = estimate_tokens(&question.text) + estimate_tokens(&last.text);
        let left = tokens.checked_sub(others).filter(|left| *left > 0)?;
        keep_end(&mut answer.text, left);
        Some(())
    }
}

/// Whether a model is shown this message: some providers refuse blank ones, and a reply that failed before its first word is
/// no turn.
pub(super) fn is_turn(message: &Message) -> bool {
    !message.content.trim().is_empty()
}

/// An answer and what continues it are one.
fn to_turns(path: &[Message]) -> Vec<Turn> {
    let turn = |message: &Message| {
        let speaker = match message.role {
            Role::User => Speaker::User,
            Role::Assistant => Speaker::Assistant,
        };
        Turn::said(speaker, message.content.as_str())
    };
    join(path.iter().filter(|message| is_turn(message)).map(turn), Speaker::Assistant, "")
}

/// Makes one of the turns of this speaker that follow each other.
fn join(turns: impl Iterator<Item = Turn>, speaker: Speaker, between: &str) -> Vec<Turn> {
    let mut joined: Vec<Turn> = Vec::new();
    for turn in turns {
        match joined.last_mut() {
            Some(last) if last.speaker == speaker && turn.speaker == speaker => {
                last.text.push_str(between);
                last.text.push_str(&turn.text);
            }
            _ => joined.push(turn),
        }
    }
    joined
}

/// Cuts a text at its start until it is no more than so many tokens.
fn keep_end(text: &mut String, tokens: u32) {
    loop {
        // Hardly a character is more than a token, so this cuts no more than it must.
        let excess = estimate_tokens(text).saturating_sub(tokens) as usize;
        if excess == 0 {
            return;
        }
        let start = text.char_indices().nth(excess).map_or(text.len(), |(start, _)| start);
        text.drain(..start);
    }
}

#[cfg(test)]
mod tests {
    use Speaker::{Assistant, User};

    use super::*;

    /// Turns of so many tokens.
    fn context(turns: &[(Speaker, usize)], is_continued: bool) -> Context {
        let turn = |(speaker, tokens): &(Speaker, usize)| Turn::said(*speaker, "abc".repeat(*tokens));
        Context { turns: turns.iter().map(turn).collect(), is_continued, is_whole: false }
    }

    fn fit(turns: &[(Speaker, usize)], is_continued: bool, tokens: u32) -> Option<Vec<(Speaker, u32)>> {
        let kept = context(turns, is_continued).fit(tokens)?;
        Some(kept.iter().map(|turn| (turn.speaker, estimate_tokens(&turn.text))).collect())
    }

    #[test]
    fn the_oldest_turns_are_left_out() {
        let turns = [(User, 5), (Assistant, 5), (User, 3), (Assistant, 2), (User, 2)];
        assert_eq!(fit(&turns, false, 8), Some(vec![(User, 3), (Assistant, 2), (User, 2)]));
    }

    #[test]
    fn an_answer_whose_question_does_not_fit_is_left_out_too() {
        let turns = [(User, 5), (Assistant, 4), (User, 2)];
        assert_eq!(fit(&turns, false, 8), Some(vec![(User, 2)]));
    }

    #[test]
    fn chinese_takes_a_token_a_character() {
        let turn = |text: &str| Turn::said(User, text);
        let turns = vec![turn("价格说明"), turn("合同")];
        let shown = |tokens| {
            let context = Context { turns: turns.clone(), is_continued: false, is_whole: false };
            context.fit(tokens).expect("fits")[0].text.clone()
        };
        assert_eq!((shown(5).as_str(), shown(6).as_str()), ("合同", "价格说明\n\n合同"));
    }

    #[test]
    fn a_last_turn_too_long_does_not_fit() {
        assert_eq!(fit(&[(User, 1), (Assistant, 1), (User, 7)], false, 6), None);
    }

    #[test]
    fn what_a_program_sends_is_shown_whole_or_not_at_all() {
        let turns = context(&[(Assistant, 5), (User, 3)], false).turns;
        assert_eq!(Context::whole(turns.clone()).fit(8).map(|kept| kept.len()), Some(2));
        assert!(Context::whole(turns).fit(7).is_none());
    }

    #[test]
    fn of_an_answer_that_goes_on_the_end_is_kept_with_its_question() {
        let turns = [(User, 1), (Assistant, 1), (User, 3), (Assistant, 9), (User, 2)];
        assert_eq!(fit(&turns, true, 10), Some(vec![(User, 3), (Assistant, 5), (User, 2)]));
        assert_eq!(fit(&turns, true, 16).expect("fits").len(), 5);
        assert_eq!(fit(&turns, true, 5), None);
    }

    #[test]
    fn the_end_of_a_text_keeps_its_characters_whole() {
        let mut text = "日本語です".to_owned();
        keep_end(&mut text, 3);
        assert_eq!(text, "語です");
    }

    #[test]
    fn questions_without_an_answer_are_asked_together() {
        let kept = context(&[(User, 1), (User, 1)], false).fit(5).expect("fits");
        assert_eq!(kept.iter().map(|turn| turn.text.as_str()).collect::<Vec<_>>(), ["abc\n\nabc"]);
    }
}
