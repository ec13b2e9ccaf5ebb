use proptest::prelude::*;

use super::{to_blocks, to_text};

fn html(source: &str) -> String {
    to_blocks(source).concat()
}

#[test]
fn the_usual_things_are_shown() {
    assert_eq!(
        html("**a** _b_ ~~c~~ `d`"),
        "<p><strong>a</strong> <em>b</em> <del>c</del> <code>d</code></p>"
    );
    assert_eq!(html("# a"), "<h3>a</h3>");
    assert_eq!(html("3. a\n4. b"), "<ol start=\"3\"><li>a</li><li>b</li></ol>");
    assert!(html("- [x] a").contains("aria-label=\"Done:\""));
}

#[test]
fn each_top_level_block_stands_alone() {
    let blocks = to_blocks("one\n\n- two\n\n  still two\n\n---\n\n```\nthree\n```");
    assert_eq!(blocks.len(), 4, "{blocks:?}");
}

#[test]
fn blocks_before_the_last_stay_as_they_were_while_text_grows() {
    let before = to_blocks("one\n\ntwo");
    let after = to_blocks("one\n\ntwo and more\n\nthree");
    assert_eq!(before[0], after[0]);
}

#[test]
fn raw_html_is_text() {
    assert_eq!(html("a <b onclick=x>"), "<p>a &lt;b onclick=x&gt;</p>");
    assert_eq!(html("<script>alert(1)</script>"), "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
}

#[test]
fn an_image_is_a_link_and_loads_nothing() {
    let shown = html("![a cat](https://x.example/c.png)");
    assert_eq!(
        shown,
        "<p><a href=\"https://x.example/c.png\" rel=\"noopener nofollow ugc\" target=\"_blank\">a cat</a></p>"
    );
    assert!(html("[![a](https://x.example/i)](https://x.example)").matches("<a ").count() == 1);
}

#[test]
fn other_schemes_are_no_links() {
    for target in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//x.example",
        "vbscript:x",
        "/admin",
    ] {
        assert!(!html(&format!("[a]({target})")).contains("<a"), "{target}");
    }
    assert!(html("[a](HTTPS://x.example)").contains("<a"));
}

#[test]
fn a_language_cannot_leave_its_attribute() {
    assert!(html("```rust,ignore\nx\n```").contains("class=\"language-rust\""));
    assert!(html("```x\"><script>\nx\n```").contains("class=\"language-xscript\""));
}

#[test]
fn a_table_scrolls_and_has_a_body() {
    let shown = html("|a|b|\n|:-|-:|\n|1|2|");
    assert!(shown.contains("<thead><tr><th scope=\"col\">a</th>"), "{shown}");
    assert!(shown.contains("</thead><tbody><tr><td>1</td>"), "{shown}");
}

#[test]
fn the_words_alone() {
    assert_eq!(to_text("# Hi\n\nthere **you**\n\n![x](y)"), "Hi there you x");
}

/// Every tag that is written, with its attributes' names.
fn tags(html: &str) -> Vec<(String, Vec<String>)> {
    let mut tags = Vec::new();
    for part in html.split('<').skip(1) {
        let inside = part.split('>').next().unwrap_or_default().trim_start_matches('/');
        let mut outside_quotes = String::new();
        for (index, piece) in inside.split('"').enumerate() {
            if index % 2 == 0 {
                outside_quotes.push_str(piece);
            }
        }
        let mut words = outside_quotes.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        tags.push((name, words.map(|word| word.trim_end_matches('=').to_owned()).collect()));
    }
    tags
}

const TAGS: [&str; 27] = [
    "p",
    "h3",
    "h4",
    "h5",
    "h6",
    "blockquote",
    "ul",
    "ol",
    "li",
    "em",
    "strong",
    "del",
    "code",
    "pre",
    "a",
    "hr",
    "br",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "div",
    "span",
    "button",
    "input",
];
const ATTRIBUTES: [&str; 10] =
    ["href", "rel", "target", "class", "start", "tabindex", "scope", "role", "aria-label", "type"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn only_harmless_tags_and_attributes_come_out(
        source in prop::collection::vec(prop_oneof![
            Just("<script>"), Just("<img src=x onerror=alert(1)>"), Just("javascript:"), Just("data:text/html,"), Just("](")
            , Just("["), Just("!["), Just(")"), Just("\n\n"), Just("```"), Just("\""), Just("'"), Just("<"), Just(">"),
            Just("|a|\n|-|\n|"), Just("- [ ] "), Just("> "), Just("# "), Just("https://x.example/"), Just("&#106;"),
            Just("onload=x "), Just("\u{0}"), Just("style=\"x\" "), Just("`"), Just("\\"), Just("a"), Just("\t"), Just("<!--"),
        ], 0..30)
    ) {
        check(&source.concat())?;
    }

    #[test]
    fn nor_from_any_other_text(source in "\\PC{0,200}") {
        check(&source)?;
    }
}

fn check(source: &str) -> Result<(), TestCaseError> {
    let html = html(source);
    for (name, attributes) in tags(&html) {
        prop_assert!(TAGS.contains(&name.as_str()), "<{}> from {:?}", name, source);
        for attribute in attributes {
            prop_assert!(ATTRIBUTES.contains(&attribute.as_str()), "{} from {:?}", attribute, source);
        }
    }
    for target in html.split("href=\"").skip(1) {
        prop_assert!(super::is_safe(target), "{} from {:?}", target, source);
    }
    prop_assert!(!html.contains("<script") && !html.contains("<img"));
    Ok(())
}
