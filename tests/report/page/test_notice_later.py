"""A page can be told something after it was made."""

from lithiscope.report.page import Notice, PageContent, page, with_notice


def test_a_notice_stands_under_the_title_and_is_escaped() -> None:
    made = page(PageContent(title="A <study>", notices=(Notice("first"),)))
    told = with_notice(made, Notice("a & b", "error"))
    added = '<ul class="notices" aria-label="Warnings"><li class="error"><strong>Error</strong> a &amp; b</li></ul>'
    assert told.replace(added, "", 1) == made
    assert told.index("A &lt;study&gt;") < told.index(added) < told.index("first")


def test_a_file_that_is_no_page_stays_as_it_is() -> None:
    assert with_notice("something else", Notice("a")) == "something else"
