"""``report.html``, and ``evokit compare --html``: what runs found as one page, for any browser, without a server, a
network or a script.

jinja2 fills ``page.html`` and escapes all that users can write; figures are inline SVG by ``evokit.common.charts``,
whose module says why not by matplotlib. Sentences and tables are those of ``evokit.results.report``.
"""

from __future__ import annotations

from evokit.results.page.writing import check_page as check_page
from evokit.results.page.writing import comparison_text as comparison_text
from evokit.results.page.writing import page_text as page_text
from evokit.results.page.writing import write_comparison as write_comparison
from evokit.results.page.writing import write_page as write_page
from evokit.results.page.writing import written_at_the_end as written_at_the_end
