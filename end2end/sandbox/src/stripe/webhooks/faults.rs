//! What can go wrong on the way of a webhook, on demand.

use rand::Rng;
use serde::{Deserialize, Serialize};

/// The faults of an account's webhooks. All apply to events that happen from now on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// So many of the next deliveries never leave.
    pub(crate) drop_next: u32,
    /// So many percent of the deliveries never leave.
    pub(crate) drop_percent: u8,
    /// So many more copies of each event.
    pub(crate) duplicates: u32,
    /// Events that happen together arrive in any order.
    pub(crate) shuffle: bool,
    /// Milliseconds before an event leaves.
    pub(crate) delay_ms: u64,
    /// Nothing leaves until it is released.
    pub(crate) hold: bool,
}

impl Faults {
    /// Decides whether a delivery is lost, and counts it.
    pub(super) fn loses_one(&mut self) -> bool {
        if self.drop_next > 0 {
            self.drop_next -= 1;
            return true;
        }
        self.drop_percent > 0 && rand::rng().random_range(0..100) < self.drop_percent
    }
}
