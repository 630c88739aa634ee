//! Text for people: aligned columns, paragraphs of a readable width.

/// How wide paragraphs get. Tables get as wide as they are.
const WIDTH: usize = 100;

/// Lines of cells under each other, two blanks between columns, each line behind `indent` blanks.
pub(super) fn table<const N: usize>(indent: usize, lines: &[[String; N]]) -> String {
    let widths: [usize; N] =
        std::array::from_fn(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for line in lines {
        let mut row = " ".repeat(indent);
        for (cell, width) in line.iter().zip(widths) {
            row.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// A paragraph behind `indent` blanks.
pub(super) fn paragraph(indent: usize, text: &str) -> String {
    let blanks = " ".repeat(indent);
    let options = textwrap::Options::new(WIDTH).initial_indent(&blanks).subsequent_indent(&blanks);
    textwrap::fill(text, options) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_their_text() {
        let lines = [["a", "bb", ""], ["ääää", "b", "c"]].map(|line| line.map(str::to_owned));
        assert_eq!(table(2, &lines), "  a     bb\n  ääää  b   c\n");
    }

    #[test]
    fn a_paragraph_is_broken_and_indented() {
        let text = paragraph(2, &"word ".repeat(30));
        assert!(text.lines().count() == 2 && text.lines().all(|line| line.starts_with("  w") && line.len() <= WIDTH));
    }
}
