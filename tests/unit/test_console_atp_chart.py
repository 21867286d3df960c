"""The chart of dated ATP."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from stockfold_services.api.console.atp_chart import HEIGHT, WIDTH, Day, atp_chart

FIRST = date(2026, 11, 26)


def days(*levels: tuple[int, int, int]) -> list[Day]:
    return [Day(FIRST + timedelta(days=i), *of) for i, of in enumerate(levels)]


def parsed(chart: str) -> ET.Element:
    return ET.fromstring(chart)


def test_a_name_is_text_in_the_picture() -> None:
    chart = str(atp_chart(days((1, 1, 0)), '</title><script>alert(1)</script>"'))
    assert "<script>" not in chart
    assert parsed(chart).find("title").text == '</title><script>alert(1)</script>"'


def test_every_arrival_is_marked_with_its_units_and_day() -> None:
    chart = parsed(str(atp_chart(days((5, 5, 0), (29, 5, 24), (29, 29, 0)), "t")))
    (mark,) = chart.findall("circle")
    assert mark.find("title").text == "24 units arrive on 27 Nov"


def test_the_scale_has_few_round_steps_and_holds_zero() -> None:
    chart = parsed(str(atp_chart(days((1203, 900, 0), (-40, -40, 0)), "t")))
    values = [e.text for e in chart.findall("text") if e.get("class") == "value"]
    assert values == ["-500", "0", "500", "1,000", "1,500"]


@given(
    st.lists(st.tuples(*[st.integers(-(10**12), 10**12)] * 2, st.just(0)), min_size=1, max_size=90)
)
def test_everything_lies_within_the_picture(levels: list[tuple[int, int, int]]) -> None:
    chart = str(atp_chart(days(*levels), "t"))
    for path in re.findall(r' d="([^"]*)"', chart):
        for letter, number in re.findall(r"([MVHZ ])(-?[\d.]+)", path):
            limit = HEIGHT if letter in "V " else WIDTH
            assert -0.1 <= float(number) <= limit + 0.1
    assert len(re.findall('class="value"', chart)) <= 8
