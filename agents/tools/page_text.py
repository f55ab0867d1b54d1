"""The text of a page, for a model to read. Pure, and slow on large pages: call it in a thread."""

import re

from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

_WITHOUT_WORDS = ("script", "style", "noscript", "template", "svg", "iframe", "nav", "footer", "form")
_EMPTY_LINES = re.compile(r"\n\s*\n\s*")


def text_of_html(html: str) -> str:
    """The page as Markdown: its title, headings, paragraphs, lists, tables and links.

    Args:
        html: The page; it may be broken in any way.

    Raises:
        ValueError: It is nested too deep to be read.
    """
    try:
        page = BeautifulSoup(html, "html.parser")
        title = page.title.get_text(strip=True) if page.title else ""
        for tag in page(_WITHOUT_WORDS):
            tag.decompose()
        main = page.find("main") or page.find("article") or page.body or page
        text = MarkdownConverter(heading_style="ATX", strip=["img"]).convert_soup(main)
    except RecursionError as error:
        raise ValueError("the page is nested too deep") from error
    body = _EMPTY_LINES.sub("\n\n", text).strip()
    return f"# {title}\n\n{body}" if title and not body.startswith(f"# {title}") else body
