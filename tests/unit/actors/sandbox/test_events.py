from actors.sandbox.events import REMEMBERED, EventLog


def test_events_are_numbered_and_the_oldest_forgotten() -> None:
    log = EventLog()
    for number in range(REMEMBERED + 5):
        log.add("sandbox.paused", number=number)
    assert [one.seq for one in log.after(0)] == list(range(6, REMEMBERED + 6))
    assert [one.facts["number"] for one in log.after(REMEMBERED + 3)] == [
        REMEMBERED + 3,
        REMEMBERED + 4,
    ]
