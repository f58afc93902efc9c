"""Texts to try: a few for every task, written for the app."""

from zoo.files import csv_text

_EXAMPLES: dict[str, list[str]] = {
    "feedback": [
        "The parcel came two weeks late and the mug inside was cracked, but your support team answered within "
        "minutes and sent the money back the same day.",
        "Great value, sturdy and beautifully made. I would love to see it in green as well.",
        "Does the warranty cover the battery, and how much would a replacement cost?",
    ],
    "go_emotions": [
        "I can't believe you drove all night just to surprise her. Thank you so much, I'm crying happy tears.",
        "Wait, so nobody told him the meeting was cancelled? That is so unfair.",
        "Not sure what to make of this ending, but I can't stop thinking about it.",
    ],
    "sst2": [
        "a slow start, a stunning finish, and two leads you would follow anywhere.",
        "it is never quite funny enough to forgive how long it is.",
        "not bad at all, and that is more than its trailer promised.",
    ],
    "reuters21578": [
        "The central bank raised its discount rate by half a point to defend the currency after a wider trade deficit.",
        "Wheat and corn exports fell last month as farmers held back grain in hope of better prices.",
        "The company said net profit rose to 4.2 mln dlrs and it will acquire a smaller rival.",
    ],
    "duee_event_types": [
        "昨晚的决赛中，主队以三比一夺冠，教练赛后宣布辞职。",
        "该公司今日在港交所上市，并宣布完成新一轮融资。",
        "一辆货车在高速上起火，所幸没有人员伤亡。",
    ],
    "chnsenticorp": [
        "房间干净，前台热情，早餐种类很多，下次还会住这里。",
        "屏幕不错，但是用了两天就死机，客服也一直没有回复。",
        "书的内容一般，不过包装很好，送货也快。",
    ],
    "feedback_zh": [
        "快递晚了一个星期，杯子还碎了，不过客服很快就退了款。",
        "性价比很高，做工也好，希望能出绿色款。",
        "请问保修包括电池吗？更换要多少钱？",
    ],
}
# Labels of each example, as a person would set them.
_GOLD: dict[str, list[str]] = {
    "feedback": ["delivery|quality|service|refund", "price|quality|praise|suggestion", "price|question"],
    "go_emotions": ["gratitude|joy|surprise", "annoyance|surprise", "confusion"],
    "sst2": ["positive", "negative", "positive"],
    "reuters21578": ["interest|money-fx|trade", "corn|grain|wheat", "acq|earn"],
    "duee_event_types": ["竞赛行为-夺冠|组织关系-辞/离职", "财经/交易-上市|财经/交易-融资", "灾害/意外-起火"],
    "chnsenticorp": ["positive", "negative", "positive"],
    "feedback_zh": ["delivery|quality|service|refund", "price|quality|praise|suggestion", "price|question"],
}
_ANY = [
    "The parcel came late, but the people who answered my letter were kind and quick.",
    "I did not expect much, and it is the best thing that I have bought this year.",
    "How long does it take, and what does it cost?",
]


def examples_for(task: str) -> list[str]:
    """Return the example texts of `task`; for a user's own task, general ones."""
    return _EXAMPLES.get(task, _ANY)


def sample_files() -> dict[str, str]:
    """Return a small CSV file for the Batch tab by task, with gold labels; "" has texts alone, for any other task."""
    return {"": csv_text([["text"], *([text] for text in _ANY)])} | {
        task: csv_text([["text", "labels"], *zip(texts, _GOLD[task], strict=True)]) for task, texts in _EXAMPLES.items()
    }


def is_example(text: str) -> bool:
    """Return whether `text` is an example of some task, not a text of the user's own."""
    return text in all_examples()


def all_examples() -> list[str]:
    """Return the examples of all tasks."""
    return [text for texts in (*_EXAMPLES.values(), _ANY) for text in texts]
