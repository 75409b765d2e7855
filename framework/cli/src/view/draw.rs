//! The picture itself.

use midibay::Status;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, Widget};

use super::rates::{Rates, time};
use super::roll::{Roll, Rolls};

/// A colour for each channel; channel 10, the drums, is grey.
const CHANNELS: [Color; 16] = [
    Color::Cyan,
    Color::Yellow,
    Color::Magenta,
    Color::Green,
    Color::LightBlue,
    Color::LightRed,
    Color::LightGreen,
    Color::LightMagenta,
    Color::LightYellow,
    Color::Gray,
    Color::LightCyan,
    Color::Blue,
    Color::Red,
    Color::White,
    Color::DarkGray,
    Color::Rgb(255, 160, 60),
];

/// A roll lower than this shows nothing.
const ROLL_ROWS: u16 = 7;

/// Draws everything.
pub(super) fn picture(
    frame: &mut Frame<'_>,
    statuses: &[Status],
    rates: &Rates,
    rolls: &Rolls,
    said: &[String],
) {
    let nodes: usize = statuses.iter().map(|status| status.nodes.len()).sum();
    let area = frame.area();
    let table_rows = (nodes as u16 + 1).min(area.height / 2);
    let said_rows = (said.len() as u16).min(area.height / 5);
    let [title, table, middle, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(table_rows),
        Constraint::Min(0),
        Constraint::Length(said_rows),
    ])
    .areas(area);
    frame.render_widget(headline(statuses), title);
    frame.render_widget(node_table(statuses, rates), table);
    draw_rolls(frame, middle, rolls);
    let lines: Vec<Line<'_>> =
        said.iter().rev().take(usize::from(said_rows)).rev().map(|l| Line::from(l.as_str())).collect();
    frame.render_widget(Paragraph::new(lines).style(Style::new().add_modifier(Modifier::DIM)), bottom);
}

fn headline(statuses: &[Status]) -> Line<'static> {
    let names: Vec<&str> = statuses.iter().map(|status| status.name.as_str()).collect();
    let uptime = statuses.iter().map(|status| status.uptime).fold(0.0, f64::max) as u64;
    Line::from(vec![
        Span::styled(" midibay ", Style::new().fg(Color::Black).bg(Color::Cyan)),
        Span::styled(format!(" {} ", names.join(", ")), Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(format!(" {}:{:02}:{:02} ", uptime / 3600, uptime / 60 % 60, uptime % 60)),
        Span::styled("  q ends", Style::new().add_modifier(Modifier::DIM)),
    ])
}

fn node_table(statuses: &[Status], rates: &Rates) -> Table<'static> {
    let header = Row::new(["node", "type", "health", "in/s", "out/s", "dropped", "p50", "p99"])
        .style(Style::new().add_modifier(Modifier::DIM));
    let rows = statuses.iter().flat_map(|status| {
        status.nodes.iter().map(move |node| {
            let (into, out) = rates.of(&status.name, node);
            let name =
                if statuses.len() > 1 { format!("{}/{}", status.name, node.name) } else { node.name.clone() };
            let health = match node.health {
                "ok" => Span::styled("ok", Style::new().fg(Color::Green)),
                "failed" => Span::styled(format!("failed: {}", node.reason), Style::new().fg(Color::Red)),
                other => Span::styled(format!("{other}: {}", node.reason), Style::new().fg(Color::Yellow)),
            };
            let drops: u64 = node.drops.values().sum();
            let measured = |ns: u64| if node.latency.count == 0 { String::new() } else { time(ns) };
            Row::new([
                Line::from(Span::styled(name, Style::new().add_modifier(Modifier::BOLD))),
                Line::from(node.type_name.clone()),
                Line::from(health),
                Line::from(format!("{into:.0}")),
                Line::from(format!("{out:.0}")),
                Line::from(if drops == 0 { String::new() } else { drops.to_string() }),
                Line::from(measured(node.latency.p50)),
                Line::from(measured(node.latency.p99)),
            ])
        })
    });
    let widths = [
        Constraint::Max(20),
        Constraint::Max(14),
        Constraint::Fill(1),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(7),
        Constraint::Length(7),
        Constraint::Length(7),
    ];
    Table::new(rows.collect::<Vec<_>>(), widths).header(header).column_spacing(1)
}

