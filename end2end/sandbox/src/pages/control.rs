//! The control page: which faults are switched on, what happened, what was asked.

use crate::model::Api;
use crate::model::dice::{Counts, DiceState, EVERY_UPSTREAM, Switch};
use crate::model::fault::Fault;
use crate::model::journal::{Entry, ReplyState};
use crate::pages::{Escaped, layout};

const LONGEST_MESSAGE: usize = 120;

/// Renders the control page.
pub(crate) fn render(state: &DiceState, latest: &[Entry]) -> String {
    let body = format!(
        r#"<header>
<p class="eyebrow"><a href="/">Plumbline sandbox</a></p>
<h1>Break the models</h1>
<p>A fault that is switched on hits so many percent of the requests, by dice. A script that a test registered goes
before the dice. <a href="/control">Refresh</a> · <a href="/control/stripe">Stripe's clock and webhooks</a></p>
</header>
<section class="card">
<h2 id="on">Switched on</h2>
{}</section>
<section class="card">
<h2 id="switch">Switch a fault on</h2>
{}</section>
<section class="card">
<h2>Since the start</h2>
{}</section>
<section class="card">
<h2>Last requests</h2>
{}<p class="note"><a href="/control/model/journal">The whole journal, as JSON</a></p>
</section>"#,
        switches(state),
        form(state),
        counts(state),
        entries(latest),
    );
    layout("Break the models", &body)
}

fn switches(state: &DiceState) -> String {
    if state.switched_on.is_empty() {
        return "<p class=\"note\">Nothing: every request is answered as it should be.</p>\n".to_owned();
    }
    let rows: String = state.switched_on.iter().rev().map(switch_row).collect();
    format!(
        r#"<ul class="plain">
{rows}</ul>
<form method="post" action="/control/faults/clear" class="below"><button>Switch all off</button></form>
"#
    )
}

fn switch_row(switch: &Switch) -> String {
    let (fault, effect) = switch.fault.describe();
    format!(
        r#"<li><form method="post" action="/control/faults/switch" class="row">
<span class="who"><strong>{fault}</strong> <span class="address">{upstream}: {effect}</span></span>
<span class="badge">{percent} %</span>
<input type="hidden" name="upstream" value="{key}"><input type="hidden" name="fault" value="{fault}">
<button name="percent" value="0" aria-label="Switch {fault} off for {upstream}">Off</button>
</form></li>
"#,
        upstream = Escaped(&label(&switch.upstream)),
        percent = switch.percent,
        key = Escaped(&switch.upstream),
    )
}

fn form(state: &DiceState) -> String {
    let upstreams: String = [EVERY_UPSTREAM].into_iter().chain(state.names()).map(upstream_option).collect();
    let faults: String = Fault::ALL.into_iter().map(fault_option).collect();
    format!(
        r#"<form method="post" action="/control/faults/switch" aria-labelledby="switch">
<label>Upstream
<select name="upstream">
{upstreams}</select>
</label>
<label>or one that was not seen yet
<input name="other_upstream" maxlength="100" autocomplete="off" placeholder="NAME of the key sandbox-key-NAME">
</label>
<label>Fault
<select name="fault">
{faults}</select>
</label>
<label>Percent of the requests
<input name="percent" type="number" min="0" max="100" value="100" required inputmode="numeric">
</label>
<button class="primary">Switch on</button>
</form>
"#
    )
}

fn upstream_option(name: &str) -> String {
    format!("<option value=\"{}\">{}</option>\n", Escaped(name), Escaped(&label(name)))
}

fn fault_option(fault: Fault) -> String {
    let (name, effect) = fault.describe();
    format!("<option value=\"{name}\">{name}: {effect}</option>\n")
}

fn counts(state: &DiceState) -> String {
    if state.upstreams.is_empty() {
        return "<p class=\"note\">No request yet.</p>\n".to_owned();
    }
    let rows: String = state.upstreams.iter().map(|(name, counts)| count_row(name, counts)).collect();
    format!("<ul class=\"plain\">\n{rows}</ul>\n")
}

fn count_row(name: &str, counts: &Counts) -> String {
    let faults: Vec<String> =
        counts.faults.iter().map(|(fault, count)| format!("{} {count}", fault.describe().0)).collect();
    let faults = if faults.is_empty() { "no faults".to_owned() } else { faults.join(", ") };
    format!(
        "<li><strong>{}</strong><br><span class=\"address\">{} requests, {} by script; {faults}</span></li>\n",
        Escaped(&label(name)),
        counts.requests,
        counts.scripted,
    )
}

fn entries(latest: &[Entry]) -> String {
    if latest.is_empty() {
        return "<p class=\"note\">No request yet.</p>\n".to_owned();
    }
    let rows: String = latest.iter().map(entry_row).collect();
    format!("<ol class=\"plain\">\n{rows}</ol>\n")
}

fn entry_row(entry: &Entry) -> String {
    let api = match entry.request.api {
        Api::Openai => "OpenAI",
        Api::Anthropic => "Anthropic",
    };
    let (class, state) = match entry.state {
        ReplyState::Streaming => ("badge", "streaming"),
        ReplyState::Finished => ("badge good", "finished"),
        ReplyState::ClientGone => ("badge", "client gone"),
        ReplyState::Failed => ("badge", "failed"),
    };
    let fault = entry.fault.map(|fault| format!(" · {}", fault.describe().0)).unwrap_or_default();
    format!(
        r#"<li class="row"><span class="who"><span>{message}</span>
<span class="address">{at} · {api} · {upstream} · {model} · {chunks} chunks{fault}</span></span>
<span class="{class}">{state}</span></li>
"#,
        message = Escaped(&shortened(&entry.request.last_user_message)),
        at = entry.at.format("%H:%M:%S UTC"),
        upstream = Escaped(&label(&entry.upstream)),
        model = Escaped(&entry.request.model),
        chunks = entry.chunks_sent,
    )
}

fn label(upstream: &str) -> String {
    match upstream {
        EVERY_UPSTREAM => "every upstream".to_owned(),
        "" => "default key".to_owned(),
        name => name.to_owned(),
    }
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_on_is_shown_and_can_be_switched_off() {
        let switch = Switch { upstream: "<b>".into(), fault: Fault::Cut, percent: 30 };
        let page = render(&DiceState { switched_on: vec![switch], ..DiceState::default() }, &[]);
        assert!(page.contains("30 %") && page.contains("Switch all off"));
        assert!(page.contains(r#"value="&lt;b&gt;""#) && !page.contains("<b>"));
    }

    #[test]
    fn an_idle_sandbox_offers_the_default_key_and_every_upstream() {
        let page = render(&DiceState::default(), &[]);
        assert!(page.contains(r#"<option value="*">"#) && page.contains(r#"<option value="">"#));
        assert!(!page.contains("Switch all off"));
    }
}
