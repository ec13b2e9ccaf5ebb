//! Pages of a list.

/// Rows on a page.
const SIZE: usize = 50;

/// Rows to read for a page: one more than is shown tells whether there is another.
pub(super) const READ: i64 = SIZE as i64 + 1;

/// The page that these rows make, and the place after its last row when there are more.
pub(super) fn cut<Row, Place>(
    mut rows: Vec<Row>,
    place: impl Fn(&Row) -> Place,
) -> (Vec<Row>, Option<Place>) {
    let has_more = rows.len() > SIZE;
    rows.truncate(SIZE);
    let next = rows.last().filter(|_| has_more).map(place);
    (rows, next)
}
