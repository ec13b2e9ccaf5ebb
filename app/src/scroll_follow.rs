//! Decides whether the page follows a growing answer.

/// Whether the reader is at the end, and so wants to see what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrollFollow {
    pub is_following: bool,
    last_top: i32,
}

impl Default for ScrollFollow {
    fn default() -> Self {
        Self { is_following: true, last_top: 0 }
    }
}

impl ScrollFollow {
    const NEAR: i32 = 48;

    /// After a scroll event. Only moving up ends the following: the distance also grows when the answer does.
    #[must_use]
    pub fn scrolled(self, top: i32, height: i32, visible: i32) -> Self {
        let is_near = height - top - visible <= Self::NEAR;
        let moved_up = top < self.last_top;
        Self { is_following: is_near || (self.is_following && !moved_up), last_top: top }
    }

    /// Something came that the reader did not wait for: they stay where they are.
    #[must_use]
    pub fn stay(self) -> Self {
        Self { is_following: false, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::ScrollFollow;

    #[test]
    fn scrolling_up_ends_the_following_and_the_bottom_resumes_it() {
        let follow = ScrollFollow::default().scrolled(900, 1000, 100);
        assert!(follow.is_following);
        let follow = follow.scrolled(700, 1000, 100);
        assert!(!follow.is_following);
        assert!(follow.scrolled(890, 1000, 100).is_following);
    }

    #[test]
    fn what_nobody_waited_for_is_not_followed_unless_all_of_it_is_in_sight() {
        let stay = ScrollFollow::default().scrolled(900, 1000, 100).stay();
        assert!(!stay.scrolled(900, 1400, 100).is_following);
        assert!(stay.scrolled(900, 1040, 100).is_following);
    }

    #[test]
    fn growth_below_does_not_end_it() {
        let follow = ScrollFollow::default().scrolled(900, 1000, 100).scrolled(900, 1400, 100);
        assert!(follow.is_following);
    }
}
