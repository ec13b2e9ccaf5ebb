//! The model's markdown as HTML, safe by construction: this writer knows only harmless tags and escapes all else.

use leptos::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Shows markdown from the model. Only the blocks that change are rendered again while it grows.
#[component]
pub fn Markdown(#[prop(into)] source: Signal<String>) -> impl IntoView {
    let blocks = Memo::new(move |_| source.with(|source| to_blocks(source)));
    let numbered = move || blocks.get().into_iter().enumerate().collect::<Vec<_>>();
    view! {
        <div class="markdown">
            <For each=numbered key=|block| block.clone() let((_, html))>
                <div class="markdown-block" inner_html=html></div>
            </For>
        </div>
    }
}

/// One string of HTML for each top-level block.
pub fn to_blocks(source: &str) -> Vec<String> {
    let mut writer = Writer::default();
    for event in Parser::new_ext(source, options()) {
        writer.write(event);
    }
    writer.end_block();
    writer.blocks
}

/// The words alone, for announcing an answer.
pub fn to_text(source: &str) -> String {
    let mut text = String::new();
    for event in Parser::new_ext(source, options()) {
        match event {
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::SoftBreak | Event::HardBreak | Event::End(_) if !text.ends_with(' ') => text.push(' '),
            _ => {}
        }
    }
    text.trim().to_owned()
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

#[derive(Default)]
struct Writer {
    blocks: Vec<String>,
    html: String,
    depth: usize,
    /// For each open link or image: whether an `<a>` was written, and what to say if it holds no text.
    links: Vec<OpenLink>,
    is_in_table_head: bool,
}

struct OpenLink {
    has_anchor: bool,
    target: String,
    content_from: usize,
}

impl Writer {
    fn write(&mut self, event: Event) {
        match event {
            Event::Start(tag) => {
                self.depth += 1;
                self.start(tag);
            }
            Event::End(tag) => {
                self.end(tag);
                self.depth = self.depth.saturating_sub(1);
            }
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.escape(&text);
                self.html.push_str("</code>");
            }
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(is_done) => self.task_marker(is_done),
            // Raw HTML is shown as the text it is.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.escape(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.escape(&text)
            }
        }
        if self.depth == 0 {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        if !self.html.is_empty() {
            self.blocks.push(std::mem::take(&mut self.html));
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::CodeBlock(kind) => self.start_code(&kind),
            Tag::List(Some(first)) if first != 1 => self.html.push_str(&format!("<ol start=\"{first}\">")),
            Tag::List(first) => self.html.push_str(if first.is_some() { "<ol>" } else { "<ul>" }),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.start_link(&dest_url),
            // The wrapper takes the keyboard focus so that a wide table can be scrolled without a mouse.
            Tag::Table(_) => self.html.push_str("<div class=\"table-scroll\" tabindex=\"0\"><table>"),
            Tag::TableHead => {
                self.is_in_table_head = true;
                self.html.push_str("<thead><tr>");
            }
            Tag::TableRow => self.html.push_str("<tr>"),
            Tag::TableCell if self.is_in_table_head => self.html.push_str("<th scope=\"col\">"),
            Tag::TableCell => self.html.push_str("<td>"),
            other => self.simple(name_of(&other.to_end()), false),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock => self.html.push_str("</code></pre></div>"),
            TagEnd::List(is_ordered) => self.html.push_str(if is_ordered { "</ol>" } else { "</ul>" }),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::Table => self.html.push_str("</tbody></table></div>"),
            TagEnd::TableHead => {
                self.is_in_table_head = false;
                self.html.push_str("</tr></thead><tbody>");
            }
            TagEnd::TableRow => self.html.push_str("</tr>"),
            TagEnd::TableCell => self.html.push_str(if self.is_in_table_head { "</th>" } else { "</td>" }),
            other => self.simple(name_of(&other), true),
        }
    }

    fn simple(&mut self, name: Option<&str>, is_end: bool) {
        if let Some(name) = name {
            self.html.push_str(if is_end { "</" } else { "<" });
            self.html.push_str(name);
            self.html.push('>');
        }
    }

    fn start_code(&mut self, kind: &CodeBlockKind) {
        let language = match kind {
            CodeBlockKind::Fenced(info) => language_of(info),
            CodeBlockKind::Indented => String::new(),
        };
        let shown = if language.is_empty() { "text" } else { &language };
        self.html.push_str("<div class=\"code\"><div class=\"code-bar\"><span>");
        self.escape(shown);
        self.html.push_str(
            "</span><button type=\"button\" class=\"code-copy\">Copy</button></div><pre tabindex=\"0\"><code",
        );
        if !language.is_empty() {
            self.html.push_str(" class=\"language-");
            self.escape(&language);
            self.html.push('"');
        }
        self.html.push('>');
    }

    /// Images become links too: nothing is ever loaded from a model's answer.
    fn start_link(&mut self, target: &str) {
        let is_nested = self.links.iter().any(|link| link.has_anchor);
        let has_anchor = !is_nested && is_safe(target);
        if has_anchor {
            self.html.push_str("<a href=\"");
            self.escape(target);
            self.html.push_str("\" rel=\"noopener nofollow ugc\" target=\"_blank\">");
        }
        let content_from = self.html.len();
        self.links.push(OpenLink { has_anchor, target: target.to_owned(), content_from });
    }

    fn end_link(&mut self) {
        let Some(link) = self.links.pop() else { return };
        if self.html.len() == link.content_from {
            self.escape(&link.target);
        }
        if link.has_anchor {
            self.html.push_str("</a>");
        }
    }

    fn task_marker(&mut self, is_done: bool) {
        let (label, mark) = if is_done { ("Done:", "☑") } else { ("To do:", "☐") };
        self.html
            .push_str(&format!("<span class=\"task\" role=\"img\" aria-label=\"{label}\">{mark}</span> "));
    }

    fn escape(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                '\'' => self.html.push_str("&#39;"),
                other => self.html.push(other),
            }
        }
    }
}

/// The element of a tag that needs no attributes.
fn name_of(tag: &TagEnd) -> Option<&'static str> {
    match tag {
        TagEnd::Paragraph | TagEnd::HtmlBlock => Some("p"),
        // The page has the only h1, and an answer stands below the heading of its conversation.
        TagEnd::Heading(level) => Some(["h3", "h4", "h5", "h6", "h6", "h6"][(*level as usize - 1).min(5)]),
        TagEnd::BlockQuote(_) => Some("blockquote"),
        TagEnd::Item => Some("li"),
        TagEnd::Emphasis => Some("em"),
        TagEnd::Strong => Some("strong"),
        TagEnd::Strikethrough => Some("del"),
        _ => None,
    }
}

fn is_safe(target: &str) -> bool {
    let start: String = target.chars().take(8).collect::<String>().to_ascii_lowercase();
    ["http://", "https://", "mailto:"].iter().any(|scheme| start.starts_with(scheme))
}

fn language_of(info: &str) -> String {
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || "+-#_.".contains(*character);
    info.chars()
        .take_while(|character| !character.is_whitespace() && *character != ',')
        .filter(is_plain)
        .take(24)
        .collect()
}

#[cfg(test)]
mod tests;
