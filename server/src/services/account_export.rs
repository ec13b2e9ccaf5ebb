//! What somebody wrote, used and paid, as one JSON document that is written a piece at a time.

use app::types::AccountId;
use serde_json::json;
use uuid::Uuid;

use crate::AppResult;
use crate::store::account_export::{self, ExportRow, MESSAGES, SECTIONS, Section};
use crate::store::{Connection, Db, StoreResult, clock};

const ABOUT: &str = "What you wrote, used and paid. Conversations you have deleted are in a list of their own until their words \
    are erased 30 days later, with what your programs were answered. Messages form a tree by “parent_id”: what has the same \
    parent are versions of each other. Money is in US dollars. Of sessions and API keys there is no secret here.";

#[derive(Clone)]
pub(crate) struct AccountExportService {
    db: Db,
}

/// Where the next piece of the document begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    section: usize,
    /// The row of the section that was written last. None: the section is not begun.
    after: Option<String>,
    /// The conversation whose messages are being written, and the last of them.
    conversation: Option<(Uuid, Uuid)>,
}

impl AccountExportService {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// The piece of the document that begins here, and where the next one does. None: that was the last.
    pub(crate) async fn read(
        &self,
        account_id: AccountId,
        place: Place,
    ) -> AppResult<(String, Option<Place>)> {
        let mut conn = self.db.get().await?;
        let Some(section) = SECTIONS.get(place.section) else { return Ok(("}\n".to_owned(), None)) };
        let (text, next) = match place.conversation {
            Some((id, after)) => {
                let messages = account_export::read_messages(&mut conn, account_id, id, after).await?;
                messages_piece(place, id, after, &messages)
            }
            None => {
                let head = head(&mut conn, section, &place).await?;
                let after = place.after.as_deref().unwrap_or(section.first);
                let rows = account_export::read(&mut conn, account_id, section, after).await?;
                let (text, next) = rows_piece(section, place, rows);
                (head + &text, next)
            }
        };
        Ok((text, Some(next)))
    }
}

/// What comes before the first row of a section, and nothing before others.
async fn head(conn: &mut Connection, section: &Section, place: &Place) -> StoreResult<String> {
    if place.after.is_some() {
        return Ok(String::new());
    }
    let before = match place.section {
        0 => format!("{{\"about\":{},\"exported_at\":{}", json!(ABOUT), json!(clock::now(conn).await?)),
        _ => String::new(),
    };
    Ok(format!("{before},\n\"{}\":[", section.name))
}

fn rows_piece(section: &Section, place: Place, rows: Vec<ExportRow>) -> (String, Place) {
    let is_last = rows.len() < usize::try_from(section.page).unwrap_or(usize::MAX);
    let mut text = list(&rows, place.after.is_none());
    if is_last {
        text.push(']');
        return (text, Place { section: place.section + 1, ..Place::default() });
    }
    let after = rows.into_iter().next_back().map(|row| row.place);
    let id = after.as_deref().and_then(|place| section.conversation(place));
    if id.is_some() {
        // The object goes on with its messages.
        text.pop();
        text.push_str(",\"messages\":[");
    }
    let conversation = id.map(|id| (id, Uuid::nil()));
    (text, Place { after, conversation, ..place })
}

fn messages_piece(place: Place, id: Uuid, after: Uuid, rows: &[ExportRow]) -> (String, Place) {
    let is_last = rows.len() < usize::try_from(MESSAGES).unwrap_or(usize::MAX);
    let mut text = list(rows, after.is_nil());
    let last = rows.last().and_then(|row| row.place.parse().ok());
    if is_last {
        text.push_str("]}");
    }
    let conversation = last.filter(|_| !is_last).map(|last| (id, last));
    (text, Place { conversation, ..place })
}

/// Rows of a list, of which the first ones are these or were written before.
fn list(rows: &[ExportRow], is_first: bool) -> String {
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        text.push_str(if is_first && index == 0 { "\n" } else { ",\n" });
        text.push_str(&row.json);
    }
    text
}
