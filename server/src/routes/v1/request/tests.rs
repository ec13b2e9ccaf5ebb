use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::services::generation::{Speaker, ToolChoice};

/// The completion that a body comes down to, or what is wrong with it.
fn read(body: &Value) -> Result<Completion, (String, Value)> {
    let id = Uuid::now_v7();
    let generation = ChatRequest::parse(body.to_string().as_bytes())
        .and_then(|request| request.into_generation(ClientRequestId(id), ApiKeyId(id)));
    match generation {
        Ok(GenerationRequest { asked: Asked::ByProgram(completion), .. }) => Ok(*completion),
        Ok(_) => panic!("a program asks"),
        Err(error) => {
            let error = serde_json::to_value(error).expect("JSON");
            Err((error["message"].as_str().unwrap_or_default().to_owned(), error["param"].clone()))
        }
    }
}

fn asking(fields: Value) -> Value {
    let mut body = json!({ "model": "swift", "messages": [{ "role": "user", "content": "Hi" }] });
    let (Some(body_fields), Value::Object(fields)) = (body.as_object_mut(), fields) else {
        panic!("objects")
    };
    body_fields.extend(fields);
    body
}

fn refused(fields: Value) -> Value {
    read(&asking(fields)).err().expect("a refusal").1
}

#[test]
fn instructions_stand_apart_and_parts_of_text_are_one() {
    let parts = json!([{ "type": "text", "text": "Hi" }, { "type": "text", "text": " there" }]);
    let completion = read(&asking(json!({ "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "developer", "content": "No lists." },
        { "role": "assistant", "content": "Yes?", "reasoning_content": "Hm.", "refusal": null, "parsed": { "a": 1 } },
        { "role": "assistant", "content": "" },
        { "role": "user", "content": parts, "name": "ada" },
    ] })))
    .expect("a completion");
    assert_eq!(completion.instructions.as_deref(), Some("Be brief.\n\nNo lists."));
    let said: Vec<_> = completion.turns.iter().map(|turn| (turn.speaker, turn.text.as_str())).collect();
    assert_eq!(said, [(Speaker::Assistant, "Yes?"), (Speaker::User, "Hi there")]);
}

#[test]
fn what_clients_send_out_of_habit_changes_nothing() {
    let habits = json!({
        "n": 1, "stream": true, "stream_options": { "include_usage": true }, "presence_penalty": 0,
        "frequency_penalty": 0.0, "logit_bias": {}, "logprobs": false, "top_logprobs": null, "tools": [],
        "tool_choice": "auto", "response_format": { "type": "text" }, "modalities": ["text"], "user": "u-1",
        "metadata": { "job": "7" }, "stop": "END", "temperature": 0, "top_p": 1,
    });
    let sampling = read(&asking(habits)).expect("a completion").sampling;
    assert_eq!(sampling, Sampling { temperature: Some(0.0), top_p: Some(1.0), stop: vec!["END".to_owned()] });
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    for (name, value) in [
        ("n", json!(2)),
        ("functions", json!([{ "name": "f" }])),
        ("logprobs", json!(true)),
        ("seed", json!(7)),
        ("reasoning_effort", json!("low")),
        ("modalities", json!(["text", "audio"])),
        ("unheard_of", json!("yes")),
    ] {
        assert_eq!(refused(json!({ name: value })), name);
    }
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    assert_eq!(refused(json!({ "temperature": 2.1 })), "temperature");
    assert_eq!(refused(json!({ "top_p": -0.1 })), "top_p");
    assert_eq!(refused(json!({ "max_tokens": 0 })), "max_tokens");
    assert_eq!(refused(json!({ "stop": ["a", "b", "c", "d", "e"] })), "stop");
    assert_eq!(refused(json!({ "messages": [] })), "messages");
    let messages = |role: &str, content: Value| json!({ "messages": [{ "role": role, "content": content }] });
    assert_eq!(refused(messages("assistant", json!("Hi"))), "messages");
    assert_eq!(refused(messages("robot", json!("42"))), "messages[0].role");
    assert_eq!(refused(messages("user", json!(" "))), "messages[0].content");
    assert_eq!(refused(messages("user", json!(null))), "messages[0].content");
    let picture = json!([{ "type": "image_url", "image_url": { "url": "data:," } }]);
    assert_eq!(refused(messages("user", picture)), "messages[0].content");
}

