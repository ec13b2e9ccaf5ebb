//! Keeps what reports show in step with what was used.

use std::time::Duration;

use tokio::time::Instant;

use crate::AppResult;
use crate::store::clock::today;
use crate::store::{Db, day_totals};

/// What is not added up by then is left to the next time.
const LONGEST: Duration = Duration::from_secs(300);

#[derive(Clone)]
pub struct DayTotals {
    db: Db,
}

impl DayTotals {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Adds up the days that are due, and says how many.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn bring_up_to_date(&self) -> AppResult<usize> {
        let mut conn = self.db.get().await?;
        let begun = Instant::now();
        let mut days = 0;
        for day in day_totals::list_due(&mut conn).await? {
            if begun.elapsed() > LONGEST {
                break;
            }
            day_totals::add_up(&mut conn, day).await?;
            days += 1;
        }
        let today = today(&mut conn).await?;
        day_totals::rank_spenders(&mut conn, today).await?;
        Ok(days)
    }
}
