//! Statements written by hand that are prepared once a connection, as those of diesel's query builder are.
//! `diesel::sql_query` has them parsed and planned anew each time.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, HasSqlType};

/// A statement whose rows are of the SQL type `Row`. In its text each `$` stands for the next value.
pub(super) struct Prepared<Row> {
    text: Vec<&'static str>,
    values: Vec<Box<dyn Value>>,
    rows: PhantomData<Row>,
}

impl<Row> Prepared<Row> {
    pub(super) fn new() -> Self {
        Self { text: Vec::new(), values: Vec::new(), rows: PhantomData }
    }

    pub(super) fn sql(mut self, text: &'static str) -> Self {
        self.text.push(text);
        self
    }

    /// The values as one array.
    pub(super) fn bind_each<Type, V>(self, values: impl IntoIterator<Item = V>) -> Self
    where
        Type: Send + 'static,
        V: Send + 'static,
        Vec<V>: ToSql<Array<Type>, Pg>,
        Pg: HasSqlType<Array<Type>>,
    {
        self.bind::<Array<Type>, _>(values.into_iter().collect::<Vec<_>>())
    }

    pub(super) fn bind<Type, V>(mut self, value: V) -> Self
    where
        Type: Send + 'static,
        V: ToSql<Type, Pg> + Send + 'static,
        Pg: HasSqlType<Type>,
    {
        self.values.push(Box::new(Typed::<Type, V> { value, sql_type: PhantomData }));
        self
    }
}

trait Value: Send {
    fn push<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

struct Typed<Type, V> {
    value: V,
    sql_type: PhantomData<Type>,
}

impl<Type: Send, V: ToSql<Type, Pg> + Send> Value for Typed<Type, V>
where
    Pg: HasSqlType<Type>,
{
    fn push<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<Type, V>(&self.value)
    }
}

impl<Row> QueryFragment<Pg> for Prepared<Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut values = self.values.iter();
        for text in &self.text {
            let mut pieces = text.split('$');
            out.push_sql(pieces.next().unwrap_or_default());
            for piece in pieces {
                if let Some(value) = values.next() {
                    value.push(out.reborrow())?;
                }
                out.push_sql(piece);
            }
        }
        Ok(())
    }
}

/// Known by its text.
impl<Row> QueryId for Prepared<Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row> Query for Prepared<Row> {
    type SqlType = Row;
}