#[test]
fn tools_their_calls_and_results_are_read() {
    let completion = read(&asking(json!({
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
        "tool_choice": "required",
        "parallel_tool_calls": false,
        "messages": [
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } },
                { "id": "c2", "type": "function", "function": { "name": "f", "arguments": "" } },
                { "id": "c3", "type": "function", "function": { "name": "f", "arguments": "{\"cut" } },
            ] },
            { "role": "tool", "tool_call_id": "c3", "content": "These are no arguments." },
            { "role": "tool", "tool_call_id": "c2", "content": "" },
            { "role": "tool", "tool_call_id": "c1", "content": [{ "type": "text", "text": "42" }] },
        ],
    })))
    .expect("a completion");
    assert_eq!(completion.tools.functions[0].name, "f");
    assert_eq!((completion.tools.choice, completion.tools.is_parallel), (ToolChoice::Required, Some(false)));
    let calls: Vec<_> = completion.turns[1].tool_calls.iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(calls, ["{\"a\":1}", "{}", r#"{"unreadable":"{\"cut"}"#]);
    let results: Vec<_> =
        completion.turns[2..].iter().map(|turn| (turn.tool_call_id.as_deref(), turn.text.as_str())).collect();
    assert_eq!(results[1..], [(Some("c2"), ""), (Some("c1"), "42")]);
}

#[test]
fn tools_that_no_provider_takes_are_told_with_their_place() {
    let tools = |tool: Value| json!({ "tools": [tool] });
    let function = |fields: Value| tools(json!({ "type": "function", "function": fields }));
    assert_eq!(refused(tools(json!({ "type": "web_search" }))), "tools[0]");
    assert_eq!(refused(function(json!({ "name": "two words" }))), "tools[0].function.name");
    assert_eq!(refused(function(json!({ "name": "f", "parameters": [] }))), "tools[0].function.parameters");
    for choice in
        [json!("required"), json!("perhaps"), json!({ "type": "function", "function": { "name": "g" } })]
    {
        assert_eq!(refused(json!({ "tool_choice": choice })), "tool_choice");
    }
    let call = |arguments: &str| json!({ "id": "c1", "function": { "name": "f", "arguments": arguments } });
    let asked = json!({ "role": "user", "content": "Hi" });
    let called = |call: Value| json!({ "role": "assistant", "tool_calls": [call] });
    let result = json!({ "role": "tool", "tool_call_id": "c1", "content": "42" });
    for (messages, place) in [
        (
            json!([asked, { "role": "assistant", "tool_calls": [{ "id": "c1" }] }, result]),
            "messages[1].tool_calls[0]",
        ),
        (json!([asked, called(call("{}")), asked]), "messages"),
        (json!([asked, called(call("{}"))]), "messages"),
        (json!([asked, result]), "messages"),
        (json!([asked, { "role": "tool", "content": "42" }]), "messages[1].tool_call_id"),
    ] {
        assert_eq!(refused(json!({ "messages": messages })), place);
    }
}

#[test]
fn json_is_wanted_with_a_schema_or_without() {
    let wanted = |format: Value| read(&asking(json!({ "response_format": format }))).map(|read| read.json);
    assert!(matches!(wanted(json!({ "type": "text" })), Ok(None)));
    assert!(matches!(wanted(json!({ "type": "json_object" })), Ok(Some(JsonFormat::Object))));
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": {} } });
    assert!(matches!(wanted(schema), Ok(Some(JsonFormat::Schema(_)))));
    for schema in [json!(null), json!({ "name": "answer" }), json!({ "name": "answer", "schema": true })] {
        let format = json!({ "type": "json_schema", "json_schema": schema });
        assert_eq!(refused(json!({ "response_format": format })), "response_format");
    }
    assert_eq!(refused(json!({ "response_format": { "type": "grammar" } })), "response_format");
}
