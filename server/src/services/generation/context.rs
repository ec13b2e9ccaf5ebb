//! How much of a conversation the model is shown.

use crate::pricing::estimate_tokens;
use crate::providers::llm::Turn;

/// The newest turns that fit into `tokens`; None when not even the last one does.
pub(super) fn fit_context(mut turns: Vec<Turn>, tokens: u32) -> Option<Vec<Turn>> {
    let mut left = tokens;
    let mut kept = 0;
    for turn in turns.iter().rev() {
        let Some(rest) = left.checked_sub(estimate_tokens(&turn.text)) else { break };
        left = rest;
        kept += 1;
    }
    (kept > 0).then(|| turns.split_off(turns.len() - kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::llm::Speaker;

    fn turns(tokens: &[usize]) -> Vec<Turn> {
        tokens.iter().map(|count| Turn { speaker: Speaker::User, text: "abc".repeat(*count) }).collect()
    }

    #[test]
    fn the_oldest_turns_are_left_out() {
        let kept = fit_context(turns(&[5, 3, 2]), 6).expect("fits");
        assert_eq!(kept.iter().map(|turn| turn.text.len() / 3).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn chinese_takes_a_token_a_character() {
        let turn = |text: &str| Turn { speaker: Speaker::User, text: text.to_owned() };
        let turns = vec![turn("价格说明"), turn("合同")];
        assert_eq!(fit_context(turns.clone(), 5).map(|kept| kept.len()), Some(1));
        assert_eq!(fit_context(turns, 6).map(|kept| kept.len()), Some(2));
    }

    #[test]
    fn a_last_turn_too_long_does_not_fit() {
        assert!(fit_context(turns(&[1, 7]), 6).is_none());
    }
}
