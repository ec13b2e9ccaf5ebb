//! What can happen to an account's money.

use proptest::prelude::*;

/// One of the newest replies, grants or refunds there are: 0 is the newest.
pub type Newest = usize;

#[derive(Clone, Debug)]
pub enum Command {
    /// A request for an answer of so many tokens, of no use below `useful`. A token costs a nano-dollar.
    Claim {
        tokens: u32,
        useful: u32,
    },
    /// The same request once more.
    ClaimAgain(Newest),
    Keep(Newest),
    /// The reply has ended; charged nothing, its hold is voided. Also comes twice, and after a sweep.
    Settle {
        reply: Newest,
        charged: i64,
    },
    /// Whoever writes the reply is gone, and its hold expires.
    Crash(Newest),
    /// Whatever has expired is charged so much.
    Sweep {
        charged: i64,
    },
    /// By a sweeper who has read long ago that the reply has expired.
    SweepLate {
        reply: Newest,
        charged: i64,
    },
    Give {
        amount: i64,
        days: Option<i64>,
    },
    /// The same cause once more.
    GiveAgain(Newest),
    TakeBack {
        grant: Newest,
        amount: i64,
    },
    /// The same cause once more.
    TakeBackAgain(Newest),
    /// A grant's time is over.
    EndGrant(Newest),
    /// The plan's credit of this month has ended, and a new month has begun.
    EndMonth,
}

pub fn command() -> impl Strategy<Value = Command> {
    use Command::*;

    let charged = || prop_oneof![1 => Just(0i64), 4 => 0..60i64];
    prop_oneof![
        8 => (0..50u32, 1..30u32).prop_map(|(tokens, useful)| Claim { tokens, useful }),
        2 => (0..4usize).prop_map(ClaimAgain),
        1 => (0..6usize).prop_map(Keep),
        9 => (0..8usize, charged()).prop_map(|(reply, charged)| Settle { reply, charged }),
        3 => (0..6usize).prop_map(Crash),
        3 => charged().prop_map(|charged| Sweep { charged }),
        1 => (0..8usize, charged()).prop_map(|(reply, charged)| SweepLate { reply, charged }),
        3 => (1..90i64, prop::option::of(1..12i64)).prop_map(|(amount, days)| Give { amount, days }),
        1 => (0..4usize).prop_map(GiveAgain),
        2 => (0..6usize, 1..120i64).prop_map(|(grant, amount)| TakeBack { grant, amount }),
        1 => (0..4usize).prop_map(TakeBackAgain),
        2 => (0..6usize).prop_map(EndGrant),
        1 => Just(EndMonth),
    ]
}