/// As many rolls as there is room for.
fn draw_rolls(frame: &mut Frame<'_>, area: Rect, rolls: &Rolls) {
    let list = rolls.list();
    let fitting = usize::from(area.height / ROLL_ROWS).min(list.len());
    if fitting == 0 {
        if list.is_empty() {
            frame.render_widget(Paragraph::new("nothing has passed yet").centered(), area);
        }
        return;
    }
    let areas = Layout::vertical(vec![Constraint::Fill(1); fitting]).split(area);
    for ((title, roll), area) in list.into_iter().zip(areas.iter()) {
        let last = roll.last.map_or_else(String::new, |ump| format!(" {ump} "));
        let block = Block::new()
            .borders(Borders::TOP)
            .border_style(Style::new().add_modifier(Modifier::DIM))
            .title(format!(" {title} "))
            .title(
                Line::from(format!(" {} sounding, {} events ", roll.sounding(), roll.events)).right_aligned(),
            )
            .title_bottom(last);
        let inner = block.inner(*area);
        frame.render_widget(block, *area);
        let [notes, levels] = Layout::horizontal([Constraint::Min(0), Constraint::Length(18)]).areas(inner);
        frame.render_widget(RollWidget(roll), notes);
        frame.render_widget(LevelsWidget(roll), levels);
    }
}

/// The notes: two in a cell, one above the other. Where there are more notes than room, neighbours
/// share a place.
struct RollWidget<'a>(&'a Roll);

impl Widget for RollWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let (low, high) = self.0.range();
        let places = u32::from(area.height) * 2;
        let notes = u32::from(high - low) + 1;
        // The notes of a place, counted from the top.
        let at = |column: &[u8; 128], place: u32| -> Option<Color> {
            let (from, to) = (place * notes / places, ((place + 1) * notes).div_ceil(places));
            let played = (from..to).map(|down| column[usize::from(high) - (down.min(notes - 1)) as usize]);
            played.filter(|channel| *channel > 0).max().map(|channel| CHANNELS[usize::from(channel - 1) % 16])
        };
        let shown = self.0.columns.iter().rev().take(usize::from(area.width));
        for (back, column) in shown.enumerate() {
            let x = area.right() - 1 - back as u16;
            for row in 0..area.height {
                let cell = &mut buffer[(x, area.y + row)];
                match (at(column, u32::from(row) * 2), at(column, u32::from(row) * 2 + 1)) {
                    (None, None) => {}
                    (Some(top), None) => {
                        cell.set_char('▀').set_fg(top);
                    }
                    (None, Some(bottom)) => {
                        cell.set_char('▄').set_fg(bottom);
                    }
                    (Some(top), Some(bottom)) => {
                        cell.set_char('▀').set_fg(top).set_bg(bottom);
                    }
                }
            }
        }
    }
}

/// One bar a channel.
struct LevelsWidget<'a>(&'a Roll);

impl Widget for LevelsWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        for (channel, level) in self.0.levels.iter().enumerate() {
            let x = area.x + 2 + channel as u16;
            if x >= area.right() {
                return;
            }
            let mut eighths = (level.clamp(0.0, 1.0) * f32::from(area.height) * 8.0).round() as usize;
            for row in (0..area.height).rev() {
                let part = eighths.min(8);
                eighths -= part;
                buffer[(x, area.y + row)].set_char(EIGHTHS[part]).set_fg(CHANNELS[channel]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::tap::{Place, Side};
    use midibay_plugin::{Event, Ump};

    #[test]
    fn a_note_that_passes_is_seen_with_its_place_and_its_words() {
        let mut rolls = Rolls::default();
        let place = Place { graph: 0, node: "net".into(), port: String::new(), side: Side::From };
        rolls.take(&place, &Event::new(0, Ump::note_on(0, 0, 60, 127)));
        rolls.step();
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let said = ["something was said".to_owned()];
        terminal.draw(|frame| picture(frame, &[], &Rates::default(), &rolls, &said)).unwrap();
        let buffer = terminal.backend().buffer();
        let text: String = buffer.content().iter().map(|cell| cell.symbol()).collect();
        for part in ["from net", "1 sounding, 1 events", "something was said"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        let width = usize::from(buffer.area.width);
        let notes =
            buffer.content().iter().enumerate().filter(|(_, cell)| matches!(cell.symbol(), "▀" | "▄"));
        let columns: std::collections::BTreeSet<usize> = notes.map(|(at, _)| at % width).collect();
        assert_eq!(columns.len(), 1, "one step of time is one column");
    }
}
