//! How PostgreSQL goes about the statements of a server, as it says itself: `auto_explain` sends the plan of each statement
//! to whoever runs it, and a proxy listens.

use serde_json::Value;

use crate::support::{Proxy, TestApp};

/// Tells the plan of whatever is run from the next connection on. A table is read whole only where no index would do: how
/// large it is here says nothing of how large it becomes.
const TELL: [(&str, &str); 6] = [
    ("session_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_format", "json"),
    ("auto_explain.log_level", "notice"),
    ("client_min_messages", "notice"),
    ("enable_seqscan", "off"),
];

pub(super) async fn tell_plans(app: &TestApp) {
    let name: String = app.database().rows("select current_database()::text").await[0].get(0);
    for (setting, value) in TELL {
        app.database().execute(&format!("alter database \"{name}\" set {setting} = '{value}'")).await;
    }
}

/// The plans that were told since this was last asked.
pub(super) fn told(proxy: &Proxy) -> Vec<Value> {
    let answers = proxy.answers();
    let plan = |text: &[u8]| {
        let text = std::str::from_utf8(text).ok()?;
        let (_, plan) = text.strip_prefix('M')?.split_once("plan:\n")?;
        Some(serde_json::from_str(plan).expect("a plan"))
    };
    answers.iter().flat_map(|answers| answers.split(|byte| *byte == 0)).filter_map(plan).collect()
}

/// Tables that a plan reads whole.
pub(super) fn read_whole(plan: &Value) -> Vec<&str> {
    let mut tables = Vec::new();
    let mut nodes = vec![&plan["Plan"]];
    while let Some(node) = nodes.pop() {
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
        if node["Node Type"] == "Seq Scan" {
            tables.extend(node["Relation Name"].as_str());
        }
    }
    tables
}
