//! The words of the API's own page.

/// A command that works when it is pasted into a terminal.
pub fn curl_example(base_url: &str, model: Option<&str>) -> String {
    let model = model.unwrap_or("a-model");
    format!(
        r#"curl {base_url}/chat/completions \
  -H "Authorization: Bearer $PLUMBLINE_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"#
    )
}

#[cfg(test)]
mod tests {
    use super::curl_example;

    #[test]
    fn the_example_is_a_command_with_a_whole_request() {
        let example = curl_example("https://plumbline.example/v1", Some("everyday"));
        assert!(example.starts_with("curl https://plumbline.example/v1/chat/completions \\\n"));
        let body = example.split('\'').nth(1).unwrap_or_default();
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["model"], "everyday");
        assert_eq!(body["messages"][0]["role"], "user");
    }
}
