//! Both encodings, as the same spans.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1;
use prost::Message;
use serde_json::{Map, Value, json};

use super::Span;

/// The number of the protocol.
const ERROR: i64 = 2;

/// None: it is no such message.
pub(super) fn from_protobuf(body: &[u8]) -> Option<Vec<Span>> {
    let request = ExportTraceServiceRequest::decode(body).ok()?;
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource =
            of_resource.resource.map(|resource| attributes(resource.attributes)).unwrap_or_default();
        let scopes = of_resource.scope_spans.into_iter();
        spans.extend(scopes.flat_map(|scope| scope.spans).map(|span| to_span(span, &resource)));
    }
    Some(spans)
}

fn to_span(span: v1::Span, resource: &Map<String, Value>) -> Span {
    Span {
        trace_id: hex(&span.trace_id),
        span_id: hex(&span.span_id),
        parent_span_id: hex(&span.parent_span_id),
        name: span.name,
        kind: span.kind,
        start_nanos: span.start_time_unix_nano,
        end_nanos: span.end_time_unix_nano,
        is_error: span.status.is_some_and(|status| i64::from(status.code) == ERROR),
        attributes: attributes(span.attributes),
        resource: resource.clone(),
    }
}

fn attributes(pairs: Vec<KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, to_value))).collect()
}

fn to_value(value: AnyValue) -> Value {
    match value.value {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(is)) => json!(is),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        Some(Any::ArrayValue(array)) => array.values.into_iter().map(to_value).collect(),
        Some(Any::KvlistValue(list)) => attributes(list.values).into(),
        _ => Value::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The JSON mapping writes ids in hexadecimal and 64-bit numbers as texts.
pub(super) fn from_json(body: &[u8]) -> Option<Vec<Span>> {
    let request: Value = serde_json::from_slice(body).ok()?;
    let mut spans = Vec::new();
    for of_resource in request.get("resourceSpans")?.as_array()? {
        let resource = json_attributes(&of_resource["resource"]["attributes"]);
        for scope in of_resource["scopeSpans"].as_array()? {
            let of_scope = scope["spans"].as_array()?.iter();
            spans.extend(of_scope.map(|span| json_span(span, &resource)));
        }
    }
    Some(spans)
}

fn json_span(span: &Value, resource: &Map<String, Value>) -> Span {
    let text = |name: &str| span[name].as_str().unwrap_or_default().to_owned();
    let nanos = |name: &str| span[name].as_u64().or_else(|| span[name].as_str()?.parse().ok()).unwrap_or(0);
    Span {
        trace_id: text("traceId"),
        span_id: text("spanId"),
        parent_span_id: text("parentSpanId"),
        name: text("name"),
        kind: span["kind"].as_i64().and_then(|kind| kind.try_into().ok()).unwrap_or(0),
        start_nanos: nanos("startTimeUnixNano"),
        end_nanos: nanos("endTimeUnixNano"),
        is_error: span["status"]["code"].as_i64() == Some(ERROR),
        attributes: json_attributes(&span["attributes"]),
        resource: resource.clone(),
    }
}

fn json_attributes(pairs: &Value) -> Map<String, Value> {
    let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), json_value(&pair["value"])));
    pairs.as_array().into_iter().flatten().filter_map(pair).collect()
}

fn json_value(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => {
            inner.as_str().and_then(|text| text.parse::<i64>().ok()).map_or(inner.clone(), Value::from)
        }
        "arrayValue" => inner["values"].as_array().into_iter().flatten().map(json_value).collect(),
        "kvlistValue" => json_attributes(&inner["values"]).into(),
        _ => inner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

    use super::*;

    #[test]
    fn both_encodings_tell_the_same() {
        let key_value = |key: &str, value| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        };
        let span = v1::Span {
            trace_id: vec![0xab; 16],
            span_id: vec![1; 8],
            name: "a part".to_owned(),
            kind: 1,
            start_time_unix_nano: 5,
            end_time_unix_nano: 7,
            attributes: vec![key_value("tokens", Any::IntValue(3)), key_value("is", Any::BoolValue(true))],
            ..v1::Span::default()
        };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
        let protobuf = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let json = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
            "traceId": "ab".repeat(16), "spanId": "01".repeat(8), "name": "a part", "kind": 1,
            "startTimeUnixNano": "5", "endTimeUnixNano": "7",
            "attributes": [
                { "key": "tokens", "value": { "intValue": "3" } },
                { "key": "is", "value": { "boolValue": true } },
            ],
        }] }] }] });
        let told = |spans: Option<Vec<Span>>| json!(spans.expect("spans"));
        assert_eq!(told(from_protobuf(&protobuf)), told(from_json(json.to_string().as_bytes())));
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        assert!(from_json(b"{}").is_none() && from_json(b"no json").is_none());
        assert!(from_protobuf(b"no protobuf").is_none());
    }
}
