//! How much of a conversation the model is shown.

use app::types::{Message, MessageId, Role};

use crate::pricing::estimate_tokens;
use crate::providers::llm::{Speaker, Turn};
use crate::store::catalog::CatalogModel;

/// Makes a model go on with its last answer.
const GO_ON: &str =
    "Your last answer was cut off. Continue it exactly where it stopped, without repeating anything.";

/// The longest answer of a model, of which so many tokens are wanted, and what may be read beside it.
pub(in crate::services) fn split_context(model: &CatalogModel, wanted_tokens: u32) -> (u32, u32) {
    let output_tokens = wanted_tokens.clamp(1, model.max_output_tokens);
    (output_tokens, model.context_tokens.saturating_sub(output_tokens))
}

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

    /// What fits into `tokens` beside what the model is told.
    ///
    /// # Errors
    /// How many tokens it takes with that, when it does not fit.
    pub(super) fn fit_beside(self, told_tokens: u32, tokens: u32) -> Result<Vec<Turn>, u32> {
        let fitted = match tokens.checked_sub(told_tokens) {
            Some(left) => self.fit(left),
            None => Err(self.needed_tokens()),
        };
        fitted.map_err(|needed| needed.saturating_add(told_tokens))
    }

    /// The newest turns that fit into `tokens`, as every provider accepts them: the first is a person's, and speakers take
    /// turns.
    ///
    /// # Errors
    /// How many tokens it takes, when what must be shown does not fit: the last question, or all.
    fn fit(mut self, tokens: u32) -> Result<Vec<Turn>, u32> {
        let needed = self.needed_tokens();
        if self.is_whole {
            return if needed <= tokens { Ok(self.turns) } else { Err(needed) };
        }
        if self.is_continued {
            self.shorten_answer(tokens).ok_or(needed)?;
        }
        let first = first_shown(&self.turns, tokens).ok_or(needed)?;
        Ok(asked_together(self.turns.split_off(first)))
    }

    /// Of what must be shown.
    fn needed_tokens(&self) -> u32 {
        let first = if self.is_whole { 0 } else { self.turns.len().saturating_sub(1) };
        self.turns[first..].iter().map(Turn::tokens).fold(0, u32::saturating_add)
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

/// Where the newest turns begin that fit into `tokens`: with a person's. None when not even the last question fits.
fn first_shown(turns: &[Turn], tokens: u32) -> Option<usize> {
    let mut left = tokens;
    let fits = |turn: &&Turn| {
        let rest = left.checked_sub(turn.tokens());
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    let newest = turns.len() - turns.iter().rev().take_while(fits).count();
    let question = turns[newest..].iter().position(|turn| turn.speaker == Speaker::User)?;
    Some(newest + question)
}

/// A path as whatever is asked next finds it.
pub(in crate::services) struct History {
    turns: Vec<Turn>,
    /// The last message of each turn but the next.
    ends: Vec<MessageId>,
}

impl History {
    pub(in crate::services) fn of(path: &[Message]) -> Self {
        // The next message takes room, so that with it nothing is shown that does not fit beside an empty one.
        let next = Turn::said(Speaker::User, "");
        let ends = spoken(path).into_iter().filter_map(|messages| Some(messages.last()?.id));
        Self { ends: ends.collect(), turns: to_turns(path).into_iter().chain([next]).collect() }
    }

    /// The last message that is not shown to a model which reads so many tokens. None: all may be.
    pub(in crate::services) fn last_forgotten(&self, tokens: u32) -> Option<MessageId> {
        let first_shown = first_shown(&self.turns, tokens)?;
        self.ends.get(first_shown.checked_sub(1)?).copied()
    }
}

/// The messages of each turn: an answer and what continues it are one.
fn spoken(path: &[Message]) -> Vec<Vec<&Message>> {
    let messages: Vec<_> = path.iter().filter(|message| is_turn(message)).collect();
    let are_one = |one: &&Message, next: &&Message| [one.role, next.role] == [Role::Assistant; 2];
    messages.chunk_by(are_one).map(<[&Message]>::to_vec).collect()
}

fn to_turns(path: &[Message]) -> Vec<Turn> {
    let turn = |messages: Vec<&Message>| {
        let speaker = match messages[0].role {
            Role::User => Speaker::User,
            Role::Assistant => Speaker::Assistant,
        };
        Turn::said(speaker, messages.iter().map(|message| message.content.as_str()).collect::<String>())
    };
    spoken(path).into_iter().map(turn).collect()
}

/// Questions that follow each other are one turn.
fn asked_together(turns: Vec<Turn>) -> Vec<Turn> {
    let mut together: Vec<Turn> = Vec::new();
    for turn in turns {
        match together.last_mut() {
            Some(last) if last.speaker == Speaker::User && turn.speaker == Speaker::User => {
                last.text.push_str("\n\n");
                last.text.push_str(&turn.text);
            }
            _ => together.push(turn),
        }
    }
    together
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
    use chrono::DateTime;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    /// Turns of so many tokens.
    fn context(turns: &[(Speaker, usize)], is_continued: bool) -> Context {
        let turn = |(speaker, tokens): &(Speaker, usize)| Turn::said(*speaker, "abc".repeat(*tokens));
        Context { turns: turns.iter().map(turn).collect(), is_continued, is_whole: false }
    }

    fn fit(turns: &[(Speaker, usize)], is_continued: bool, tokens: u32) -> Option<Vec<(Speaker, u32)>> {
        let kept = context(turns, is_continued).fit(tokens).ok()?;
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
        assert_eq!(Context::whole(turns.clone()).fit(8).map(|kept| kept.len()), Ok(2));
        assert_eq!(Context::whole(turns.clone()).fit(7).map(|kept| kept.len()), Err(8));
        assert_eq!(Context::whole(turns.clone()).fit_beside(2, 10).map(|kept| kept.len()), Ok(2));
        for told in [3, 11] {
            let fitted = Context::whole(turns.clone()).fit_beside(told, 10).map(|kept| kept.len());
            assert_eq!(fitted, Err(8 + told), "all that is read is told");
        }
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

    const CONTEXT: u32 = 30;

    fn message(mark: char, role: Role, tokens: usize) -> Message {
        let id = MessageId(Uuid::from_u128(mark.into()));
        // Told apart by how it begins.
        let content = format!("{}{}", mark.to_string().repeat(3), "abc".repeat(tokens));
        Message::new(id, None, role, content, DateTime::UNIX_EPOCH)
    }

    fn any_path() -> impl Strategy<Value = Vec<Message>> {
        let messages = prop::collection::vec((any::<bool>(), 0_usize..15), 1..12);
        messages.prop_map(|messages| {
            let message = |(mark, (is_answer, tokens)): (char, (bool, usize))| {
                message(mark, if is_answer { Role::Assistant } else { Role::User }, tokens)
            };
            ('A'..).zip(messages).map(message).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_said_to_be_forgotten_is_never_shown_with_the_next_message(
            path in any_path(),
            length in 0_usize..20,
        ) {
            let last = History::of(&path).last_forgotten(CONTEXT);
            let is_last = |message: &Message| Some(message.id) == last;
            let (forgotten, rest) = path.split_at(path.iter().position(is_last).map_or(0, |index| index + 1));
            let asked: Vec<_> = path.iter().cloned().chain([message('Z', Role::User, length)]).collect();
            let Ok(shown) = Context::asking(&asked).fit(CONTEXT) else { return Ok(()) };
            let is_shown = |message: &Message| shown.iter().any(|turn| turn.text.contains(&message.content[..3]));
            prop_assert!(!forgotten.iter().any(is_shown));
            let needed: u32 = rest.iter().map(|message| estimate_tokens(&message.content)).sum();
            if needed + 1 + length as u32 <= CONTEXT {
                prop_assert!(rest.iter().all(is_shown), "no more is said to be forgotten than is");
            }
        }
    }
}
