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
        "metadata": { "job": "7" }, "prompt_cache_retention": "24h", "reasoning_effort": null,
        "prediction": { "type": "content", "content": "x" }, "stop": "END", "temperature": 0, "top_p": 1,
    });
    let sampling = read(&asking(habits)).expect("a completion").sampling;
    let stop = vec!["END".to_owned()];
    let wanted = Sampling { temperature: Some(0.0), top_p: Some(1.0), stop, ..Sampling::default() };
    assert_eq!(sampling, wanted);
}

#[test]
fn what_is_not_done_is_refused_by_name() {
    for (name, value) in [
        ("n", json!(2)),
        ("functions", json!([{ "name": "f" }])),
        ("logprobs", json!(true)),
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
    assert_eq!(refused(json!({ "frequency_penalty": 2.1 })), "frequency_penalty");
    assert_eq!(refused(json!({ "presence_penalty": -2.1 })), "presence_penalty");
    assert_eq!(refused(json!({ "reasoning_effort": "heroic" })), "reasoning_effort");
    assert_eq!(refused(json!({ "verbosity": "none" })), "verbosity");
    assert_eq!(refused(json!({ "max_tokens": 0 })), "max_tokens");
    assert_eq!(refused(json!({ "max_completion_tokens": -1 })), "max_completion_tokens");
    for stop in [json!(["a", "b", "c", "d", "e"]), json!([""]), json!([7]), json!({ "at": "END" })] {
        assert_eq!(refused(json!({ "stop": stop })), "stop");
    }
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
fn what_cannot_be_read_is_told_with_its_place_in_words_of_ours() {
    let user = json!({ "role": "user", "content": "Hi" });
    let call = json!({ "id": "c1", "function": { "name": "f", "arguments": { "a": 1 } } });
    for (fields, place) in [
        (json!({ "messages": [user, { "role": "user", "content": 7 }] }), "messages[1].content"),
        (json!({ "messages": [{ "role": "user", "content": ["Hi"] }] }), "messages[0].content"),
        (json!({ "messages": [{ "role": "user", "content": [{ "type": "text" }] }] }), "messages[0].content"),
        (json!({ "messages": [{ "role": 7, "content": "Hi" }] }), "messages[0].role"),
        (json!({ "messages": [{ "content": "Hi" }] }), "messages[0]"),
        (json!({ "messages": "Hi" }), "messages"),
        (
            json!({ "messages": [user, { "role": "assistant", "tool_calls": [call] }] }),
            "messages[1].tool_calls[0].function.arguments",
        ),
        (json!({ "tools": [{ "type": "function", "function": { "name": 7 } }] }), "tools[0].function.name"),
        (json!({ "temperature": "hot" }), "temperature"),
        (json!({ "seed": 1.5 }), "seed"),
        (json!({ "max_tokens": "many" }), "max_tokens"),
        (json!({ "stream": "yes" }), "stream"),
    ] {
        let (message, param) = read(&asking(fields)).err().expect("a refusal");
        assert_eq!(param, place, "{message}");
        assert!(!message.contains("untagged"), "{message}");
    }
    let long = json!({ "messages": "x".repeat(10_000) });
    assert!(read(&asking(long)).err().expect("a refusal").0.len() < 300, "it is not sent back");
    for body in ["", "{", "[]", r#"{"model": "swift"}"#, r#"{"model": "a", "messages": []} {}"#] {
        let error = serde_json::to_value(ChatRequest::parse(body.as_bytes()).err()).expect("JSON");
        let told = (error["type"].as_str(), &error["param"]);
        assert_eq!(told, (Some("invalid_request_error"), &Value::Null), "{body}");
    }
}

#[test]
fn hints_at_how_to_answer_are_passed_on() {
    let hints = json!({
        "frequency_penalty": 0.5, "presence_penalty": -2, "seed": -7, "reasoning_effort": "minimal",
        "verbosity": "low",
    });
    let wanted = Sampling {
        frequency_penalty: Some(0.5),
        presence_penalty: Some(-2.0),
        seed: Some(-7),
        reasoning_effort: Some("minimal"),
        verbosity: Some("low"),
        ..Sampling::default()
    };
    assert_eq!(read(&asking(hints)).expect("a completion").sampling, wanted);
}

#[test]
fn blank_instructions_are_none_and_without_anything_else_they_are_the_question() {
    let told = |messages: Value| {
        let completion = read(&asking(json!({ "messages": messages }))).expect("a completion");
        let said: Vec<_> = completion.turns.iter().map(|turn| (turn.speaker, turn.text.clone())).collect();
        (completion.instructions, said)
    };
    let said = |role: &str, content: Value| json!({ "role": role, "content": content });
    let asked = |text: &str| vec![(Speaker::User, text.to_owned())];
    let hi = said("user", json!("Hi"));
    assert_eq!(
        told(json!([said("system", json!(" ")), said("developer", json!(null)), hi])),
        (None, asked("Hi"))
    );
    let alone = json!([said("system", json!("Name a city.")), said("developer", json!("One word."))]);
    assert_eq!(told(alone), (None, asked("Name a city.\n\nOne word.")));
    assert_eq!(refused(json!({ "messages": [said("system", json!(""))] })), "messages");
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
