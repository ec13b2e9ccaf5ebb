//! Reading what a provider of models says we used, from a file of its sums by day.

use app::types::Nanos;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::store::provider_usage::ProviderUsage;

/// The columns of a CSV file, in this order, and the fields of each object of a JSON array.
const COLUMNS: [&str; 8] = [
    "provider",
    "model",
    "day",
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "cost_dollars",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    provider: String,
    model: String,
    day: NaiveDate,
    requests: u32,
    input_tokens: u64,
    #[serde(default)]
    cached_input_tokens: u64,
    output_tokens: u64,
    /// As people write it.
    cost_dollars: Option<String>,
}

/// Reads CSV with a header, or a JSON array.
///
/// # Errors
/// Says what is wrong, and where.
pub fn parse(text: &str) -> Result<Vec<ProviderUsage>, String> {
    let rows: Vec<Row> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).map_err(|error| error.to_string())?,
        false => parse_csv(text)?,
    };
    rows.into_iter().map(to_usage).collect()
}

/// No column of these has a comma or a quote in it, so neither has a meaning.
fn parse_csv(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = lines.next().map(|(_, line)| line.trim()).unwrap_or_default();
    if header.split(',').map(str::trim).ne(COLUMNS) {
        return Err(format!("the first line must be {}", COLUMNS.join(",")));
    }
    lines
        .map(|(index, line)| parse_line(line).map_err(|error| format!("line {}: {error}", index + 1)))
        .collect()
}

fn parse_line(line: &str) -> Result<Row, String> {
    let fields: Vec<_> = line.split(',').map(str::trim).collect();
    let [provider, model, day, requests, input, cached, output, cost] = fields[..] else {
        return Err(format!("{} columns, not {}", fields.len(), COLUMNS.len()));
    };
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number of tokens"));
    Ok(Row {
        provider: provider.to_owned(),
        model: model.to_owned(),
        day: day.parse().map_err(|_| format!("{day} is not a day"))?,
        requests: requests.parse().map_err(|_| format!("{requests} is not a number of requests"))?,
        input_tokens: number(input)?,
        cached_input_tokens: number(cached)?,
        output_tokens: number(output)?,
        cost_dollars: (!cost.is_empty()).then(|| cost.to_owned()),
    })
}

fn to_usage(row: Row) -> Result<ProviderUsage, String> {
    let tokens = |tokens: u64| i64::try_from(tokens).map_err(|_| format!("{tokens} tokens are too many"));
    if row.cached_input_tokens > row.input_tokens {
        return Err(format!("{} of {}: more cached tokens than tokens", row.model, row.day));
    }
    let cost = row.cost_dollars.as_deref().map(Nanos::parse_dollars).transpose();
    Ok(ProviderUsage {
        requests: row.requests.into(),
        input_tokens: tokens(row.input_tokens)?,
        cached_input_tokens: tokens(row.cached_input_tokens)?,
        output_tokens: tokens(row.output_tokens)?,
        cost: cost.map_err(|error| format!("{} of {}: {error}", row.model, row.day))?,
        provider: row.provider,
        model: row.model,
        day: row.day,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "provider,model,day,requests,input_tokens,cached_input_tokens,output_tokens,cost_dollars\n\
                       openai,small,2026-11-24,3,100,40,50,0.0123\n\nanthropic,large,2026-11-25,1,7,0,8,\n";

    #[test]
    fn both_formats_say_the_same() {
        let json = r#"[
            {"provider": "openai", "model": "small", "day": "2026-11-24", "requests": 3, "input_tokens": 100,
             "cached_input_tokens": 40, "output_tokens": 50, "cost_dollars": "0.0123"},
            {"provider": "anthropic", "model": "large", "day": "2026-11-25", "requests": 1, "input_tokens": 7,
             "output_tokens": 8}
        ]"#;
        let read = parse(CSV).expect("valid");
        assert_eq!(read, parse(json).expect("valid"));
        assert_eq!((read[0].cost, read[1].cost), (Some(Nanos(12_300_000)), None));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (from, to, problem) in [
            ("provider,", "vendor,", "the first line must be provider,model,day"),
            ("2026-11-24", "yesterday", "line 2: yesterday is not a day"),
            (",7,0,8,", ",7,0,8", "line 4: 7 columns, not 8"),
            (",100,40,", ",100,400,", "small of 2026-11-24: more cached tokens than tokens"),
            ("0.0123", "much", "small of 2026-11-24: Write an amount in dollars"),
        ] {
            let error = parse(&CSV.replacen(from, to, 1)).expect_err(problem);
            assert!(error.contains(problem), "{error}");
        }
    }
}
